"""The objects of a cluster, as a cleanup needs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.model.access import ListMembers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportUserGroup
    from teleport_okta.model.teleport import TeleportLock, TeleportRole, TeleportUser

CONNECTOR: Final = "saml"
"""The kind of SAML connectors, which are read because they name roles."""

_NO_MEMBERS: Final = ListMembers()


@dataclass(frozen=True, slots=True)
class Holdings:
    """The objects of a cluster, of all owners, by name.

    `app_servers` are those of every host. A list without members has no entry in `members`. `demanded` maps lists to
    the roles that they demand of members or owners. `named` maps `role NAME` and `SAML connector NAME` to the roles
    that these name. `unread` maps kinds that could not be read to the reason. `gated` maps kinds that must not be
    changed on a server of this version to the reason.
    """

    users: Mapping[str, TeleportUser] = field(default_factory=dict)
    locks: Mapping[str, TeleportLock] = field(default_factory=dict)
    roles: Mapping[str, TeleportRole] = field(default_factory=dict)
    user_groups: Mapping[str, TeleportUserGroup] = field(default_factory=dict)
    app_servers: tuple[TeleportAppServer, ...] = ()
    access_lists: Mapping[str, TeleportAccessList] = field(default_factory=dict)
    members: Mapping[str, ListMembers] = field(default_factory=dict)
    demanded: Mapping[str, frozenset[str]] = field(default_factory=dict)
    named: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    gated: Mapping[str, str] = field(default_factory=dict)

    def is_unread(self, kind: str) -> bool:
        """Whether a kind could not be read."""
        return kind in self.unread

    def members_of(self, name: str) -> ListMembers:
        """Return the members of a list."""
        return self.members.get(name, _NO_MEMBERS)
