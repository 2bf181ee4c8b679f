from __future__ import annotations

import random
from typing import TYPE_CHECKING

import aiohttp
import pytest
from teleport_okta.sandbox.okta import OktaControl, OktaOrganization, OktaSandbox, seed_large, seed_organization
from unit.sandbox_okta.sandbox_okta_log import LOGS, types
from unit.sandbox_okta.sandbox_okta_world import profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def okta() -> AsyncIterator[OktaSandbox]:
    async with OktaSandbox(OktaOrganization(rng=random.Random(3))) as sandbox:
        yield sandbox


@pytest.fixture
async def http(okta: OktaSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"SSWS {okta.org.ssws_token}"}
    async with aiohttp.ClientSession(okta.url, headers=headers) as session:
        yield session


@pytest.fixture
async def control(okta: OktaSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with OktaControl(okta) as listener, aiohttp.ClientSession(listener.url) as session:
        yield session


async def _poll(http: aiohttp.ClientSession, url: str) -> tuple[list[str], str]:
    async with http.get(url) as response:
        assert response.status == 200
        return types(await response.json()), str(response.links["next"]["url"])


async def test_a_watcher_follows_the_log_over_http(okta: OktaSandbox, http: aiohttp.ClientSession) -> None:
    found, url = await _poll(http, f"{LOGS}?limit=2")
    assert (found, url.startswith(okta.url)) == ([], True)
    okta.org.create_user(profile("ada"))
    okta.org.create_group("Red")
    found, url = await _poll(http, url)
    assert found == ["user.lifecycle.create", "user.lifecycle.activate"]
    found, url = await _poll(http, url)
    assert found == ["group.lifecycle.create"]
    assert await _poll(http, url) == ([], url)


async def test_the_event_of_a_write_has_its_request_id(okta: OktaSandbox, http: aiohttp.ClientSession) -> None:
    mark = okta.org.log.mark()
    async with http.post("/api/v1/groups", json={"profile": {"name": "Red"}}) as response:
        request = response.headers["X-Okta-Request-Id"]
    [event] = okta.org.log.since(mark)
    assert event["debugContext"]["debugData"]["requestId"] == request


async def test_the_control_interface_disturbs_the_log(okta: OktaSandbox, control: aiohttp.ClientSession) -> None:
    async with control.post("/log/faults", json={"kind": "drop", "match": "user.", "count": 9}) as response:
        assert await response.json() == {"kind": "drop", "match": "user.", "count": 9, "seconds": 0, "hits": 0}
    okta.org.create_user(profile("ada"))
    async with control.post("/log/events", json={"eventType": "odd"}) as response:
        assert (await response.json())["eventType"] == "odd"
    async with control.patch("/log", json={"unknown_user_names": True, "silent_rules": True, "widest": 60}) as response:
        state = await response.json()
    assert (state["events"], state["faults"][0]["hits"]) == (1, 2)
    assert (state["unknown_user_names"], state["silent_rules"], state["widest"]) == (True, True, 60)
    async with control.delete("/log/faults"), control.get("/log") as response:
        assert (await response.json())["faults"] == []
    async with control.get("/log/events/0") as response:
        assert types(await response.json()) == ["odd"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/log/faults", {"kind": "nonsense"}),
        ("/log/faults", {"kind": "drop", "type": "user."}),
    ],
)
async def test_the_control_interface_refuses_bad_orders(
    control: aiohttp.ClientSession, path: str, body: dict[str, object]
) -> None:
    async with control.post(path, json=body) as response:
        assert (response.status, set(await response.json())) == (400, {"error"})


async def test_the_control_interface_ends_cursors(http: aiohttp.ClientSession, control: aiohttp.ClientSession) -> None:
    _, url = await _poll(http, LOGS)
    async with control.post("/log/cursors/invalidate", json={"code": "E0000029"}) as response:
        assert response.status == 204
    async with http.get(url) as response:
        assert (response.status, (await response.json())["errorCode"]) == (400, "E0000029")


async def test_the_control_interface_has_rules_keys_and_shares(
    okta: OktaSandbox, control: aiohttp.ClientSession
) -> None:
    group = okta.org.create_group("Red").id
    body = {"name": "Engineers", "groups": [group], "attribute": "department", "value": "Engineering"}
    async with control.post("/rules", json=body) as response:
        rule = await response.json()
    assert (rule["status"], rule["groups"]) == ("INACTIVE", [group])
    for action, status in (("activate", "ACTIVE"), ("deactivate", "INACTIVE")):
        async with control.post(f"/rules/{rule['id']}/{action}") as response:
            assert (await response.json())["status"] == status
    async with control.delete("/clients/0oaNobody/keys/r") as response:
        assert response.status == 404
    async with control.post("/share", json={"percent": 80}) as response:
        assert response.status == 200
    assert types(okta.org.log.since(0))[-1] == "system.rate_limit.configuration.update"


def test_seeding_leaves_no_events() -> None:
    small, large = (OktaOrganization(rng=random.Random(1)) for _ in range(2))
    seed_organization(small, users=20, groups=5, apps=3, rng=random.Random(1))
    seed_large(large, users=20, groups=20, apps=10, memberships=50, rng=random.Random(1))
    assert (small.log.since(0), large.log.since(0)) == ([], [])
