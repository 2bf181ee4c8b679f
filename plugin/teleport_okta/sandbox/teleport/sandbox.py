"""A Teleport auth server in miniature, running: state, services, gRPC server and TLS front in one place."""

from __future__ import annotations

import asyncio
import logging
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

from .administrator import Administrator
from .authority import TEN_YEARS, CertificateAuthority, PrivateKey, Subject
from .caller import Caller, UntrustedCertificate, caller_of
from .calls import CallCounter
from .cluster import DEFAULT_CLUSTER, DEFAULT_VERSION, Cluster, ListingLag
from .edition import Edition
from .expired_clients import ExpiredClients
from .faults import FaultPlan
from .front import Front
from .identity_file import Identity, IdentityIssuer, Torn
from .list_writes import ListWrites
from .presets import BOT_ROLE, BOT_USER, RESOURCE_TYPE, SYSTEM_USER, bot_role, preset_roles
from .proxy import Proxy
from .rotation import HostAuthority
from .router import Router
from .saml.download import http_fetch
from .services import services_of
from .services.join import Joining
from .ssh_authority import SshAuthority
from .tls_session import server_context
from .versions import Feature

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from types import TracebackType

    from cryptography import x509
    from OpenSSL import SSL

    from .edition import Entitlement
    from .list_writes import ListCosts
    from .saml.download import Fetch

_log: Final = logging.getLogger(__name__)

BOT_LIFETIME: Final = timedelta(days=7)

