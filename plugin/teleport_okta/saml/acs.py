"""The address to which Okta sends people back: the assertion consumer service (ACS) of a connector. Pure.

Teleport compares the addresses in an assertion with the connector's letter by letter, so app and connector must have
exactly the same. To decide which proxy an address means, case and port 443 do not matter.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from teleport_okta.saml.enrolment_errors import EnrolmentError

_PROXY: Final = re.compile(
    r"(?:https://)?(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?/?"
)
_HTTPS: Final = 443
_HIGHEST_PORT: Final = 65_535


def acs_url(proxy: str, connector: str) -> str:
    """Return the address for a proxy (host[:port]; or a URL of a browser) and the name of a connector.

    Raises EnrolmentError if `proxy` is not an address.
    """
    found = _PROXY.fullmatch(proxy.strip().lower())
    port = _HTTPS if found is None or found["port"] is None else int(found["port"])
    if found is None or not 0 < port <= _HIGHEST_PORT:
        what = f"the proxy cannot be reached at {proxy!r}: that is not host[:port]"
        raise EnrolmentError(what, remedy="give it with --proxy, as people type it into their browsers")
    at_port = "" if port == _HTTPS else f":{port}"
    return f"https://{found['host']}{at_port}/v1/webapi/saml/acs/{connector}"


def same_address(one: str, other: str) -> bool:
    """Whether two addresses mean the same place: the case of the host and the default port do not matter."""
    try:
        return _parts(one) == _parts(other)
    except ValueError:
        return False


def _parts(url: str) -> tuple[str, str, int | None, str, str]:
    parts = urlsplit(url)
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or usual, parts.path, parts.query
