"""The route to the auth server: directly, or through Teleport's proxy. Callers do not need to know which.

A `Route` is found once and opens any number of channels. A `Channel` is one gRPC channel as one identity, with the
forwarder that carries it through a proxy: gRPC cannot offer the ALPN protocols of a proxy (`proxy/forwarder.py`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from teleport_okta.teleport.dial import API_DOMAIN, open_anonymous_channel, open_channel, open_plain_channel
from teleport_okta.teleport.proxy.dialing import Dialer, RoutedDialer, split_address
from teleport_okta.teleport.proxy.discovery import find, what_is_at
from teleport_okta.teleport.proxy.forwarder import Forwarder
from teleport_okta.teleport.proxy.leaf import leaf_through
from teleport_okta.teleport.proxy.leaf_tls import ClientTls, auth_protocols
from teleport_okta.teleport.proxy.peek import peek
from teleport_okta.teleport.proxy.proxy_errors import ProxyAwayError, TlsRoutingOffError
from teleport_okta.teleport.proxy.upgrade import UpgradeDialer, needs_upgrade
from teleport_okta.teleport.proxy.web import read_bundle, web_context

if TYPE_CHECKING:
    from pathlib import Path

    import grpc.aio
    from cryptography import x509

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.teleport_errors import TeleportError

_PATIENCE: Final = (0.5, 1.0, 2.0)
"""Seconds between two attempts to find the route: at boot the network may start at the same time as we do."""


@dataclass
class Channel:
    """One gRPC channel, and the forwarder that carries it, if there is one."""

    grpc: grpc.aio.Channel
    forwarder: Forwarder | None = None

    async def aclose(self, grace: float | None = None) -> None:
        """Close the channel, then its forwarder; calls in flight get `grace` seconds to end."""
        try:
            await self.grpc.close(grace)
        finally:
            if self.forwarder is not None:
                await self.forwarder.aclose()

    def why(self) -> TeleportError | None:
        """Return the last failure to connect, which gRPC only reports as UNAVAILABLE; None if nothing more is known."""
        return self.forwarder.last_failure if self.forwarder is not None else None


class Route(Protocol):
    """How the auth server is reached."""

    @property
    def address(self) -> str:
        """The address (host:port) as configured, for messages."""
        ...

    async def open(self, identity: Identity | None, directory: Path, *, trust: bytes = b"") -> Channel:
        """Return a channel as `identity`, or an anonymous one (None); `trust` then has the PEM roots to verify it with.

        Nothing is sent yet. `directory` is a private one, for sockets. The caller has checked that the identity is
        valid now.
        """
        ...

    async def server_leaf(self) -> x509.Certificate:
        """Return the certificate that the auth server shows to every client; nothing about it is verified.

        Raises a subclass of ProxyError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Direct:
    """The auth server itself is at `address`."""

    address: str

    async def open(self, identity: Identity | None, directory: Path, *, trust: bytes = b"") -> Channel:
        """See `Route.open`."""
        if identity is None:
            if not trust:
                raise ValueError("an anonymous channel needs roots to verify the server with")
            return Channel(open_anonymous_channel(self.address, trust=trust))
        return Channel(open_channel(self.address, identity))

    async def server_leaf(self) -> x509.Certificate:
        """See `Route.server_leaf`."""
        return (await peek(self.address, protocols=("h2",), server_name=API_DOMAIN)).certificate


@dataclass(frozen=True, slots=True)
class ThroughProxy:
    """A proxy of `cluster` is at `address`; `upgraded` when a load balancer before it ends TLS itself.

    `extra_ca` is a PEM file of CAs that are trusted beside the system's for the proxy's web certificate.
    """

    address: str
    cluster: str
    upgraded: bool = False
    extra_ca: Path | None = None

    async def open(self, identity: Identity | None, directory: Path, *, trust: bytes = b"") -> Channel:
        """See `Route.open`. Raises ProxyCaError."""
        roots = identity.ca_pems if identity is not None else (trust,)
        tls = ClientTls(self.address, trust=roots, protocols=auth_protocols(self.cluster), identity=identity)
        return await self._open(tls, directory)

    async def open_join_service(self, directory: Path) -> Channel:
        """Return a channel to the proxy's own join service, which is open to all (`docs/reference/teleport.md` 2.4).

        Here the proxy's web certificate is verified, by the proxy's own name. Raises ProxyCaError.
        """
        return await self._open(await asyncio.to_thread(self._web_tls), directory)

    async def server_leaf(self) -> x509.Certificate:
        """See `Route.server_leaf`."""
        return await leaf_through(await self._dialer(), self.address, auth_protocols(self.cluster))

    async def _open(self, tls: ClientTls, directory: Path) -> Channel:
        forwarder = Forwarder(tls, await self._dialer(), directory)
        await forwarder.start()
        return Channel(open_plain_channel(forwarder.target), forwarder)

    async def _dialer(self) -> Dialer:
        if not self.upgraded:
            return RoutedDialer(self.address)
        return UpgradeDialer(self.address, await asyncio.to_thread(web_context, self.address, self.extra_ca))

    def _web_tls(self) -> ClientTls:
        return ClientTls(
            self.address,
            trust=[read_bundle(self.address, self.extra_ca)] if self.extra_ca is not None else [],
            system_trust=True,
            protocols=("teleport-proxy-grpc", "h2"),
            server_name=split_address(self.address)[0],
        )


async def find_route(address: str, *, extra_ca: Path | None, clock: Clock) -> Route:
    """Find out what is at `address`, and how the auth server is reached from there.

    An address that does not answer yet is tried again for some seconds. Raises a subclass of ProxyError.
    """
    for pause in _PATIENCE:
        try:
            return await _find_route(address, extra_ca)
        except ProxyAwayError:
            await clock.sleep(pause)
    return await _find_route(address, extra_ca)


async def _find_route(address: str, extra_ca: Path | None) -> Route:
    if await what_is_at(address) == "auth":
        return Direct(address)
    facts = await find(address, extra_ca)
    if not facts.tls_routing:
        raise TlsRoutingOffError(address)
    return ThroughProxy(address, facts.cluster, await needs_upgrade(address), extra_ca)
