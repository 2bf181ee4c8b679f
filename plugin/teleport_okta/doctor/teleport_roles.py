"""Roles: the default roles of synced people, and roles that allow more than people may expect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.findings import Section, attempted
from teleport_okta.model.names import DEFAULT_ROLE
from teleport_okta.teleport.identity_router import IdentityRouter
from teleport_okta.teleport.roles import Roles
from teleport_okta.teleport.wildcards import wildcard_roles

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.settings import SyncSettings
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.wildcards import WildcardRole

HERE: Final = Section.TELEPORT


async def settled_roles(
    host: Connection | None, bot: Connection | None, sync: SyncSettings, clock: Clock, *, bot_roles: Collection[str]
) -> tuple[list[Finding], frozenset[str] | None]:
    """Read every role once; also return the names of all, None if they could not be read.

    `bot_roles` are the bot's.
    """
    reader = host or bot
    if reader is None:
        return [HERE.unchecked("default roles, wildcard roles", "there is no identity to ask with")], None
    reading = Roles(IdentityRouter(reader, None), clock).list()
    roles, failure = await attempted(HERE, "roles", reading, otherwise=None)
    if roles is None:
        return failure, None
    names = frozenset(role.name for role in roles)
    findings = [*of_default_roles(sync.default_roles, names), *of_wildcards(wildcard_roles(roles), bot_roles)]
    return findings, names


def of_default_roles(wanted: tuple[str, ...] | None, names: Collection[str]) -> Iterator[Finding]:
    """Check that the roles of every synced person exist."""
    check = "default roles"
    if wanted is None and DEFAULT_ROLE not in names:
        what = f"there is no role {DEFAULT_ROLE} (Enterprise clusters have it), so synced people get no role from us"
        yield HERE.note(check, what, "set sync.default_roles to roles of your own, or to [] for none")
        return
    wanted = (DEFAULT_ROLE,) if wanted is None else wanted
    absent = [name for name in wanted if name not in names]
    for name in absent:
        what = f"sync.default_roles names {name!r}, and the cluster has no such role"
        yield HERE.error(check, what, f"create the role {name!r}, or correct sync.default_roles")
    if not absent:
        yield HERE.ok(check, ", ".join(wanted) or "none, as configured")


def of_wildcards(roles: Iterable[WildcardRole], of_bot: Collection[str]) -> Iterator[Finding]:
    """Report each role that gives its members everything. The bot's own must, and presets do by design."""
    check = "wildcard roles"
    found = [role for role in roles if role.name not in of_bot]
    for role in found:
        what = role.warning
        if role.is_preset:
            yield HERE.note(check, f"{what}; it is one of Teleport's presets", "be careful whom you give it to")
        else:
            yield HERE.warning(
                check, what, f"narrow these labels of the role {role.name!r}, or be careful whom you give it to"
            )
    if not found:
        yield HERE.ok(check, "only our roles and the bot's match everything")
