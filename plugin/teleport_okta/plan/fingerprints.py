"""A digest of each object of the cluster, as last seen: if it differs later, another client changed the object."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.desired.import_labels import KIND as IMPORT_RULE
from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers
from teleport_okta.model.direct_roles import without_direct_roles
from teleport_okta.model.names import (
    MEMBER_ROLE_PREFIX,
    REVIEWER_ROLE_PREFIX,
    app_server_name,
    member_role,
    reviewer_role,
)
from teleport_okta.model.provisioned import is_pushed
from teleport_okta.model.scope import OKTA_APP_ID, OKTA_GROUP_ID
from teleport_okta.plan.actual import ActualDirectory
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, USER, USER_GROUP
from teleport_okta.plan.digest import content_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Iterator, Mapping
    from datetime import datetime

    from teleport_okta.model.access import ImportRule, TeleportAccessList
    from teleport_okta.model.teleport import TeleportLock, TeleportUser

T = TypeVar("T")

_LENGTH: Final = 16
_NOBODY: Final = ListMembers()

_UNREAD_WITH: Final = {
    ROLE: (ROLE,),
    USER_GROUP: (USER_GROUP,),
    APP_SERVER: (APP_SERVER,),
    ACCESS_LIST: (ACCESS_LIST, MEMBER),
    IMPORT_RULE: (IMPORT_RULE,),
    MEMBER: (),
}
"""The kinds that must have been read for the fingerprints of each kind; for member roles, users are enough."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One object of the cluster, and a digest of those parts of it that we keep.

    `okta_id` is the person, group or app of the object; an import rule has none, because it is about all of them. The
    cluster drops the object by itself at `until` (None: never).
    """

    kind: str
    name: str
    okta_id: str
    digest: str
    until: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Kind and name."""
        return self.kind, self.name


def of_users(users: Iterable[TeleportUser], owner: str, replaced: Mapping[str, str]) -> Iterator[Fingerprint]:
    """Yield those of users with our owner label, and of those in `replaced`, which maps their names to Okta ids."""
    for user in users:
        okta_id = replaced.get(user.name, "")
        if labels.owner_of(user.labels) == owner:
            okta_id = labels.okta_id_of(user.labels) or okta_id
        if okta_id:
            # Each group and app has a fingerprint of who has its role: a user is the same without those roles.
            yield Fingerprint(USER, user.name, okta_id, content_digest(without_direct_roles(user)))


def of_locks(locks: Iterable[TeleportLock], owner: str) -> Iterator[Fingerprint]:
    """Yield those of our locks on people; the name of the locked user is the digest."""
    for lock in locks:
        okta_id = labels.okta_id_of(lock.labels)
        if okta_id and labels.owner_of(lock.labels) == owner:
            yield Fingerprint(LOCK, lock.name, okta_id, lock.user or "", lock.expires)


def of_objects(actual: ActualDirectory, ids: Collection[str]) -> Iterator[Fingerprint]:
    """Yield those of the objects of some groups and apps."""
    roles = [*map(member_role, ids), *map(reviewer_role, ids)]
    return of_directory(
        ActualDirectory(
            roles=_some(actual.roles, roles),
            user_groups=_some(actual.user_groups, ids),
            app_servers=_some(actual.app_servers, map(app_server_name, ids)),
            access_lists=_some(actual.access_lists, ids),
            members=_some(actual.members, ids),
            direct_roles=_some(actual.direct_roles, ids),
        )
    )


def of_directory(actual: ActualDirectory) -> Iterator[Fingerprint]:
    """Yield those of all objects that are named after a group or an app."""
    for role in actual.roles.values():
        okta_id = role.name.removeprefix(MEMBER_ROLE_PREFIX).removeprefix(REVIEWER_ROLE_PREFIX)
        if okta_id != role.name and _is_okta_id(okta_id):
            yield Fingerprint(ROLE, role.name, okta_id, content_digest(role))
    for group in actual.user_groups.values():
        if _is_okta_id(group.name):
            yield Fingerprint(USER_GROUP, group.name, group.name, content_digest(group))
    for server in actual.app_servers.values():
        okta_id = labels.okta_id_of(server.labels) or ""
        if _is_okta_id(okta_id):
            yield Fingerprint(APP_SERVER, server.name, okta_id, content_digest(server))
    for found in actual.access_lists.values():
        if _is_okta_id(found.name):
            members = actual.members.get(found.name, _NOBODY)
            yield Fingerprint(ACCESS_LIST, found.name, found.name, _digest(_ours_of(found), sorted(members.imported)))
    for okta_id, held in actual.direct_roles.items():
        if held.imported and _is_okta_id(okta_id):
            yield Fingerprint(MEMBER, okta_id, okta_id, _digest(sorted(held.imported)))


def of_rules(rules: Iterable[ImportRule]) -> Iterator[Fingerprint]:
    """Yield those of import rules."""
    for rule in rules:
        mappings = [
            [
                [[one.app_ids, one.group_ids, one.app_names, one.group_names] for one in mapping.matches],
                sorted(mapping.labels.items()),
            ]
            for mapping in rule.mappings
        ]
        yield Fingerprint(IMPORT_RULE, rule.name, "", _digest(rule.priority, mappings))


def kinds_read(actual: ActualDirectory) -> frozenset[str]:
    """Return the kinds that a reading has completely."""
    return frozenset(kind for kind, of in _UNREAD_WITH.items() if not actual.is_unread(*of))


def differing(
    known: Iterable[Fingerprint], found: Iterable[Fingerprint], *, kinds: Container[str], now: datetime
) -> list[Fingerprint]:
    """Return the objects of these kinds that were changed, are gone before their time, or are new."""
    before = {one.key: one for one in known if one.kind in kinds}
    there = {one.key: one for one in found if one.kind in kinds}
    gone = [one for key, one in before.items() if key not in there and (one.until is None or now < one.until)]
    other = [
        one
        for key, one in there.items()
        if key not in before or (before[key].okta_id, before[key].digest) != (one.okta_id, one.digest)
    ]
    return gone + other


def _is_okta_id(okta_id: str) -> bool:
    return okta_id.startswith((OKTA_GROUP_ID, OKTA_APP_ID)) or is_pushed(okta_id)


def _some(found: Mapping[str, T], names: Iterable[str]) -> dict[str, T]:
    return {name: found[name] for name in names if name in found}


def _ours_of(found: TeleportAccessList) -> list[object]:
    return [labels.owner_of(found.labels), found.grants, found.owner_grants]


def _digest(*content: object) -> str:
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:_LENGTH]
