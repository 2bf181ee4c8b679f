"""Our gRPC services over TCP, with TLS on both sides, for the callers that `[serve]` names.

The server has the certificate of `serve.certificate`. A client needs a certificate that a CA of the Teleport cluster
issued, its host CA or its user CA; its subject decides which calls are allowed (`remote_admission.py`). The files and
the CAs are read again every half minute: new connections use the latest, and calls on open connections are checked
against the latest CAs.
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
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.serve.offers import Offer
    from teleport_okta.serve.teleport_view import ClusterView
    from teleport_okta.settings_scim import ScimSettings
    from teleport_okta.settings_serve import ServeSettings

LOOK_EVERY: Final = 30.0
"""Seconds between two reads of the files and of the cluster's CAs; the phases of a CA rotation last minutes."""

_FIRST_LOOK: Final = 5.0
"""Seconds that the start waits for the user CA. If it comes later, users can connect from then on."""

_MESSAGE_SIZE: Final = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """Limits for clients; times in seconds of the machine's clock, sizes in bytes.

    `calls` counts calls in flight. `handshake` limits the TLS handshake, `message` the arrival of a request message,
    `stream` a call that returns a stream. A connection without calls is closed after `idle`; after `age` the client
    gets a request to reconnect. `drain` is the time for calls in flight when the server stops.
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
        """Return limits that allow SCIM resources as large as over HTTP: a message may be twice as long as its JSON."""
        return cls(message_size=max(_MESSAGE_SIZE, 2 * settings.max_body))

    def options(self) -> list[tuple[str, int]]:
        """Return the limits as options of a gRPC server."""
        return [
            ("grpc.max_allowed_incoming_connections", self.connections),
            ("grpc.max_receive_message_length", self.message_size),
            ("grpc.max_send_message_length", -1),
            ("grpc.server_handshake_timeout_ms", _milliseconds(self.handshake)),
            ("grpc.max_connection_idle_ms", _milliseconds(self.idle)),
            ("grpc.max_connection_age_ms", _milliseconds(self.age)),
            # Detect dead connections within two minutes.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            # Otherwise a second process could bind the same port and get some of the connections.
            ("grpc.so_reuseport", 0),
        ]


class RemoteListener:
    """Holds the server certificate and the trusted CAs of the listener, and keeps both up to date."""

    def __init__(self, certificate: Path, key: Path, cluster: ClusterView) -> None:
        self._paths = certificate, key
        self._cluster = cluster
        self._has_old_cas = False
        self._problem = ""
        self._one_at_a_time = asyncio.Lock()
        self.cas = cluster.known_cas()
        self.port = 0
        self.looked = asyncio.Event()
        """Set after the first attempt to read the CAs."""
        try:
            self._certificate = read_server_certificate(certificate, key)
        except ServerCertificateError as error:
            remedy = "use PEM files of a certificate chain and its key, not encrypted"
            raise ConfigError(f"serve.certificate, serve.key: {error}", remedy=remedy) from error
        self._handed_out = self._material()

    @property
    def expires(self) -> datetime:
        """When the certificate in use expires."""
        return self._certificate.expires

    def credentials(self) -> grpc.ServerCredentials:
        """Return credentials that require a client certificate and follow changes of this object."""
        first = _configuration(self._handed_out)
        return grpc.dynamic_ssl_server_credentials(first, self._next, require_client_authentication=True)  # type: ignore[arg-type]

    async def look(self) -> None:
        """Read the CAs and the files again, one look at a time. On failure, log once and keep the old value."""
        async with self._one_at_a_time:
            await self._look()

    async def _look(self) -> None:
        try:
            self.cas = await self._cluster.read_cas()
        except (TeleportOktaError, ValueError) as error:
            # Once an outage, whatever the text is: the CAs are read at the same time, and either may fail first.
            if not self._has_old_cas:
                _log.warning(
                    "the gRPC listener still uses the CAs that it read before, the cluster's cannot be read: %s", error
                )
            self._has_old_cas = True
        else:
            if self._has_old_cas:
                _log.info("the gRPC listener has the cluster's CAs again")
            self._has_old_cas = False
        finally:
            self.looked.set()
        try:
            certificate = await asyncio.to_thread(read_server_certificate, *self._paths)
        except ServerCertificateError as error:
            if str(error) != self._problem:
                _log.warning("the gRPC listener still uses its old certificate, the new one cannot be used: %s", error)
            self._problem = str(error)
        else:
            self._problem = ""
            if certificate != self._certificate:
                self._certificate = certificate
                _log.info("the gRPC listener has a new certificate, from %s", self._paths[0])

    async def keep(self, clock: Clock) -> None:
        """Call `look` every half minute, until cancelled."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - the root of a task: later reads must still happen
                _log.exception("the gRPC listener could not look for new certificates; this is tried again")
            await clock.sleep(LOOK_EVERY)

    def _next(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the configuration of the next handshake, None if unchanged. gRPC calls this in its own threads."""
        material = self._material()
        if material == self._handed_out:
            return None
        self._handed_out = material
        return _configuration(material)

    def _material(self) -> tuple[bytes, bytes, bytes]:
        """Return key, certificate chain and trusted CAs, as PEM."""
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
    """Answer calls over TCP until the block ends; then finish those in flight.

    Yields None, and does nothing, without `serve.listen`. Raises ConfigError for an address or files that cannot be
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
        what = f"serve.listen: cannot listen at {settings.listen}: {error}"
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
