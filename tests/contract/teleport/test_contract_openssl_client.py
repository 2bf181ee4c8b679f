"""`openssl s_client`, a client that nobody here wrote, against the sandbox: through the auth server and the proxy.

It completes where a real server lets it, and is refused where a real one would refuse
(`docs/reference/teleport-observed.md` 1.1).
"""

from __future__ import annotations

import asyncio
import re
import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from teleport_okta.sandbox.teleport import TeleportSandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from teleport_okta.teleport.identity import Identity

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl binary")

_PEM = re.compile(rb"-----BEGIN .*?-----END [A-Z ]+-----\n", re.DOTALL)
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What s_client told: its own report, and whether the server answered an HTTP/2 client at all."""

    report: str
    answered: bool

    @property
    def chain(self) -> int:
        """How many certificates the server sent."""
        return self.report.count("-----BEGIN CERTIFICATE-----")

    def says(self, *lines: str) -> bool:
        """Whether each of these is part of the report."""
        return all(line in self.report for line in lines)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[TeleportSandbox]:
    """A cluster; its edition makes no difference to TLS."""
    async with TeleportSandbox(tmp_path / "cluster") as running:
        yield running


@pytest.fixture
def host_ca(sandbox: TeleportSandbox, tmp_path: Path) -> Path:
    path = tmp_path / "host-ca.pem"
    path.write_bytes(sandbox.issuer.host.pem)
    return path


@pytest.fixture(params=["auth", "proxy"])
def way(request: pytest.FixtureRequest, sandbox: TeleportSandbox, host_ca: Path) -> list[str]:
    """How to reach the auth server, and to verify it: directly or through the proxy."""
    protocol = f"teleport-auth@{sandbox.cluster.name.encode().hex()}.teleport.cluster.local,h2"
    address, alpn = {"auth": (sandbox.address, "h2"), "proxy": (sandbox.proxy_address, protocol)}[request.param]
    verified = ["-CAfile", str(host_ca), "-verify_return_error", "-verify_hostname", "teleport.cluster.local"]
    return ["-connect", address, "-alpn", alpn, "-servername", "teleport.cluster.local", *verified]


async def s_client(*arguments: str) -> Outcome:
    """Run `openssl s_client`, speak HTTP/2, and leave when the server has answered or hung up."""
    process = await asyncio.create_subprocess_exec(
        "openssl",
        "s_client",
        "-showcerts",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(_PREFACE)
    told = b""
    answered = False
    while data := await process.stdout.read(4096):
        told += data
        # A SETTINGS frame (type 4) for the connection, which every HTTP/2 server begins with.
        if not answered and re.search(rb"\x00\x00.\x04\x00\x00\x00\x00\x00", told, re.DOTALL):
            answered = True
            process.stdin.close()
    await process.wait()
    return Outcome(told.decode(errors="replace"), answered)


def as_files(identity: bytes, directory: Path) -> list[str]:
    """Write key and leaf of an identity to files, and return the options that show them."""
    key, leaf = directory / "client.key", directory / "client.crt"
    parts = _PEM.findall(identity)
    key.write_bytes(parts[0])
    leaf.write_bytes(parts[1])
    return ["-key", str(key), "-cert", str(leaf)]


async def test_the_handshake_completes_with_the_bots_identity(
    sandbox: TeleportSandbox, way: list[str], tmp_path: Path
) -> None:
    outcome = await s_client(*way, *as_files(sandbox.identity_path.read_bytes(), tmp_path))

    assert outcome.says("ALPN protocol: h2", "Verify return code: 0 (ok)", "TLSv1.3")
    assert outcome.answered


async def test_the_server_sends_its_leaf_alone(way: list[str]) -> None:
    assert (await s_client(*way)).chain == 1


async def test_a_chain_longer_than_the_leaf_is_refused_after_the_handshake(
    sandbox: TeleportSandbox, way: list[str], host_ca: Path, tmp_path: Path
) -> None:
    shown = as_files(sandbox.identity_path.read_bytes(), tmp_path)

    outcome = await s_client(*way, *shown, "-cert_chain", str(host_ca))

    assert outcome.says("ALPN protocol: h2", "Verify return code: 0 (ok)")
    assert not outcome.answered


async def test_the_ca_that_openssl_adds_to_a_hosts_chain_by_itself_is_refused_too(
    way: list[str], host: Identity, tmp_path: Path
) -> None:
    outcome = await s_client(*way, *as_files(host.key_pem + host.certificate_pem, tmp_path))

    assert outcome.says("ALPN protocol: h2", "Verify return code: 0 (ok)")
    assert not outcome.answered


async def test_a_host_that_trusts_nothing_sends_its_leaf_alone_and_is_welcome(
    way: list[str], host: Identity, tmp_path: Path
) -> None:
    unverified = way[: way.index("-CAfile")]

    assert (await s_client(*unverified, *as_files(host.key_pem + host.certificate_pem, tmp_path))).answered


async def test_an_expired_identity_is_refused(sandbox: TeleportSandbox, way: list[str], tmp_path: Path) -> None:
    expired = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"], lifetime=timedelta(seconds=-5))

    outcome = await s_client(*way, *as_files(expired.text(), tmp_path))

    assert outcome.says("Verify return code: 0 (ok)", "certificate expired")
    assert not outcome.answered


async def test_no_session_is_resumed(sandbox: TeleportSandbox, way: list[str], tmp_path: Path) -> None:
    shown, session = as_files(sandbox.identity_path.read_bytes(), tmp_path), str(tmp_path / "session")

    await s_client(*way, *shown, "-sess_out", session)
    outcome = await s_client(*way, *shown, "-sess_in", session)

    assert outcome.says("New, TLSv1.3")
    assert "Reused" not in outcome.report


async def test_the_proxy_shows_its_own_certificate_to_who_asks_for_nothing(sandbox: TeleportSandbox) -> None:
    trusted = ["-CAfile", str(sandbox.proxy_ca_path), "-verify_return_error", "-verify_hostname", "localhost"]

    outcome = await s_client("-connect", sandbox.proxy_address, "-servername", "localhost", *trusted)

    assert outcome.says("subject=CN = localhost", "No ALPN negotiated", "Verify return code: 0 (ok)")


async def test_the_auth_servers_ca_is_not_the_proxys(sandbox: TeleportSandbox, host_ca: Path) -> None:
    outcome = await s_client("-connect", sandbox.proxy_address, "-CAfile", str(host_ca), "-verify_return_error")

    assert outcome.says("certificate verify failed")


async def test_another_clusters_name_ends_the_connection(sandbox: TeleportSandbox) -> None:
    protocol = f"teleport-auth@{b'another.test'.hex()}.teleport.cluster.local,h2"

    outcome = await s_client("-connect", sandbox.proxy_address, "-alpn", protocol)

    assert outcome.says("no peer certificate available")
