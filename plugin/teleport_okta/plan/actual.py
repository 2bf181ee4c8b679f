"""The objects of a cluster as they were read: a plan compares them with the desired ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teleport_okta.desired.import_labels import KIND as IMPORT_RULE
from teleport_okta.desired.import_labels import ImportLabels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.access import (
        ImportRule,
        ListMembers,
        TeleportAccessList,
        TeleportAppServer,
        TeleportUserGroup,
    )
    from teleport_okta.model.teleport import TeleportLock, TeleportRole, TeleportUser


@dataclass(frozen=True, slots=True)
class ActualUsers:
    """The users and locks that a cluster holds, by name, all of them, ours and others'.

    `locks_unread` is why the locks could not be read (empty: they were); then it is not known who is locked.
    """

    users: Mapping[str, TeleportUser]
    locks: Mapping[str, TeleportLock]
    locks_unread: str = ""


@dataclass(frozen=True, slots=True)
class ActualDirectory:
    """The other objects of a cluster that a plan needs, ours and others'.

    `app_servers` are those of our own host, by name; `other_app_servers` are those of other hosts. `members` are by
    list; a list without members has no entry. `direct_roles` has, by the Okta id of a group or an app, the users who
    have its member role directly (`model/direct_roles.py`). `oddities` describe rows that are not believed. `unread`
    maps the kinds that could not be read to the reason: they, and whatever depends on them, are left as they are
    (`docs/design.md` 4.2).
    """

    roles: Mapping[str, TeleportRole] = field(default_factory=dict)
    user_groups: Mapping[str, TeleportUserGroup] = field(default_factory=dict)
    app_servers: Mapping[str, TeleportAppServer] = field(default_factory=dict)
    other_app_servers: tuple[TeleportAppServer, ...] = ()
    access_lists: Mapping[str, TeleportAccessList] = field(default_factory=dict)
    members: Mapping[str, ListMembers] = field(default_factory=dict)
    import_rules: tuple[ImportRule, ...] = ()
    direct_roles: Mapping[str, ListMembers] = field(default_factory=dict)
    oddities: tuple[str, ...] = ()
    unread: Mapping[str, str] = field(default_factory=dict)

    def is_unread(self, *kinds: str) -> bool:
        """Whether one of these kinds could not be read."""
        return not self.unread.keys().isdisjoint(kinds)

    def import_labels(self) -> ImportLabels:
        """Return the import rules, compiled."""
        return ImportLabels(self.import_rules, unread=self.is_unread(IMPORT_RULE))
