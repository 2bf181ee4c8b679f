"""The HTTP proxy between us and Okta, from the usual environment variables.

`HTTPS_PROXY` is for https addresses, `HTTP_PROXY` for http ones (a sandbox on this machine), and `NO_PROXY` names the
hosts that are reached directly; the lower-case form of a variable wins. The rules are those of curl and of Teleport's
tools: a name in `NO_PROXY` includes its subdomains, an IP network its addresses, `*` everything, and a port limits an
entry to that port.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from aiohttp import encode_basic_auth
from yarl import URL

from teleport_okta.okta.okta_errors import HttpProxyUrlError

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLES: Final = {"https": "HTTPS_PROXY", "http": "HTTP_PROXY"}


@dataclass(frozen=True, slots=True)
class HttpProxy:
    """One proxy. It connects to https addresses by a tunnel (CONNECT, RFC 9110 §9.3.6)."""

    variable: str
    url: URL
    authorization: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.url.host_subcomponent}:{self.url.port}"


@dataclass(frozen=True, slots=True)
class HttpProxies:
    """The proxies by scheme, and the hosts that are reached without one."""

    by_scheme: Mapping[str, HttpProxy]
    exceptions: tuple[str, ...] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read the environment. Raises HttpProxyUrlError if a variable is not the URL of an HTTP proxy."""
        proxies = {}
        for scheme, variable in _VARIABLES.items():
            value = _value(environment, variable)
            if value:
                proxies[scheme] = _proxy(variable, value)
        exceptions = _value(environment, "NO_PROXY").replace(",", " ").split()
        return cls(proxies, tuple(entry.lower() for entry in exceptions))

    def for_url(self, url: URL) -> HttpProxy | None:
        """Return the proxy for a URL; None if it is reached directly."""
        proxy = self.by_scheme.get(url.scheme)
        if proxy is None or any(_covers(entry, url.host or "", url.port) for entry in self.exceptions):
            return None
        return proxy


def _value(environment: Mapping[str, str], variable: str) -> str:
    return environment.get(variable.lower(), environment.get(variable, "")).strip()


def _proxy(variable: str, text: str) -> HttpProxy:
    try:
        url = URL(text if "://" in text else f"http://{text}")
        authorization = encode_basic_auth(url.user, url.password or "") if url.user is not None else None
        if url.scheme in {"http", "https"} and url.host and url.port:
            return HttpProxy(variable, url.origin(), authorization)
    except ValueError:  # not chained: its message contains the value, which may have a password
        pass
    what = f"the environment variable {variable} is not the URL of an HTTP proxy"
    raise HttpProxyUrlError(what, remedy=f"set {variable} to http://host:port or http://user:password@host:port")


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of `NO_PROXY` covers a host."""
    if entry == "*":
        return True
    name, number = _split(entry)
    if number is not None and number != port:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = name.removeprefix("*").removeprefix(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return address in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False


def _split(entry: str) -> tuple[str, int | None]:
    """Split `host:port`, `[::1]:port`, or either without a port; an IPv6 address may have no brackets."""
    host, colon, port = entry.rpartition(":")
    if not colon or not port.isdecimal() or (":" in host and not host.endswith("]")):
        return entry.strip("[]"), None
    return host.strip("[]"), int(port)
