from __future__ import annotations

import random
from typing import TYPE_CHECKING

import aiohttp
import pytest
from teleport_okta.sandbox.okta import OktaControl, OktaOrganization, OktaSandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.sandbox.okta.apps import App

NOW = 1_767_600_000.0


@pytest.fixture
async def okta() -> AsyncIterator[OktaSandbox]:
    async with OktaSandbox(OktaOrganization(now=lambda: NOW, rng=random.Random(3))) as sandbox:
        yield sandbox


@pytest.fixture
async def control(okta: OktaSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with OktaControl(okta) as listener, aiohttp.ClientSession(listener.url) as session:
        yield session


@pytest.fixture
def wiki(okta: OktaSandbox) -> App:
    return okta.org.create_app("Wiki")


async def test_the_control_interface_generates_and_rotates_keys(
    okta: OktaSandbox, control: aiohttp.ClientSession, wiki: App
) -> None:
    async with control.post(f"/apps/{wiki.id}/keys", json={"years": 3}) as response:
        key = await response.json()
    assert key["expiresAt"] == "2029-01-05T08:00:00.000Z"
    assert okta.org.app(wiki.id).kid == wiki.kid
    async with control.post(f"/apps/{wiki.id}/keys/rotate", json={"kid": key["kid"]}) as response:
        assert (await response.json())["credentials"]["signing"] == {"kid": key["kid"]}
    async with control.post(f"/apps/{wiki.id}/keys/rotate") as response:
        newest = (await response.json())["credentials"]["signing"]["kid"]
    async with control.get(f"/apps/{wiki.id}/keys") as response:
        assert [found["kid"] for found in await response.json()] == [wiki.kid, key["kid"], newest]


async def test_the_control_interface_has_a_certificate_expire(control: aiohttp.ClientSession, wiki: App) -> None:
    async with control.post(f"/apps/{wiki.id}/certificate", json={"expires_in": -60}) as response:
        assert (await response.json())["expiresAt"] == "2026-01-05T07:59:00.000Z"
    async with control.post(f"/apps/{wiki.id}/certificate", json={"starts_in": 60, "expires_in": 3600}) as response:
        assert (await response.json())["expiresAt"] == "2026-01-05T09:00:00.000Z"


async def test_the_control_interface_changes_where_assertions_go(control: aiohttp.ClientSession, wiki: App) -> None:
    body = {"acs_url": "https://new.example.com/acs", "audience": "urn:wiki"}
    async with control.patch(f"/apps/{wiki.id}/sign-on", json=body) as response:
        sign_on = (await response.json())["settings"]["signOn"]
    assert (sign_on["ssoAcsUrl"], sign_on["audience"]) == ("https://new.example.com/acs", "urn:wiki")


async def test_the_control_interface_deactivates_and_deletes_an_app(
    okta: OktaSandbox, control: aiohttp.ClientSession, wiki: App
) -> None:
    async with control.post(f"/apps/{wiki.id}/deactivate") as response:
        assert (await response.json())["status"] == "INACTIVE"
    async with control.delete(f"/apps/{wiki.id}") as response:
        assert response.status == 204
    assert okta.org.apps.all.get(wiki.id) is None


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("keys", {"years": 0}, 400),
        ("keys/rotate", {"kid": "other"}, 404),
        ("certificate", {"expires_in": 60, "starts_in": 60}, 400),
    ],
)
async def test_the_control_interface_returns_the_error_of_a_key(
    control: aiohttp.ClientSession, wiki: App, path: str, body: dict[str, object], status: int
) -> None:
    async with control.post(f"/apps/{wiki.id}/{path}", json=body) as response:
        assert response.status == status
        assert await response.json()
