"""The organisation over HTTPS, with a certificate that clients verify."""

from __future__ import annotations

import asyncio
import random
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest
from cryptography import x509
from teleport_okta.sandbox.okta import OktaOrganization, OktaSandbox
from teleport_okta.sandbox.okta.command import serve
from teleport_okta.sandbox.web_certificate import WebCertificate
from unit.sandbox_okta.sandbox_okta_world import profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def okta() -> AsyncIterator[OktaSandbox]:
    async with OktaSandbox(OktaOrganization(rng=random.Random(3)), tls=True) as sandbox:
        yield sandbox


def trusting(pem: bytes) -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(ssl=ssl.create_default_context(cadata=pem.decode()))


async def test_both_ports_serve_the_same_organisation_and_links_follow_the_call(okta: OktaSandbox) -> None:
    okta.org.create_user(profile("ada"))
    async with aiohttp.ClientSession(
        connector=trusting(okta.ca_pem), headers={"Authorization": f"SSWS {okta.org.ssws_token}"}
    ) as http:
        for base in (okta.url, okta.https_url):
            async with http.get(f"{base}/api/v1/users?limit=1") as response:
                [user] = await response.json()
                assert user["id"] == okta.org.admin
                assert user["_links"]["self"]["href"] == f"{base}/api/v1/users/{user['id']}"
                assert all(line.startswith(f"<{base}/") for line in response.headers.getall("link"))


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
async def test_the_certificate_is_good_for_the_names_of_this_machine(okta: OktaSandbox, name: str) -> None:
    context = ssl.create_default_context(cadata=okta.ca_pem.decode())
    _, writer = await asyncio.open_connection("127.0.0.1", okta.https_port, ssl=context, server_hostname=name)
    writer.close()


async def test_the_certificate_is_good_for_no_other_name(okta: OktaSandbox) -> None:
    context = ssl.create_default_context(cadata=okta.ca_pem.decode())
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'acme\.okta\.com'"):
        await asyncio.open_connection("127.0.0.1", okta.https_port, ssl=context, server_hostname="acme.okta.com")


async def test_a_client_that_does_not_trust_the_ca_gets_no_answer(okta: OktaSandbox) -> None:
    async with aiohttp.ClientSession(connector=trusting(WebCertificate.issue("somebody else").ca_pem)) as http:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(okta.https_url)
    assert okta.org.calls.total == 0


async def test_a_sandbox_without_tls_has_no_https_url() -> None:
    async with OktaSandbox(OktaOrganization()) as plain:
        with pytest.raises(ValueError, match="no HTTPS"):
            _ = plain.https_url


async def test_the_command_announces_the_https_url_and_the_ca_s_file(tmp_path: Path) -> None:
    ready: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(tmp_path, announce=ready.set_result, users=2, tls=True, dpop=True))
    line = await ready
    ca = tmp_path / "okta-ca.pem"
    assert line["ca"] == str(ca)
    assert x509.load_pem_x509_certificate(ca.read_bytes()).extensions.get_extension_for_class(x509.BasicConstraints)
    async with aiohttp.ClientSession(connector=trusting(ca.read_bytes())) as http:
        async with http.get(f"{line['https_url']}/.well-known/okta-organization") as response:
            assert (await response.json())["_links"]["organization"]["href"] == line["https_url"]
        async with http.get(f"{line['control']}clients/{line['oauth']['client_id']}") as response:
            assert (await response.json())["require_dpop"] is True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
