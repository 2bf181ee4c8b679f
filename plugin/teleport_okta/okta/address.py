"""The organisation's address: which URLs can be used, and to which hosts a link may lead (`reference/okta.md` 2.1)."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from yarl import URL

from teleport_okta.okta.errors import OrganizationUrlError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONSOLE_HOST: Final = re.compile(
    r"(?P<org>.+)-admin(?P<domain>\.(?:okta\.com|oktapreview\.com|okta-emea\.com|okta-gov\.com|okta\.mil))"
)

_LIKE_A_URL: Final = re.compile(r"[^\s{}]*[.:][^\s{}]*")


class OrganizationAddress:
    """The configured organisation URL, checked, and the origins that a link in an answer may lead to."""

    def __init__(self, url: str) -> None:
        """Raise OrganizationUrlError where `url` is not `https://host`; plain http is for a loopback host only."""
        self._origin = _checked(url)
        self._trusted = {self._origin}

    def __str__(self) -> str:
        return str(self._origin)

    @property
    def host(self) -> str:
        """The configured host, for messages."""
        return self._origin.host or ""

    @property
    def hosts(self) -> frozenset[str]:
        """The configured host, and the canonical one once Okta has named it."""
        return frozenset(origin.host or "" for origin in self._trusted)

    def trust(self, canonical: str) -> None:
        """Let links lead to the organisation's canonical URL too, which Okta itself named.

        Raises OrganizationUrlError where that is no address of an organisation, or less safe than the configured one.
        """
        origin = _checked(canonical)
        if origin.scheme != "https" and self._origin.scheme == "https":
            raise _unusable(canonical, "would send the token unencrypted", str(self._origin))
        self._trusted.add(origin)

    def at(self, path: str, query: Mapping[str, str] | None = None) -> URL:
        """Return the URL of a path that starts with a slash and is already percent-encoded."""
        return URL(f"{self._origin}{path}" + (f"?{urlencode(query)}" if query else ""), encoded=True)

    def leads_to_us(self, url: URL) -> bool:
        """Whether a link stays with the organisation, so that our token may be sent along; none has credentials."""
        try:
            return url.absolute and url.user is None and url.password is None and url.origin() in self._trusted
        except ValueError:
            return False


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address is this very machine by definition."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(text: str) -> URL:
    try:
        url = URL(text.strip())
        port = url.explicit_port
    except ValueError as error:
        raise _unusable(text, "is not a URL", "https://example.okta.com") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise _unusable(text, "does not start with https://", _guess(text))
    host = _api_host(url.host)
    if host != url.host:
        raise _unusable(text, "is the admin console, not the API", f"https://{host}")
    if url.scheme == "http" and not is_loopback(host):
        raise _unusable(text, "would send the token unencrypted", f"https://{host}")
    plain = URL.build(scheme=url.scheme, host=host, port=port)
    if url.user is not None or url.password is not None:
        raise _unusable(text, "holds a user name or password", str(plain))
    if url.path not in {"", "/"} or url.query_string or url.fragment:
        raise _unusable(text, "has more than a host", str(plain))
    return url.origin()


def _api_host(host: str) -> str:
    console = _CONSOLE_HOST.fullmatch(host)
    return f"{console['org']}{console['domain']}" if console else host


def _guess(text: str) -> str:
    host = re.match(r"(?:[a-z]+:)?/*(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)+)", text.strip().lower())
    return f"https://{_api_host(host['host'])}" if host else "https://example.okta.com"


def _unusable(text: str, problem: str, meant: str) -> OrganizationUrlError:
    """Show the URL without what could be secret in it; what looks like no URL at all may be a secret as a whole."""
    shown = re.sub(r"[^/@]*@", "", re.split(r"[?#]", text.strip(), maxsplit=1)[0])
    value = repr(shown) if _LIKE_A_URL.fullmatch(shown) else "this"
    return OrganizationUrlError(f"okta.org_url: {value} {problem}", remedy=f"set it to {meant}")
