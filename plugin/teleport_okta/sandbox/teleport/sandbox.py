"""A Teleport auth server in miniature, running: state, services, gRPC server and TLS front in one place."""

from __future__ import annotations

import asyncio
import random
import secrets
import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import grpc
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from .administrator import Administrator
from .authority import CertificateAuthority, PrivateKey, Subject
from .caller import Caller, caller_of
from .calls import CallCounter
from .cluster import DEFAULT_CLUSTER, DEFAULT_VERSION, Cluster, ListingLag
from .edition import Edition
from .faults import FaultPlan
from .front import Front, server_context
from .identity_file import Identity, IdentityIssuer, SshAuthority, private_key_pem
from .presets import BOT_ROLE, BOT_USER, bot_role, preset_roles
from .router import Router
from .services import services_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable
    from types import TracebackType

    from cryptography import x509

BOT_LIFETIME: Final = timedelta(days=7)

_SERVER_OPTIONS: Final = (
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_send_message_length", -1),
    ("grpc.max_concurrent_streams", 1000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 180_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 60_000),
    ("grpc.so_reuseport", 0),
)


class TeleportSandbox:
    """One cluster, from `async with` to its end.

    `directory` receives the bot's identity file. `now` (Unix seconds) and `sleep` drive everything but certificates,
    which live on the machine's clock; `lag` says how far lists stay behind writes. The state is in `cluster`, its
    people in `administrator`, trouble in `faults`, and `calls` counts what clients did.
    """

    def __init__(
        self,
        directory: Path,
        *,
        edition: str = "ent",
        version: str = DEFAULT_VERSION,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        name: str = DEFAULT_CLUSTER,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        lag: ListingLag | None = None,
        randomness: random.Random | None = None,
    ) -> None:
        self.cluster = Cluster(name, Edition(edition), version, now, lag or ListingLag())
        self.issuer = IdentityIssuer(CertificateAuthority(name), CertificateAuthority(name), SshAuthority.generate())
        self.administrator = Administrator(self.cluster)
        self.calls = CallCounter()
        self.faults = FaultPlan(randomness or random.Random(0))  # noqa: S311 - repeatable on purpose
        self.join_token = secrets.token_hex(16)
        self.identity_path = directory / "identity"
        self._directory = directory
        self._listen = listen
        self._sleep = sleep
        self._runtime: Path | None = None
        self._front: Front | None = None
        self._server: grpc.aio.Server | None = None
        self._populate()

    def _populate(self) -> None:
        """Make the presets, the bot with its role, and the join token."""
        self.cluster.roles.seed([*preset_roles(self.cluster.edition), bot_role()])
        labels = {"teleport.internal/bot": "teleport-okta", "teleport.internal/bot-generation": "0"}
        self.administrator.create_user(BOT_USER, roles=[BOT_ROLE], labels=labels)
        self.administrator.create_token(self.join_token, ["Okta"])

    @property
    def address(self) -> str:
        """Where clients connect, `host:port`."""
        return self._running_front.address

    @property
    def ca_pins(self) -> list[str]:
        """The pins of the host CA."""
        return [self.issuer.host_ca.pin]

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return self._running_front.open_connections

    async def __aenter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        self.issue_identity(BOT_USER, [BOT_ROLE], lifetime=BOT_LIFETIME).write(self.identity_path)
        # A Unix socket's path may have some hundred characters, which a test's own directory can pass.
        self._runtime = Path(tempfile.mkdtemp(prefix="teleport-sandbox-"))
        backend = self._runtime / "grpc"
        self._front = Front(self._server_context(), identify=self._identify, backend=backend, sockets=self._runtime)
        router = Router(
            self.cluster,
            services_of(self.cluster, self.issuer),
            calls=self.calls,
            faults=self.faults,
            connection_of=self._front.connection_of,
            sleep=self._sleep,
        )
        self._server = grpc.aio.server(handlers=(router,), options=_SERVER_OPTIONS)
        self._server.add_insecure_port(f"unix:{backend}")
        await self._server.start()
        await self._front.listen(*self._listen)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running_front.close()
        if self._server is not None:
            await self._server.stop(None)
        if self._runtime is not None:
            shutil.rmtree(self._runtime, ignore_errors=True)

    def issue_identity(
        self,
        user: str,
        roles: Iterable[str],
        *,
        lifetime: timedelta = timedelta(hours=1),
        key: PrivateKey | None = None,
        usage: str = "",
    ) -> Identity:
        """Issue an identity to a user, who need not exist. A lifetime of zero or less makes one that has expired."""
        return self.issuer.issue(Subject(user, tuple(roles), usage=usage), lifetime, key)

    async def restart_auth(self, down_for: float = 1.0) -> None:
        """Restart the server: connections are reset, new ones refused for a while (seconds), the state stays."""
        await self._running_front.close()
        await self._sleep(down_for)
        await self._running_front.reopen()

    def _identify(self, certificate: x509.Certificate) -> Caller:
        return caller_of(
            certificate,
            cluster=self.cluster.name,
            host_cas=[self.issuer.host_ca.certificate],
            user_cas=[self.issuer.user_ca.certificate],
        )

    def _server_context(self) -> ssl.SSLContext:
        """Make the server's own certificate, which passes through a file because OpenSSL wants one."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self.issuer.host_ca.issue_server(key.public_key(), [self._listen[0]])
        with tempfile.NamedTemporaryFile(dir=self._runtime, suffix=".pem") as file:
            file.write(certificate.public_bytes(Encoding.PEM) + private_key_pem(key))
            file.flush()
            return server_context(Path(file.name), (self.issuer.host_ca.pem + self.issuer.user_ca.pem).decode())

    @property
    def _running_front(self) -> Front:
        if self._front is None:
            raise RuntimeError("the sandbox is not running: use it with `async with`")
        return self._front
