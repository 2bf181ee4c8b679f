"""The `Link` headers of an answer: Okta sends one per relation, proxies join them (`docs/reference/okta.md` 2.2).

aiohttp's `response.links` is not used, because it rewrites the URL (`%40` becomes `@`, as in recorded answers). A
cursor is opaque, so it must be sent back and stored exactly as it came. It also raises ValueError if any link of the
answer has an invalid URL.
"""

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
