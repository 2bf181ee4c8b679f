"""What counts of a feature when its answers change: a feature that blinks is unknown, and not off.

A cluster answers for a feature in every pass. One answer can be wrong: a restart, one of two servers behind one
address, a licence that is read anew. So what differs from before counts after three answers in a row, or ten minutes of
them; until then the feature is unknown, and what depends on it is left as it is (`docs/design.md` 4.2).

- That a feature is on counts at once, because what is planned follows from what is read then. After a gate was closed
  it does not: while one server of several is too old, calls can do damage there (`teleport/gates.py`).
- An answer that says neither (a call that failed) makes the feature unknown in this pass, and changes nothing else.
- The first answer of a process counts at once, and is marked while it says off: who would take something away because
  of it looks for traces of the feature first (`plan/first_sight.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.model.teleport import Cluster, Feature

ANSWERS: Final = 3
"""How often in a row an answer must come before it counts."""

SECONDS: Final = 600.0
"""For how long the same answer must come before it counts, if there are fewer."""


class _Said(StrEnum):
    ON = "on"
    OFF = "off"
    DENIED = "denied"
    GATED = "gated"


@dataclass(frozen=True, slots=True)
class Streak:
    """The same answer several times in a row: how often, and since when (seconds of a stopwatch).

    `is_first`: this process has never had another answer. `after_gate`: a gate was closed before, and it has not been
    long enough since.
    """

    said: str
    answers: int
    since: float
    is_first: bool
    after_gate: bool = False

    def counts(self, now: float) -> bool:
        """Whether it came often, or long, enough."""
        return self.answers >= ANSWERS or now - self.since >= SECONDS


def weighed(before: Streak | None, seen: Feature, now: float) -> tuple[Streak | None, Feature]:
    """Return the streak after one more answer about a feature, and what counts of the feature now."""
    if seen.unknown:
        return before, seen
    said = _said(seen)
    if before is not None and before.said == said:
        streak = replace(before, answers=before.answers + 1)
    elif before is None:
        streak = Streak(said, 1, now, is_first=True)
    else:
        after_gate = before.said == _Said.GATED or (before.after_gate and not before.counts(now))
        streak = Streak(said, 1, now, is_first=False, after_gate=after_gate)
    if streak.counts(now) or (seen.enabled and not streak.after_gate):
        return streak, seen
    if streak.is_first:
        return streak, replace(seen, at_first_sight=not seen.enabled)
    now_it_is = "on" if seen.enabled else f"off: {seen.reason}"
    reason = f"its answers change, and the latest does not count yet: {now_it_is}"
    return streak, replace(seen, enabled=False, denied=False, unknown=True, reason=reason)


def _said(seen: Feature) -> _Said:
    if seen.enabled:
        return _Said.ON
    if seen.gated:
        return _Said.GATED
    return _Said.DENIED if seen.denied else _Said.OFF


class FeatureHistory:
    """Remembers, for one process and one cluster, what was answered about each feature."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._streaks: dict[str, Streak | None] = {}

    def settled(self, cluster: Cluster) -> Cluster:
        """Note the answers of one moment, and return the cluster with what counts of its features."""
        now = self._clock.monotonic()
        features = []
        for seen in cluster.features:
            self._streaks[seen.name], feature = weighed(self._streaks.get(seen.name), seen, now)
            features.append(feature)
        return replace(cluster, features=tuple(features))
