"""Metrics of what changes by itself: read each time when somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from teleport_okta.observe.health import Component


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


class Followed(Collector):
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
                "teleport_okta_is_writer", "1 when this process has the lease to write, 0 when it is a standby."
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


class FollowedLog(Collector):
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


class FollowedHealth(Collector):
    """Metrics of whether the process can do its work."""

    def __init__(self, components: Callable[[], Iterable[Component]]) -> None:
        self._components = components

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metric without values, by which the registry knows its name."""
        return (
            GaugeMetricFamily(
                "teleport_okta_ready", "1 while a component can do its work, as /readyz says.", labels=("component",)
            ),
        )

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the metric as of now."""
        for family in self.describe():
            for component in self._components():
                family.add_metric((component.name,), component.is_ready)
            yield family


class FollowedCertificates(Collector):
    """Metrics of the certificates with which this process listens."""

    def __init__(self, expiries: Callable[[], Mapping[str, datetime]]) -> None:
        self._expiries = expiries

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return the metric without values, by which the registry knows its name."""
        return (
            GaugeMetricFamily(
                "teleport_okta_certificate_expires_timestamp_seconds",
                "When the certificate of a listener (scim or serve) ends, in Unix seconds.",
                labels=("listener",),
            ),
        )

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the metric as of now."""
        for family in self.describe():
            for listener, expires in self._expiries().items():
                family.add_metric((listener,), expires.timestamp())
            yield family
