from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from teleport_okta.sandbox.okta import OktaControl, OktaOrganization, OktaSandbox
from teleport_okta.sandbox.okta.command import serve
from unit.sandbox_okta.sandbox_okta_world import profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


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


async def test_link_relations_come_in_header_lines_of_their_own(okta: OktaSandbox, http: aiohttp.ClientSession) -> None:
    okta.org.create_user(profile("ada"))
    async with http.get("/api/v1/users?limit=1") as response:
        lines = response.headers.getall("link")
    assert [line.split("; ")[1] for line in lines] == ['rel="self"', 'rel="next"']
    assert all(line.startswith(f"<{okta.url}/api/v1/users?") for line in lines)


async def test_the_organisation_s_date_is_sent_and_not_the_server_s() -> None:
    org = OktaOrganization(now=lambda: 0.0)
    async with OktaSandbox(org) as okta, aiohttp.ClientSession() as http, http.get(f"{okta.url}/nowhere") as response:
        assert response.headers.getall("Date") == ["Thu, 01 Jan 1970 00:00:00 GMT"]


async def test_a_write_without_a_body_needs_its_length(okta: OktaSandbox) -> None:
    reader, writer = await asyncio.open_connection(okta.host, okta.port)
    lines = f"POST /api/v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: SSWS {okta.org.ssws_token}\r\n\r\n"
    writer.write(lines.encode())
    assert b" 411 " in await reader.readline()
    writer.close()


async def test_a_reset_comes_in_the_middle_of_the_body(okta: OktaSandbox, http: aiohttp.ClientSession) -> None:
    okta.org.fail("reset", count=1)
    async with http.get("/api/v1/users") as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    assert await _status(http, "/api/v1/users") == 200


async def test_a_truncated_body_is_whole_to_http(okta: OktaSandbox, http: aiohttp.ClientSession) -> None:
    okta.org.fail("truncated")
    async with http.get("/api/v1/users") as response:
        with pytest.raises(json.JSONDecodeError):
            json.loads(await response.read())


async def test_a_slow_answer_holds_its_place_in_flight(okta: OktaSandbox, http: aiohttp.ClientSession) -> None:
    okta.org.fail("slow", seconds=0.05, count=37)
    answers = await asyncio.gather(*(_status(http, "/api/v1/users") for _ in range(38)))
    assert sorted(answers) == [200] * 37 + [429]


async def _status(http: aiohttp.ClientSession, path: str) -> int:
    async with http.get(path) as response:
        await response.read()
        return response.status


async def test_the_control_interface_acts_as_the_administrator(
    okta: OktaSandbox, control: aiohttp.ClientSession
) -> None:
    async with control.post("/users", json={"profile": profile("ada")}) as response:
        ada = (await response.json())["id"]
    async with control.post("/apps", json={"label": "Wiki"}) as response:
        app = (await response.json())["id"]
    async with control.post(f"/apps/{app}/assign", json={"user": ada, "userName": "countess"}) as response:
        assert (await response.json())["credentials"]["userName"] == "countess"
    async with control.post("/users/ada@example.com/suspend") as response:
        assert (await response.json())["status"] == "SUSPENDED"
    async with control.delete(f"/users/{ada}") as response:
        assert response.status == 204
    assert okta.org.users.find(ada) is None


async def test_the_control_interface_sets_faults_and_counts_calls(
    http: aiohttp.ClientSession, control: aiohttp.ClientSession
) -> None:
    await control.post("/calls/reset")
    async with control.post(
        "/faults", json={"kind": "internal_error", "path": "/api/v1/users", "count": 1}
    ) as response:
        assert (await response.json())["hits"] == 0
    assert [await _status(http, path) for path in ("/api/v1/users", "/api/v1/users", "/nowhere")] == [500, 200, 404]
    async with control.get("/calls") as response:
        calls = await response.json()
    assert calls["endpoints"] == {"GET /api/v1/users": 2}
    assert calls["unknown"] == {"GET /nowhere": 1}
    assert calls["statuses"] == {"500": 1, "200": 1, "404": 1}
    async with control.delete("/faults"), control.get("/faults") as response:
        assert await response.json() == []


async def test_the_control_interface_narrows_the_role_and_revokes_tokens(
    okta: OktaSandbox, http: aiohttp.ClientSession, control: aiohttp.ClientSession
) -> None:
    await control.post("/role", json={"without": ["okta.apps.read"], "hide": [okta.org.admin]})
    assert await _status(http, "/api/v1/apps") == 403
    async with http.get("/api/v1/users") as response:
        assert await response.json() == []
    await control.delete("/role")
    assert await _status(http, "/api/v1/apps") == 200
    await control.post("/tokens/revoke")
    assert await _status(http, "/api/v1/apps") == 401


