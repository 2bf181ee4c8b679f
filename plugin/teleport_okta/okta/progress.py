"""When the walk over a listing is given up, although Okta goes on to name next pages.

Okta had a listing that named a next page after the last one for ever (`docs/reference/okta.md` 12.1), so a walk has two
ends of its own: one by what the pages bring, and one by time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.fields import id_of

if TYPE_CHECKING:
    from teleport_okta.clock import Clock

IDLE_PAGES: Final = 3
"""Pages in a row without a new id that end a walk. One or two are ordinary: objects come and go meanwhile."""

GRACE: Final = 600.0
"""Seconds that every walk may take, however little its pages bring: a narrowed role thins them out."""

SPARE_PAGES: Final = 20
PAGES_FOR_ONE: Final = 4
"""Pages that a walk may have taken after that: so many, and so many times what its rows would fill. Pages count beside
the time, because each call of a bucket that others use up may wait for a minute."""

MOST_ROWS: Final = 1_000_000
"""Different ids of one listing. Larger organisations exist, but no cluster for them, and no memory."""


class WalkProgress:
    """The progress of one walk, which begins now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self.restart()

    def restart(self) -> None:
        """Forget the rows of earlier pages: the listing begins again. The time goes on."""
        self._ids: set[str] = set()
        self._idle = 0
        self._pages = 0

    def problem(self, rows: list[object], *, a_page: int) -> str:
        """Take in a page that names a next one; return why the walk must end here, or nothing.

        `a_page` is how many rows were asked for.
        """
        before = len(self._ids)
        self._ids.update(okta_id for row in rows if (okta_id := id_of(row)) is not None)
        self._idle = 0 if len(self._ids) > before else self._idle + 1
        self._pages += 1
        if self._idle >= IDLE_PAGES:
            return f"does not advance: {IDLE_PAGES} pages in a row brought nothing new, and a next one is named"
        if len(self._ids) > MOST_ROWS:
            return f"does not end: it has more than {MOST_ROWS:,} rows"
        took = self._clock.monotonic() - self._started
        forecast = math.ceil(len(self._ids) / max(1, a_page))
        if took > GRACE and self._pages > SPARE_PAGES + PAGES_FOR_ONE * forecast:
            return (
                f"does not end: {len(self._ids)} rows, which fill {forecast} pages, took {self._pages} pages and "
                f"{took / 60:.0f} minutes, and a next one is named"
            )
        return ""
