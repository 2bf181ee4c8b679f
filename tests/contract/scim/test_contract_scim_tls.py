"""The requests of a client over TLS, and what a certificate that is replaced does to its connections.

What a pair of files must be to be used has tests of its own (`unit/scim/test_scim_server_tls.py`).
"""

from __future__ import annotations

import asyncio
import logging
import ssl

import pytest
from contract.scim.door import USER, built_door
from contract.scim.pushed_groups import PUSHING_ALONE, ROOMY, add, described, members_of, patch_group
from teleport_okta.observe.metrics import Metrics
from teleport_okta.sandbox.web_certificate import WebCertificate
from teleport_okta.scim.traffic import Traffic
from unit.scim.certificate_files import CertificateFiles

ONE, OTHER = WebCertificate.issue("one"), WebCertificate.issue("other")
OWNER = "owner@x.io"
LOOKED_AT = 31
"""Seconds after which the files are looked at again."""


def trusting(*issued):
    """The settings of a client that believes these issuers, and none of the machine's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for one in issued:
        context.load_verify_locations(cadata=one.ca_pem.decode())
    return context


@pytest.fixture
def files(tmp_path):
    files = CertificateFiles(tmp_path)
    files.write(ONE, ONE)
    return files


@pytest.fixture
async def door(files, tmp_path):
    """SCIM alone over TLS, with groups."""
    settings = {**PUSHING_ALONE, **ROOMY, "scim": {**files.keys}}
    async with built_door(tmp_path, settings=settings, trusted=trusting(ONE, OTHER)) as built:
        built.world.teleport.administrator.create_user(OWNER)
        assert (await built.world.run()).succeeded
        yield built


class Line:
    """One connection of a client, kept open between requests."""

    def __init__(self, door, reader, writer):
        self._door, self._reader, self._writer = door, reader, writer

    @classmethod
    async def opened(cls, door):
        streams = await asyncio.open_connection(
            "127.0.0.1", door.server.bound.port, ssl=trusting(ONE, OTHER), server_hostname="127.0.0.1"
        )
        return cls(door, *streams)

    @property
    def certificate(self):
        """Which certificate the endpoint showed."""
        shown = self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return next(one for one in (ONE, OTHER) if one.certificate.tbs_certificate_bytes in shown)

    async def ask(self):
        """List the users; return the status."""
        token = self._door.token
        self._writer.write(f"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        async with asyncio.timeout(10):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().partition("content-length: ")[2].split()[0])
            await self._reader.readexactly(length)
        return int(head.split()[1])

    def close(self):
        self._writer.close()


async def shown(door):
    """What `status` shows of the endpoint."""
    world = door.world
    traffic = Traffic(Metrics(), clock=world.clock)
    return await traffic.door(world.settings.scim, door.server, world.parts.store.scim_users)


async def test_people_and_groups_are_provisioned_over_tls(door):
    assert door.url.startswith("https://")
    ada, bob = await door.provision("ada@x.io"), await door.provision("bob@x.io")
    (found,) = await door.named("ada@x.io")
    assert (found["id"], found["meta"]["location"]) == (ada, f"{door.url}/Users/{ada}")
    renamed = {"schemas": [USER], "userName": "ada@x.io", "displayName": "Countess", "active": True}
    assert (await door.ask("PUT", f"/Users/{ada}", renamed)).body["displayName"] == "Countess"
    created = await door.ask("POST", "/Groups", described("Looms", ada))
    assert (created.status, created.headers["Location"]) == (201, f"{door.url}/Groups/{created.body['id']}")
    assert (await patch_group(door, created.body["id"], add(bob))).status == 204
    assert members_of(door, created.body["id"]) == {"ada@x.io", "bob@x.io"}
    assert (await door.set_active(ada, active=False)).status == 200
    assert set(door.world.owned()) == {"bob@x.io"}
    assert set(door.world.locks()) == {"ada@x.io"}
    assert (await door.set_active(ada, active=True)).status == 200
    assert members_of(door, created.body["id"]) == {"ada@x.io", "bob@x.io"}
    assert (await door.ask("DELETE", f"/Groups/{created.body['id']}")).status == 204
    assert (await door.ask("DELETE", f"/Users/{ada}")).status == 204
    assert (await door.ask("GET", "/Groups")).body["totalResults"] == 0
    assert set(door.world.owned()) == {"bob@x.io"}


async def test_a_rotated_certificate_is_used_for_new_connections_and_open_ones_continue(door, files):
    line = await Line.opened(door)
    assert (line.certificate, await line.ask()) == (ONE, 200)
    files.write(OTHER, OTHER)
    door.world.clock.advance(LOOKED_AT)
    new = await Line.opened(door)
    assert (new.certificate, await new.ask()) == (OTHER, 200)
    assert (line.certificate, await line.ask()) == (ONE, 200)
    assert (await shown(door)).problem == ""
    for one in (line, new):
        one.close()


async def test_a_broken_certificate_changes_nothing_and_status_shows_it_until_it_is_valid(door, files):
    line = await Line.opened(door)
    files.certificate.write_text("nonsense")
    door.world.clock.advance(LOOKED_AT)
    said = await shown(door)
    assert str(files.certificate) in said.problem
    assert said.address == f"https://127.0.0.1:{door.server.bound.port}"
    new = await Line.opened(door)
    assert (new.certificate, await new.ask(), await line.ask()) == (ONE, 200, 200)
    files.write(OTHER, OTHER)
    door.world.clock.advance(LOOKED_AT)
    assert (await shown(door)).problem == ""
    last = await Line.opened(door)
    assert (last.certificate, await last.ask(), await line.ask()) == (OTHER, 200, 200)
    for one in (line, new, last):
        one.close()


@pytest.mark.parametrize("said", [b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n"])
async def test_a_client_with_plain_http_gets_no_http_back_and_blocks_no_other(door, said, caplog):
    caplog.set_level(logging.INFO, "teleport_okta")
    reader, writer = await asyncio.open_connection("127.0.0.1", door.server.bound.port)
    writer.write(said)
    async with asyncio.timeout(5):
        # A TLS alert at the most, and at once, not after the time that a handshake may take.
        assert b"HTTP" not in await reader.read()
    writer.close()
    line = await Line.opened(door)
    assert await line.ask() == 200
    line.close()
    assert [record.levelno for record in caplog.records if "scim" in record.name] == [logging.INFO]
