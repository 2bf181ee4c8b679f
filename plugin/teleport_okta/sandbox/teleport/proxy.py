"""The proxy in front of the auth server: one port for everything. The first ALPN entry decides.

| First ALPN entry | What happens (`docs/reference/teleport.md` 1.2 to 1.4) |
|---|---|
| `teleport-auth@<hex of the cluster's name>.teleport.cluster.local` | copied to the auth server, where TLS ends |
| `teleport-proxy-grpc` | gRPC under the proxy's own certificate: joining, without a client certificate |
| `teleport-reversetunnel` | a handshake, then the connection is closed: clients test whether ALPN reaches the proxy |
| `http/1.1`, `h2`, none | the web API, over HTTP/1.1 |
| anything else | the connection is closed |

Behind an HTTP load balancer only the web API works: the balancer terminates TLS and forwards HTTP, so all other
connections need a connection upgrade.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import grpc
from aiohttp import web

from ..web_certificate import WebCertificate
from .authority import API_DOMAIN
from .caller import ANONYMOUS
from .connection_upgrade import ConnectionUpgrade
from .front import Front
from .proxy_join import ProxyJoin
from .proxy_listener import Destination, ProxyListener
from .proxy_web import ProxyWeb
from .router import Router
from .tls_session import server_context

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from teleport.legacy.client.proto.certs_pb2 import Certs
    from teleport.legacy.types.types_pb2 import RegisterUsingTokenRequest

    from .calls import CallCounter
    from .client_hello import ClientHello
    from .cluster import Cluster
    from .faults import FaultPlan
    from .rpc import Call

JOIN_PROTOCOL: Final = "teleport-proxy-grpc"
TUNNEL_PROTOCOL: Final = "teleport-reversetunnel"
_WEB_PROTOCOLS: Final = frozenset({"http/1.1", "h2"})


class Proxy:
    """The proxy of a cluster, from `start` to `close`; `runtime` is a directory for its Unix sockets.

    `load_balancer` and `upgrade.enabled` may change at any time, for new connections.
    """

    def __init__(
        self,
        cluster: Cluster,
        auth: Front,
        *,
        register: Callable[[Call, RegisterUsingTokenRequest], Certs],
        runtime: Path,
        calls: CallCounter,
        faults: FaultPlan,
        sleep: Callable[[float], Awaitable[None]],
        load_balancer: bool = False,
    ) -> None:
        self.load_balancer = load_balancer
        self.certificate = WebCertificate.issue("Teleport sandbox web CA")
        self._auth = auth
        self._auth_protocol = auth_protocol(cluster.name)
        self._sockets = {name: runtime / f"proxy-{name}" for name in ("inner", "web", "join", "join-backend", "tunnel")}
        self.upgrade = ConnectionUpgrade(self._sockets["inner"])
        self._port = ProxyListener(self._route_of_port)
        self._inner = ProxyListener(self._route)
        self.join = ProxyJoin(register, auth_is_up=lambda: auth.is_open)
        self._join_front = Front(
            server_context(self.certificate.certificate, self.certificate.key, protocols=["h2", JOIN_PROTOCOL]),
            identify=lambda _certificate: ANONYMOUS,
            backend=self._sockets["join-backend"],
            sockets=runtime,
            name="join-",
        )
        self._join_router = Router(
            cluster, [self.join], calls=calls, faults=faults, connection_of=self._join_front.connection_of, sleep=sleep
        )
        self._join_server: grpc.aio.Server | None = None
        self._tunnel: asyncio.Server | None = None
        self._web = web.AppRunner(
            ProxyWeb(
                cluster,
                self.join,
                address=lambda: self.address,
                upgrade=self.upgrade.serve,
                calls=calls,
                faults=faults,
                sleep=sleep,
            ).application(),
            access_log=None,
        )

    @property
    def address(self) -> str:
        """The address for clients, `host:port`."""
        host, port = self._port.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def open_connections(self) -> int:
        """The number of clients that are connected to the port."""
        return self._port.open_connections

    async def start(self, host: str, port: int) -> None:
        """Open the port, after the servers behind it. Port 0 takes a free one."""
        await self._web.setup()
        await web.UnixSite(
            self._web, str(self._sockets["web"]), ssl_context=self.certificate.context(["http/1.1"])
        ).start()
        self._join_server = grpc.aio.server(handlers=(self._join_router,))
        self._join_server.add_insecure_port(f"unix:{self._sockets['join-backend']}")
        await self._join_server.start()
        await self._join_front.listen_unix(self._sockets["join"])
        self._tunnel = await asyncio.start_unix_server(
            lambda _reader, writer: writer.close(),
            str(self._sockets["tunnel"]),
            ssl=self.certificate.context([TUNNEL_PROTOCOL]),
        )
        await self._inner.listen_unix(self._sockets["inner"])
        await self._port.listen(host, port)

    async def close(self) -> None:
        """Close the port and every connection, then the servers behind it."""
        await self._port.close()
        await self._inner.close()
        await self._join_front.close()
        if self._tunnel is not None:
            self._tunnel.close()
        if self._join_server is not None:
            await self._join_server.stop(None)
        await self._web.cleanup()

    def _route_of_port(self, hello: ClientHello) -> Destination | None:
        return self._sockets["web"] if self.load_balancer else self._route(hello)

    def _route(self, hello: ClientHello) -> Destination | None:
        protocol = hello.protocols[0] if hello.protocols else "http/1.1"
        if protocol == self._auth_protocol:
            host, _, port = self._auth.address.rpartition(":")
            return host.strip("[]"), int(port)
        if protocol in _WEB_PROTOCOLS:
            return self._sockets["web"]
        return {JOIN_PROTOCOL: self._sockets["join"], TUNNEL_PROTOCOL: self._sockets["tunnel"]}.get(protocol)


def auth_protocol(cluster: str) -> str:
    """Return the ALPN value that asks a proxy for the auth server of a cluster."""
    return f"teleport-auth@{cluster.encode().hex()}.{API_DOMAIN}"
