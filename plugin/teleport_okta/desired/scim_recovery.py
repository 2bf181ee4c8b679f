"""Restoring the records of SCIM from labels in Teleport, for a process whose state was lost.

A user, and the lock of a person whom the client took away, have the SCIM id in a label. The name of the list of a
pushed group contains the id of the group.
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
"""How many ids of one person are compared with the label: each deletion and creation in SCIM makes another id."""


def recovered_users(
    users: Iterable[TeleportUser],
    locks: Iterable[TeleportLock],
    known: Iterable[ProvisionedUser],
    *,
    owner: str,
    now: datetime,
) -> list[ProvisionedUser]:
    """Return the people who were provisioned, except known ones. A person who has a user is active.

    No two have the same SCIM id, and no two records that the client can see have the same name, without regard to case:
    a second one of a name counts as deleted, and its denial stays.
    """
    people, ids, names = set[str](), set[str](), set[str]()
    for record in known:
        people.add(record.okta_id)
        ids.add(record.id)
        names |= set[str]() if record.is_deleted else {record.user_name.casefold()}

    def is_lost(carried: Mapping[str, str]) -> bool:
        given, okta_id = carried.get(labels.SCIM_ID), _okta_id(carried)
        is_ours = bool(given and okta_id) and labels.owner_of(carried) == owner
        return is_ours and given not in ids and okta_id not in people

    found: dict[str, ProvisionedUser] = {}
    for lock in locks:
        if lock.user and is_lost(lock.labels):
            denied_at = _left_at(lock, now)
            found[_okta_id(lock.labels)] = _user(lock.labels, lock.user, {}, owner=owner, now=now, denied_at=denied_at)
    for user in users:
        if is_lost(user.labels):
            profile = {
                name.removeprefix(TRAIT_PREFIX): values[0]
                for name, values in user.traits.items()
                if name.startswith(TRAIT_PREFIX) and values
            }
            found[_okta_id(user.labels)] = _user(user.labels, user.name, profile, owner=owner, now=now, denied_at=None)
    distinct = []
    for _, record in sorted(found.items(), key=lambda one: (not one[1].active, one[0])):
        if record.id not in ids:
            ids.add(record.id)
            distinct.append(replace(record, is_deleted=record.user_name.casefold() in names))
            names.add(record.user_name.casefold())
    return distinct


def recovered_groups(
    lists: Iterable[TeleportAccessList],
    members: Mapping[str, ListMembers],
    users: Iterable[ProvisionedUser],
    known: Iterable[ProvisionedGroup],
    *,
    owner: str,
    now: datetime,
) -> list[tuple[ProvisionedGroup, list[str]]]:
    """Return the groups that were pushed, except known ones, each with the SCIM ids of its members.

    Of several lists whose group had the same name, without regard to case, one is restored, and the others stay as they
    are. The answers to the client's requests are lost, so a creation that it repeats finds its group.
    """
    ids = {user.name: user.id for user in users if not user.is_deleted}
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
            group = ProvisionedGroup(group_id, name, None, created=now, modified=now, is_answered=False)
            found.append((group, sorted(ids[member] for member in imported if member in ids)))
    return found


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
