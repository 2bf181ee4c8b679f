"""Our gRPC services over TCP: TLS on both sides, and nobody is served whom `[serve]` does not name.

The server shows the certificate of `serve.certificate`. A client shows one that a CA of the cluster issued: that
of hosts, or that of users. Its subject decides, call by call (`remote_admission.py`). The files and the CAs are read
again and again. A new connection meets the latest, and the calls on an open one are judged by the latest CAs.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio
from cryptography.hazmat.primitives.serialization import Encoding

from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.serve.gate import Gate
from teleport_okta.serve.offers import Health
from teleport_okta.serve.remote_admission import RemoteAdmission
from teleport_okta.serve.server_certificate import ServerCertificateError, read_server_certificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.serve.offers import Offer
    from teleport_okta.serve.teleport_view import ClusterView
    from teleport_okta.settings_scim import ScimSettings
    from teleport_okta.settings_serve import ServeSettings

LOOK_EVERY: Final = 30.0
"""Seconds between two looks at the files and at the cluster's CAs: a phase of a rotation lasts minutes at the least."""

_FIRST_LOOK: Final = 5.0
"""Seconds that a start waits for the users' CA. Later on it is asked for again, and users are served from then on."""

_MESSAGE_SIZE: Final = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """How much clients may take; times in seconds of the machine's clock, sizes in bytes.

    `handshake` is for the begin of TLS, `message` for the message of a call to arrive, `stream` for a call that is
    answered by a stream. A connection ends after `idle` without a call, and is asked to end after `age`. `drain` is
    for calls in flight when the server stops.
    """

    connections: int = 256
    calls: int = 64
    message_size: int = _MESSAGE_SIZE
    handshake: float = 10.0
    message: float = 20.0
    stream: float = 600.0
    idle: float = 300.0
    age: float = 3600.0
    drain: float = 5.0

    @classmethod
    def of(cls, settings: ScimSettings) -> RemoteLimits:
        """Return the limits under which a SCIM resource may be as large as by HTTP: a message takes more bytes."""
        return cls(message_size=max(_MESSAGE_SIZE, 2 * settings.max_body))

    def options(self) -> list[tuple[str, int]]:
        """Return the limits that gRPC keeps by itself."""
        return [
            ("grpc.max_allowed_incoming_connections", self.connections),
            ("grpc.max_receive_message_length", self.message_size),
            ("grpc.max_send_message_length", -1),
            ("grpc.server_handshake_timeout_ms", _milliseconds(self.handshake)),
            ("grpc.max_connection_idle_ms", _milliseconds(self.idle)),
            ("grpc.max_connection_age_ms", _milliseconds(self.age)),
            # A client that is gone without a word is found out within two minutes.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            # With it, a second process could take a part of the connections without anybody noticing.
            ("grpc.so_reuseport", 0),
        ]


class RemoteListener:
    """What new connections meet: our certificate, and the CAs that are trusted. `port` is where they connect."""

    def __init__(self, certificate: Path, key: Path, cluster: ClusterView) -> None:
        self._paths = certificate, key
        self._cluster = cluster
        self._problem = ""
        self.cas = cluster.known_cas()
        self.port = 0
        self.looked = asyncio.Event()
        """Set once the CAs were asked for, with or without an answer."""
        try:
            self._certificate = read_server_certificate(certificate, key)
        except ServerCertificateError as error:
            remedy = "give PEM files of a certificate chain and its key, not encrypted"
            raise ConfigError(f"serve.certificate, serve.key: {error}", remedy=remedy) from error
        self._handed_out = self._material()

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that follow what this object holds, and let no client in without a certificate."""
        first = _configuration(self._handed_out)
        return grpc.dynamic_ssl_server_credentials(first, self._next, require_client_authentication=True)  # type: ignore[arg-type]

    async def look(self) -> None:
        """Read the files and the CAs again. What cannot be had is logged once, and stays as it was."""
        problems = []
        try:
            certificate = await asyncio.to_thread(read_server_certificate, *self._paths)
        except ServerCertificateError as error:
            problems.append(f"the gRPC listener keeps its certificate, the new one cannot be used: {error}")
        else:
            if certificate != self._certificate:
                self._certificate = certificate
                _log.info("the gRPC listener has a new certificate, from %s", self._paths[0])
        try:
            self.cas = await self._cluster.read_cas()
        except (TeleportOktaError, ValueError) as error:
            problems.append(f"the gRPC listener keeps the CAs that it knows, the cluster's cannot be read: {error}")
        finally:
            self.looked.set()
        problem = "; ".join(problems)
        if problem and problem != self._problem:
            _log.warning("%s", problem)
        self._problem = problem

    async def keep(self, clock: Clock) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - the root of a task: new CAs must be noticed after a failure as well
                _log.exception("the gRPC listener failed at looking for new certificates, and goes on")
            await clock.sleep(LOOK_EVERY)

    def _next(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what the next handshake is made with, or None if nothing has changed. Called in a thread of gRPC."""
        material = self._material()
        if material == self._handed_out:
            return None
        self._handed_out = material
        return _configuration(material)

    def _material(self) -> tuple[bytes, bytes, bytes]:
        """Return our key, our certificate chain and the trusted CAs, all PEM."""
        cas = self.cas
        trusted = b"".join(ca.public_bytes(Encoding.PEM) for ca in (*cas.host, *cas.user))
        return self._certificate.key_pem, self._certificate.chain_pem, trusted


@asynccontextmanager
async def serving_remote(
    settings: ServeSettings,
    offers: Sequence[Offer],
    cluster: ClusterView,
    *,
    clock: Clock,
    limits: RemoteLimits | None = None,
) -> AsyncIterator[RemoteListener | None]:
    """Answer calls over TCP until the block ends; those in flight are finished then.

    Gives None, and does nothing, without `serve.listen`. Raises ConfigError for an address or files that cannot be
    used.
    """
    if settings.listen is None or settings.certificate is None or settings.key is None:
        yield None
        return
    limits = limits or RemoteLimits()
    listener = RemoteListener(settings.certificate, settings.key, cluster)
    admission = RemoteAdmission(settings, cluster, lambda: listener.cas, clock=clock)
    gate = Gate(admission, message_within=limits.message, stream_within=limits.stream)
    server = grpc.aio.server(interceptors=[gate], options=limits.options(), maximum_concurrent_rpcs=limits.calls)
    health = Health()
    await health.begin(server, offers)
    try:
        listener.port = server.add_secure_port(settings.listen, listener.credentials())
    except RuntimeError as error:
        what = f"serve.listen: {settings.listen} cannot be listened on: {error}"
        raise ConfigError(what, remedy="choose another address or port") from error
    looking = asyncio.create_task(listener.keep(clock))
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(listener.looked.wait(), _FIRST_LOOK)
        await server.start()
        _log.info("gRPC calls are answered at %s, for callers that [serve] names", settings.listen)
        yield listener
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
        await health.end()
        await server.stop(limits.drain)


def _configuration(material: tuple[bytes, bytes, bytes]) -> grpc.ServerCertificateConfiguration:
    key_pem, chain_pem, trusted_pem = material
    return grpc.ssl_server_certificate_configuration([(key_pem, chain_pem)], root_certificates=trusted_pem)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
