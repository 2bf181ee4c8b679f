"""Warnings of roles that match every app or every group that we import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.teleport.wildcards import wildcard_roles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.model.teleport import TeleportRole
    from teleport_okta.teleport.cluster import Teleport


def role_warnings(roles: Iterable[TeleportRole], teleport: Teleport) -> tuple[str, ...]:
    """Return a sentence for each such role. Teleport's presets and the roles of our bot must match everything."""
    of_bot = () if teleport.bot is None else teleport.bot.identity.roles
    found = wildcard_roles(role for role in roles if role.name not in of_bot)
    return tuple(role.warning for role in found if not role.is_preset)
