"""What this process waits for at this moment, so that the log can say it when nothing else is logged for a minute.

Every wait on something outside (an answer, a rate limit, another task) that may take long is declared where it happens,
by `waiting_for`. Declaring costs two operations on a dictionary.
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
"""After how many seconds without a line the log says what is waited for."""

_NAMED: Final = 3

_log = logging.getLogger(__name__)
_waits: dict[object, str] = {}


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Declare that the block waits, and for what."""
    token = object()
    _waits[token] = what
    try:
        yield
    finally:
        del _waits[token]


def waits() -> tuple[str, ...]:
    """Return what is waited for, longest waits first."""
    return tuple(_waits.values())


class SilenceKeeper:
    """Says in the log what is waited for, whenever nothing was logged for a minute. Nothing is said at rest."""

    def __init__(self, clock: Clock, counter: LineCounter = written) -> None:
        self._clock = clock
        self._counter = counter

    async def keep(self) -> None:
        """Watch until cancelled."""
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
