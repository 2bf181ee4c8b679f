"""Roles and the connector: what there must be for synced people, and what is wider than anybody may think."""

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
    """Read every role once; return the names of all as well, None where they could not be read.

    `bot_roles` are those that the bot has.
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
    """Say whether the roles that everybody gets exist."""
    check = "default roles"
    if wanted is None and DEFAULT_ROLE not in names:
        what = f"there is no {DEFAULT_ROLE} here (Enterprise clusters have it), so synced people get no role from us"
        yield HERE.note(check, what, "name roles of your own in sync.default_roles, or [] for none")
        return
    wanted = (DEFAULT_ROLE,) if wanted is None else wanted
    absent = [name for name in wanted if name not in names]
    for name in absent:
        what = f"sync.default_roles names {name!r}, which is no role here"
        yield HERE.error(check, what, f"create the role {name!r}, or correct sync.default_roles")
    if not absent:
        yield HERE.ok(check, ", ".join(wanted) or "none, as configured")


def of_wildcards(roles: Iterable[WildcardRole], of_bot: Collection[str]) -> Iterator[Finding]:
    """Name each role that gives its members everything; the bot's own must, and presets do by design."""
    check = "wildcard roles"
    found = [role for role in roles if role.name not in of_bot]
    for role in found:
        what = role.warning
        if role.is_preset:
            yield HERE.note(check, f"{what}; Teleport brings it along", "mind whom you give it")
        else:
            yield HERE.warning(check, what, f"narrow these labels of the role {role.name!r}, or mind whom you give it")
    if not found:
        yield HERE.ok(check, "no role but ours and the bot's matches everything")
