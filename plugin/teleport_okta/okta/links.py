"""Web links of an answer: Okta sends one `Link` header a relation, proxies join them (`docs/reference/okta.md` 2.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINK: Final = re.compile(r"<(?P<url>[^>]*)>(?P<parameters>(?:\s*;\s*[^\s;,=]+(?:\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]*))?)*)")
_RELATION: Final = re.compile(r";\s*rel\s*=\s*(?:\"(?P<quoted>[^\"]*)\"|(?P<bare>[^\s;,\"]+))", re.IGNORECASE)


def links(headers: Iterable[str]) -> dict[str, str]:
    """Return the URLs by relation of all `Link` header lines, the first of each relation (RFC 8288 §3)."""
    found: dict[str, str] = {}
    for header in headers:
        for link in _LINK.finditer(header):
            relation = _RELATION.search(link["parameters"])
            if relation is None:
                continue
            for name in (relation["quoted"] or relation["bare"] or "").lower().split():
                found.setdefault(name, link["url"])
    return found
