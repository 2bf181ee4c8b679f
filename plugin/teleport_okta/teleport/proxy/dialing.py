"""Connections to the proxy: plain TCP, or (`upgrade`) a WebSocket. The TLS session inside is the same."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from teleport_okta.teleport.proxy.proxy_errors import UNKNOWN_HOST, ProxyUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD_START: Final = 0.25
"""Seconds before the next address of a name is tried as well (RFC 8305 §5)."""

_UNACKNOWLEDGED: Final = 30_000
"""Milliseconds that sent bytes may stay unacknowledged before the kernel closes the connection."""

AnyProtocol = TypeVar("AnyProtocol", bound=asyncio.Protocol)


class Dialer(Protocol):
    """Makes connections that carry the bytes of a TLS session with the auth server."""

    async def dial(self, protocol: Callable[[], AnyProtocol]) -> tuple[asyncio.Transport, AnyProtocol]:
        """Connect. Raises ProxyError; the caller sets the deadline."""
        ...


class RoutedDialer:
    """Plain TCP to the proxy at `address`: it routes by the TLS handshake that follows."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def dial(self, protocol: Callable[[], AnyProtocol]) -> tuple[asyncio.Transport, AnyProtocol]:
        """See `Dialer.dial`."""
        host, port = split_address(self._address)
        loop = asyncio.get_running_loop()
        try:
            transport, made = await loop.create_connection(protocol, host, port, happy_eyeballs_delay=_HEAD_START)
        except OSError as error:
            raise ProxyUnreachableError(self._address, reason_of(error)) from error
        give_up_on_silence(transport)
        return transport, made


def give_up_on_silence(transport: asyncio.BaseTransport) -> None:
    """Limit how long a connection to a dead peer stays open with undelivered bytes."""
    end = transport.get_extra_info("socket")
    if end is not None:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNACKNOWLEDGED)


def split_address(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`; an IPv6 address loses its brackets."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def reason_of(error: OSError) -> str:
    """Return the system's message for a failed connection."""
    if isinstance(error, socket.gaierror):
        return f"{UNKNOWN_HOST} ({error.strerror})"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