async def test_the_control_interface_configures_a_service_app(
    okta: OktaSandbox, control: aiohttp.ClientSession
) -> None:
    client = okta.org.add_client(ec.generate_private_key(ec.SECP256R1()).public_key(), "k")
    path = f"/clients/{client.id}"
    async with control.post(path, json={"scopes": ["okta.users.read"]}) as response:
        assert (await response.json())["scopes"] == ["okta.users.read"]
    async with control.post(path, json={"require_dpop": True}) as response:
        assert await response.json() == {
            "client_id": client.id,
            "require_dpop": True,
            "scopes": ["okta.users.read"],
        }
    async with control.post(path, json={"scopes": ["okta.nonsense"]}) as response:
        assert response.status == 400
    assert (client.require_dpop, client.scopes) == (True, {"okta.users.read"})


async def test_the_control_interface_sets_the_clock(okta: OktaSandbox, control: aiohttp.ClientSession) -> None:
    async with control.post("/clock", json={"skew": -300}) as response:
        assert (await response.json())["skew"] == -300
    async with control.get("/clock") as response:
        assert (await response.json())["skew"] == okta.org.timeline.skew == -300


async def test_the_control_interface_makes_and_changes_apps(okta: OktaSandbox, control: aiohttp.ClientSession) -> None:
    body = {"label": "Suite", "signOnMode": "BOOKMARK", "links": ["mail", "files"], "hidden": True, "note": "Ask Ada."}
    async with control.post("/apps", json=body) as response:
        app = okta.org.app((await response.json())["id"])
    assert (app.sign_on_mode, [name for name, _ in app.links]) == ("BOOKMARK", ["mail", "files"])
    assert (app.visibility["hide"], app.settings["notes"]) == (
        {"iOS": False, "web": True},
        {"admin": None, "enduser": "Ask Ada."},
    )
    async with control.patch(f"/apps/{app.id}", json={"label": "Office", "hidden": False}) as response:
        assert (await response.json())["label"] == "Office"
    async with control.post("/apps", json={"label": "corp", "signOnMode": None, "activate": False}) as response:
        directory = await response.json()
        assert (directory["name"], directory["status"]) == ("active_directory", "INACTIVE")
    async with control.post("/apps/internal") as response:
        assert len(await response.json()) == 7
    async with control.post("/links", json={"shuffle": True}) as response:
        assert await response.json() == {"shuffle": True}
    orders = {tuple(okta.org.apps.links_of(app)) for _ in range(2)}
    assert len(orders) == 2


async def test_the_control_interface_makes_and_changes_groups(
    okta: OktaSandbox, control: aiohttp.ClientSession
) -> None:
    directory = okta.org.create_app("corp", signOnMode=None)
    async with control.post("/groups", json={"name": "Red", "type": "APP_GROUP", "source": directory.id}) as response:
        group = await response.json()
        assert group["source"] == {"id": directory.id}
    async with control.patch(f"/groups/{group['id']}", json={"profile": {"name": "Blue"}}) as response:
        assert (await response.json())["profile"]["name"] == "Blue"
    for administrative in (True, False):
        path = f"/groups/{group['id']}/administrative"
        async with control.post(path, json={"administrative": administrative}) as response:
            assert await response.json() == {"administrative": administrative}
        assert okta.org.group(group["id"]).administrative is administrative


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/users/nobody/suspend", {}, 404),
        ("/faults", {"kind": "slow", "secs": 3}, 400),
        ("/share", {"percent": 0}, 400),
        ("/role", {"without": ["okta.nonsense"]}, 400),
        ("/apps", {"label": "Wiki", "signOnMode": "WS_FEDERATION"}, 400),
        ("/groups/00gNone/administrative", {}, 404),
        ("/clients/0oaNobody", {"require_dpop": True}, 404),
    ],
)
async def test_the_control_interface_refuses_what_the_organisation_refuses(
    control: aiohttp.ClientSession, path: str, body: dict[str, object], status: int
) -> None:
    async with control.post(path, json=body) as response:
        assert response.status == status
        assert await response.json()


async def test_the_command_announces_what_a_client_needs(tmp_path: Path) -> None:
    ready: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(tmp_path / "okta", announce=ready.set_result, users=5, groups=1, apps=2))
    line = await ready
    assert list(line) == ["kind", "url", "ssws_token", "oauth", "app_id", "control"]
    key = tmp_path / "okta" / "okta-key.pem"
    assert line["oauth"]["private_key"] == str(key)
    assert key.stat().st_mode & 0o777 == 0o600
    load_pem_private_key(key.read_bytes(), None)
    headers = {"Authorization": f"SSWS {line['ssws_token']}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.get(f"{line['url']}/api/v1/apps/{line['app_id']}/users") as response:
            assert len(await response.json()) == 5
        async with http.get(str(line["control"])) as response:
            assert (await response.json())["url"] == line["url"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
