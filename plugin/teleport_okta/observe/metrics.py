"""Every metric, declared once; `docs/monitoring.md` has the table."""

from __future__ import annotations

import platform
from contextlib import contextmanager
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics

from teleport_okta import __version__
from teleport_okta.observe.collectors import Followed, FollowedCertificates, FollowedHealth, FollowedLog
from teleport_okta.observe.work_metrics import OktaCallMetrics, WorkMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from prometheus_client.registry import Collector

    from teleport_okta.observe.collectors import SeenFollowing, SeenIdentity
    from teleport_okta.observe.health import Component

_SCIM_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 45.0)
"""Upper bounds of the buckets. The last one is the default of `scim.deadline`."""


class Metrics:
    """All metrics of a process; each help text is the metric's documentation. `revision` is that of the source."""

    def __init__(self, revision: str = "") -> None:
        # Otherwise each counter has a second series, with the time of its first use.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge(
            "teleport_okta_build_info",
            "Always 1; the labels are the versions of this process.",
            ("version", "revision", "python"),
            registry=self.registry,
        ).labels(__version__, revision, platform.python_version()).set(1)
        self.work = WorkMetrics(self.registry)
        self.okta = OktaCallMetrics(self.registry)
        by_class = ("kind", "evidence")
        self._held = Gauge(
            "teleport_okta_held",
            "Harm that is held, in objects (access lists: in members), until it is approved or its cause is removed.",
            by_class,
            registry=self.registry,
        )
        self._limit = Gauge(
            "teleport_okta_harm_limit",
            "Limit of harm in an hour, in objects (access lists: in members), while some is held.",
            by_class,
            registry=self.registry,
        )
        self._used = Gauge(
            "teleport_okta_harm_used",
            "Harm of the last hour, in objects (access lists: in members), while some is held.",
            by_class,
            registry=self.registry,
        )
        self._quarantined = Gauge(
            "teleport_okta_quarantined", "Rows and objects in quarantine.", registry=self.registry
        )
        self._alarm = Gauge(
            "teleport_okta_quarantine_alarm",
            "1 while so much is in quarantine that the cause must be a general one.",
            registry=self.registry,
        )
        self._objects = Gauge(
            "teleport_okta_objects",
            "Our objects in Teleport, by kind, as last counted.",
            ("kind",),
            registry=self.registry,
        )
        self._part_failed = Gauge(
            "teleport_okta_part_failed",
            "1 if a part of the sync failed in the last full pass.",
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
            "Answered SCIM requests; verb and endpoint are `other` without a token or at an unknown address.",
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
            "SCIM requests with a missing or wrong token.",
            registry=self.registry,
        )

    def follow(self, identities: Callable[[], Iterable[SeenIdentity]], is_writer: Callable[[], bool]) -> None:
        """Show our identities, and whether we hold the lease; both are read at each scrape."""
        self.registry.register(Followed(identities, is_writer))

    def follow_health(self, components: Callable[[], Iterable[Component]]) -> None:
        """Show whether each component is ready; it is read at each scrape."""
        self.registry.register(FollowedHealth(components))

    @contextmanager
    def followed_certificates(self, expiries: Callable[[], Mapping[str, datetime]]) -> Iterator[None]:
        """Show when the listeners' certificates expire, until the block ends."""
        with self._following(FollowedCertificates(expiries)):
            yield

    @contextmanager
    def followed_log(self, following: Callable[[], SeenFollowing]) -> Iterator[None]:
        """Show the follower of the System Log until the block ends; it is read at each scrape."""
        with self._following(FollowedLog(following)):
            yield

    @contextmanager
    def _following(self, collector: Collector) -> Iterator[None]:
        self.registry.register(collector)
        try:
            yield
        finally:
            self.registry.unregister(collector)

    def present(self, *, objects: Mapping[str, int], failed: Mapping[str, bool], is_syncing: bool) -> None:
        """Show the number of objects of each kind (none: as before), which parts failed, and whether the sync runs."""
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
        """Count a SCIM request with a missing or wrong token."""
        self._scim_failures.inc()

    def nothing_held(self) -> None:
        """Remove the holds of an earlier pass."""
        for gauge in (self._held, self._limit, self._used):
            gauge.clear()

    def hold(self, kind: str, evidence: str, *, count: int, limit: int, used: int) -> None:
        """Show a hold: how many are held, the limit, and how much of it the last hour used."""
        self._held.labels(kind, evidence).set(count)
        self._limit.labels(kind, evidence).set(limit)
        self._used.labels(kind, evidence).set(used)

    def quarantine(self, count: int, *, alarmed: bool) -> None:
        """Show how many rows and objects are in quarantine, and whether that raises the alarm."""
        self._quarantined.set(count)
        self._alarm.set(alarmed)
