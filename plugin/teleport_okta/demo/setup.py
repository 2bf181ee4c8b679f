"""Builds both sandboxes, and connects the product to them as to the real systems."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from teleport_okta import app
from teleport_okta.clock import Boot, SystemClock
from teleport_okta.config import parse
from teleport_okta.demo import checks
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.seed import seed_organization
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.teleport.cluster import ListingLag
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox
from teleport_okta.sync.app_server_renewal import AppServerRenewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from teleport_okta.demo.checks import StoredList, StoredLock, StoredUser
    from teleport_okta.settings import Settings
    from teleport_okta.teleport.retry import RetryPolicy

_SEED = 1815


class TimeMachine:
    """The machine's clock, which can be set forward, so that no scene waits for the interval of passes."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time of day of the demo."""
        return self._clock.now() + self._ahead

    def monotonic(self) -> float:
        """Return the demo's monotonic seconds."""
        return self._clock.monotonic() + self._ahead.total_seconds()

    def boot(self) -> Boot:
        """Return the boot clock of the machine, set forward."""
        boot = self._clock.boot()
        return Boot(boot.id, boot.elapsed + self._ahead.total_seconds())

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await self._clock.sleep(seconds)

    def forward(self, span: timedelta) -> None:
        """Set the clock forward."""
        self._ahead += span


@dataclass
class Setup:
    """An organisation, a cluster, and the product between them (`parts`), with its `settings`."""

    organization: OktaOrganization
    okta: OktaSandbox
    app_id: str
    cluster: TeleportSandbox
    settings: Settings
    parts: app.Parts
    clock: TimeMachine
    process: AsyncExitStack
    sections: dict[str, dict[str, object]]

    async def restart(self, changes: Mapping[str, Mapping[str, object]], *, policy: RetryPolicy = app.PATIENT) -> None:
        """Close the product and start it again with the same state; `changes` are new settings, by section.

        `policy` decides how long it retries while the cluster does not answer.
        """
        await self.process.aclose()
        for section, values in changes.items():
            self.sections.setdefault(section, {}).update(values)
        self.settings = parse(self.sections)
        self.parts = await self.process.enter_async_context(app.opened(self.settings, clock=self.clock, policy=policy))

    async def renew_app_servers(self) -> None:
        """Renew our app servers once, as the service does while it runs: the clock of the demo jumps."""
        rng = random.Random(_SEED)  # noqa: S311 - jitter
        await AppServerRenewer(self.parts.full_pass, self.parts.teleport, clock=self.clock, rng=rng).look()

    def people_assigned(self) -> int:
        """Return the number of people to whom the app is assigned in Okta."""
        return len(self.organization.assignments.users_of(self.app_id))

    def users(self) -> dict[str, StoredUser]:
        """Return our users in the cluster, by name."""
        return checks.users_in(self.cluster.cluster)

    def locks(self) -> dict[str, StoredLock]:
        """Return the locks in the cluster, by the name of the locked user."""
        return checks.locks_in(self.cluster.cluster)

    def lists(self) -> dict[str, StoredList]:
        """Return our access lists in the cluster, by Okta id."""
        return checks.lists_in(self.cluster.cluster)

    def user_groups(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the apps of our user groups in the cluster, by Okta id."""
        return checks.user_groups_in(self.cluster.cluster)

    def apps(self) -> dict[str, datetime]:
        """Return the expiries of our app servers in the cluster, by Okta id."""
        return checks.apps_in(self.cluster.cluster)

    def granted_apps(self) -> dict[str, set[str]]:
        """Return the ids of the apps that each list grants to its members, by the Okta id of the list."""
        return checks.granted_apps_in(self.cluster.cluster)


@asynccontextmanager
async def built(directory: Path, *, users: int) -> AsyncIterator[Setup]:
    """Build an organisation with this number of people and an empty cluster, and connect the product to both.

    At first only people are synced.
    """
    clock = TimeMachine()

    def now() -> float:
        return clock.now().timestamp()

    invented = random.Random(_SEED)  # noqa: S311 - the same invented people in every run
    organization = OktaOrganization(now=now, rng=invented)
    app_id = seed_organization(organization, users=users, groups=5, apps=3, rng=invented).id
    async with (
        OktaSandbox(organization) as okta,
        TeleportSandbox(directory / "teleport", now=now, lag=ListingLag.observed()) as cluster,
    ):
        sections: dict[str, dict[str, object]] = {
            "teleport": {
                "addr": cluster.address,
                "identity": str(cluster.identity_path),
                "join_token": cluster.join_token,
            },
            "okta": {"org_url": okta.url, "api_token": organization.ssws_token, "app_id": app_id},
            "sync": {"apps_and_groups": False},
            "storage": {"data_dir": str(directory / "data")},
        }
        settings = parse(sections)
        async with AsyncExitStack() as process:
            parts = await process.enter_async_context(app.opened(settings, clock=clock))
            yield Setup(organization, okta, app_id, cluster, settings, parts, clock, process, sections)
