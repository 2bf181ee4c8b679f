"""What each edition offers, as the adapter tells it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from teleport_okta.sandbox.teleport.edition import Entitlement
from teleport_okta.sandbox.teleport.refusal import Refusal

if TYPE_CHECKING:
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

EVERYWHERE = {"access_requests", "adoption", "app_servers", "locks", "roles", "user_groups", "users"}
ENTERPRISE = {"access_lists", "okta_service", "plugin", "review_requests", "saml"}


async def test_each_edition_offers_what_it_has(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    assert teleport.known_cluster is None
    cluster = await teleport.cluster()
    assert teleport.known_cluster == cluster
    assert (cluster.name, cluster.version) == (sandbox.cluster.name, "18.1.3")
    offered = {feature.name for feature in cluster.features if feature.enabled}
    assert offered == (EVERYWHERE | ENTERPRISE if sandbox.cluster.edition.enterprise else EVERYWHERE)
    assert all(bool(feature.reason) != feature.enabled for feature in cluster.features)


@pytest.mark.parametrize("sandbox", ["ent"], indirect=True)
@pytest.mark.parametrize(
    ("governance", "lists", "limit"),
    [
        (Entitlement(True), Entitlement(False), None),
        (Entitlement(False), Entitlement(True), None),
        (Entitlement(False), Entitlement(True, 5), 5),
        (Entitlement(False), Entitlement(False), 1),
    ],
    ids=["governance", "unlimited", "five", "none but the first"],
)
async def test_how_many_access_lists_the_licence_allows(
    teleport: Teleport, sandbox: TeleportSandbox, governance: Entitlement, lists: Entitlement, limit: int | None
) -> None:
    sandbox.cluster.entitlements |= {"Identity": governance, "AccessLists": lists}
    people = sandbox.administrator.lists
    for number in range(limit or 7):
        people.create(f"list-{number}")

    assert (await teleport.cluster()).access_list_limit == limit

    with pytest.raises(Refusal) if limit else nullcontext():
        people.create("another")