_NOT_RUNNING: Final = "the sandbox is not running: use it with `async with`"
_NO_PROXY: Final = "the sandbox has no proxy, or is not running"

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

    `directory` receives the bot's identity file and the proxy's CA; there is no proxy if `proxy_listen` is None. `now`
    (Unix seconds) and `sleep` are the clock of everything except certificates, which follow the machine's clock; `lag`
    is the delay of listings after writes, `list_costs` the cost of writes to access lists (none by default),
    `entitlements` the differences from the edition's licence. The state is in `cluster`, the actions of people in
    `administrator`, the faults in `faults`; `calls` counts them. With a `public_member_cache` members are listed as by
    the cache of the public release, page tokens ignored. `fetch_metadata` downloads SAML metadata, over HTTP by
    default. With `omits_broken_connectors` a listing of SAML connectors leaves out those whose metadata cannot be read,
    and does not fail.
    `crashes` has the cause of each crash of the server.
    """

    def __init__(
        self,
        directory: Path,
        *,
        edition: str = "ent",
        version: str = DEFAULT_VERSION,
        listen: tuple[str, int] = ("127.0.0.1", 0),
        proxy_listen: tuple[str, int] | None = ("127.0.0.1", 0),
        behind_load_balancer: bool = False,
        name: str = DEFAULT_CLUSTER,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        lag: ListingLag | None = None,
        list_costs: ListCosts | None = None,
        entitlements: Mapping[str, Entitlement] | None = None,
        randomness: random.Random | None = None,
        host_certificate_lifetime: timedelta = TEN_YEARS,
        disconnect_expired: bool = False,
        public_member_cache: bool = False,
        fetch_metadata: Fetch | None = None,
        omits_broken_connectors: bool = False,
    ) -> None:
        self.cluster = Cluster(
            name,
            Edition(edition),
            version,
            now,
            lag or ListingLag(),
            public_member_cache,
            fetch_metadata=fetch_metadata or http_fetch(),
            omits_broken_connectors=omits_broken_connectors,
        )
        self.cluster.license(entitlements or {})
        host, user = HostAuthority(name, now), CertificateAuthority(name)
        modern_keys = self.cluster.has(Feature.MODERN_KEYS)
        self.issuer = IdentityIssuer(host, user, SshAuthority(name), host_certificate_lifetime, modern_keys)
        host.followers.append(self._renew_front)
        self.administrator = Administrator(self.cluster, host)
        self.calls = CallCounter()
        self.faults = FaultPlan(randomness or random.Random(0))  # noqa: S311 - repeatable on purpose
        self.crashes: list[str] = []
        self.join_token = secrets.token_hex(16)
        self.identity_path = directory / "identity"
        self.proxy_ca_path = directory / "proxy-ca.pem"
        self._directory = directory
        self._listen = listen
        self._proxy_listen = proxy_listen
        self._behind_load_balancer = behind_load_balancer
        self._sleep = sleep
        self._list_writes = ListWrites(list_costs, now, sleep)
        self._runtime: Path | None = None
        self._front: Front | None = None
        self._proxy: Proxy | None = None
        self._expired = ExpiredClients(lambda: self._running_front.connections) if disconnect_expired else None
        self._server: grpc.aio.Server | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._populate()

    def _populate(self) -> None:
        """Make the presets, the system's users, the bot with its role, and the join token."""
        self.cluster.roles.seed([*preset_roles(self.cluster.edition), bot_role()])
        labels = {"teleport.internal/bot": "teleport-okta", "teleport.internal/bot-generation": "0"}
        self.administrator.create_user(BOT_USER, roles=[BOT_ROLE], labels=labels)
        if self.cluster.edition.enterprise:
            self.administrator.create_user(SYSTEM_USER, labels={RESOURCE_TYPE: "system"})
        self.administrator.create_token(self.join_token, ["Okta"])

    @property
    def address(self) -> str:
        """The address for clients, `host:port`."""
        return self._running_front.address

    @property
    def proxy(self) -> Proxy:
        """The proxy in front of the server."""
        if self._proxy is None:
            raise RuntimeError(_NO_PROXY)
        return self._proxy

    @property
    def proxy_address(self) -> str:
        """The address of the proxy for clients, `host:port`."""
        return self.proxy.address

    @property
    def ca_pins(self) -> list[str]:
        """The pins of the host CA; two during a rotation."""
        return [keys.tls.pin for keys in self.issuer.host.trusted]

    @property
    def open_connections(self) -> int:
        """The number of connected clients."""
        return self._running_front.open_connections

    async def __aenter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        self.issue_identity(BOT_USER, [BOT_ROLE], lifetime=BOT_LIFETIME).write(self.identity_path)
        # The path of a Unix socket may have about a hundred characters, and the directory of a test may be longer.
        self._runtime = Path(tempfile.mkdtemp(prefix="teleport-sandbox-"))
        backend = self._runtime / "grpc"
        self._front = Front(self._server_context(), identify=self._identify, backend=backend, sockets=self._runtime)
        services = services_of(self.cluster, self.issuer)
        router = Router(
            self.cluster,
            services,
            calls=self.calls,
            faults=self.faults,
            connection_of=self._front.connection_of,
            sleep=self._sleep,
            crash=self._crash,
            list_writes=self._list_writes,
        )
        self._server = grpc.aio.server(handlers=(router,), options=_SERVER_OPTIONS)
        self._server.add_insecure_port(f"unix:{backend}")
        await self._server.start()
        await self._front.listen(*self._listen)
        if self._proxy_listen is not None:
            joining = next(service for service in services if isinstance(service, Joining))
            await self._start_proxy(joining, self._runtime, self._proxy_listen)
        return self

    async def _start_proxy(self, joining: Joining, runtime: Path, listen: tuple[str, int]) -> None:
        self._proxy = Proxy(
            self.cluster,
            self._running_front,
            register=joining.register_using_token,
            runtime=runtime,
            calls=self.calls,
            faults=self.faults,
            sleep=self._sleep,
            load_balancer=self._behind_load_balancer,
        )
        self.proxy_ca_path.write_bytes(self._proxy.certificate.ca_pem)
        await self._proxy.start(*listen)
        self.cluster.proxy_address = self._proxy.address

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
        if self._proxy is not None:
            await self._proxy.close()
        await self._running_front.close()
        if self._expired is not None:
            self._expired.close()
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
        """Issue an identity to a user, who need not exist. With a lifetime of zero or less, it has expired."""
        return self.issuer.issue(Subject(user, tuple(roles), usage=usage), lifetime, key)

    def renew_bot(
        self, path: Path | None = None, *, torn: str | None = None, lifetime: timedelta = BOT_LIFETIME
    ) -> Identity:
        """Renew the bot's identity as tbot does: a new key pair, written over the file (the bot's own) in place.

        With `torn`, `empty` or `half`, only that part is written until the next renewal. Returns the whole identity.
        """
        identity = self.issue_identity(BOT_USER, [BOT_ROLE], lifetime=lifetime)
        identity.rewrite(path or self.identity_path, Torn(torn or "whole"))
        return identity

    async def restart_auth(self, down_for: float = 1.0) -> None:
        """Restart the server: connections are reset, and new ones refused for `down_for` seconds. The state stays.

        Listings are up to date afterwards, because the caches are read again.
        """
        await self._running_front.close()
        await self._sleep(down_for)
        self.cluster.reload_caches()
        await self._running_front.reopen()

    async def recovered(self) -> None:
        """Wait until the server runs again after its latest crash, if there was one."""
        if self._recovery is not None:
            await self._recovery

    def _crash(self, reason: str) -> None:
        """Stop as a server does that has panicked, and start again a second later."""
        _log.error("the auth server has crashed: %s", reason)
        self.crashes.append(reason)
        if self._recovery is None or self._recovery.done():
            self._recovery = asyncio.get_running_loop().create_task(self.restart_auth())

    def _renew_front(self) -> None:
        """Use the certificate and client CAs of the current phase for new connections; open ones stay."""
        if self._front is not None:
            self._front.use(self._server_context())

    def _identify(self, certificate: x509.Certificate) -> Caller:
        if self.issuer.host.refuses_for_now(certificate):
            raise UntrustedCertificate("the new host CA is not known yet")
        caller = caller_of(
            certificate,
            cluster=self.cluster.name,
            host_cas=[keys.tls.certificate for keys in self.issuer.host.trusted],
            user_cas=[self.issuer.user_ca.certificate],
        )
        if self._expired is not None:
            self._expired.expect(caller)
        return caller

    def _server_context(self) -> SSL.Context:
        """Make the server's own certificate, and accept those of every CA that is trusted now."""
        key = ec.generate_private_key(ec.SECP256R1())
        return server_context(
            self.issuer.host.serving.tls.issue_server(key.public_key(), [self._listen[0]]),
            key,
            protocols=["h2"],
            client_cas=[*(keys.tls.certificate for keys in self.issuer.host.trusted), self.issuer.user_ca.certificate],
        )

    @property
    def _running_front(self) -> Front:
        if self._front is None:
            raise RuntimeError(_NOT_RUNNING)
        return self._front
