"""Lists the leftovers of the vendor's integration in a cluster, for `doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.findings import Leftover
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, ROLE, USER, USER_GROUP

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from teleport_okta.cleanup.holdings import Holdings
    from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportUserGroup
    from teleport_okta.model.teleport import TeleportLock, TeleportRole, TeleportUser

    Held = TeleportUser | TeleportLock | TeleportRole | TeleportUserGroup | TeleportAppServer | TeleportAccessList


def leftovers(holdings: Holdings, *, wanted: Container[str] = ()) -> dict[str, tuple[Leftover, ...]]:
    """Return the objects with the vendor's labels and no owner label, by kind, in the order of their removal.

    Kinds without leftovers are left out, and so are Teleport's preset roles. `wanted` are names of users
    whom a pass takes over in place; they are no leftovers.
    """
    found = {
        kind: tuple(
            sorted({Leftover(kind, one.name, one.labels.get(labels.OKTA_ORG, "")) for one in held if _is_leftover(one)})
        )
        for kind, held in by_kind(holdings).items()
    }
    found[USER] = tuple(one for one in found[USER] if one.name not in wanted)
    return {kind: rows for kind, rows in found.items() if rows}


def by_kind(holdings: Holdings) -> Mapping[str, Iterable[Held]]:
    """Return all objects of the kinds that an integration makes, by kind, in the order of their removal."""
    return {
        ACCESS_LIST: holdings.access_lists.values(),
        ROLE: holdings.roles.values(),
        USER_GROUP: holdings.user_groups.values(),
        APP_SERVER: holdings.app_servers,
        USER: holdings.users.values(),
        LOCK: holdings.locks.values(),
    }


def _is_leftover(one: Held) -> bool:
    return labels.is_leftover(one.labels) and labels.RESOURCE_TYPE not in one.labels
