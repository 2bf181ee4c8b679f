"""ALPN connection upgrade: the route to the auth server if a load balancer in front of the proxy ends TLS.

Such a balancer does not forward ALPN values, so the proxy cannot route by them. The proxy therefore accepts the same
TLS session inside a WebSocket, which every balancer forwards (`docs/reference/teleport.md` 1.3).
"""

from __future__ import annotations

import os
import re
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import aiohttp

from teleport_okta.teleport.proxy.dialing import split_address
from teleport_okta.teleport.proxy.peek import peek
from teleport_okta.teleport.proxy.proxy_errors import (
    HandshakeRefusedError,
    ProtocolNotNegotiatedError,
    UpgradeRefusedError,
    UpgradeUnsupportedError,
)
from teleport_okta.teleport.proxy.web import DEADLINE, web_error, web_session
from teleport_okta.teleport.proxy.web_socket import WebSocketTransport

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable, Mapping

    from teleport_okta.teleport.proxy.dialing import AnyProtocol

OVERRIDE: Final = "TELEPORT_TLS_ROUTING_CONN_UPGRADE"
"""Environment variable that decides instead of a test: `true`, `false`, or `host=yes,host2=no`."""

_PATH: Final = "/webapi/connectionupgrade"
_SUBPROTOCOL: Final = "alpn"
_PROBE: Final = "teleport-reversetunnel"
_FAREWELL: Final = 2.0
"""Seconds that the other side has to answer our close message."""

_LARGEST_FRAME: Final = 1024 * 1024
"""Longest accepted message, in bytes; those of the proxy have about 32 thousand."""

_YES: Final = frozenset({"1", "t", "true", "y", "yes", "on"})


async def needs_upgrade(address: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the proxy at `address` can only be reached by a connection upgrade.

    This is tested by a handshake with one of Teleport's own ALPN values: only the proxy itself accepts it, a load
    balancer does not. A handshake that fails for another reason proves nothing, and counts as no. Raises
    ProxyUnreachableError or ProxyTimeoutError.
    """
    order = environment.get(OVERRIDE, "")
    if order:
        return _is_ordered(address, order)
    try:
        sight = await peek(address, protocols=(_PROBE,))
    except ProtocolNotNegotiatedError:
        return True
    except HandshakeRefusedError:
        return False
    return sight.protocol != _PROBE


def _is_ordered(address: str, order: str) -> bool:
    """Return the environment variable's value for this address, or else for all; no if there is neither."""
    host, _ = split_address(address)
    for_all = False
    for item in re.split(r"[,;]", order):
        name, is_for_one, value = item.rpartition("=")
        answer = value.strip().lower() in _YES
        if is_for_one and name.strip().lower() in {host.lower(), address.lower()}:
            return answer
        if not is_for_one:
            for_all = answer
    return for_all


class UpgradeDialer:
    """WebSockets at the proxy at `address`, whose web certificate `context` verifies."""

    def __init__(self, address: str, context: ssl.SSLContext) -> None:
        self._address = address
        self._context = context

    async def dial(self, protocol: Callable[[], AnyProtocol]) -> tuple[asyncio.Transport, AnyProtocol]:
        """See `Dialer.dial`. Raises WebCertificateError, UpgradeUnsupportedError and UpgradeRefusedError as well."""
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(web_session(self._context))
            socket = await self._upgrade(session)
            made = protocol()
            transport = WebSocketTransport(socket, made, stack.pop_all())
        return transport, made

    async def _upgrade(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        try:
            socket = await session.ws_connect(
                f"https://{self._address}{_PATH}",
                protocols=(_SUBPROTOCOL,),
                timeout=aiohttp.ClientWSTimeout(ws_close=_FAREWELL),
                max_msg_size=_LARGEST_FRAME,
            )
        except (aiohttp.WSServerHandshakeError, aiohttp.TooManyRedirects) as error:
            if error.status == 404:
                raise UpgradeUnsupportedError(self._address) from error
            raise UpgradeRefusedError(self._address, error.status, error.message) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise web_error(self._address, error, DEADLINE) from error
        if socket.protocol != _SUBPROTOCOL:
            await socket.close()
            raise UpgradeRefusedError(self._address, 101, f"the subprotocol is {socket.protocol!r}")
        return socket
