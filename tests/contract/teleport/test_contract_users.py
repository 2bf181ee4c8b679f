from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from hands import edit_user
from teleport_clients import connect
from teleport_okta.model.labels import OKTA_ID, ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.model.teleport import ConnectorRef, TeleportUser
from teleport_okta.sandbox.teleport import Fault, ListingLag
from teleport_okta.teleport.identity_router import BotIdentityNeededError
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    MissingRoleError,
    PermissionDeniedError,
    RevisionConflictError,
    UnavailableError,
)

if TYPE_CHECKING:
    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.identity import Identity

LAGGING = pytest.mark.parametrize("listing_lag", [ListingLag.observed()], ids=["lagging"])
UNKNOWN_FIELD = b"\xfa\x3e\x05later"
ADA = TeleportUser(
    name="ada@example.com",
    labels={OWNER: "00o1", OKTA_ID: "00u1", ORIGIN: ORIGIN_OKTA},
    roles=("access",),
    traits={"okta/login": ("ada@example.com",), "okta/firstName": ("Ada 🦋",)},
    connector=ConnectorRef("saml", "okta", "ada@example.com"),
)


def content(user: TeleportUser | None) -> TeleportUser:
    assert user is not None
    return replace(user, revision="", raw=None)


async def test_the_life_of_a_user(teleport: Teleport) -> None:
    created = await teleport.users.create(ADA)
    assert content(created) == content(await teleport.users.get(ADA.name)) == ADA

    updated = await teleport.users.update(replace(created, traits={"okta/login": ("ada@new",)}))
    assert updated.revision != created.revision
    assert content(await teleport.users.get(ADA.name)) == content(updated)

    assert await teleport.users.delete(ADA)
    assert not await teleport.users.delete(ADA)
    assert await teleport.users.get(ADA.name) is None


