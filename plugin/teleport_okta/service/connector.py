"""Decides whether a service keeps a SAML connector up to date, and which one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.saml.connector_refresh import ConnectorRefresher

if TYPE_CHECKING:
    from teleport_okta.app import Parts
    from teleport_okta.settings import Settings
    from teleport_okta.sync.follower import Follower


def refresher_of(settings: Settings, parts: Parts, follower: Follower | None) -> ConnectorRefresher | None:
    """Return the task that keeps the SAML connector up to date; None if people do not come from an app through one."""
    sync = settings.sync
    if sync.source != "saml_app" or sync.local_users or settings.okta.app_id is None:
        return None
    return ConnectorRefresher(
        parts.saml_apps,
        parts.teleport,
        parts.clock,
        connector=sync.connector,
        app_id=settings.okta.app_id,
        org_hosts=parts.org_hosts,
        told=lambda: () if follower is None else follower.following().alarms,
    )
