"""What a SCIM client said, as far as Teleport's labels tell: for a process whose state was lost.

A user, and the lock of somebody who was taken away, carry the SCIM id; the list of a pushed group is named after it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.scim_profile import attributes_of
from teleport_okta.model import labels
from teleport_okta.model.names import TRAIT_PREFIX
from teleport_okta.model.provisioned import (
    OKTA_USER_ID,
    PUSHED,
    ProvisionedGroup,
    ProvisionedUser,
    is_pushed,
    scim_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.model.teleport import TeleportLock, TeleportUser

_INCARNATIONS: Final = 100
"""How many ids of one person are tried to find out which one it is."""


def recovered_users(
    users: Iterable[TeleportUser],
    locks: Iterable[TeleportLock],
    known: Iterable[ProvisionedUser] = (),
    *,
    owner: str,
    now: datetime,
) -> list[ProvisionedUser]:
    """Return the people who were provisioned, but for those who are known; somebody who has a user is active."""
    found: dict[str, ProvisionedUser] = {}
    for lock in locks:
        if lock.user and labels.SCIM_ID in lock.labels and labels.owner_of(lock.labels) == owner:
            denied_at = _left_at(lock, now)
            found[_okta_id(lock.labels)] = _user(lock.labels, lock.user, {}, owner=owner, now=now, denied_at=denied_at)
    for user in users:
        if labels.SCIM_ID in user.labels and labels.owner_of(user.labels) == owner:
            profile = {
                name.removeprefix(TRAIT_PREFIX): values[0]
                for name, values in user.traits.items()
                if name.startswith(TRAIT_PREFIX) and values
            }
            found[_okta_id(user.labels)] = _user(user.labels, user.name, profile, owner=owner, now=now, denied_at=None)
    return _distinct([user for okta_id, user in sorted(found.items()) if okta_id], known)


def recovered_groups(
    lists: Iterable[TeleportAccessList],
    members: Mapping[str, ListMembers],
    users: Iterable[ProvisionedUser],
    known: Iterable[ProvisionedGroup] = (),
    *,
    owner: str,
    now: datetime,
) -> list[tuple[ProvisionedGroup, list[str]]]:
    """Return the groups that were pushed, but for those that are known, each with the SCIM ids of its members.

    Of several lists whose group had the same name, without regard to case, one is taken: the others stay as they are.
    """
    ids = {user.user_name: user.id for user in users if not user.is_deleted}
    groups, names = set[str](), set[str]()
    for group in known:
        groups.add(group.id)
        names |= set[str]() if group.is_deleted else {group.display_name.casefold()}
    found = []
    for one in sorted(lists, key=lambda found: found.name):
        group_id, name = one.name.removeprefix(PUSHED), one.labels.get(labels.GROUP_NAME) or one.title
        is_ours = is_pushed(one.name) and labels.owner_of(one.labels) == owner
        if is_ours and group_id not in groups and name.casefold() not in names:
            names.add(name.casefold())
            imported = members[one.name].imported if one.name in members else frozenset()
            group = ProvisionedGroup(group_id, name, None, created=now, modified=now)
            found.append((group, sorted(ids[member] for member in imported if member in ids)))
    return found


def _distinct(found: Iterable[ProvisionedUser], known: Iterable[ProvisionedUser]) -> list[ProvisionedUser]:
    """Return who is not known, so that no two have the same ids, and no two that are shown the same name without case.

    Those who have a user come first. Another one of a name is taken for deleted: what it denies stays denied.
    """
    people, ids, names = set[str](), set[str](), set[str]()
    for user in known:
        people.add(user.okta_id)
        ids.add(user.id)
        names |= set[str]() if user.is_deleted else {user.user_name.casefold()}
    distinct = []
    for user in sorted(found, key=lambda one: not one.active):
        if user.okta_id not in people and user.id not in ids:
            ids.add(user.id)
            distinct.append(replace(user, is_deleted=user.user_name.casefold() in names))
            names.add(user.user_name.casefold())
    return distinct


def _user(
    carried: Mapping[str, str],
    name: str,
    profile: Mapping[str, str],
    *,
    owner: str,
    now: datetime,
    denied_at: datetime | None,
) -> ProvisionedUser:
    okta_id = _okta_id(carried)
    number = (one for one in range(_INCARNATIONS) if scim_id(owner, okta_id, one) == carried[labels.SCIM_ID])
    return ProvisionedUser(
        id=carried[labels.SCIM_ID],
        okta_id=okta_id,
        user_name=name,
        external_id=okta_id if okta_id.startswith(OKTA_USER_ID) else None,
        attributes=attributes_of(profile),
        created=now,
        modified=now,
        denied_at=denied_at,
        incarnation=next(number, 0),
    )


def _okta_id(carried: Mapping[str, str]) -> str:
    return labels.okta_id_of(carried) or ""


def _left_at(lock: TeleportLock, now: datetime) -> datetime:
    try:
        return datetime.fromisoformat(lock.labels.get(labels.LEFT_AT, ""))
    except ValueError:
        return now
