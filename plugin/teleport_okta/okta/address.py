"""The organisation's address: which URLs are usable, and to which hosts links may lead.

See `docs/reference/okta.md` 2.1.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from yarl import URL

from teleport_okta.okta.okta_errors import OrganizationUrlError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONSOLE_HOST: Final = re.compile(
    r"(?P<org>.+)-admin(?P<domain>\.(?:okta\.com|oktapreview\.com|okta-emea\.com|okta-gov\.com|okta\.mil))"
)

_LIKE_A_URL: Final = re.compile(
    r"[^\s{}]*[.:][^\s{}]*|(?:https?:/*[\w.$-]*)?(?:\{[\w.-]*\}|<[\w. -]*>)[\w.-]*/?", re.IGNORECASE
)

_PLACEHOLDER: Final = re.compile(r"\{|\}|<|>|\$\(|%7B|%3C", re.IGNORECASE)

_SCHEME_TWICE: Final = re.compile(r"https?:/*(?:https?(?::/*|/+))+", re.IGNORECASE)

_DOUBLED_DOMAIN: Final = re.compile(
    r"(?P<org>.+?)(?P<domain>\.(?:okta\.com|oktapreview\.com|okta-emea\.com|okta-gov\.com|okta\.mil|com))"
    r"(?:(?P=domain)|\.com)+"
)

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_LONGEST_HOST: Final = 253
_HIGHEST_PORT: Final = 65_535

_HOST_IN_TEXT: Final = re.compile(
    r"(?:[a-z]+:)?/*(?:[^/@\s]*@)?(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)+)(?::(?P<port>\d{1,5})(?!\d))?"
)


class OrganizationAddress:
    """The configured organisation URL, checked, and the origins that a link in an answer may lead to."""

    def __init__(self, url: str) -> None:
        """Raise OrganizationUrlError if `url` is not `https://host`; plain http is for a loopback host only."""
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
        """Allow links to the organisation's canonical URL too, which Okta itself returned.

        Raises OrganizationUrlError if that is not the address of an organisation, or less safe than the configured one.
        """
        origin = _checked(canonical)
        if origin.scheme != "https" and self._origin.scheme == "https":
            raise _unusable(canonical, "would send the token unencrypted", str(self._origin))
        self._trusted.add(origin)

    def at(self, path: str, query: Mapping[str, str] | None = None) -> URL:
        """Return the URL of a path that starts with a slash and is already percent-encoded."""
        return URL(f"{self._origin}{path}" + (f"?{urlencode(query)}" if query else ""), encoded=True)

    def leads_to_us(self, url: URL) -> bool:
        """Whether a link leads to the organisation, so that our token may be sent there; it has no credentials."""
        try:
            return url.absolute and url.user is None and url.password is None and url.origin() in self._trusted
        except ValueError:
            return False


def is_loopback(host: str) -> bool:
    """Whether a host name or IP address is this machine by definition."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(text: str) -> URL:
    _refuse_what_no_url_library_sees(text)
    try:
        url = URL(text.strip())
        port = url.explicit_port
    except ValueError as error:
        raise _unusable(text, "is not a URL", _guess(text)) from error
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise _unusable(text, "does not start with https://", _guess(text))
    _refuse_host(text, url.raw_host, port)  # `url.host` raises where it cannot be decoded
    host = _api_host(url.host or "")
    if host != url.host:
        raise _unusable(text, "is the admin console, not the API", _meant(host, port))
    if url.scheme == "http" and not is_loopback(host):
        raise _unusable(text, "would send the token unencrypted", _meant(host, port))
    plain = URL.build(scheme=url.scheme, host=host, port=port)
    if url.user is not None or url.password is not None:
        raise _unusable(text, "contains a user name or password", str(plain))
    if url.path not in {"", "/"} or url.query_string or url.fragment:
        raise _unusable(text, "has more than a host name", str(plain))
    return url.origin()


def _refuse_what_no_url_library_sees(text: str) -> None:
    """Raise for a placeholder that was copied from a guide, and for a URL with two schemes."""
    if _PLACEHOLDER.search(text):
        remedy = "set it to the address at which people sign in to Okta, such as https://example.okta.com"
        raise OrganizationUrlError(f"okta.org_url: {_shown(text)} contains a placeholder", remedy=remedy)
    if twice := _SCHEME_TWICE.match(text.strip()):
        raise _unusable(text, "has its scheme twice", _guess(text.strip()[twice.end() :]))


def _refuse_host(text: str, host: str, port: int | None) -> None:
    """Raise for a host name that is invalid, or has its domain twice."""
    if _is_address(host):
        return
    if doubled := _DOUBLED_DOMAIN.fullmatch(host):
        raise _unusable(text, "has its domain twice", _meant(_api_host(doubled["org"] + doubled["domain"]), port))
    if host.endswith("."):
        raise _unusable(text, "ends in a dot", _meant(_api_host(host.rstrip(".")), port))
    if len(host) > _LONGEST_HOST or not all(map(_is_label, host.split("."))):
        raise _unusable(text, "has an invalid host name", "https://example.okta.com")


def _is_label(label: str) -> bool:
    """Whether the text can be a label of a host name; after `xn--` it must be valid punycode (RFC 3492)."""
    if not _LABEL.fullmatch(label):
        return False
    try:
        label.encode("ascii").decode("idna")
    except UnicodeError:
        return False
    return True


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _api_host(host: str) -> str:
    console = _CONSOLE_HOST.fullmatch(host)
    return f"{console['org']}{console['domain']}" if console else host


def _meant(host: str, port: int | None) -> str:
    """Return the https URL of a host, with its port unless that is the default port of http or https."""
    host = f"[{host}]" if ":" in host else host
    return f"https://{host}" if port in {None, 80, 443} else f"https://{host}:{port}"


def _guess(text: str) -> str:
    """Return the URL that was probably meant by a text that is not one."""
    found = _HOST_IN_TEXT.match(text.strip().lower())
    if found is None:
        return "https://example.okta.com"
    port = int(found["port"]) if found["port"] else None
    return _meant(_api_host(found["host"]), port if port is None or port <= _HIGHEST_PORT else None)


def _unusable(text: str, problem: str, meant: str) -> OrganizationUrlError:
    return OrganizationUrlError(f"okta.org_url: {_shown(text)} {problem}", remedy=f"set it to {meant}")


def _shown(text: str) -> str:
    """Return a URL without the parts that may be secret; a text that does not look like a URL may be a whole secret."""
    shown = re.sub(r"[^/@]*@", "", re.split(r"[?#]", text.strip(), maxsplit=1)[0])
    return repr(shown) if _LIKE_A_URL.fullmatch(shown) else "this"
