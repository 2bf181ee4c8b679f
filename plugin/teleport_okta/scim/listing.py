"""Lists of resources of one type: by pages, or by a filter (RFC 7644 §3.4.2)."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeVar

from teleport_okta.scim.calls import ScimAnswer
from teleport_okta.scim.protocol.filters import parse_filter
from teleport_okta.scim.protocol.paging import Page
from teleport_okta.scim.protocol.parameters import parameter
from teleport_okta.scim.protocol.projection import Projection
from teleport_okta.scim.protocol.rendering import list_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from teleport_okta.scim.calls import Json
    from teleport_okta.scim.protocol.filters import Filter

R = TypeVar("R")

_WHOLE: Final = Projection()


class Listed(Protocol[R]):
    """Resources of one type."""

    async def page(self, *, skip: int, most: int) -> tuple[int, Sequence[R]]:
        """Return the total, and up to `most` of them in a stable order, after the first `skip`."""
        ...

    async def looked_up(self, attribute: str, value: str) -> Sequence[R] | None:
        """Return those with a value of an attribute; None without an index of it."""
        ...

    async def shown(self, resources: Sequence[R], projection: Projection) -> list[Json]:
        """Return resources as JSON."""
        ...


async def list_answer(
    query: Mapping[str, str], listed: Listed[R], of: Literal["User", "Group"], *, scanned_at_once: int
) -> ScimAnswer:
    """Answer a list. A filter without an index checks every resource, and yields after `scanned_at_once` of them.

    Raises ScimError for an invalid query, and StateError.
    """
    page, projection, text = Page.read(query), Projection.read(query), parameter(query, "filter")
    if text is None:
        total, found = await listed.page(skip=page.start_index - 1, most=page.count)
    else:
        every = await _matching(listed, parse_filter(text, of), scanned_at_once)
        total, found = len(every), every[page.start_index - 1 : page.start_index - 1 + page.count]
    return ScimAnswer(HTTPStatus.OK, list_json(total, page.start_index, await listed.shown(found, projection)))


async def _matching(listed: Listed[R], wanted: Filter, scanned_at_once: int) -> Sequence[R]:
    if wanted.equality is not None:
        indexed = await listed.looked_up(*wanted.equality)
        if indexed is not None:
            return indexed
    matching: list[R] = []
    skip = 0
    while some := (await listed.page(skip=skip, most=scanned_at_once))[1]:
        shown = await listed.shown(some, _WHOLE)
        for resource, one in zip(some, shown, strict=True):
            if wanted.matches(one):
                matching.append(resource)
        skip += len(some)
        await asyncio.sleep(0)
    return matching
