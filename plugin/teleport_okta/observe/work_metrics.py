"""Metrics of passes, changes, and calls to Okta."""

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
    """Receives each call to Okta, with its rate-limit bucket."""

    def called(self, bucket: str) -> None:
        """Record a request that is sent, retries included."""
        ...

    def refused(self, bucket: str) -> None:
        """Record an answer 429."""
        ...

    def waited(self, bucket: str, seconds: float) -> None:
        """Record a wait for the bucket's limit."""
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
            "Requests that Okta answered with 429, because a limit was reached.",
            bucket,
            registry=registry,
        )
        self._waits = Counter(
            "teleport_okta_okta_wait_seconds",
            "Seconds that calls to Okta waited for a rate limit, summed over calls that waited at the same time.",
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
            "Ended full passes. succeeded: everything is done; held: the brake holds harm, or a change is put off; "
            "failed: a part could not be read or applied.",
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
            "When the last full pass of this process with this result ended, in Unix seconds.",
            ("result",),
            registry=registry,
        )
        self._last_success = Gauge(
            "teleport_okta_last_success_timestamp_seconds",
            "When a full pass, of this or an earlier process, last read and applied everything, in Unix seconds; "
            "0 means never.",
            registry=registry,
        )
        self._state = Gauge(
            "teleport_okta_state",
            "1 for the current state, 0 for the others. standby: another process writes; waiting: there is nothing to "
            "sync.",
            ("state",),
            registry=registry,
        )
        self._changes = Counter(
            "teleport_okta_changes",
            "Attempted changes in Teleport, by full passes and between them.",
            ("kind", "action", "outcome"),
            registry=registry,
        )

    def passed(self, trigger: str, result: str, *, seconds: float, at: datetime) -> None:
        """Count a full pass that ended."""
        self._passes.labels(trigger, result).inc()
        self._seconds.labels(result).observe(seconds)
        self._last.labels(result).set(at.timestamp())

    def show_state(self, state: str, last_success: datetime | None) -> None:
        """Show the current state, and when a pass last succeeded."""
        for name in STATES:
            self._state.labels(name).set(name == state)
        if last_success is not None:
            self._last_success.set(last_success.timestamp())

    def changed(self, kind: str, action: str, outcome: str) -> None:
        """Count an attempted change."""
        self._changes.labels(kind, action, outcome).inc()
