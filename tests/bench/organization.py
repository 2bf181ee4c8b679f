"""The Okta sandbox with a population of the benchmarks, in a process of its own.

What `teleport-okta sandbox okta` runs, but for two things: everybody has exactly twenty attributes, and the limits are
such that nothing reaches them, so that no pass waits for a rate-limit window.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.sandbox.control_api import Route
from teleport_okta.sandbox.okta.control import OktaControl
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.rate_limits import RateLimiter
from teleport_okta.sandbox.okta.seed_large import seed_large
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.okta.settings import Delays, Settings

from tests.bench.population import GROUP, profile
from tests.bench.size import Size

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App


@dataclass(frozen=True, slots=True)
class Population:
    """An organisation, the app whose people become users, and a group that is of interest."""

    organization: OktaOrganization
    app: App
    group_id: str | None = None


def of_people(number: int) -> Population:
    """Return an organisation of so many people, all assigned to an app.

    The administrator is one of them. An organisation cannot be without; with nobody else, the app has no people.
    """
    organization = OktaOrganization(Settings(share=100), rng=random.Random(1))
    return Population(_without_limits(organization), _assigned_to_all(organization, number))


def of_size(size: Size) -> Population:
    """Return an organisation of people, groups and apps of the usual kind."""
    organization = OktaOrganization(Settings(share=100), rng=random.Random(1))
    app = seed_large(
        organization,
        users=size.users,
        groups=size.groups,
        apps=size.apps,
        memberships=size.memberships,
        rng=random.Random(2),
    )
    for number, user in enumerate(list(organization.users.all)):
        organization.import_profile(user.id, **profile(number))
    return Population(_without_limits(organization), app)


def of_one_group(members: int, *, others: int) -> Population:
    """Return an organisation with one group, and so many others who are assigned to the app too.

    The administrator is the first of the others, if there are any. A change of members is dated at once.
    """
    settings = Settings(share=100, delays=Delays(membership_stamp=0.0))
    organization = OktaOrganization(settings, rng=random.Random(1))
    app = _assigned_to_all(organization, members + others)
    group = organization.create_group(GROUP)
    ids = [user.id for user in organization.users.all]
    organization.groups.enrol(group.id, ids[others:])
    organization.groups.backdate(group, organization.timeline.stamp() - 3600)
    return Population(_without_limits(organization), app, group.id)


def _assigned_to_all(organization: OktaOrganization, people: int) -> App:
    app = organization.create_app("Teleport")
    for number in range(people):
        if number == 0:
            user = organization.import_profile(organization.admin, **profile(number))
        else:
            user = organization.create_user(profile(number))
        organization.assign(app.id, user.id)
    return app


def _without_limits(organization: OktaOrganization) -> OktaOrganization:
    organization.limiter = _Unreached(organization.timeline, organization.settings.edition, share=100)
    return organization


class _Unreached(RateLimiter):
    def limit(self, bucket: str) -> int:
        """Return a limit that nothing reaches."""
        return 1_000_000


class _Control(OktaControl):
    """Plays the administrator, and fills a group at once."""

    def routes(self) -> list[Route]:
        return [*super().routes(), Route("POST /groups/{group}/enrol", self._enrol)]

    def _enrol(self, group: str, users: list[str]) -> None:
        self._org.groups.enrol(group, users)


async def serve(population: Population) -> None:
    """Print one line of JSON when ready, then serve until cancelled."""
    organization = population.organization
    async with OktaSandbox(organization) as okta, _Control(okta) as control:
        line = {
            "url": okta.url,
            "ssws_token": organization.ssws_token,
            "app_id": population.app.id,
            "group_id": population.group_id,
            "control": control.url,
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def _serve_until_stopped(population: Population) -> None:
    serving = asyncio.ensure_future(serve(population))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("people").add_argument("number", type=int)
    Size.add_arguments(kinds.add_parser("size"))
    one_group = kinds.add_parser("one-group")
    one_group.add_argument("members", type=int)
    one_group.add_argument("others", type=int)
    return parser.parse_args()


def _asked_for(given: argparse.Namespace) -> Population:
    if given.kind == "people":
        return of_people(given.number)
    if given.kind == "size":
        return of_size(Size.given(given))
    return of_one_group(given.members, others=given.others)


if __name__ == "__main__":
    asyncio.run(_serve_until_stopped(_asked_for(_arguments())))
