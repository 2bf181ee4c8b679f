"""Reads a listing into facts: each object once, although rows may repeat, and whether its absences are trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from teleport_okta.model.directory import Listing
from teleport_okta.model.okta import MalformedRow
from teleport_okta.okta.fields import fact_or_malformed, id_of
from teleport_okta.okta.okta_errors import OktaError, OktaNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from teleport_okta.okta.client import OktaClient

T = TypeVar("T")

_NO_ID: Final = "there is no id"


class RowsSeen(Generic[T]):
    """The rows read so far, by Okta id. If a row repeats, the later one counts, because it is newer."""

    def __init__(self, read: Callable[[Mapping[str, object]], T | MalformedRow]) -> None:
        self._read = read
        self._by_id: dict[str, T | MalformedRow] = {}
        self._unidentified: list[MalformedRow] = []

    def add(self, rows: Iterable[object]) -> None:
        """Add the rows of one page."""
        for row in rows:
            fact = fact_or_malformed(row, self._read)
            okta_id = id_of(row)
            if okta_id is not None:
                self._by_id[okta_id] = fact
            else:
                self._unidentified.append(fact if isinstance(fact, MalformedRow) else MalformedRow(None, _NO_ID))

    def listing(self, read_at: datetime, incomplete: str | None) -> Listing[T]:
        """Return the listing. If a row has no id, its object is unknown, so no absence is trusted."""
        untrusted = None
        if self._unidentified:
            untrusted = f"{len(self._unidentified)} rows of the listing have no id: {self._unidentified[0].reason}"
        facts = self._by_id.values()
        return Listing(
            rows=tuple(fact for fact in facts if not isinstance(fact, MalformedRow)),
            malformed=(*self._unidentified, *(fact for fact in facts if isinstance(fact, MalformedRow))),
            read_at=read_at,
            incomplete=incomplete,
            untrusted=untrusted,
        )


async def collect(
    client: OktaClient, path: str, query: Mapping[str, str], read: Callable[[Mapping[str, object]], T | MalformedRow]
) -> Listing[T]:
    """Read a listing; `read` makes a fact of a row, or raises UnreadableFactError.

    Raises the OktaError of the first page, and an OktaNotFoundError of any page: the object whose rows are listed is
    gone. Another error on a later page makes the listing incomplete.
    """
    read_at = client.clock.now()
    seen = RowsSeen(read)
    pages = 0
    incomplete: str | None = None
    try:
        async for page in client.pages(path, query):
            pages += 1
            if page.restarted:
                seen = RowsSeen(read)
            seen.add(page.rows)
    except OktaError as error:
        if not pages or isinstance(error, OktaNotFoundError):
            raise
        incomplete = str(error)
    return seen.listing(read_at, incomplete)
