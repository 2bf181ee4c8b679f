"""Every metric, declared once, and the address at which Prometheus finds them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from teleport_okta.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime


_SCIM_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 45.0)
"""Buckets, up to the usual deadline of a request."""


class SeenIdentity(Protocol):
    """What is shown of one of our identities to the cluster."""

    @property
    def which(self) -> str:
        """Host or bot."""
        ...

    @property
    def expires(self) -> datetime | None:
        """When its certificate ends; None while it is missing."""
        ...

    @property
    def problem(self) -> str:
        """What is wrong with it, or nothing."""
        ...


class SeenFollowing(Protocol):
    """What is shown of how the System Log is followed."""

    @property
    def state(self) -> str:
        """It is `following` while changes arrive by the log."""
        ...

    @property
    def polled_at(self) -> datetime | None:
        """When it was last read to its end."""
        ...

    @property
    def lag(self) -> float | None:
        """How many seconds old the newest event was when it was read."""
        ...

    @property
    def waiting(self) -> int:
        """How many hints wait."""
        ...

    @property
    def pages_behind(self) -> int:
        """How many full pages were read in a row."""
        ...

    @property
    def unknown(self) -> int:
        """How many events were of unknown types."""
        ...

    @property
    def unreadable(self) -> int:
        """How many events could not be read."""
        ...

    @property
    def alarms(self) -> tuple[str, ...]:
        """Sentences about our own rights and limits."""
        ...


class Metrics:
    """What one process has to show; each metric's help text is its documentation."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        by_class = ("kind", "evidence")
        self._held = Gauge(
            "teleport_okta_held",
            "Harm that is held, in objects (access lists: in members); a person must approve it or mend the cause.",
            by_class,
            registry=self.registry,
        )
        self._limit = Gauge(
            "teleport_okta_harm_limit",
            "How much harm an hour may bring, in objects (access lists: in members), where some is held.",
            by_class,
            registry=self.registry,
        )
        self._used = Gauge(
            "teleport_okta_harm_used",
            "How much of the limit the last hour used, in objects (access lists: in members), where some is held.",
            by_class,
            registry=self.registry,
        )
        self._quarantined = Gauge(
            "teleport_okta_quarantined", "Rows and objects that are set aside.", registry=self.registry
        )
        self._alarm = Gauge(
            "teleport_okta_quarantine_alarm", "1 when too much is set aside to be chance.", registry=self.registry
        )
        self._objects = Gauge(
            "teleport_okta_objects", "Objects of ours in Teleport, by kind.", ("kind",), registry=self.registry
        )
        self._part_failed = Gauge(
            "teleport_okta_part_failed",
            "1 while a part of the sync did not go well in its last full pass.",
            ("part",),
            registry=self.registry,
        )
        self._syncing = Gauge(
            "teleport_okta_syncing",
            "0 while nothing is synced because of the plugin resource or another integration.",
            registry=self.registry,
        )
        self._scim_requests = Counter(
            "teleport_okta_scim_requests",
            "SCIM requests that were answered; verb and endpoint are `other` without a token or at an unknown address.",
            ("verb", "endpoint", "status"),
            registry=self.registry,
        )
        self._scim_seconds = Histogram(
            "teleport_okta_scim_request_seconds",
            "Seconds from the header of a SCIM request to its answer.",
            ("verb", "endpoint"),
            buckets=_SCIM_SECONDS,
            registry=self.registry,
        )
        self._scim_failures = Counter(
            "teleport_okta_scim_auth_failures",
            "SCIM requests whose token was missing or wrong.",
            registry=self.registry,
        )

    def follow(self, identities: Callable[[], Iterable[SeenIdentity]], is_writer: Callable[[], bool]) -> None:
        """Show our identities and the right to write, each time as they are when somebody looks."""
        self.registry.register(_Followed(identities, is_writer))

    @contextmanager
    def followed_log(self, following: Callable[[], SeenFollowing]) -> Iterator[None]:
        """Show how the System Log is followed until the block ends, each time as it is when somebody looks."""
        collector = _FollowedLog(following)
        self.registry.register(collector)
        try:
            yield
        finally:
            self.registry.unregister(collector)

    def present(self, *, objects: Mapping[str, int], failed: Mapping[str, bool], is_syncing: bool) -> None:
        """Show how many objects there are, which parts failed, and whether anything is synced."""
        for kind, count in objects.items():
            self._objects.labels(kind).set(count)
        for part, is_failed in failed.items():
            self._part_failed.labels(part).set(is_failed)
        self._syncing.set(is_syncing)

    def scim_answered(self, verb: str, endpoint: str, *, status: int, seconds: float) -> None:
        """Count a SCIM request."""
        self._scim_requests.labels(verb, endpoint, str(status)).inc()
        self._scim_seconds.labels(verb, endpoint).observe(seconds)

    def scim_not_authenticated(self) -> None:
        """Count a SCIM request whose token was missing or wrong."""
        self._scim_failures.inc()

    def nothing_held(self) -> None:
        """Forget what an earlier pass held."""
        for gauge in (self._held, self._limit, self._used):
            gauge.clear()

    def hold(self, kind: str, evidence: str, *, count: int, limit: int, used: int) -> None:
        """Show that a pass holds so many, at a limit of which so much is used."""
        self._held.labels(kind, evidence).set(count)
        self._limit.labels(kind, evidence).set(limit)
        self._used.labels(kind, evidence).set(used)

    def quarantine(self, count: int, *, alarmed: bool) -> None:
        """Show how much is set aside, and whether that is too much."""
        self._quarantined.set(count)
        self._alarm.set(alarmed)


