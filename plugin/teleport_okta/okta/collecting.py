"""The people of a listing while it is being walked: once each, however often a row repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.okta import MalformedRow, Snapshot
from teleport_okta.okta.facts import person_or_malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from teleport_okta.model.okta import PersonFacts


class PeopleSeen:
    """Rows as they come, by Okta id. Of a row that repeats, the later one counts: it was read later."""

    def __init__(self, read: Callable[[Mapping[str, object]], PersonFacts]) -> None:
        self._read = read
        self._by_id: dict[str, PersonFacts | MalformedRow] = {}
        self._unidentified: list[MalformedRow] = []

    def add(self, rows: Iterable[object]) -> None:
        """Take in the rows of one page."""
        for row in rows:
            fact = person_or_malformed(row, self._read)
            if isinstance(fact, MalformedRow) and fact.okta_id is None:
                self._unidentified.append(fact)
            elif fact.okta_id is not None:
                self._by_id[fact.okta_id] = fact

    def snapshot(self, read_at: datetime, incomplete: str | None) -> Snapshot:
        """Return what was seen. A row without an id hides somebody, so no absence is believed then."""
        untrusted = None
        if self._unidentified:
            untrusted = f"{len(self._unidentified)} rows of the listing have no id: {self._unidentified[0].reason}"
        facts = self._by_id.values()
        return Snapshot(
            people=tuple(fact for fact in facts if not isinstance(fact, MalformedRow)),
            malformed=(*self._unidentified, *(fact for fact in facts if isinstance(fact, MalformedRow))),
            read_at=read_at,
            incomplete=incomplete,
            untrusted=untrusted,
        )
