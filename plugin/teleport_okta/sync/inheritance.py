"""The memberships left under the names of users who are gone: read with the lists or, without those, by name."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.model.inheritance import Inheritance, LeftMembership
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER
from teleport_okta.plan.left_memberships import inheritance_of
from teleport_okta.plan.user_facts import owned_names
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.state.store import Store
    from teleport_okta.sync.reading import DirectoryFacts
    from teleport_okta.teleport.cluster import Teleport


async def read_inheritance(
    store: Store,
    teleport: Teleport,
    directory: DirectoryFacts | None,
    users: Mapping[str, TeleportUser],
    *,
    owner: str,
    now: datetime,
) -> Inheritance:
    """Return the left memberships, with what the state has about them. Raises StateError.

    `directory` is None if lists were not read. Then, or if reading them failed, the memberships in the state are
    checked one by one.
    """
    owned = owned_names(users.values(), owner)
    if directory is None or directory.imports.lists_off or directory.actual.is_unread(ACCESS_LIST, MEMBER):
        remembered = [one for one in await store.left.all() if one.name not in owned]
        found = Inheritance(left=_by_name(await _still_there(remembered, teleport)))
    else:
        found = inheritance_of(directory.actual, directory.okta, owned=owned, users=users, owner=owner, now=now)
    holders = await store.user_names.last_holders(found.left.keys() | found.imports.keys())
    return replace(found, released=await store.left.released(), holders=holders)


async def remembered_inheritance(store: Store) -> Inheritance:
    """Return the left memberships after the last pass, as the state has them. Raises StateError."""
    left = _by_name(await store.left.all())
    return Inheritance(
        left=left, released=await store.left.released(), holders=await store.user_names.last_holders(left.keys())
    )


async def _still_there(memberships: Iterable[LeftMembership], teleport: Teleport) -> list[LeftMembership]:
    """Leave out the memberships that are gone; one that cannot be read stays."""
    cluster = teleport.known_cluster
    can_be_read = cluster is not None and cluster.has("access_lists")
    return [one for one in memberships if not can_be_read or await _is_there(one, teleport)]


async def _is_there(membership: LeftMembership, teleport: Teleport) -> bool:
    try:
        return await teleport.access_lists.has_member(membership.list_name, membership.name)
    except TeleportError:
        return True


def _by_name(memberships: Iterable[LeftMembership]) -> dict[str, tuple[LeftMembership, ...]]:
    left: defaultdict[str, list[LeftMembership]] = defaultdict(list)
    for one in sorted(memberships):
        left[one.name].append(one)
    return {name: tuple(some) for name, some in left.items()}
