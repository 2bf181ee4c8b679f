"""What a plan is compared with: the objects of a cluster, as they were read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
    """The users and locks that a cluster holds, by name, all of them, ours and others'; and its roles."""

    users: Mapping[str, TeleportUser]
    locks: Mapping[str, TeleportLock]
    roles: tuple[TeleportRole, ...] = ()


@dataclass(frozen=True, slots=True)
class ActualDirectory:
    """The rest of what a cluster holds of interest, ours and others'.

    `roles` are those of `ActualUsers`, by name. `app_servers` are those of our own host, by name; `other_app_servers`
    those of all others. `members` by list; a list without any has no entry. `oddities` say what could not be believed
    of what was read.
    """

    roles: Mapping[str, TeleportRole] = field(default_factory=dict)
    user_groups: Mapping[str, TeleportUserGroup] = field(default_factory=dict)
    app_servers: Mapping[str, TeleportAppServer] = field(default_factory=dict)
    other_app_servers: tuple[TeleportAppServer, ...] = ()
    access_lists: Mapping[str, TeleportAccessList] = field(default_factory=dict)
    members: Mapping[str, ListMembers] = field(default_factory=dict)
    import_rules: tuple[ImportRule, ...] = ()
    oddities: tuple[str, ...] = ()
