"""Metrics of the work itself: passes, changes, and calls to Okta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from datetime import datetime

    from prometheus_client import CollectorRegistry

STATES: Final = ("idle", "running", "failing", "standby", "waiting")

SUCCEEDED: Final = "succeeded"
HELD: Final = "held"
FAILED: Final = "failed"

_PASS_SECONDS: Final = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0)


class CallObserver(Protocol):
    """Is told of calls to Okta, by rate-limit bucket."""

    def called(self, bucket: str) -> None:
        """Take note of a request that goes out, retries included."""
        ...

    def refused(self, bucket: str) -> None:
        """Take note of an answer 429."""
        ...

    def waited(self, bucket: str, seconds: float) -> None:
        """Take note of a wait for the bucket's limit."""
        ...


class OktaCallMetrics:
    """Counts calls to Okta (`CallObserver`)."""

    def __init__(self, registry: CollectorRegistry) -> None:
        bucket = ("bucket",)
        self._calls = Counter(
            "teleport_okta_okta_calls",
            "Requests to Okta, retries included, by rate-limit bucket.",
            bucket,
            registry=registry,
        )
        self._refused = Counter(
            "teleport_okta_okta_refused",
            "Requests that Okta answered with 429, because a limit was used up.",
            bucket,
            registry=registry,
        )
        self._waits = Counter(
            "teleport_okta_okta_wait_seconds",
            "Seconds that calls to Okta waited for a rate limit, summed over calls that wait side by side.",
            bucket,
            registry=registry,
        )

    def called(self, bucket: str) -> None:
        """Count a request."""
        self._calls.labels(bucket).inc()

    def refused(self, bucket: str) -> None:
        """Count a 429."""
        self._refused.labels(bucket).inc()

    def waited(self, bucket: str, seconds: float) -> None:
        """Add a wait."""
        if seconds > 0:
            self._waits.labels(bucket).inc(seconds)


class WorkMetrics:
    """Counts passes and changes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._passes = Counter(
            "teleport_okta_passes",
            "Full passes that ended. succeeded: nothing is left to do; held: the brake holds harm, or something is put "
            "off; failed: something could not be read or applied.",
            ("trigger", "result"),
            registry=registry,
        )
        self._seconds = Histogram(
            "teleport_okta_pass_seconds",
            "Seconds from the start of a full pass to its end.",
            ("result",),
            buckets=_PASS_SECONDS,
            registry=registry,
        )
        self._last = Gauge(
            "teleport_okta_last_pass_timestamp_seconds",
            "When the last full pass with this result ended, in Unix seconds; since the process began.",
            ("result",),
            registry=registry,
        )
        self._last_success = Gauge(
            "teleport_okta_last_success_timestamp_seconds",
            "When a full pass last read and applied everything, in Unix seconds, also one of an earlier process; "
            "0 means never.",
            registry=registry,
        )
        self._state = Gauge(
            "teleport_okta_state",
            "1 for the present state, 0 for the others. standby: another process writes; waiting: nothing is to be "
            "synced.",
            ("state",),
            registry=registry,
        )
        self._changes = Counter(
            "teleport_okta_changes",
            "Changes in Teleport that were tried, by full passes and between them.",
            ("kind", "action", "outcome"),
            registry=registry,
        )

    def passed(self, trigger: str, result: str, *, seconds: float, at: datetime) -> None:
        """Count a full pass that ended at a moment."""
        self._passes.labels(trigger, result).inc()
        self._seconds.labels(result).observe(seconds)
        self._last.labels(result).set(at.timestamp())

    def show_state(self, state: str, last_success: datetime | None) -> None:
        """Show the present state, and when a pass last succeeded."""
        for name in STATES:
            self._state.labels(name).set(name == state)
        if last_success is not None:
            self._last_success.set(last_success.timestamp())

    def changed(self, kind: str, action: str, outcome: str) -> None:
        """Count a change that was tried."""
        self._changes.labels(kind, action, outcome).inc()
