"""A child of `directory_calls`: reads an organisation twice in virtual time, the second time unchanged.

The reading is a pass's own, over HTTP, between a client and a sandbox on one clock. Prints one line of JSON: the
two `directory_calls.Counted`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, cast

import aiohttp
from teleport_okta.config import parse
from teleport_okta.desired.policy import Imports, Policy
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.client import OktaClient
from teleport_okta.okta.credentials import ApiToken
from teleport_okta.okta.groups_and_apps import DirectoryReads
from teleport_okta.okta.people_reader import OktaReads
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.seed_large import seed_large
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.state.database import Database
from teleport_okta.sync.sources import (
    OktaSource,
    members_to_remember,
    read_okta_directory,
    read_people,
    with_people_of,
)

from tests.bench import directory_floor
from tests.bench.directory_calls import FIRST, UNCHANGED, Counted
from tests.bench.quiet_clock import HeldMemory, HeldSession, QuietClock, run
from tests.bench.results import BenchError
from tests.bench.size import Size

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.okta.directory_reader import DirectoryReading
    from teleport_okta.settings import Settings


@dataclass(frozen=True, slots=True)
class _World:
    """An organisation that is served, and the product's reader of it, on one clock."""

    org: OktaOrganization
    source: OktaSource
    settings: Settings
    memory: HeldMemory
    clock: QuietClock

    async def a_pass(self, which: str, people_before: int | None) -> Counted:
        """Read everything once, with fresh windows, and remember what a pass remembers."""
        await self.clock.sleep(2 * directory_floor.WINDOW)
        share = self.settings.okta.rate_limit_share
        least = directory_floor.floor(self.org, share=share, unchanged=which == UNCHANGED)
        mark, began, started = self.org.mark(), self.clock.monotonic(), time.monotonic()
        reading = await self._read(people_before)
        virtual_seconds, real_seconds = self.clock.monotonic() - began, time.monotonic() - started
        made = self.org.calls_since(mark)
        if made.statuses.keys() != {HTTPStatus.OK}:
            raise BenchError(f"the {which} reading was answered {dict(made.statuses)}")
        await self.memory.remember(reading.directory, members_to_remember(reading))
        return Counted(
            which=which,
            calls=dict(made.buckets),
            floor=dict(least),
            side=reading.plan.side,
            forecast=reading.plan.forecast.total_calls,
            virtual_seconds=virtual_seconds,
            windows=virtual_seconds / directory_floor.WINDOW + 1,
            ideal_windows=directory_floor.windows(least, self.org, share=share),
            real_seconds=real_seconds,
        )

    async def _read(self, people_before: int | None) -> DirectoryReading:
        organization = await self.source.people.organization()
        imports = Imports(
            Policy(organization.id, organization.url, None),
            "host",
            default_owners=self.settings.access_lists.default_owners,
            left_out=frozenset(self.settings.apps.leave_out),
        )
        people_are_read = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            reading_directory = tasks.create_task(
                read_okta_directory(
                    self.source,
                    self.settings,
                    self.memory,
                    imports,
                    people_before=people_before,
                    people_are_read=people_are_read,
                )
            )
            app, people = await read_people(self.source.people, self.settings)
            people_are_read.set()
        if people.incomplete:
            raise BenchError(f"the listing of people is incomplete: {people.incomplete}")
        read = with_people_of(app, people, reading_directory.result(), imports)
        found = read.directory
        rosters = [*found.members.values(), *found.grants.values(), *found.direct.values()]
        broken = next((roster.problem for roster in rosters if roster.problem), None)
        if broken:
            raise BenchError(f"the reading is incomplete: {broken}")
        return read


@asynccontextmanager
async def served(size: Size, state: Path, clock: QuietClock) -> AsyncIterator[_World]:
    """Serve an organisation of a size, of the usual kind, and open a client and a state beside it."""
    org = OktaOrganization(now=lambda: clock.now().timestamp(), rng=random.Random(1))
    app = seed_large(
        org, users=size.users, groups=size.groups, apps=size.apps, memberships=size.memberships, rng=random.Random(2)
    )
    async with OktaSandbox(org) as sandbox, aiohttp.ClientSession() as session:
        settings = parse(
            {
                "okta": {"org_url": sandbox.url, "api_token": org.ssws_token, "app_id": app.id},
                "access_lists": {"default_owners": ["owner@example.com"]},
            }
        )
        client = OktaClient(
            OrganizationAddress(sandbox.url),
            ApiToken(org.ssws_token),
            clock=clock,
            rng=random.Random(3),
            share=settings.okta.rate_limit_share,
            session=cast("aiohttp.ClientSession", HeldSession(session, clock)),
        )
        database = await Database.open(state)
        try:
            source = OktaSource(OktaReads(client), DirectoryReads(client))
            yield _World(org, source, settings, HeldMemory(database, clock), clock)
        finally:
            await database.close()


async def measured(size: Size, state: Path, clock: QuietClock) -> list[Counted]:
    """Read an organisation twice, as two passes do."""
    async with served(size, state, clock) as world:
        return [await world.a_pass(FIRST, None), await world.a_pass(UNCHANGED, size.users)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    Size.add_arguments(parser)
    given = parser.parse_args()
    quiet = QuietClock()
    counted = run(quiet, lambda: measured(Size.given(given), given.state, quiet))
    sys.stdout.write(json.dumps([asdict(one) for one in counted]) + "\n")
