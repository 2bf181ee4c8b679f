"""The control interfaces of both sandboxes refuse pages in a browser."""

from __future__ import annotations

from contextlib import asynccontextmanager

import aiohttp
import pytest
from teleport_okta.sandbox.okta import OktaControl, OktaOrganization, OktaSandbox
from teleport_okta.sandbox.own_address import foreign
from teleport_okta.sandbox.teleport.control import Control
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox


@asynccontextmanager
async def okta(_):
    async with OktaSandbox(OktaOrganization()) as sandbox, OktaControl(sandbox) as control:
        yield control.url


@asynccontextmanager
async def teleport(directory):
    async with TeleportSandbox(directory) as sandbox, Control(sandbox) as control:
        yield control.url


@pytest.mark.parametrize("control", [okta, teleport])
async def test_every_request_of_a_page_in_a_browser_is_refused(tmp_path, control):
    async with control(tmp_path) as url, aiohttp.ClientSession(url) as http:
        port = url.rstrip("/").rpartition(":")[2]
        for headers in (
            {"Host": f"evil.example.com:{port}"},
            {"Host": f"evil.example.com:{port}", "Origin": f"http://evil.example.com:{port}"},
            {"Origin": "https://evil.example.com"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            for method, path in (("GET", "/"), ("POST", "/faults"), ("DELETE", "/faults"), ("GET", "/nowhere")):
                async with http.request(method, path, headers=headers, json={}) as response:
                    assert (response.status, list(await response.json())) == (403, ["error"]), (headers, method, path)


@pytest.mark.parametrize("control", [okta, teleport])
async def test_a_program_may_call_it_by_its_address_or_by_localhost(tmp_path, control):
    async with control(tmp_path) as url, aiohttp.ClientSession(url) as http:
        port = url.rstrip("/").rpartition(":")[2]
        for headers in ({}, {"Host": f"localhost:{port}"}, {"Origin": url.rstrip("/")}, {"Sec-Fetch-Site": "none"}):
            async with http.get("/", headers=headers) as response:
                assert response.status == 200, headers


@pytest.mark.parametrize("host", ["[::1]:80", "127.0.0.1", "localhost", "LOCALHOST:9"])
def test_an_address_cannot_be_pointed_somewhere_else(host):
    assert foreign([host], [], "none") == ""


@pytest.mark.parametrize("host", ["127.0.0.1.nip.io:80", "localhost.example.com", "a b", "", "[::1", "127.1"])
def test_a_name_can(host):
    assert "Host" in foreign([host], [], "none")


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "127.0.0.1"]])
def test_one_host_must_be_named(hosts):
    assert "Host" in foreign(hosts, [], "none")
