"""Reads the auth server's certificate through a proxy, without verifying it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from teleport_okta.teleport.proxy.leaf_tls import ClientTls
from teleport_okta.teleport.proxy.peek import DEADLINE
from teleport_okta.teleport.proxy.proxy_errors import HandshakeRefusedError, ProxyTimeoutError
from teleport_okta.teleport.proxy.relay import ServerEnd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from teleport_okta.teleport.proxy.dialing import Dialer


async def leaf_through(dialer: Dialer, address: str, protocols: Sequence[str]) -> x509.Certificate:
    """Make a TLS handshake without verification, return the server's certificate, and close the connection.

    Raises a subclass of ProxyError.
    """
    tls = ClientTls(address, trust=None, protocols=protocols)
    end: ServerEnd | None = None
    try:
        async with asyncio.timeout(DEADLINE):
            _, end = await dialer.dial(lambda: ServerEnd(address, tls.session()))
            await end.established
        certificate = end.session.server_certificate()
    except TimeoutError as error:
        raise ProxyTimeoutError(address, "the TLS handshake with the auth server", DEADLINE) from error
    finally:
        if end is not None and end.transport is not None:
            end.transport.abort()
    if certificate is None:
        raise HandshakeRefusedError(address, "the server presented no certificate")
    return certificate