class _Followed(Collector):
    """Metrics of what changes between two passes, some of it by the mere passing of time."""

    def __init__(self, identities: Callable[[], Iterable[SeenIdentity]], is_writer: Callable[[], bool]) -> None:
        self._identities = identities
        self._is_writer = is_writer

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics without values, by which the registry knows their names."""
        return (
            GaugeMetricFamily(
                "teleport_okta_identity_expires_timestamp_seconds",
                "When the certificate of an identity (host or bot) ends, in Unix seconds; absent while it is missing.",
                labels=("identity",),
            ),
            GaugeMetricFamily(
                "teleport_okta_identity_problem",
                "1 when an identity (host or bot) is missing, expired, about to expire, or cannot be renewed.",
                labels=("identity",),
            ),
            GaugeMetricFamily(
                "teleport_okta_is_writer", "1 when this process has the right to write, 0 when it is a standby."
            ),
        )

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics as of now."""
        expires, problem, writer = self.describe()
        for identity in self._identities():
            if identity.expires is not None:
                expires.add_metric((identity.which,), identity.expires.timestamp())
            problem.add_metric((identity.which,), bool(identity.problem))
        writer.add_metric((), self._is_writer())
        return expires, problem, writer


_OF_LOG = {
    "teleport_okta_log_following": "1 while changes arrive by Okta's System Log, 0 while only full passes bring them.",
    "teleport_okta_log_polled_timestamp_seconds": "When the log was last read to its end, in Unix seconds.",
    "teleport_okta_log_lag_seconds": "How old the newest event of the log was when it was read.",
    "teleport_okta_log_pages_behind": "Full pages of the log that were read in a row; behind each more waits.",
    "teleport_okta_log_unknown_events": "Events of types that are not known, since the process began.",
    "teleport_okta_log_unreadable_events": "Events that could not be read, since the process began.",
    "teleport_okta_log_alarms": "What the log of the last day says of our own rights, keys and limits.",
    "teleport_okta_hints_waiting": "Hints that wait to be seen to.",
}


class _FollowedLog(Collector):
    """Metrics of how the System Log is followed; without a value while there is none."""

    def __init__(self, following: Callable[[], SeenFollowing]) -> None:
        self._following = following

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics without values, by which the registry knows their names."""
        return tuple(GaugeMetricFamily(name, text) for name, text in _OF_LOG.items())

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics as of now."""
        seen = self._following()
        values = (
            seen.state == "following",
            None if seen.polled_at is None else seen.polled_at.timestamp(),
            seen.lag,
            seen.pages_behind,
            seen.unknown,
            seen.unreadable,
            len(seen.alarms),
            seen.waiting,
        )
        for family, value in zip(self.describe(), values, strict=True):
            if value is not None:
                family.add_metric((), value)
                yield family


@contextmanager
def served(metrics: Metrics, listen: str | None) -> Iterator[None]:
    """Serve metrics at host:port until the block ends (None: nowhere); raises ConfigError."""
    if listen is None:
        yield
        return
    host, _, port = listen.rpartition(":")
    try:
        server, thread = start_http_server(int(port), addr=host.strip("[]"), registry=metrics.registry)
    except (OSError, OverflowError) as error:
        what = f"metrics.listen: {listen} cannot be listened on: {error}"
        raise ConfigError(what, remedy="choose another address or port") from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
