"""The way to the organisation: HTTPS by a private CA, and an HTTP proxy, as the settings and the environment say."""

from __future__ import annotations

import asyncio
import logging
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from contract.okta.okta_world import World, serving_https
from teleport_okta.clock import VirtualClock
from teleport_okta.okta.client_from_settings import client_of
from teleport_okta.okta.okta_errors import HttpProxyRefusedError, OktaTlsError
from teleport_okta.okta.people_reader import OktaReads
from teleport_okta.sandbox.okta.gateway import Gateway, Response
from teleport_okta.sandbox.okta.http_proxy import HttpProxy
from teleport_okta.settings import OktaSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from teleport_okta.okta.client import OktaClient
    from teleport_okta.sandbox.okta.messages import Request


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[World]:
    """An organisation of three people over HTTPS; `ca.pem` vouches for it."""
    world = World()
    world.hire(3)
    async with serving_https(world, tmp_path / "ca.pem") as served:
        yield served


@pytest.fixture
async def proxy() -> AsyncIterator[HttpProxy]:
    """A proxy that lets ada through."""
    async with HttpProxy(credentials=("ada", "s3cret")) as served:
        yield served


def configured(world: World, ca: Path | None, **environment: str) -> OktaClient:
    """Build the client as the process does."""
    settings = OktaSettings(org_url=world.url, api_token=world.org.ssws_token, ca=ca)
    return client_of(settings, clock=VirtualClock(), rng=Random(1), environment=environment)


def with_credentials(proxy: HttpProxy) -> str:
    return proxy.url.replace("//", "//ada:s3cret@")


async def test_an_organisation_with_a_private_ca_is_verified_with_that_ca(secured: World, tmp_path: Path) -> None:
    async with configured(secured, tmp_path / "ca.pem") as client:
        assert (await OktaReads(client).organization()).id == secured.org.id
        assert len((await OktaReads(client).people_of_app(secured.app_id)).people) == 3


async def test_without_that_ca_nothing_is_sent_and_the_setting_is_named(secured: World) -> None:
    async with configured(secured, None) as client:
        with pytest.raises(OktaTlsError, match=r"okta\.ca"):
            await OktaReads(client).people_of_app(secured.app_id)
    assert not secured.org.calls.endpoints


async def test_every_call_goes_through_one_tunnel_of_the_proxy(
    secured: World, tmp_path: Path, proxy: HttpProxy, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with configured(secured, tmp_path / "ca.pem", HTTPS_PROXY=with_credentials(proxy)) as client:
            for _ in range(3):
                assert len((await OktaReads(client).people_of_app(secured.app_id)).people) == 3
    assert proxy.tunnels == {urlsplit(secured.url).netloc: 1}
    assert f"through the HTTP proxy 127.0.0.1:{proxy.port}" in caplog.text
    assert "s3cret" not in caplog.text


async def test_the_proxys_credentials_stay_with_the_proxy(
    secured: World, tmp_path: Path, proxy: HttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrived: list[Request] = []
    serve = Gateway.serve

    def noted(gateway: Gateway, request: Request) -> AbstractContextManager[Response]:
        arrived.append(request)
        return serve(gateway, request)

    monkeypatch.setattr(Gateway, "serve", noted)
    async with configured(secured, tmp_path / "ca.pem", HTTPS_PROXY=with_credentials(proxy)) as client:
        await OktaReads(client).people_of_app(secured.app_id)
    assert ["Authorization" in request.headers for request in arrived] == [True]
    assert ["Proxy-Authorization" in request.headers for request in arrived] == [False]


async def test_calls_side_by_side_go_through_tunnels_of_their_own(
    secured: World, tmp_path: Path, proxy: HttpProxy
) -> None:
    async with configured(secured, tmp_path / "ca.pem", HTTPS_PROXY=with_credentials(proxy)) as client:
        reads = OktaReads(client)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(reads.people_of_organization())
    assert not proxy.refusals
    assert secured.org.calls.endpoints == {"GET /api/v1/users": 4}


async def test_what_no_proxy_names_is_reached_directly(secured: World, tmp_path: Path, proxy: HttpProxy) -> None:
    environment = {"https_proxy": with_credentials(proxy), "no_proxy": "localhost,127.0.0.1"}
    async with configured(secured, tmp_path / "ca.pem", **environment) as client:
        await OktaReads(client).organization()
    assert not proxy.tunnels


async def test_a_proxy_that_wants_credentials_gets_them_named(secured: World, tmp_path: Path, proxy: HttpProxy) -> None:
    async with configured(secured, tmp_path / "ca.pem", HTTPS_PROXY=proxy.url) as client:
        with pytest.raises(HttpProxyRefusedError, match=f"127.0.0.1:{proxy.port} needs a user name and password"):
            await OktaReads(client).organization()
    assert proxy.refusals == {407: 1}


async def test_a_proxy_that_forbids_the_organisation_is_named(secured: World, tmp_path: Path, proxy: HttpProxy) -> None:
    proxy.refuse(urlsplit(secured.url).netloc)
    async with configured(secured, tmp_path / "ca.pem", HTTPS_PROXY=with_credentials(proxy)) as client:
        with pytest.raises(HttpProxyRefusedError, match=r"refused to connect us to localhost:\d+: 403.*NO_PROXY"):
            await OktaReads(client).organization()


async def test_a_sandbox_on_this_machine_goes_through_a_proxy_only_when_told(acme: World, proxy: HttpProxy) -> None:
    async with configured(acme, None, HTTPS_PROXY=with_credentials(proxy)) as client:
        await OktaReads(client).organization()
    assert not proxy.requests
    async with configured(acme, None, HTTP_PROXY=with_credentials(proxy)) as client:
        await OktaReads(client).organization()
    assert proxy.requests == {urlsplit(acme.url).netloc: 1}
