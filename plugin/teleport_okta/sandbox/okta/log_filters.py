"""The filters of the System Log: ``filter`` and ``q`` (`docs/reference/okta.md` 5.2).

A filter is a SCIM expression over the fields of an event. Values compare exactly, and texts have to be quoted. A
comparison of `target`, which is a list, holds if it does for any entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.error_bodies import invalid
from teleport_okta.sandbox.okta.filters import Field, Kind, compile_filter

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.endpoints import Json

Wanted = Callable[["Json"], bool]

_ALL = frozenset({"eq", "ne", "gt", "ge", "lt", "le", "co", "sw", "ew", "pr"})
_TEXT = Field(Kind.QUOTED, _ALL)
_BARE = Field(Kind.ID, _ALL)
_URL = Field(Kind.QUOTED, _ALL - {"co"})

_PLAIN = frozenset({"eventType", "uuid", "severity", "displayMessage", "legacyEventType", "version"})
_NAMED = frozenset({"id", "type", "alternateId", "displayName"})
_PARTS = {
    "actor": _NAMED,
    "target": _NAMED,
    "outcome": frozenset({"result", "reason"}),
    "transaction": frozenset({"id", "type"}),
}
_OPEN = ("client.", "device.", "authenticationContext.", "securityContext.", "debugContext.debugData.", "request.")
"""Fields with one of these prefixes are all allowed."""

_DETAIL = re.compile(r"(actor|target|transaction)\.(detailEntry|detail)\.\w+")
_UNQUOTED = frozenset(
    {"authenticationContext.authenticationStep", "securityContext.isProxy", "securityContext.asNumber"}
)
_URLS = frozenset({"debugContext.debugData.url", "debugContext.debugData.requestUri"})

MOST_KEYWORDS = 10
LONGEST_KEYWORD = 40


def event_filter(text: str) -> Wanted:
    """Return the test of a filter. Raises ``E0000031`` if it cannot be parsed, or a field is not allowed."""
    predicate = compile_filter(text, _field, negation=True)
    return lambda event: predicate(lambda name: list(_values(event, name.split("."))))


def keyword_filter(text: str) -> Wanted:
    """Return the test of ``q``: every keyword is in the event. Raises ``E0000001`` for too many."""
    keywords = text.lower().split()
    if len(keywords) > MOST_KEYWORDS or any(len(keyword) > LONGEST_KEYWORD for keyword in keywords):
        raise invalid("q", f"q: At most {MOST_KEYWORDS} keywords of {LONGEST_KEYWORD} characters are allowed")

    def wanted(event: Json) -> bool:
        words = "\n".join(_words(event))
        return all(keyword in words for keyword in keywords)

    return wanted


def _field(name: str) -> Field | None:
    if name in _PLAIN:
        return _TEXT
    if name in _UNQUOTED:
        return _BARE
    if name in _URLS:
        return _URL
    part, _, rest = name.partition(".")
    if rest in _PARTS.get(part, ()) or _DETAIL.fullmatch(name):
        return _TEXT
    return _TEXT if name.startswith(_OPEN) and not name.endswith(".") else None


def _values(value: object, path: list[str]) -> Iterator[object]:
    """Yield all values at a path, through the lists on the way."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        yield from _values(value.get(path[0]), path[1:])


def _words(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from _words(part)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif value is not None:
        yield str(value).lower()
