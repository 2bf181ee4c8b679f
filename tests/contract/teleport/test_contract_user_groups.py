from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport_okta.model.access import TeleportUserGroup
from teleport_okta.model.labels import GROUP_ID, ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.sandbox.teleport import Fault, ListingLag
from teleport_okta.teleport.teleport_errors import AlreadyExistsError, NotFoundError

if TYPE_CHECKING:
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

LAGGING = pytest.mark.parametrize("listing_lag", [ListingLag.observed()], ids=["lagging"])
UNKNOWN_FIELD = b"\xfa\x3e\x05later"
LABELS = {OWNER: "00o1", GROUP_ID: "00g1", ORIGIN: ORIGIN_OKTA}
BLUE = TeleportUserGroup("00g1", LABELS, ("okta-wiki", "okta-mail"))


async def test_the_life_of_a_user_group(teleport: Teleport) -> None:
    groups = teleport.user_groups
    assert await groups.create(BLUE) == BLUE
    with pytest.raises(AlreadyExistsError):
        await groups.create(BLUE)
    [listed] = await groups.list()
    assert listed == BLUE

    fewer = replace(listed, applications=("okta-wiki",), labels={**LABELS, "team": "blue"})
    assert await groups.update(fewer) == fewer
    assert await groups.list() == [fewer]

    [listed] = await groups.list()
    assert await groups.delete(listed)
    assert not await groups.delete(listed)
    assert await groups.list() == []


@pytest.mark.parametrize("count", [199, 200, 201, 450])
async def test_a_listing_that_repeats_itself_ends_and_shows_everybody_once(
    teleport: Teleport, sandbox: TeleportSandbox, count: int
) -> None:
    for number in range(count):
        sandbox.administrator.resources.create_user_group(f"g{number:03}")

    names = [group.name for group in await teleport.user_groups.list()]

    assert names == [f"g{number:03}" for number in range(count)]


async def test_no_group_is_ever_read_by_name(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    created = await teleport.user_groups.create(BLUE)
    await teleport.user_groups.update(replace(created, applications=()))
    await teleport.user_groups.delete(created)

    assert sandbox.calls.of("GetUserGroup") == 0


async def test_a_group_that_is_gone_cannot_be_changed(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    created = await teleport.user_groups.create(BLUE)
    sandbox.administrator.resources.delete_user_group(BLUE.name)

    with pytest.raises(NotFoundError):
        await teleport.user_groups.update(created)


async def test_a_group_that_was_never_listed_is_not_touched(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    with pytest.raises(AssertionError):
        await teleport.user_groups.update(BLUE)
    with pytest.raises(AssertionError):
        await teleport.user_groups.delete(BLUE)
    assert sandbox.calls.of("UpdateUserGroup") == sandbox.calls.of("DeleteUserGroup") == 0


async def test_what_we_do_not_know_of_a_group_survives_our_update(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.resources.create_user_group(BLUE.name, labels=LABELS)
    message = sandbox.cluster.user_groups.stored(BLUE.name)
    assert message is not None
    message.MergeFromString(UNKNOWN_FIELD)
    message.Spec.MergeFromString(UNKNOWN_FIELD)
    sandbox.cluster.user_groups.upsert(message)

    [listed] = await teleport.user_groups.list()
    await teleport.user_groups.update(replace(listed, applications=("okta-mail",)))

    stored = sandbox.cluster.user_groups.stored(BLUE.name)
    assert stored is not None
    assert stored.Spec.Applications == ["okta-mail"]
    assert stored.SerializeToString().count(UNKNOWN_FIELD) == 2


@LAGGING
async def test_our_own_writes_win_over_listings_that_lag_behind(teleport: Teleport) -> None:
    created = await teleport.user_groups.create(BLUE)
    assert await teleport.user_groups.list() == [created]


@LAGGING
async def test_our_own_deletion_wins_over_a_listing_that_lags_behind(
    teleport: Teleport, sandbox: TeleportSandbox
) -> None:
    sandbox.administrator.resources.create_user_group(BLUE.name, labels=LABELS)
    sandbox.cluster.user_groups.reload_cache()
    [listed] = await teleport.user_groups.list()

    await teleport.user_groups.delete(listed)

    assert await teleport.user_groups.list() == []


async def test_a_lost_answer_to_a_creation_is_looked_into(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.faults.add(Fault("*/CreateUserGroup", code=grpc.StatusCode.UNAVAILABLE, applied=True, count=1))

    assert await teleport.user_groups.create(BLUE) == BLUE
    assert sandbox.calls.of("CreateUserGroup") == 1
