from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport_okta.model.labels import ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.model.names import DEFAULT_ROLE
from teleport_okta.model.teleport import RoleAllow, TeleportRole, TeleportUser
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.teleport.amend import NotOursAnyMoreError
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    NotFoundError,
    PermissionDeniedError,
    RevisionConflictError,
    RoleInUseError,
)

if TYPE_CHECKING:
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

LABELS = {OWNER: "00o1", ORIGIN: ORIGIN_OKTA}
ROLE = TeleportRole("okta-group", LABELS)
MEMBER = RoleAllow({"teleport.internal/okta-app-id": ("0oa1",)}, {"teleport-okta/group-id": ("00g1",)})
REVIEWER = RoleAllow(review=("okta-group",))


async def test_the_life_of_a_role(teleport: Teleport) -> None:
    roles = teleport.roles
    created = await roles.create(ROLE)
    with pytest.raises(AlreadyExistsError):
        await roles.create(ROLE)

    updated = await roles.update(replace(created, labels={**LABELS, "team": "blue"}))
    assert await roles.get(ROLE.name) == updated
    assert updated in await roles.list()
    with pytest.raises(RevisionConflictError):
        await roles.update(created)

    assert await roles.delete(ROLE.name)
    assert not await roles.delete(ROLE.name)
    assert await roles.get(ROLE.name) is None


async def test_the_default_role_exists_where_the_edition_has_it(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    assert (await teleport.roles.get(DEFAULT_ROLE) is not None) == sandbox.cluster.edition.enterprise


async def test_what_a_role_allows_survives_our_update(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    created = await teleport.roles.create(ROLE)
    before = sandbox.cluster.roles.stored(ROLE.name)

    await teleport.roles.update(replace(created, labels={**LABELS, "team": "blue"}))

    after = sandbox.cluster.roles.stored(ROLE.name)
    assert before is not None
    assert after is not None
    assert (after.Version, after.Spec) == ("v7", before.Spec)


async def test_a_role_that_a_user_has_is_in_use(teleport: Teleport) -> None:
    await teleport.roles.create(ROLE)
    await teleport.users.create(TeleportUser("ada", LABELS, (ROLE.name,)))

    with pytest.raises(RoleInUseError):
        await teleport.roles.delete(ROLE.name)
    assert await teleport.roles.get(ROLE.name) is not None


async def test_roles_of_others_are_not_ours_to_change(teleport: Teleport) -> None:
    with pytest.raises(PermissionDeniedError):
        await teleport.roles.create(TeleportRole("mine"))
    with pytest.raises(PermissionDeniedError):
        await teleport.roles.delete("access")
    assert await teleport.roles.get("access") is not None


async def test_what_a_role_of_ours_allows_is_written_and_read(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    created = await teleport.roles.create(replace(ROLE, allow=MEMBER))
    stored = sandbox.cluster.roles.stored(ROLE.name)
    assert created.allow == MEMBER
    assert stored is not None
    assert stored.Version == "v7"

    wider = replace(MEMBER, app_labels={"teleport.internal/okta-app-id": ("0oa1", "0oa2")})
    await teleport.roles.amend(replace(created, allow=wider))

    [listed] = [role for role in await teleport.roles.list() if role.name == ROLE.name]
    assert listed.allow == wider


async def test_a_reviewer_role_needs_the_workflows(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    reviewer = replace(ROLE, name="okta-reviewer", allow=REVIEWER)
    if (await teleport.cluster()).has("review_requests"):
        assert (await teleport.roles.create(reviewer)).allow == REVIEWER
    else:
        with pytest.raises(PermissionDeniedError, match="review_requests"):
            await teleport.roles.create(reviewer)
        await teleport.roles.create(replace(reviewer, allow=RoleAllow()))


async def test_an_amendment_keeps_what_others_changed_meanwhile(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    read = await teleport.roles.create(replace(ROLE, allow=MEMBER))
    await teleport.roles.update(replace(read, labels={**LABELS, "theirs": "1"}))

    amended = await teleport.roles.amend(replace(read, labels={**LABELS, "team": "blue"}, allow=RoleAllow()))

    assert amended.labels == {**LABELS, "theirs": "1", "team": "blue"}
    assert amended.allow == RoleAllow()


async def test_an_amendment_that_others_overtake_is_made_again(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    read = await teleport.roles.create(replace(ROLE, allow=MEMBER))
    sandbox.faults.add(Fault("*/UpdateRole", code=grpc.StatusCode.FAILED_PRECONDITION, count=2))

    assert (await teleport.roles.amend(replace(read, allow=RoleAllow()))).allow == RoleAllow()


async def test_a_role_that_is_as_wanted_is_not_written(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    read = await teleport.roles.create(replace(ROLE, allow=MEMBER))

    assert await teleport.roles.amend(read) == read
    assert sandbox.calls.of("UpdateRole") == 0


async def test_a_role_that_is_gone_or_not_ours_any_more_is_not_amended(teleport: Teleport) -> None:
    read = await teleport.roles.create(replace(ROLE, allow=MEMBER))
    theirs = await teleport.roles.update(replace(read, labels={ORIGIN: ORIGIN_OKTA}))
    with pytest.raises(NotOursAnyMoreError):
        await teleport.roles.amend(replace(read, allow=RoleAllow()))

    await teleport.roles.delete(theirs.name)
    with pytest.raises(NotFoundError):
        await teleport.roles.amend(replace(read, allow=RoleAllow()))
