"""HTTPS requests to the proxy's web service: the trusted CAs, the deadline, and the errors.

The proxy's web certificate proves the proxy's public name, by the system's CAs and those of `teleport.proxy_ca`. It
proves nothing about the cluster.
"""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import aiohttp
from cryptography import x509

from teleport_okta import __version__
from teleport_okta.teleport.proxy.dialing import reason_of
from teleport_okta.teleport.proxy.proxy_errors import (
    NotAProxyError,
    ProxyCaError,
    ProxyTimeoutError,
    ProxyUnreachableError,
    WebCertificateError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from types import SimpleNamespace

DEADLINE: Final = 15.0
"""Seconds for one request, from the connection to the last byte of the answer."""

_LARGEST_ANSWER: Final = 1024 * 1024
"""Longest accepted answer, in bytes; real ones have a few thousand."""


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """An answer of the proxy's web service."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


def web_context(address: str, extra_ca: Path | None) -> ssl.SSLContext:
    """Return the TLS context that verifies the proxy's web certificate. Raises ProxyCaError."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if extra_ca is not None:
        context.load_verify_locations(cadata=read_bundle(address, extra_ca).decode("ascii", errors="replace"))
    return context


def read_bundle(address: str, path: Path) -> bytes:
    """Return the PEM of the CAs of `teleport.proxy_ca`. Raises ProxyCaError."""
    try:
        bundle = path.read_bytes()
        x509.load_pem_x509_certificates(bundle)
    except OSError as error:
        raise ProxyCaError(address, str(path), error.strerror or type(error).__name__) from error
    except ValueError as error:
        raise ProxyCaError(address, str(path), "it has no readable PEM certificate") from error
    return bundle


async def exchange(
    address: str, method: str, path: str, *, context: ssl.SSLContext, json: object = None, deadline: float = DEADLINE
) -> WebAnswer:
    """Make one request to the proxy at `address` and return its answer, whatever its status. Redirects are answers.

    Raises WebCertificateError, ProxyUnreachableError, ProxyTimeoutError or NotAProxyError.
    """
    async with web_session(context) as session:
        with_deadline = aiohttp.ClientTimeout(total=deadline)
        try:
            async with session.request(
                method, f"https://{address}{path}", json=json, timeout=with_deadline, allow_redirects=False
            ) as response:
                return WebAnswer(response.status, response.content_type, await _body(address, response))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise web_error(address, error, deadline) from error


async def _body(address: str, response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LARGEST_ANSWER:
            raise NotAProxyError(address, f"its answer is longer than {_LARGEST_ANSWER} bytes")
    return bytes(body)


@asynccontextmanager
async def web_session(context: ssl.SSLContext) -> AsyncIterator[aiohttp.ClientSession]:
    """Return an HTTP session that raises aiohttp.TooManyRedirects instead of following a redirect.

    For WebSockets, aiohttp always follows redirects, to any host and to plain HTTP. HTTPS_PROXY is for Okta, so the
    environment is ignored here.
    """
    tracing = aiohttp.TraceConfig()
    tracing.on_request_redirect.append(_refuse_redirect)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context),
        headers={"User-Agent": f"teleport-okta/{__version__}"},
        trust_env=False,
        trace_configs=[tracing],
    ) as session:
        yield session


async def _refuse_redirect(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, seen: aiohttp.TraceRequestRedirectParams
) -> None:
    """Raise TooManyRedirects before the other address is used; the connection is closed with the session."""
    answer = seen.response
    target = urlsplit(answer.headers.get("Location", "")).hostname
    where = f" to {target}" if target else ""
    raise aiohttp.TooManyRedirects(answer.request_info, (answer,), status=answer.status, message=f"a redirect{where}")


def web_error(
    address: str, error: aiohttp.ClientError | TimeoutError, deadline: float
) -> WebCertificateError | ProxyUnreachableError | ProxyTimeoutError | NotAProxyError:
    """Return our error for one of aiohttp's."""
    match error:
        case TimeoutError():
            return ProxyTimeoutError(address, "the answer to an HTTPS request", deadline)
        case aiohttp.ClientConnectorCertificateError():
            cause = error.certificate_error
            return WebCertificateError(address, getattr(cause, "verify_message", "") or str(cause))
        case aiohttp.ClientConnectorSSLError():
            problem = NotAProxyError(address, f"it speaks no TLS that we understand ({error.os_error})")
        case aiohttp.ClientConnectorError():
            return ProxyUnreachableError(address, reason_of(error.os_error))
        case aiohttp.ClientOSError():
            return ProxyUnreachableError(address, reason_of(error))
        case aiohttp.ServerDisconnectedError():
            return ProxyUnreachableError(address, "the connection was closed before an answer")
        case _:
            problem = NotAProxyError(address, f"its answer is no HTTP ({type(error).__name__})")
    return problem
