"""The state of the follower of the System Log, as `status` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Following:
    """The state of the follower of the System Log.

    `state` is starting, following, not permitted or failing, with its `reason` and the time `since` then. `polled_at`
    is when the log was last read to its end, `published` is the newest event's own time, and `lag` its age in seconds
    when it was read. `events` counts the events read, `unknown` those of unknown types, `unreadable` those that could
    not be parsed. `waiting` is the number of hints that wait for a look, `pages_behind` the number of full pages read
    in a row. `alarms` are warnings about our own permissions and limits, as sentences.
    """

    state: str
    reason: str = ""
    since: datetime | None = None
    polled_at: datetime | None = None
    published: datetime | None = None
    lag: float | None = None
    events: int = 0
    unknown: int = 0
    unreadable: int = 0
    waiting: int = 0
    pages_behind: int = 0
    alarms: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return plain values, for `--format json`."""
        return {
            "state": self.state,
            "reason": self.reason,
            "since": self.since and self.since.isoformat(),
            "polled_at": self.polled_at and self.polled_at.isoformat(),
            "published": self.published and self.published.isoformat(),
            "lag": self.lag,
            "events": self.events,
            "unknown": self.unknown,
            "unreadable": self.unreadable,
            "waiting": self.waiting,
            "pages_behind": self.pages_behind,
            "alarms": list(self.alarms),
        }
