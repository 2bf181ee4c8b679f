from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from teleport_okta.model.labels import ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.model.names import DEFAULT_ROLE
from teleport_okta.model.teleport import TeleportRole, TeleportUser
from teleport_okta.teleport.errors import (
    AlreadyExistsError,
    PermissionDeniedError,
    RevisionConflictError,
    RoleInUseError,
)

if TYPE_CHECKING:
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

LABELS = {OWNER: "00o1", ORIGIN: ORIGIN_OKTA}
ROLE = TeleportRole("okta-group", LABELS)


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

    overwritten = await roles.upsert(replace(updated, labels=LABELS))
    assert overwritten.labels == LABELS
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
