"""Downloads metadata from a connector's `entity_descriptor_url` (`docs/reference/teleport.md` 4.5)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp

from ..refusal import Refusal, bad_parameter, limit_exceeded, quoted, unknown, wrapped

Fetch = Callable[[str], Awaitable[tuple[int, bytes]]]
"""Fetches a URL and returns the HTTP status and the body. Raises OSError, TimeoutError, ValueError or
aiohttp.ClientError when there is no answer."""

TIME_LIMIT: Final = 30.0
"""Seconds of the machine's clock until the server gives up."""

SIZE_LIMIT: Final = 10 * 1024 * 1024
"""The most bytes of metadata that the server reads."""

_CHUNK: Final = 64 * 1024


def http_fetch(trusted: bytes | None = None) -> Fetch:
    """Return a Fetch over HTTP. `trusted` are CA certificates (PEM); without them, the machine's CAs are trusted."""
    pem = trusted.decode("ascii") if trusted is not None else None

    async def fetch(url: str) -> tuple[int, bytes]:
        tls = ssl.create_default_context(cadata=pem)
        async with aiohttp.ClientSession() as session, session.get(url, ssl=tls) as response:
            body = bytearray()
            async for chunk in response.content.iter_chunked(_CHUNK):
                body += chunk
                if len(body) > SIZE_LIMIT:
                    break
            return response.status, bytes(body)

    return fetch


async def download(fetch: Fetch, url: str, connector: str) -> str:
    """Return the metadata at a URL. Raises the server's Refusal if that fails."""
    try:
        async with asyncio.timeout(TIME_LIMIT):
            status, body = await fetch(url)
    except TimeoutError:
        raise _unanswered(url, connector, "context deadline exceeded") from None
    except (OSError, ValueError, aiohttp.ClientError) as error:
        raise _unanswered(url, connector, str(error)) from error
    if status != 200:
        raise bad_parameter(f"status code {status} when fetching from {url} for SAML connector {connector}")
    if len(body) > SIZE_LIMIT:
        raise limit_exceeded("the read limit is reached")
    return body.decode(errors="replace")


def _unanswered(url: str, connector: str, reason: str) -> Refusal:
    failure = unknown(f"Get {quoted(url)}: {reason}")
    return wrapped(failure, f"unable to fetch entity descriptor from {url} for SAML connector {connector}")
