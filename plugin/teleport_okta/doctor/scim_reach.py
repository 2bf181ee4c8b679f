"""The connection from outside to the SCIM endpoint: the name, TLS, the answer at `scim.public_url`, and plain HTTP.

No token is sent. If the request reaches the service, the service counts a failure of authentication, which proves that
it was this service. Okta may use another route than this machine, but the check finds most mistakes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp import hdrs
from cryptography import x509
from yarl import URL

from teleport_okta.doctor.certificates import of_life
from teleport_okta.doctor.findings import Section
from teleport_okta.scim.routes import base_paths
from teleport_okta.teleport.proxy.certificates import certificate_names

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator
    from datetime import datetime

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.settings_scim import ScimSettings

HERE: Final = Section.SCIM

PATIENCE: Final = 30.0
"""Seconds for all steps together."""

_STEP: Final = 5.0
"""Seconds for a name, a handshake, a connection; an answer may take twice as long."""

_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_REALM: Final = 'realm="teleport-okta"'
_MOST_BYTES: Final = 64 * 1024
_LONGEST_QUOTE: Final = 200

_LOOK: Final = "check the name, the proxy and the firewall; Okta may use another route than this machine"
_LED_TO_US: Final = "let the proxy forward that path, unchanged, to scim.listen"
_PUBLIC_CA: Final = "use a certificate of a public CA, with the intermediate certificates: Okta does not download them"
_RENEW: Final = "renew the certificate"

_REMEDIES: Final = {10: _RENEW, 62: "get a certificate for that name", 64: "get a certificate for that address"}
"""By OpenSSL's codes: expired, another name, another address. Most other codes mean that the CA is unknown."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """The certificate of a server; None without a handshake. `problem` is why it is not trusted, with a remedy."""

    certificate: x509.Certificate | None = None
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request without a token."""

    status: int
    text: str = ""
    challenge: str = ""
    location: str = ""

    @property
    def is_scim(self) -> bool:
        """Whether this is a SCIM endpoint that asks for a token."""
        return self.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS} and _ERROR in self.text

    @property
    def is_of_our_kind(self) -> bool:
        """Whether this is an instance of our product that asks for a token."""
        return self.is_scim and (self.status == HTTPStatus.TOO_MANY_REQUESTS or _REALM in self.challenge)


async def check_reach(
    settings: ScimSettings,
    *,
    now: datetime,
    failures: Callable[[], Awaitable[int | None]],
    trust: ssl.SSLContext | None = None,
) -> list[Finding]:
    """Try the public URL as a client does. `failures` asks the running service how many failures it has counted.

    `trust` are the trusted CAs, by default those of the system.
    """
    url = URL(settings.public_url or "")
    findings = list(of_path(settings, url))
    try:
        async with asyncio.timeout(PATIENCE):
            await _try(url, findings, now=now, failures=failures, trust=trust or ssl.create_default_context())
    except TimeoutError:
        findings.append(HERE.warning("public_url", f"{url} was not answered within {PATIENCE:.0f} s", _LOOK))
    return findings


def of_path(settings: ScimSettings, url: URL) -> Iterator[Finding]:
    """Check that the path is served. Without a token the endpoint does not report that: it answers 401 first."""
    served = ["/" + "/".join(base) for base in base_paths(settings.plugin_name)]
    if url.path.rstrip("/") in served:
        return
    what = f"public_url has the path {url.path}, and only {' and '.join(served)} are served: a client gets 404"
    yield HERE.warning("path", what, f"let public_url end in {served[0]}, unless a proxy rewrites the path")


async def _try(
    url: URL,
    findings: list[Finding],
    *,
    now: datetime,
    failures: Callable[[], Awaitable[int | None]],
    trust: ssl.SSLContext,
) -> None:
    """Do one step after the other; stop if the next one is pointless."""
    host, port = url.host or "", url.port or 0
    addresses = await _addresses(host, port)
    findings.append(of_addresses(host, addresses))
    if not addresses:
        return
    tls: ssl.SSLContext | None = None
    if url.scheme == "https":
        shown = await _handshake(host, port, trust)
        findings += of_handshake(f"{host}:{port}", shown, now)
        if shown.certificate is None:
            return
        tls = _unverified() if shown.problem else trust
    before = await failures()
    answer = await _asked(url, tls, within=2 * _STEP)
    after = await failures()
    counted = None if before is None or after is None else after > before
    findings.append(of_answer(url, answer, counted=counted))
    if url.scheme == "https" and url.is_default_port():
        plain = await _asked(url.with_scheme("http"), None, within=_STEP)
        if isinstance(plain, Answer) and plain.is_scim:
            what = f"{url.with_scheme('http')} is answered too: a client without the s sends the token in clear text"
            findings.append(HERE.warning("plain HTTP", what, "let the proxy refuse plain HTTP, or redirect it"))


async def _addresses(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a name; empty if it does not resolve."""
    try:
        async with asyncio.timeout(_STEP):
            found = await asyncio.get_running_loop().getaddrinfo(host, port)
    except (OSError, TimeoutError):
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def of_addresses(host: str, addresses: Collection[str]) -> Finding:
    """Check the addresses of the name, as this machine resolves it."""
    check = "public name"
    if not addresses:
        what = f"{host} of public_url does not resolve on this machine"
        return HERE.warning(check, what, "add the name to DNS; nothing to do if it resolves outside")
    listed = ", ".join(addresses)
    if any(ipaddress.ip_address(address.partition("%")[0]).is_global for address in addresses):
        return HERE.ok(check, f"{host} is {listed}")
    if listed == host:
        what = f"Okta cannot reach {host} of public_url from the internet"
        return HERE.note(check, what, "use the public name")
    what = f"{host} is {listed} on this machine, which Okta cannot reach from the internet"
    return HERE.note(check, what, "check what the name resolves to outside")


