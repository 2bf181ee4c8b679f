"""Ends the reading of a listing although Okta names further pages.

Okta had a listing that named a next page after its last one for ever (`docs/reference/okta.md` 12.1). So the reading
fails after some pages without new rows, and after too much time and too many pages for its rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.fields import id_of

if TYPE_CHECKING:
    from teleport_okta.clock import Clock

IDLE_PAGES: Final = 3
"""Pages in a row without a new id after which the reading fails. One or two are normal: objects come and go."""

GRACE: Final = 600.0
"""Seconds that every listing may take, however few rows its pages have: a limited admin role leaves rows out."""

SPARE_PAGES: Final = 20
PAGES_FOR_ONE: Final = 4
"""Pages that are allowed after that time: SPARE_PAGES, plus PAGES_FOR_ONE for each page that the rows would fill. Time
alone is not enough: if other clients use up a bucket, each call may wait for a minute."""

MOST_ROWS: Final = 1_000_000
"""The largest number of different ids in one listing. Larger organisations exist, but not for one Teleport cluster."""


class WalkProgress:
    """The progress of reading one listing, which starts now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self.restart()

    def restart(self) -> None:
        """Drop the rows of earlier pages, because the listing starts again. The time continues."""
        self._ids: set[str] = set()
        self._idle = 0
        self._pages = 0

    def problem(self, rows: list[object], *, a_page: int) -> str:
        """Count a page that names a next one; return why the reading must end here, or an empty text.

        `a_page` is the requested number of rows.
        """
        before = len(self._ids)
        self._ids.update(okta_id for row in rows if (okta_id := id_of(row)) is not None)
        self._idle = 0 if len(self._ids) > before else self._idle + 1
        self._pages += 1
        if self._idle >= IDLE_PAGES:
            return f"does not advance: {IDLE_PAGES} pages in a row had no new rows, and a next page is named"
        if len(self._ids) > MOST_ROWS:
            return f"does not end: it has more than {MOST_ROWS:,} rows"
        took = self._clock.monotonic() - self._started
        forecast = math.ceil(len(self._ids) / max(1, a_page))
        if took > GRACE and self._pages > SPARE_PAGES + PAGES_FOR_ONE * forecast:
            return (
                f"does not end: {len(self._ids)} rows, which fill {forecast} pages, took {self._pages} pages and "
                f"{took / 60:.0f} minutes, and a next page is named"
            )
        return ""
