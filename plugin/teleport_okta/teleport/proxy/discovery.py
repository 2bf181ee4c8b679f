"""Finds out whether an address is a proxy or an auth server, and reads a proxy's public page about its cluster.

See `docs/reference/teleport.md` 1.4.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from teleport_okta.teleport.dial import API_DOMAIN
from teleport_okta.teleport.proxy.certificates import certificate_names
from teleport_okta.teleport.proxy.peek import peek
from teleport_okta.teleport.proxy.proxy_errors import NotAProxyError, ProxyUnavailableError
from teleport_okta.teleport.proxy.web import exchange, web_context

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.teleport.proxy.web import WebAnswer

_PATH: Final = "/webapi/find"


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """A proxy's answer about its cluster. Versions are in the server's form, and empty if it does not give them.

    `edition` is `oss`, `community` or `ent`; `tls_routing`: the auth server is reached through the web port.
    """

    cluster: str
    server_version: str
    min_client_version: str
    edition: str
    tls_routing: bool


async def what_is_at(address: str) -> Literal["auth", "proxy"]:
    """Return what is at `address` (host:port), by the names in its certificate.

    An auth server's certificate has `teleport.cluster.local`; that of a proxy for its own host does not. Nothing is
    verified here, and a wrong result is harmless: later everything is sent to a verified server only. Raises a
    subclass of ProxyError.
    """
    sight = await peek(address, protocols=("h2", "http/1.1"))
    return "auth" if API_DOMAIN in certificate_names(sight.certificate) else "proxy"


async def find(address: str, extra_ca: Path | None = None) -> ProxyFacts:
    """Ask the proxy at `address` about its cluster, after verifying its web certificate (`extra_ca`: a PEM file).

    Raises a subclass of ProxyError.
    """
    context = await asyncio.to_thread(web_context, address, extra_ca)
    return _facts(address, await exchange(address, "GET", _PATH, context=context))


def _facts(address: str, answer: WebAnswer) -> ProxyFacts:
    if answer.status >= 500:
        raise ProxyUnavailableError(address, f"GET {_PATH} is answered with HTTP {answer.status}")
    if answer.status != 200:
        raise NotAProxyError(address, f"GET {_PATH} is answered with HTTP {answer.status}")
    try:
        told = json.loads(answer.body)
    except ValueError as error:
        raise NotAProxyError(address, f"GET {_PATH} is answered with {answer.content_type} instead of JSON") from error
    cluster = _text(told, "cluster_name")
    if not cluster:
        raise NotAProxyError(address, f"its answer to GET {_PATH} names no cluster")
    proxy = told.get("proxy")
    return ProxyFacts(
        cluster=cluster,
        server_version=_text(told, "server_version"),
        min_client_version=_text(told, "min_client_version"),
        edition=_text(told, "edition"),
        tls_routing=isinstance(proxy, dict) and proxy.get("tls_routing_enabled") is True,
    )


def _text(told: object, key: str) -> str:
    value = told.get(key) if isinstance(told, dict) else None
    return value if isinstance(value, str) else ""