async def test_a_saml_login_takes_the_user_over(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    await teleport.users.create(ADA)

    sandbox.administrator.sso_login(ADA.name, groups=["Everyone"])

    user = await teleport.users.get(ADA.name)
    assert user is not None
    assert user.traits["groups"] == ("Everyone",)
    assert (user.labels, user.connector) == (ADA.labels, ADA.connector)


async def test_a_login_that_replaced_the_record_reads_as_expiring_and_bare(
    teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    await teleport.users.create(ADA)

    sandbox.administrator.sso_login(ADA.name, merge=False, session=3600)

    user = await teleport.users.get(ADA.name)
    assert user is not None
    assert user.labels == {}
    assert user.expires is not None
    assert user.expires - clock.now() <= timedelta(hours=1)


async def test_an_expiry_is_cleared_in_both_places(
    teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    temporary = await teleport.users.create(replace(ADA, expires=clock.now() + timedelta(hours=1)))

    await teleport.users.update(replace(temporary, expires=None))

    clock.advance(7200)
    assert content(await teleport.users.get(ADA.name)) == ADA


async def test_fields_that_we_do_not_know_survive_an_update(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    created = await teleport.users.create(ADA)
    message = sandbox.cluster.users.stored(ADA.name)
    assert message is not None
    newer = type(message).FromString(message.SerializeToString())
    newer.Spec.MergeFromString(UNKNOWN_FIELD)
    newer.Spec.TrustedDeviceIDs.append("laptop")
    sandbox.cluster.users.upsert(newer)

    user = await teleport.users.get(ADA.name)
    assert user is not None
    await teleport.users.update(replace(user, roles=(), labels={**created.labels, "team": "blue"}))

    stored = sandbox.cluster.users.stored(ADA.name)
    assert stored is not None
    assert list(stored.Spec.TrustedDeviceIDs) == ["laptop"]
    assert UNKNOWN_FIELD in stored.Spec.SerializeToString()
    assert stored.Metadata.Labels["team"] == "blue"


async def test_every_page_of_a_listing_is_read(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    names = {f"user-{number:04}" for number in range(2100)}
    for name in names:
        sandbox.administrator.create_user(name)
    sandbox.calls.reset()

    listed = {user.name for user in await teleport.users.list()}

    assert names <= listed
    assert sandbox.calls.of("ListUsers") == 3


@LAGGING
async def test_listings_that_lag_show_our_own_writes(teleport: Teleport, clock: VirtualClock) -> None:
    created = await teleport.users.create(ADA)
    assert created in await teleport.users.list()

    clock.advance(5)
    updated = await teleport.users.update(replace(created, roles=()))
    assert updated in await teleport.users.list()

    clock.advance(5)
    await teleport.users.delete(ADA)
    assert ADA.name not in {user.name for user in await teleport.users.list()}


@LAGGING
async def test_somebody_elses_later_write_is_not_hidden_by_ours(
    teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    await teleport.users.create(ADA)
    edit_user(sandbox.administrator, ADA.name, roles=[])
    clock.advance(2)

    assert [user.roles for user in await teleport.users.list() if user.name == ADA.name] == [()]


async def test_a_name_that_is_taken_is_a_conflict(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_user(ADA.name)

    with pytest.raises(AlreadyExistsError):
        await teleport.users.create(ADA)


async def test_an_update_of_an_older_reading_is_a_conflict(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    created = await teleport.users.create(ADA)
    edit_user(sandbox.administrator, ADA.name, traits={"team": ["blue"]})

    with pytest.raises(RevisionConflictError):
        await teleport.users.update(replace(created, roles=()))


async def test_an_update_of_somebody_deleted_is_a_conflict(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    created = await teleport.users.create(ADA)
    sandbox.administrator.delete_user(ADA.name)

    with pytest.raises(RevisionConflictError):
        await teleport.users.update(created)


async def test_a_role_that_does_not_exist_is_named(teleport: Teleport) -> None:
    with pytest.raises(MissingRoleError, match="no-such-role"):
        await teleport.users.create(replace(ADA, roles=("no-such-role",)))


async def test_a_name_that_teleport_refuses_is_invalid(teleport: Teleport) -> None:
    with pytest.raises(InvalidArgumentError, match="special characters"):
        await teleport.users.create(replace(ADA, name="o'neil@example.com"))


async def test_names_are_long_and_told_apart_by_case(teleport: Teleport) -> None:
    for name in ("a" * 1000, "Ada@example.com", "ada@example.com"):
        await teleport.users.create(replace(ADA, name=name))

    assert len([user for user in await teleport.users.list() if user.labels.get(OWNER)]) == 3


async def test_nobody_can_be_moved_to_the_origin_of_okta(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_user("eve")
    eve = await teleport.users.get("eve")
    assert eve is not None

    with pytest.raises(PermissionDeniedError):
        await teleport.users.update(replace(eve, labels=ADA.labels))
    with pytest.raises(PermissionDeniedError):
        await teleport.users.delete(replace(eve, labels=ADA.labels))


async def test_a_user_of_another_origin_is_changed_as_the_bot(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_user("eve")
    sandbox.administrator.add_mfa_device("eve")
    eve = await teleport.users.get("eve")
    assert eve is not None

    changed = await teleport.users.update(replace(eve, labels={OWNER: "00oORG"}))
    assert changed.labels == {OWNER: "00oORG"}
    assert sandbox.administrator.mfa_devices("eve") == ["phone"]
    assert await teleport.users.delete(changed)


async def test_without_a_bot_a_user_of_another_origin_cannot_be_changed(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock
) -> None:
    sandbox.administrator.create_user("eve")
    async with await connect(sandbox.address, host=host, clock=clock) as alone:
        eve = await alone.users.get("eve")
        assert eve is not None
        with pytest.raises(BotIdentityNeededError, match=r"'eve'.*teleport\.identity"):
            await alone.users.delete(eve)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("*/CreateUser", code=grpc.StatusCode.UNAVAILABLE, applied=True, count=1),
        Fault("*/CreateUser", reset=True, applied=True, count=1),
        Fault("*/CreateUser", code=grpc.StatusCode.DEADLINE_EXCEEDED, applied=True, count=1),
        Fault("*/CreateUser", reset=True, count=2),
    ],
    ids=["answer lost", "connection lost after", "deadline passed after", "connection lost before"],
)
async def test_a_create_happens_once_whatever_gets_lost(
    teleport: Teleport, sandbox: TeleportSandbox, fault: Fault
) -> None:
    sandbox.faults.add(replace(fault))

    created = await teleport.users.create(ADA)

    stored = sandbox.cluster.users.stored(ADA.name)
    assert stored is not None
    assert stored.Metadata.Revision == created.revision
    assert content(created) == ADA


async def test_an_update_whose_answer_was_lost_is_no_conflict(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    created = await teleport.users.create(ADA)
    sandbox.faults.add(Fault("*/UpdateUser", reset=True, applied=True, count=1))

    updated = await teleport.users.update(replace(created, roles=()))

    assert content(updated) == replace(ADA, roles=())


async def test_a_listing_outlasts_a_burst_of_failures(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    await teleport.users.create(ADA)
    sandbox.faults.add(Fault("*/ListUsers", code=grpc.StatusCode.UNAVAILABLE, count=3))

    assert ADA.name in {user.name for user in await teleport.users.list()}


async def test_a_listing_that_keeps_failing_is_an_error_and_not_empty(
    teleport: Teleport, sandbox: TeleportSandbox
) -> None:
    sandbox.faults.add(Fault("*/ListUsers", code=grpc.StatusCode.UNAVAILABLE))

    with pytest.raises(UnavailableError):
        await teleport.users.list()
