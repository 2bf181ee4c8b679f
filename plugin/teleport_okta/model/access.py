"""User groups, app servers and access lists of Teleport, reduced to the fields that we read or own.

As in `model.teleport`, a value that was read has its message in `raw`; a value without is new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teleport_okta.model.labels import GRANT, GRANT_IMPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class TeleportUserGroup:
    """A user group; `applications` are the names of the app servers that it grants."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    applications: tuple[str, ...] = ()
    raw: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TeleportAppServer:
    """An app server and its app, with the same name and labels. `user_groups` are the names of those that grant it.

    `expires` is when the cluster deletes it unless it is renewed; comparisons ignore it.
    """

    name: str
    host_id: str
    labels: Mapping[str, str] = field(default_factory=dict)
    uri: str = ""
    description: str = ""
    user_groups: tuple[str, ...] = ()
    expires: datetime | None = field(default=None, compare=False)
    raw: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, order=True)
class ListOwner:
    """An owner of an access list: a user, or all members of another list."""

    name: str
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class TeleportAccessList:
    """An access list without its members.

    `grants` are the roles of members, `owner_grants` those of owners. `has_requirements`: membership has an effect only
    for users with certain roles or traits. `parents` are the lists of which it is a member or an owner, as far as the
    server returns them.
    """

    name: str
    title: str
    labels: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    owners: tuple[ListOwner, ...] = ()
    grants: tuple[str, ...] = ()
    owner_grants: tuple[str, ...] = ()
    has_requirements: bool = False
    parents: tuple[str, ...] = ()
    revision: str = ""
    raw: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TeleportMember:
    """A member of a list: a user, or all members of another list (`is_list`).

    `labels` have the origin of the membership. After `expires` (None: never) the membership has no effect, but its
    record stays.
    """

    name: str
    is_list: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    expires: datetime | None = None
    reason: str = ""
    added_by: str = ""

    @property
    def is_imported(self) -> bool:
        """Whether the membership comes from Okta."""
        return not self.is_list and self.labels.get(GRANT) == GRANT_IMPORTED


@dataclass(frozen=True, slots=True)
class ListMembers:
    """The members of one list.

    `imported` are the names of users whose membership comes from Okta and has no other data: most members of large
    lists, so only their names are kept. `others` are all other members by name, including imported ones that people
    gave an expiry.
    """

    imported: frozenset[str] = field(default=frozenset(), repr=False)
    others: Mapping[str, TeleportMember] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.imported) + len(self.others)

    def has_import(self, name: str) -> bool:
        """Whether a user's membership comes from Okta."""
        return name in self.imported or (name in self.others and self.others[name].is_imported)

    @property
    def imports(self) -> int:
        """The number of memberships that come from Okta."""
        return len(self) - self.additions

    @property
    def additions(self) -> int:
        """The number of members whom people added."""
        return sum(not one.is_imported for one in self.others.values())


@dataclass(frozen=True, slots=True)
class ImportMatch:
    """The objects of a rule: those with one of these ids, or with a name that one of these RE2 expressions matches."""

    app_ids: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()
    app_names: tuple[str, ...] = ()
    group_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """Labels for the objects of its matches."""

    matches: tuple[ImportMatch, ...]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ImportRule:
    """A rule that adds labels to user groups and app servers. Later ones, by priority, override earlier ones."""

    name: str
    priority: int
    mappings: tuple[ImportMapping, ...]
