"""Pages and their cursors (`docs/reference/okta.md` 2.2)."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

from teleport_okta.sandbox.okta.error_bodies import OktaError, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from teleport_okta.sandbox.okta.collection import Ordered

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Page(Generic[V]):
    """Some objects of a listing, and the cursor of the next page."""

    items: Sequence[V]
    limit: int
    after: str | None


def limit_of(query: Mapping[str, str], default: int, maximum: int) -> int:
    """Return the effective page size: the requested or default one, at most the maximum."""
    text = query.get("limit")
    if text is None:
        return default
    try:
        limit = int(text)
    except ValueError:
        limit = 0
    if limit < 1:
        raise refusal("E0000029", "Invalid limit.")
    return min(limit, maximum)


def page_by_id(source: Ordered[V], matches: Callable[[V], bool], after: str | None, limit: int) -> Page[tuple[str, V]]:
    """Page through objects whose cursor is the last object's id, as for users and apps."""
    start = 0 if after is None else source.position_of(after)
    if start is None:
        raise _bad_cursor()
    return _page(source, matches, start, limit, lambda _, key: key)


def page_by_position(
    source: Ordered[V], matches: Callable[[V], bool], after: str | None, limit: int
) -> Page[tuple[str, V]]:
    """Page through objects whose cursor is an opaque blob, as for every other listing."""
    return _page(source, matches, _decode(after), limit, lambda position, _: _encode(position))


def page_of_list(
    items: Sequence[V], after: str | None, limit: int, matches: Callable[[V], bool] = lambda _: True
) -> Page[V]:
    """Page through the matches in a sorted list; the cursor is an opaque place in the list."""
    found: list[V] = []
    for place in range(_decode(after), len(items)):
        if not matches(items[place]):
            continue
        if len(found) == limit:
            return Page(found, limit, _encode(place))
        found.append(items[place])
    return Page(found, limit, None)


def _page(
    source: Ordered[V],
    matches: Callable[[V], bool],
    start: int,
    limit: int,
    cursor: Callable[[int, str], str],
) -> Page[tuple[str, V]]:
    found = list(islice((entry for entry in source.walk(start) if matches(entry[2])), limit + 1))
    more = len(found) > limit
    kept = found[:limit]
    return Page([(key, value) for _, key, value in kept], limit, cursor(kept[-1][0], kept[-1][1]) if more else None)


def _encode(position: int) -> str:
    text = str(position).encode()
    return base64.urlsafe_b64encode(text + b"." + b"%08x" % zlib.crc32(text)).decode().rstrip("=")


def _decode(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None
    text, _, check = raw.partition(b".")
    if not text.isdigit() or check != b"%08x" % zlib.crc32(text):
        raise _bad_cursor()
    return int(text)


def _bad_cursor() -> OktaError:
    return refusal("E0000029", "Invalid cursor.")
