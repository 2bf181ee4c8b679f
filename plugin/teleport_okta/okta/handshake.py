"""Checks the organisation's server on the route of every request: whether it answers, and with which certificate."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
from cryptography import x509
from cryptography.x509.oid import NameOID

from teleport_okta.okta.okta_errors import OktaTlsError
from teleport_okta.okta.transport import HttpTransport, Request
from teleport_okta.okta.trust import tls_context

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.okta.address import OrganizationAddress
    from teleport_okta.okta.http_proxy import HttpProxies

_PATH: Final = "/.well-known/okta-organization"
"""A public path; the content of the answer is not used."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=20)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """The verified certificate of the server. `by_own_ca`: only a CA of `okta.ca` verifies it, no CA of the system."""

    issuer: str
    not_after: datetime
    by_own_ca: bool


async def shake_hands(
    address: OrganizationAddress, *, proxies: HttpProxies, ca: Path | None
) -> ServerCertificate | None:
    """Send one unsigned request, without retries, and return the server's certificate; None for plain HTTP.

    Raises CaFileError, and OktaTlsError, OktaUnavailableError or another OktaError if no answer comes.
    """
    context = tls_context(ca) if ca is not None else ssl.create_default_context()
    shown = await _shown(address, proxies, context)
    if shown is None:
        return None
    by_own_ca = False
    if ca is not None:
        try:
            await _shown(address, proxies, ssl.create_default_context())
        except OktaTlsError:
            by_own_ca = True
    issuer = shown.issuer.get_attributes_for_oid(NameOID.COMMON_NAME) or list(shown.issuer)
    return ServerCertificate(
        issuer=str(issuer[0].value) if issuer else "a CA without a name",
        not_after=shown.not_valid_after_utc,
        by_own_ca=by_own_ca,
    )


async def _shown(
    address: OrganizationAddress, proxies: HttpProxies, context: ssl.SSLContext
) -> x509.Certificate | None:
    """Return the certificate of the server. It is the last one: a proxy that uses TLS itself presents its own first."""
    seen: list[bytes] = []

    # aiohttp gives no access to the certificate after the answer, so the handshake records it.
    class Recorder(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            seen.append(self.getpeercert(binary_form=True) or b"")

    context.sslobject_class = Recorder
    transport = HttpTransport(timeouts=_TIMEOUT, proxies=proxies, tls=context)
    await transport.open()
    try:
        await transport.send(Request("GET", address.at(_PATH), {}))
    finally:
        await transport.close()
    return x509.load_der_x509_certificate(seen[-1]) if seen else None
