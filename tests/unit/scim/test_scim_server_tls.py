"""HTTPS: the certificate may be replaced while the endpoint runs, and a bad one never is."""

from __future__ import annotations

import asyncio
import logging
import ssl

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from teleport_okta.errors import ConfigError
from teleport_okta.sandbox.web_certificate import WebCertificate
from teleport_okta.scim.limits import Limits
from teleport_okta.scim.tokens import digest_of
from unit.scim.certificate_files import CertificateFiles
from unit.scim.scim_client import AUTHORISED, TOKEN, scim_world, settings

ONE, OTHER = WebCertificate.issue("one"), WebCertificate.issue("other")


@pytest.fixture
def files(tmp_path):
    files = CertificateFiles(tmp_path)
    files.write(ONE, ONE)
    return files


def over_tls(files):
    return settings(listen="0.0.0.0:0", **files.keys)


async def is_trusted(world, issued):
    """Whether a client that trusts this issuer gets an answer."""
    context = ssl.create_default_context(cadata=issued.ca_pem.decode())
    url = f"https://localhost:{world.bound.port}/scim/v2/Users"
    try:
        async with world.http.get(url, ssl=context, headers={**AUTHORISED, "Connection": "close"}) as response:
            return response.status == 200
    except aiohttp.ClientConnectorCertificateError:
        return False


async def test_a_new_certificate_is_used_once_it_is_whole(files, tmp_path, caplog):
    caplog.set_level(logging.INFO, "teleport_okta")
    async with scim_world(tmp_path, configured=over_tls(files)) as world:
        assert await is_trusted(world, ONE)

        files.write(certificate=OTHER)
        for _ in range(3):
            world.clock.advance(31)
            assert await is_trusted(world, ONE)
        assert caplog.text.count("the new one cannot be used") == 1
        assert "does not match the certificate" in caplog.text

        files.write(key=OTHER)
        world.clock.advance(31)
        assert await is_trusted(world, OTHER)
        assert not await is_trusted(world, ONE)
        assert caplog.text.count("has a new certificate") == 1


async def test_missing_files_leave_the_certificate_in_use_with_a_warning(files, tmp_path, caplog):
    async with scim_world(tmp_path, configured=over_tls(files)) as world:
        away = files.key.rename(tmp_path / "away.pem")
        world.clock.advance(31)
        assert await is_trusted(world, ONE)
        assert "key.pem cannot be read" in await world.server.certificate_problem()
        away.rename(files.key)
        world.clock.advance(31)
        assert await world.server.certificate_problem() == ""
    assert "key.pem cannot be read" in caplog.text


async def test_a_problem_of_new_files_is_found_without_a_client_and_shown_until_it_is_gone(files, tmp_path):
    async with scim_world(tmp_path, configured=over_tls(files)) as world:
        assert await world.server.certificate_problem() == ""
        files.write(certificate=OTHER)
        world.clock.advance(31)
        assert "does not match the certificate" in await world.server.certificate_problem()
        files.write(key=OTHER)
        world.clock.advance(31)
        assert await world.server.certificate_problem() == ""
        await world.revoke()
        await world.until(lambda: world.server.bound is None)
        assert await world.server.certificate_problem() == ""


async def test_a_broken_key_at_the_first_token_is_reported_and_tried_again(files, tmp_path):
    files.key.rename(tmp_path / "away.pem")
    async with scim_world(tmp_path / "data", token=None, configured=over_tls(files)) as world:
        await world.store.scim_tokens.add(digest_of(TOKEN.encode()), at=world.clock.now())
        await world.until(lambda: "key.pem cannot be read" in world.server.reason)
        (tmp_path / "away.pem").rename(files.key)
        await world.until(lambda: world.server.bound is not None)
        assert await is_trusted(world, ONE)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_old_versions_of_tls_are_refused(files, tmp_path):
    async with scim_world(tmp_path, configured=over_tls(files)) as world:
        context = ssl.create_default_context(cadata=ONE.ca_pem.decode())
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("localhost", world.bound.port, ssl=context)


async def test_a_client_that_begins_no_tls_is_cut_off_and_counts_as_a_connection(files, tmp_path):
    async with scim_world(tmp_path, configured=over_tls(files), limits=Limits(handshake=0.1, connections=1)) as world:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", world.bound.port)
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", world.bound.port)
            assert await other_reader.read() == b""
            assert await reader.read() == b""
            writer.close()
            other_writer.close()
            assert await is_trusted(world, ONE)


@pytest.mark.parametrize("trouble", ["missing", "mismatch", "garbage", "encrypted"])
async def test_files_that_cannot_be_used_are_named_at_the_start(files, tmp_path, trouble):
    match trouble:
        case "missing":
            files.key.unlink()
        case "mismatch":
            files.write(key=OTHER)
        case "garbage":
            files.certificate.write_text("nonsense")
        case "encrypted":
            files.key.write_bytes(
                ONE.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
            )
    with pytest.raises(ConfigError, match=r"scim\.certificate, scim\.key: .*\.pem"):
        async with scim_world(tmp_path, configured=over_tls(files)):
            pass


async def test_clients_that_begin_no_handshake_block_no_other_client(files, tmp_path):
    async with scim_world(tmp_path, configured=over_tls(files), limits=Limits(connections=8)) as world:
        silent = [await world.connect() for _ in range(50)]
        async with asyncio.timeout(10):
            assert await is_trusted(world, ONE)
            assert {await reader.read() for reader, _ in silent[:40]} == {b""}
        for _, writer in silent:
            writer.close()


async def test_the_end_of_the_certificate_in_use_is_known(files, tmp_path):
    async with scim_world(tmp_path, configured=over_tls(files)) as world:
        assert world.server.certificate_expires == ONE.certificate.not_valid_after_utc
