"""Reads a TLS server's certificate by a handshake that verifies nothing and sends no data."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from teleport_okta.teleport.proxy.certificates import is_ip_address
from teleport_okta.teleport.proxy.dialing import reason_of, split_address
from teleport_okta.teleport.proxy.proxy_errors import (
    HandshakeRefusedError,
    NotAProxyError,
    ProtocolNotNegotiatedError,
    ProxyTimeoutError,
    ProxyUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

DEADLINE: Final = 10.0
"""Seconds for the connection and the handshake."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The result of a handshake, not verified. `protocol` is the one that ALPN chose, or None."""

    certificate: x509.Certificate
    protocol: str | None


async def peek(
    address: str, *, protocols: Sequence[str], server_name: str | None = None, deadline: float = DEADLINE
) -> Sight:
    """Make a handshake with the server at `address`, with `server_name` or its host (not an IP address) as SNI.

    Raises ProxyUnreachableError, ProxyTimeoutError, ProtocolNotNegotiatedError if it refuses every offered protocol,
    HandshakeRefusedError, or NotAProxyError if it does not use TLS.
    """
    host, port = split_address(address)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    name = server_name or (host if not is_ip_address(host) else "")
    try:
        async with asyncio.timeout(deadline):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
    except TimeoutError as error:
        raise ProxyTimeoutError(address, "the TLS handshake", deadline) from error
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        if "no application protocol" in reason:
            raise ProtocolNotNegotiatedError(address, "") from error
        if "alert" in reason:
            raise HandshakeRefusedError(address, reason) from error
        raise NotAProxyError(address, f"it speaks no TLS that we understand ({reason})") from error
    except ConnectionResetError as error:
        raise HandshakeRefusedError(address, "") from error
    except OSError as error:
        raise ProxyUnreachableError(address, reason_of(error)) from error
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    der, protocol = tls.getpeercert(binary_form=True), tls.selected_alpn_protocol()
    writer.transport.abort()
    try:
        return Sight(x509.load_der_x509_certificate(der or b""), protocol)
    except ValueError as error:
        raise HandshakeRefusedError(address, "the server's certificate cannot be read") from error
