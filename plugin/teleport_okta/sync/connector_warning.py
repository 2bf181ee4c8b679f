"""The warning of a plan whose users cannot sign in, because their SAML connector does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from teleport_okta.settings import Settings
    from teleport_okta.teleport.cluster import Teleport


async def connector_warnings(teleport: Teleport, settings: Settings) -> tuple[str, ...]:
    """Return the warning, or nothing. `doctor` reports a connector that cannot be read."""
    if settings.sync.local_users:
        return ()
    name = settings.sync.connector
    try:
        connector = await teleport.connectors.get(name)
    except TeleportError:
        return ()
    if connector is not None:
        return ()
    what = f"the cluster has no SAML connector {name!r} (sync.connector): users are made for it, and cannot sign in"
    return (f"{what}; `teleport-okta enroll` creates one, `tctl get saml` lists the existing ones",)
