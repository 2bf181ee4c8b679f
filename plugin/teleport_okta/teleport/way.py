"""The way to the auth server: directly, or through Teleport's proxy. Whoever makes calls need not know which.

A `Way` is found once and is good for any number of lines; a `Line` is one gRPC channel as one identity, with whatever
carries it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from teleport_okta.teleport.dial import API_DOMAIN, open_anonymous_channel, open_channel, open_plain_channel
from teleport_okta.teleport.proxy.dialing import Dialer, RoutedDialer, split_address
from teleport_okta.teleport.proxy.discovery import find, what_is_at
from teleport_okta.teleport.proxy.errors import ProxyAwayError, TlsRoutingOffError
from teleport_okta.teleport.proxy.forwarder import Forwarder
from teleport_okta.teleport.proxy.leaf import leaf_through
from teleport_okta.teleport.proxy.leaf_tls import ClientTls, auth_protocols
from teleport_okta.teleport.proxy.peek import peek
from teleport_okta.teleport.proxy.upgrade import UpgradeDialer, needs_upgrade
from teleport_okta.teleport.proxy.web import read_bundle, web_context

if TYPE_CHECKING:
    from pathlib import Path

    import grpc.aio
    from cryptography import x509

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.errors import TeleportError
    from teleport_okta.teleport.identity import Identity

_PATIENCE: Final = (0.5, 1.0, 2.0)
"""Seconds between two tries to find the way: whoever starts us may be starting the network too."""


@dataclass
class Line:
    """One channel, and the forwarder that carries it, if one does."""

    channel: grpc.aio.Channel
    forwarder: Forwarder | None = None

    async def aclose(self, grace: float | None = None) -> None:
        """Close the channel, then what carries it; calls in flight get `grace` seconds to end."""
        try:
            await self.channel.close(grace)
        finally:
            if self.forwarder is not None:
                await self.forwarder.aclose()

    def why(self) -> TeleportError | None:
        """Return the last failure to connect, which gRPC only calls UNAVAILABLE; None when nothing more is known."""
        return self.forwarder.last_failure if self.forwarder is not None else None


class Way(Protocol):
    """How the auth server is reached."""

    @property
    def address(self) -> str:
        """The address (host:port) as configured, for messages."""
        ...

    async def open(self, identity: Identity | None, directory: Path, *, trust: bytes = b"") -> Line:
        """Return a line as `identity`, or as nobody (None), when `trust` holds the PEM roots to believe.

        Nothing is sent yet. `directory` is a private one, for sockets. The caller has checked that the identity is
        valid now.
        """
        ...

    async def server_leaf(self) -> x509.Certificate:
        """Return the certificate that the auth server shows to anybody; nothing about it is verified.

        Raises a subclass of ProxyError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Direct:
    """The auth server itself is at `address`."""

    address: str

    async def open(self, identity: Identity | None, directory: Path, *, trust: bytes = b"") -> Line:
        """See `Way.open`."""
        if identity is None:
            if not trust:
                raise ValueError("without an identity there must be roots to believe")
            return Line(open_anonymous_channel(self.address, trust=trust))
        return Line(open_channel(self.address, identity))

    async def server_leaf(self) -> x509.Certificate:
        """See `Way.server_leaf`."""
        return (await peek(self.address, protocols=("h2",), server_name=API_DOMAIN)).certificate


@dataclass(frozen=True, slots=True)
class ThroughProxy:
    """A proxy of `cluster` is at `address`; `upgraded` when a load balancer before it ends TLS itself.

    `extra_ca` is a PEM file of CAs that are believed beside the system's for the proxy's web certificate.
    """

    address: str
    cluster: str
    upgraded: bool = False
    extra_ca: Path | None = None

    async def open(self, identity: Identity | None, directory: Path, *, trust: bytes = b"") -> Line:
        """See `Way.open`. Raises ProxyCaError."""
        roots = identity.ca_pems if identity is not None else (trust,)
        tls = ClientTls(self.address, trust=roots, protocols=auth_protocols(self.cluster), identity=identity)
        return await self._line(tls, directory)

    async def open_join_service(self, directory: Path) -> Line:
        """Return a line to the proxy's own join service, which anybody may call (`docs/reference/teleport.md` 2.4).

        Here it is the proxy's web certificate that is verified, by the proxy's own name. Raises ProxyCaError.
        """
        return await self._line(await asyncio.to_thread(self._web_tls), directory)

    async def server_leaf(self) -> x509.Certificate:
        """See `Way.server_leaf`."""
        return await leaf_through(await self._dialer(), self.address, auth_protocols(self.cluster))

    async def _line(self, tls: ClientTls, directory: Path) -> Line:
        forwarder = Forwarder(tls, await self._dialer(), directory)
        await forwarder.start()
        return Line(open_plain_channel(forwarder.target), forwarder)

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


async def find_way(address: str, *, extra_ca: Path | None, clock: Clock) -> Way:
    """Find out what is at `address`, and how the auth server is reached from there.

    An address where nobody answers yet is tried again for some seconds. Raises a subclass of ProxyError.
    """
    for pause in _PATIENCE:
        try:
            return await _find_way(address, extra_ca)
        except ProxyAwayError:
            await clock.sleep(pause)
    return await _find_way(address, extra_ca)


async def _find_way(address: str, extra_ca: Path | None) -> Way:
    if await what_is_at(address) == "auth":
        return Direct(address)
    facts = await find(address, extra_ca)
    if not facts.tls_routing:
        raise TlsRoutingOffError(address)
    return ThroughProxy(address, facts.cluster, await needs_upgrade(address), extra_ca)
