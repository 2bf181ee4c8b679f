"""Both sandboxes, and the product connected to them the way it is connected to the real systems."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from teleport_okta import app
from teleport_okta.clock import SystemClock
from teleport_okta.config import Settings, parse
from teleport_okta.model import labels
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.seed import seed_organization
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.teleport.cluster import ListingLag
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

_SEED = 1815


class TimeMachine:
    """The machine's clock, which the story can set forward: between two scenes an interval passes, not a wait."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time of day in the story."""
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        """Return the seconds of the story's stopwatch."""
        return self._clock.monotonic() + self._ahead.total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await self._clock.sleep(seconds)

    def forward(self, span: timedelta) -> None:
        """Set the clock forward."""
        self._ahead += span


@dataclass(frozen=True, slots=True)
class SeenUser:
    """A user of ours as the cluster stores it."""

    okta_id: str
    roles: tuple[str, ...]
    department: str
    connector: str


@dataclass(frozen=True, slots=True)
class SeenLock:
    """A lock as the cluster stores it."""

    name: str
    user: str
    message: str
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Stage:
    """An organisation, a cluster, and the parts of a process between them."""

    organization: OktaOrganization
    app_id: str
    cluster: TeleportSandbox
    settings: Settings
    parts: app.Parts
    clock: TimeMachine

    def people_assigned(self) -> int:
        """How many people the app has, as Okta's own state says."""
        return len(self.organization.assignments.users_of(self.app_id))

    def users(self) -> dict[str, SeenUser]:
        """Return the users of ours, by name, as the cluster's own state says."""
        return {
            user.Metadata.Name: SeenUser(
                okta_id=user.Metadata.Labels.get(labels.OKTA_ID, ""),
                roles=tuple(user.Spec.Roles),
                department=_joined(user.Spec.Traits.Values.get("okta/department")),
                connector=user.Spec.CreatedBy.Connector.ID,
            )
            for user in self.cluster.cluster.users.all_stored()
            if labels.OWNER in user.Metadata.Labels
        }

    def locks(self) -> dict[str, SeenLock]:
        """Return the locks, by the user whom they are about, as the cluster's own state says."""
        return {
            lock.Spec.Target.User: SeenLock(
                lock.Metadata.Name,
                lock.Spec.Target.User,
                lock.Spec.Message,
                lock.Spec.Expires.ToDatetime(UTC) if lock.Spec.HasField("Expires") else None,
            )
            for lock in self.cluster.cluster.locks.all_stored()
        }


@asynccontextmanager
async def built(directory: Path, *, users: int) -> AsyncIterator[Stage]:
    """Build an organisation with so many people and an empty cluster, and connect to both; joins the cluster."""
    clock = TimeMachine()

    def now() -> float:
        return clock.now().timestamp()

    invented = random.Random(_SEED)  # noqa: S311 - the same invented people in every telling
    organization = OktaOrganization(now=now, rng=invented)
    app_id = seed_organization(organization, users=users, groups=5, apps=3, rng=invented).id
    async with (
        OktaSandbox(organization) as okta,
        TeleportSandbox(directory / "teleport", now=now, lag=ListingLag.observed()) as cluster,
    ):
        settings = parse(
            {
                "teleport": {
                    "addr": cluster.address,
                    "identity": str(cluster.identity_path),
                    "join_token": cluster.join_token,
                },
                "okta": {"org_url": okta.url, "api_token": organization.ssws_token, "app_id": app_id},
                "storage": {"data_dir": str(directory / "data")},
            }
        )
        async with app.opened(settings, clock=clock) as parts:
            yield Stage(organization, app_id, cluster, settings, parts, clock)


class _Strings(Protocol):
    """The values of a trait, as a message holds them."""

    @property
    def Values(self) -> Iterable[str]:  # noqa: N802 - the field's name
        ...


def _joined(trait: _Strings | None) -> str:
    return "" if trait is None else ", ".join(trait.Values)
