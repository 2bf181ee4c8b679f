"""Faults of events on their way into the System Log, on command (`docs/sandbox-okta.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence


class LogFaultKind(StrEnum):
    """The effect of a fault on an event."""

    DELAY = "delay"
    """It is persisted ``seconds`` after it was published."""

    SHUFFLE = "shuffle"
    """It is persisted at a random moment of the next ``seconds``, so that the order changes."""

    DUPLICATE = "duplicate"
    """It is persisted once more, with the same uuid, ``seconds`` later."""

    DROP = "drop"
    """It is lost."""


@dataclass(slots=True)
class LogFault:
    """One fault. It affects events whose type begins with `match`; an empty text is every type."""

    kind: LogFaultKind
    match: str = ""
    count: int | None = None
    """The number of events that it affects; ``None``: all."""

    seconds: float = 0.0
    hits: int = 0

    def draws(self, event_type: str) -> bool:
        """Return whether it affects an event of this type, and count the event."""
        if not event_type.startswith(self.match) or (self.count is not None and self.hits >= self.count):
            return False
        self.hits += 1
        return True


class LogFaults:
    """The faults in force."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._orders: list[LogFault] = []

    @property
    def orders(self) -> Sequence[LogFault]:
        """The faults in force, oldest first."""
        return tuple(self._orders)

    def add(self, fault: LogFault) -> LogFault:
        """Put a fault in force."""
        self._orders.append(fault)
        return fault

    def clear(self) -> None:
        """End all faults. Delayed events stay delayed."""
        self._orders.clear()

    def delays(self, event_type: str) -> list[float]:
        """Return the delays in seconds with which an event is persisted, one for each time; none if it is lost."""
        late, copies = 0.0, []
        for fault in self._orders:
            if not fault.draws(event_type):
                continue
            match fault.kind:
                case LogFaultKind.DROP:
                    return []
                case LogFaultKind.DELAY:
                    late += fault.seconds
                case LogFaultKind.SHUFFLE:
                    late += self._rng.uniform(0, fault.seconds)
                case LogFaultKind.DUPLICATE:
                    copies.append(fault.seconds)
        return [late, *(late + later for later in copies)]