async def _handshake(host: str, port: int, trust: ssl.SSLContext) -> Handshake:
    """Do a TLS handshake as a client does. If that fails, do one without verification, to get the certificate."""
    try:
        return Handshake(await _shown(host, port, trust))
    except ssl.SSLCertVerificationError as error:
        problem, remedy = error.verify_message, _REMEDIES.get(error.verify_code, _PUBLIC_CA)
    except ssl.SSLError as error:
        reason = (error.reason or str(error)).replace("_", " ").lower()
        return Handshake(problem=f"the TLS handshake failed: {reason}", remedy="let the proxy offer TLS there")
    except (OSError, TimeoutError) as error:
        return Handshake(problem=f"nothing answers there: {_words(error)}", remedy=_LOOK)
    try:
        return Handshake(await _shown(host, port, _unverified()), problem, remedy)
    except (OSError, TimeoutError, ValueError):
        return Handshake(problem=f"its certificate is not trusted: {problem}", remedy=remedy)


async def _shown(host: str, port: int, context: ssl.SSLContext) -> x509.Certificate:
    async with asyncio.timeout(2 * _STEP):
        _, writer = await asyncio.open_connection(host, port, ssl=context, ssl_handshake_timeout=_STEP)
    try:
        return x509.load_der_x509_certificate(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    finally:
        writer.transport.abort()


def _unverified() -> ssl.SSLContext:
    """Return settings that verify no certificate, to find out more. No secret is sent over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def of_handshake(at: str, shown: Handshake, now: datetime) -> Iterator[Finding]:
    """Check that a client would trust the certificate, and for how long."""
    check = "public TLS"
    if shown.certificate is None:
        yield HERE.warning(check, f"{at}: {shown.problem}", shown.remedy)
    elif shown.problem:
        names = ", ".join(certificate_names(shown.certificate)) or "no name"
        end = f"{shown.certificate.not_valid_after_utc:%Y-%m-%d}"
        what = f"{at} shows a certificate for {names}, valid until {end}, that is not trusted: {shown.problem}"
        yield HERE.warning(check, what, shown.remedy)
    else:
        subject = f"the certificate of {at} is trusted by the system"
        yield of_life(HERE, check, subject, shown.certificate, now=now, remedy=_RENEW)


async def _asked(url: URL, tls: ssl.SSLContext | None, *, within: float) -> Answer | str:
    """Request without a token, and follow no redirect. Returns the answer, or why there is none."""
    timeout = aiohttp.ClientTimeout(total=within, connect=_STEP)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url / "ServiceProviderConfig", allow_redirects=False, ssl=tls or True) as response,
        ):
            body = await response.content.read(_MOST_BYTES)
            return Answer(
                response.status,
                body.decode(errors="replace"),
                response.headers.get(hdrs.WWW_AUTHENTICATE, ""),
                response.headers.get(hdrs.LOCATION, "")[:_LONGEST_QUOTE],
            )
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return _words(error)


def of_answer(url: URL, answer: Answer | str, *, counted: bool | None) -> Finding:
    """Report what answers at the public URL. `counted`: this service received the request; None: unknown."""
    check = "public_url"
    if isinstance(answer, str):
        return HERE.warning(check, f"{url} cannot be reached from here: {answer}", _LOOK)
    if answer.is_scim and (counted or (counted is None and answer.is_of_our_kind)):
        return HERE.ok(check, f"{url} leads to this service, which asks for a token")
    if answer.is_scim:
        which = "another instance of this service" if answer.is_of_our_kind else "a SCIM endpoint of another kind"
        what = f"{url} leads to {which}: this one received no request"
        return HERE.warning(check, what, "check where the name and the proxy lead")
    status = answer.status
    match status:
        case 301 | 302 | 303 | 307 | 308:
            what = (
                f"{url} is answered with a redirect ({status}) to {answer.location or 'nowhere'}, which Okta "
                "does not follow"
            )
            remedy = "set public_url to the address that answers without a redirect, and give that to Okta"
        case HTTPStatus.NOT_FOUND | HTTPStatus.METHOD_NOT_ALLOWED:
            what, remedy = f"{url} is answered {status}: the path does not lead to this service", _LED_TO_US
        case HTTPStatus.BAD_GATEWAY | HTTPStatus.SERVICE_UNAVAILABLE | HTTPStatus.GATEWAY_TIMEOUT:
            what = f"{url} is answered {status}: the proxy in front does not reach this service"
            remedy = "let the proxy connect to scim.listen, with TLS if certificate and key are set"
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            what = f"{url} is answered {status} by a proxy in front of this service, which asks for a login of its own"
            remedy = "let requests for that path pass, with their Authorization header"
        case _:
            what, remedy = f"{url} leads to something else, which answers {status}", _LOOK
    return HERE.warning(check, what, remedy)


def _words(error: BaseException) -> str:
    """Return the text of an error; some errors have none."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    return str(error) or type(error).__name__
