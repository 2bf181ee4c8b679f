"""What each edition offers, as the adapter tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

EVERYWHERE = {"access_requests", "adoption", "app_servers", "locks", "roles", "user_groups", "users"}
ENTERPRISE = {"access_lists", "okta_service", "plugin", "saml"}


async def test_each_edition_offers_what_it_has(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    cluster = await teleport.cluster()
    offered = {feature.name for feature in cluster.features if feature.enabled}
    assert offered == (EVERYWHERE | ENTERPRISE if sandbox.cluster.edition.enterprise else EVERYWHERE)
    assert all(feature.reason for feature in cluster.features if not feature.enabled)
