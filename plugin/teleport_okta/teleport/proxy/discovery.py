"""What stands at an address, and what a proxy tells everybody about its cluster (`docs/reference/teleport.md` 1.4)."""

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
    """What a proxy says of its cluster. Versions are as the server writes them, and empty when it does not say.

    `edition` is `oss`, `community` or `ent`; `tls_routing` is whether the auth server is reached through the web port.
    """

    cluster: str
    server_version: str
    min_client_version: str
    edition: str
    tls_routing: bool


async def what_is_at(address: str) -> Literal["auth", "proxy"]:
    """Say what answers at `address` (host:port), by the names of the certificate that it shows.

    An auth server's certificate names `teleport.cluster.local`; a proxy's, when asked for its own host, does not. A
    wrong guess costs nothing: what is said later is said to a verified server only. Raises a subclass of ProxyError.
    """
    sight = await peek(address, protocols=("h2", "http/1.1"))
    return "auth" if API_DOMAIN in certificate_names(sight.certificate) else "proxy"


async def find(address: str, extra_ca: Path | None = None) -> ProxyFacts:
    """Ask the proxy at `address` about its cluster, once its web certificate is believed (`extra_ca`: a PEM file).

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
