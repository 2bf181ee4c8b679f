"""Metrics whose values are read at each scrape, because they also change without any event of ours, as times do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from teleport_okta.observe.health import Component


class SeenIdentity(Protocol):
    """The parts of one of our two identities that metrics show."""

    @property
    def which(self) -> str:
        """Host or bot."""
        ...

    @property
    def expires(self) -> datetime | None:
        """When its certificate expires; None while it is missing."""
        ...

    @property
    def problem(self) -> str:
        """The problem with it; empty if there is none."""
        ...


class SeenFollowing(Protocol):
    """The parts of the follower of the System Log that metrics show."""

    @property
    def state(self) -> str:
        """`following` while changes arrive by the log."""
        ...

    @property
    def polled_at(self) -> datetime | None:
        """When it was last read to its end."""
        ...

    @property
    def lag(self) -> float | None:
        """The age of the newest event when it was read, in seconds."""
        ...

    @property
    def waiting(self) -> int:
        """The number of hints that wait."""
        ...

    @property
    def pages_behind(self) -> int:
        """The number of full pages read in a row."""
        ...

    @property
    def unknown(self) -> int:
        """The number of events of unknown types."""
        ...

    @property
    def unreadable(self) -> int:
        """The number of events that could not be parsed."""
        ...

    @property
    def alarms(self) -> tuple[str, ...]:
        """Warnings about our own permissions and limits, as sentences."""
        ...


class Followed(Collector):
    """Metrics of the identities and the lease."""

    def __init__(self, identities: Callable[[], Iterable[SeenIdentity]], is_writer: Callable[[], bool]) -> None:
        self._identities = identities
        self._is_writer = is_writer

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metrics without values, by which the registry knows their names."""
        return (
            GaugeMetricFamily(
                "teleport_okta_identity_expires_timestamp_seconds",
                "When the certificate of an identity (host or bot) expires, in Unix seconds; absent if it is missing.",
                labels=("identity",),
            ),
            GaugeMetricFamily(
                "teleport_okta_identity_problem",
                "1 while an identity (host or bot) is missing, expired, about to expire, or cannot be renewed.",
                labels=("identity",),
            ),
            GaugeMetricFamily(
                "teleport_okta_is_writer", "1 while this process holds the lease, 0 while it is a standby."
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
    "teleport_okta_log_lag_seconds": "Age of the newest event of the log when it was read.",
    "teleport_okta_log_pages_behind": "Full pages of the log read in a row; more events follow each of them.",
    "teleport_okta_log_unknown_events": "Events of unknown types since the process started.",
    "teleport_okta_log_unreadable_events": "Events that could not be parsed since the process started.",
    "teleport_okta_log_alarms": "Warnings from the log of the last day about our own permissions, keys and limits.",
    "teleport_okta_hints_waiting": "Hints that wait for a look.",
}


class FollowedLog(Collector):
    """Metrics of the follower of the System Log. A metric whose value is not known yet is left out."""

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


class FollowedHealth(Collector):
    """Metrics of the readiness of each component."""

    def __init__(self, components: Callable[[], Iterable[Component]]) -> None:
        self._components = components

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metric without values, by which the registry knows its name."""
        return (
            GaugeMetricFamily(
                "teleport_okta_ready", "1 while a component can do its work, as in /readyz.", labels=("component",)
            ),
        )

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the metric as of now."""
        for family in self.describe():
            for component in self._components():
                family.add_metric((component.name,), component.is_ready)
            yield family


class FollowedCertificates(Collector):
    """Metrics of the certificates of this process's listeners."""

    def __init__(self, expiries: Callable[[], Mapping[str, datetime]]) -> None:
        self._expiries = expiries

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metric without values, by which the registry knows its name."""
        return (
            GaugeMetricFamily(
                "teleport_okta_certificate_expires_timestamp_seconds",
                "When the certificate of a listener (scim or serve) expires, in Unix seconds.",
                labels=("listener",),
            ),
        )

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the metric as of now."""
        for family in self.describe():
            for listener, expires in self._expiries().items():
                family.add_metric((listener,), expires.timestamp())
            yield family
