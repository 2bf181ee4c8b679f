"""Leftovers: objects with the labels of Teleport's own Okta integration and without ours (`cleanup/leftovers.py`).

Nothing keeps them up to date, and only `cleanup` or a person removes them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.cleanup.holdings import Holdings
from teleport_okta.cleanup.leftovers import leftovers
from teleport_okta.cleanup.ownership import Claim
from teleport_okta.doctor.findings import Section
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, ROLE, USER, USER_GROUP
from teleport_okta.teleport.access_lists import AccessLists
from teleport_okta.teleport.app_servers import AppServers
from teleport_okta.teleport.gates import gate_for
from teleport_okta.teleport.identity_router import IdentityRouter
from teleport_okta.teleport.locks import Locks
from teleport_okta.teleport.roles import Roles
from teleport_okta.teleport.teleport_errors import FeatureUnavailableError, TeleportError
from teleport_okta.teleport.user_groups import UserGroups
from teleport_okta.teleport.users import Users

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Iterator, Sequence

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.model.findings import Leftover
    from teleport_okta.teleport.connection import Connection

T = TypeVar("T")

HERE: Final = Section.TELEPORT

_CHECK: Final = "leftovers"
_NAMED: Final = 3
"""How many names are shown of each kind."""

_PLURALS: Final = {
    ACCESS_LIST: "access lists",
    ROLE: "roles",
    USER_GROUP: "user groups",
    APP_SERVER: "app servers",
    USER: "users",
    LOCK: "locks",
}
_CLEANUP: Final = (
    "`teleport-okta cleanup --vendor` lists all of them, and removes them when it is applied, together with the "
    "objects of this service; for single ones use `tctl rm`"
)
_BY_HAND: Final = "find out whose they are, and remove them with `tctl rm`"


async def read_holdings(reader: Connection, version: str, clock: Clock) -> Holdings:
    """List the objects that an integration makes, kind by kind; a kind that cannot be listed is in `unread`.

    User groups are skipped on server versions which crash on a call about them.
    """
    router = IdentityRouter(reader, None)
    unread: dict[str, str] = {}

    async def listed(kind: str, listing: Awaitable[Sequence[T]]) -> Sequence[T]:
        try:
            return await listing
        except FeatureUnavailableError:
            return ()
        except TeleportError as error:
            unread[kind] = error.what
            return ()

    users = await listed(USER, Users(router, clock).list())
    locks = await listed(LOCK, Locks(router, clock).list())
    roles = await listed(ROLE, Roles(router, clock).list())
    lists = await listed(ACCESS_LIST, AccessLists(router, clock).list())
    servers = await listed(APP_SERVER, AppServers(router, clock).list())
    found = Holdings(
        users={one.name: one for one in users},
        locks={one.name: one for one in locks},
        roles={one.name: one for one in roles},
        access_lists={one.name: one for one in lists},
        app_servers=tuple(servers),
        unread=unread,
    )
    gate = gate_for("user_groups", version)
    if gate is not None:
        return replace(found, unread=unread | {USER_GROUP: f"{gate.feature} is off on {version}: {gate.why}"})
    groups = await listed(USER_GROUP, UserGroups(router, clock).list())
    return replace(found, user_groups={one.name: one for one in groups})


def of_leftovers(holdings: Holdings, *, addresses: Collection[str], has_passed: bool) -> Iterator[Finding]:
    """List leftovers by kind: of our organisation, of an unnamed one, and of others.

    `addresses` are those of our organisation. `has_passed`: a pass has succeeded, and took over the wanted users.
    """
    claim = Claim("", tuple(addresses))
    found = leftovers(holdings)
    for kind, rows in found.items():
        ours = [row for row in rows if claim.covers(row.organization)]
        unnamed = [row for row in rows if not row.organization]
        others = [row for row in rows if row not in ours and row not in unnamed]
        if ours:
            what = f"{_named(kind, ours)} of Teleport's own Okta integration"
            if kind == USER and not has_passed:
                what += "; the first pass takes over those who are wanted, in place"
            yield HERE.warning(_CHECK, f"{what}; nothing keeps them up to date", _CLEANUP)
        if unnamed:
            what = f"{_named(kind, unnamed)} with labels of an Okta integration that name no organisation"
            yield HERE.note(_CHECK, what, _BY_HAND)
        if others:
            organizations = ", ".join(sorted({row.organization for row in others}))
            what = f"{_named(kind, others)} of an Okta integration for {organizations}"
            yield HERE.note(_CHECK, what, "leave them if that integration is in use")
    for kind, reason in holdings.unread.items():
        yield HERE.unchecked(f"{_CHECK}: {_PLURALS.get(kind, kind)}", f"they could not be listed: {reason}")
    if not found and not holdings.unread:
        yield HERE.ok(_CHECK, "none of Teleport's own Okta integration")


def _named(kind: str, rows: Sequence[Leftover]) -> str:
    """Return the number of objects, and the first names."""
    shown = ", ".join(row.name for row in rows[:_NAMED])
    more = f", … and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    noun = _PLURALS.get(kind, kind)
    return f"{len(rows)} {noun.removesuffix('s') if len(rows) == 1 else noun} ({shown}{more})"
