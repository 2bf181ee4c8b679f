"""The current waits of this process, which the log shows if nothing else is logged for a minute.

Each wait that may take long (for an answer, a rate limit, another task) is declared by `waiting_for` in the place where
it happens. This costs two operations on a dictionary.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from teleport_okta.observe.logs import LineCounter, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from teleport_okta.clock import Clock

SILENCE: Final = 60.0
"""Seconds without a line after which the log shows the waits."""

_NAMED: Final = 3

_log = logging.getLogger(__name__)
_waits: dict[object, str] = {}


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Declare that the block waits for `what`."""
    token = object()
    _waits[token] = what
    try:
        yield
    finally:
        del _waits[token]


def waits() -> tuple[str, ...]:
    """Return the current waits, longest first."""
    return tuple(_waits.values())


class SilenceKeeper:
    """Logs the current waits, if there are any, whenever nothing was logged for a minute."""

    def __init__(self, clock: Clock, counter: LineCounter = written) -> None:
        self._clock = clock
        self._counter = counter

    async def keep(self) -> None:
        """Run until cancelled."""
        while True:
            before, began = self._counter.lines, self._clock.monotonic()
            await self._clock.sleep(SILENCE)
            present = waits()
            if self._counter.lines == before and present:
                seconds = self._clock.monotonic() - began
                _log.info("nothing was logged for %.0f s; waiting for %s", seconds, _named(present))


def _named(present: Sequence[str]) -> str:
    """Name the longest waits, each once, and count the others."""
    every = list(dict.fromkeys(present))
    more = f" and {len(every) - _NAMED} more" if len(every) > _NAMED else ""
    return "; ".join(every[:_NAMED]) + more
