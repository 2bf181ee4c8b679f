"""Errors of the route through a proxy, each with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.teleport.teleport_errors import AFTER_ROTATION, TeleportError

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN_HOST = "no address was found for this name"

_UPGRADE_HINT = (
    "if a load balancer in front of the proxy ends TLS, an ALPN connection upgrade may be needed: set the "
    "environment variable TELEPORT_TLS_ROUTING_CONN_UPGRADE=true"
)


class ProxyError(TeleportError):
    """The proxy at `address` (host:port) could not be used."""

    def __init__(self, address: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"proxy {address}: {problem}", remedy=remedy)
        self.address = address
        self.problem = problem


class ProxyAwayError(ProxyError):
    """There is no answer at this time. It may be there later, so a service tries again."""


class ProxyUnreachableError(ProxyAwayError):
    """No TCP connection could be made, or it broke before any data."""

    def __init__(self, address: str, reason: str) -> None:
        remedy = (
            "check the spelling of teleport.addr, and the name servers of this machine"
            if reason.startswith(UNKNOWN_HOST)
            else "check that teleport.addr is the address and port of the proxy or of the auth server, that it is up, "
            "and the network between"
        )
        super().__init__(address, f"no connection: {reason}", remedy=remedy)


class ProxyTimeoutError(ProxyAwayError):
    """The connection was made, but the next step took too long. `seconds` is the deadline."""

    def __init__(self, address: str, awaited: str, seconds: float) -> None:
        super().__init__(
            address,
            f"{awaited} took more than {seconds:g} seconds",
            remedy="check the load of the proxy and of the auth server, and the network between",
        )
        self.seconds = seconds


class ProxyUnavailableError(ProxyAwayError):
    """The proxy, or a load balancer in front of it, answers that it cannot serve now."""

    def __init__(self, address: str, found: str) -> None:
        super().__init__(
            address, f"it cannot serve now: {found}", remedy="check that the proxies and the auth server are up"
        )


class WebCertificateError(ProxyError):
    """The proxy's web certificate could not be verified, so nothing was sent."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            address,
            f"its web certificate is not trusted: {reason}",
            remedy="if it is of a private CA, name that CA's PEM file in teleport.proxy_ca; if the name differs, set "
            "teleport.addr to a name that the certificate is for",
        )


class ProxyCaError(ProxyError):
    """The file of teleport.proxy_ca cannot be used."""

    def __init__(self, address: str, path: str, reason: str) -> None:
        super().__init__(
            address,
            f"teleport.proxy_ca, {path}, cannot be used: {reason}",
            remedy="name a file with CA certificates in PEM that the service's user can read",
        )


class NotAProxyError(ProxyError):
    """The answer is not that of a Teleport proxy."""

    def __init__(self, address: str, found: str) -> None:
        super().__init__(
            address,
            f"this is no Teleport proxy: {found}",
            remedy="set teleport.addr to the proxy's public address (usually port 443) or to the auth server's (3025)",
        )


class TlsRoutingOffError(ProxyError):
    """The proxy does not route by TLS, so the auth server cannot be reached through its web port."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            "TLS routing is off in this cluster",
            remedy="set teleport.addr to the auth server (port 3025), or proxy_listener_mode to multiplex in the "
            "cluster's networking configuration",
        )


class UpgradeUnsupportedError(ProxyError):
    """An ALPN connection upgrade is needed, and this proxy does not offer it."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            "this proxy does not support ALPN connection upgrades (it answers 404), and the load balancer in front of "
            "it ends TLS",
            remedy="upgrade the proxy, let the load balancer pass TLS through, or set teleport.addr to the auth server",
        )


class UpgradeRefusedError(ProxyError):
    """The ALPN connection upgrade failed. `status` is the HTTP status, 0 without one."""

    def __init__(self, address: str, status: int, reason: str) -> None:
        super().__init__(
            address,
            f"the ALPN connection upgrade failed: {f'HTTP {status}, ' if status else ''}{reason}",
            remedy="check that the load balancer in front of the proxy allows WebSockets, and the proxy's log",
        )
        self.status = status


class HandshakeRefusedError(ProxyError):
    """The other side ended the handshake, most likely because the proxy found no auth server.

    `alert` is OpenSSL's name of the TLS alert; empty if the connection was closed without one.
    """

    def __init__(self, address: str, alert: str) -> None:
        super().__init__(
            address,
            f"the TLS handshake with the auth server failed ({alert or 'the connection was closed'})",
            remedy="check the proxy's log, that it can reach the auth server, and that the cluster's name is the one "
            f"that `tctl status` prints; {_UPGRADE_HINT}",
        )
        self.alert = alert


class ProtocolNotNegotiatedError(ProxyError):
    """The handshake did not choose HTTP/2, so the answer is not from the auth server."""

    def __init__(self, address: str, found: str) -> None:
        super().__init__(
            address,
            f"negotiated {found or 'no protocol'} instead of h2",
            remedy=f"check teleport.addr; {_UPGRADE_HINT}",
        )
        self.found = found


class ServerCertificateError(ProxyError):
    """The server's certificate could not be verified, so nothing was sent."""


class ServerCertificateExpiredError(ServerCertificateError):
    """The server's certificate, or its CA's, is not valid at this time."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            address,
            f"the server's certificate is not valid now: {reason}",
            remedy="check this machine's clock, and the certificate that the server presents",
        )


class UnknownServerCAError(ServerCertificateError):
    """No trusted CA issued the server's certificate."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            address,
            f"the server's certificate is issued by no CA that is trusted here: {reason}",
            remedy=f"check that the identity is of this cluster; {AFTER_ROTATION}; {_UPGRADE_HINT}",
        )


class ServerNameError(ServerCertificateError):
    """The server's certificate is for other names (`found`)."""

    def __init__(self, address: str, wanted: str, found: Iterable[str]) -> None:
        self.wanted = wanted
        self.found = tuple(found)
        super().__init__(
            address,
            f"the server's certificate is for {', '.join(self.found) or 'no name at all'}, not for {wanted}",
            remedy=f"check teleport.addr; {_UPGRADE_HINT}",
        )


class CertificateRefusedError(ProxyError):
    """The auth server closed the connection after the handshake, before any data: it refuses our certificate.

    With TLS 1.3 a refusal arrives at that time. `alert` is OpenSSL's name of the TLS alert, or empty.
    """

    def __init__(self, address: str, alert: str) -> None:
        super().__init__(
            address,
            "the auth server closed the connection right after the handshake; most likely it refuses our certificate"
            + (f" ({alert})" if alert else ""),
            remedy="check that the identity is of this cluster and has not expired; during a CA rotation a new "
            f"certificate is accepted after a minute; {AFTER_ROTATION}; otherwise see the auth server's log",
        )
        self.alert = alert


class TlsBrokenError(ProxyError):
    """The bytes that arrived are not part of this TLS session."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            address,
            f"the TLS session broke: {reason}",
            remedy="check the network devices between this machine and the proxy",
        )
