"""Reads the objects of a cluster. If the listing of one kind fails, that kind is unread; the others are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.cleanup.holdings import CONNECTOR, Holdings
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, USER, USER_GROUP
from teleport_okta.teleport.convert_lists import roles_demanded
from teleport_okta.teleport.gates import gate_for
from teleport_okta.teleport.identity_errors import IdentityError
from teleport_okta.teleport.nested_lists import add_unlisted_nested_lists
from teleport_okta.teleport.role_uses import roles_named_by, roles_of_connectors
from teleport_okta.teleport.teleport_errors import FeatureUnavailableError, TeleportError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.model.teleport import TeleportRole
    from teleport_okta.teleport.cluster import Teleport

T = TypeVar("T")

_GATED: Final = {"user_groups": USER_GROUP}
"""Features that a version of the server can switch off, and the kinds that must not be changed then."""


async def read_holdings(teleport: Teleport, owner: str, *, version: str) -> Holdings:
    """Read all objects of the kinds that an integration makes; `owner` tells imported members of ours.

    `version` is the version of the server. User groups are listed on every version: only other calls about them can
    end a server (`docs/reference/teleport-observed.md` 1.2). Raises TeleportError in an outage.
    """
    reading = _Reading(teleport)
    users = await reading.read(USER, teleport.users.list())
    locks = await reading.read(LOCK, teleport.locks.list())
    roles = await reading.read(ROLE, teleport.roles.list())
    groups = await reading.read(USER_GROUP, teleport.user_groups.list())
    servers = await reading.read(APP_SERVER, teleport.app_servers.list())
    lists = {found.name: found for found in await reading.read(ACCESS_LIST, teleport.access_lists.list()) or ()}
    members = await reading.read(MEMBER, _members(teleport, lists, owner)) if lists else None
    connectors = await reading.read(CONNECTOR, roles_of_connectors(teleport.host))
    return Holdings(
        users={user.name: user for user in users or ()},
        locks={lock.name: lock for lock in locks or ()},
        roles={role.name: role for role in roles or ()},
        user_groups={group.name: group for group in groups or ()},
        app_servers=tuple(servers or ()),
        access_lists=lists,
        members=members or {},
        demanded={name: demanded for name, found in lists.items() if (demanded := roles_demanded(found))},
        named=_named(roles or (), connectors or {}),
        unread=reading.unread,
        gated={
            kind: f"{gate.why} on version {version}: {gate.remedy}"
            for feature, kind in _GATED.items()
            if (gate := gate_for(feature, version)) is not None
        },
    )


class _Reading:
    def __init__(self, teleport: Teleport) -> None:
        self._teleport = teleport
        self.unread: dict[str, str] = {}

    async def read(self, kind: str, listing: Awaitable[T]) -> T | None:
        """Return a listing; None if the edition does not have the kind, or if the listing failed.

        Raises the TeleportError of the listing if the cluster answers no other call either.
        """
        try:
            return await listing
        except FeatureUnavailableError:
            return None
        except TeleportError as error:
            if isinstance(error, UnavailableError | IdentityError) and not await self._teleport.host.answers():
                raise
            self.unread[kind] = str(error)
            return None


async def _members(teleport: Teleport, lists: dict[str, TeleportAccessList], owner: str) -> Mapping[str, ListMembers]:
    """Read the members of all lists, and add nested lists to `lists` that the listing did not show."""
    members = dict((await teleport.access_lists.members(owner)).by_list)
    await add_unlisted_nested_lists(lists, members, teleport.access_lists, owner)
    return members


def _named(roles: Iterable[TeleportRole], connectors: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return the roles that other roles and SAML connectors name, by what names them."""
    by_roles = {f"role {role.name}": named for role in roles if (named := roles_named_by(role))}
    return by_roles | {f"SAML connector {name}": given for name, given in connectors.items() if given}
