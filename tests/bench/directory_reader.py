"""A child of `directory_calls`: reads an organisation twice in virtual time, the second time unchanged.

The reading is a pass's own, over HTTP, between a client and a sandbox on one clock. Prints one line of JSON: the
two `directory_calls.Counted`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from teleport_okta.config import parse
from teleport_okta.desired.policy import Imports, Policy
from teleport_okta.model.okta import INTERNAL_APPS
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.client import OktaClient
from teleport_okta.okta.credentials import ApiToken
from teleport_okta.okta.directory_reads import DirectoryReads
from teleport_okta.okta.reads import OktaReads
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.seed_large import seed_large
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.state.database import Database
from teleport_okta.sync.sources import OktaSource, members_to_remember, read_okta

from tests.bench import directory_floor
from tests.bench.directory_calls import FIRST, UNCHANGED, Counted, Size
from tests.bench.quiet_clock import HeldMemory, HeldSession, QuietClock, run
from tests.bench.results import BenchError

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.settings import Settings


def organization(size: Size, clock: QuietClock) -> tuple[OktaOrganization, App]:
    """Return an organisation of a size, of the usual kind, and its app Teleport."""
    org = OktaOrganization(now=lambda: clock.now().timestamp(), rng=random.Random(1))
    app = seed_large(
        org, users=size.users, groups=size.groups, apps=size.apps, memberships=size.memberships, rng=random.Random(2)
    )
    return org, app


async def measured(size: Size, state: Path, clock: QuietClock) -> list[Counted]:
    """Read the organisation twice, as two passes do."""
    org, app = organization(size, clock)
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(OktaSandbox(org))
        settings = parse(
            {
                "okta": {"org_url": sandbox.url, "api_token": org.ssws_token, "app_id": app.id},
                "access_lists": {"default_owners": ["owner@example.com"]},
            }
        )
        session = HeldSession(await stack.enter_async_context(aiohttp.ClientSession()), clock)
        client = OktaClient(
            OrganizationAddress(sandbox.url),
            ApiToken(org.ssws_token),
            clock=clock,
            rng=random.Random(3),
            share=settings.okta.rate_limit_share,
            session=cast("Any", session),
        )
        source = OktaSource(OktaReads(client), DirectoryReads(client))
        with clock.busy():
            database = await Database.open(state)
        try:
            memory = HeldMemory(database, clock)
            await stack.enter_async_context(client)
            return [
                await one_pass(which, org, app, source, settings, memory, clock, people)
                for which, people in ((FIRST, None), (UNCHANGED, size.users))
            ]
        finally:
            with clock.busy():
                await database.close()


async def one_pass(
    which: str,
    org: OktaOrganization,
    app: App,
    source: OktaSource,
    settings: Settings,
    memory: HeldMemory,
    clock: QuietClock,
    people: int | None,
) -> Counted:
    """Read everything once, and remember what a pass remembers; each begins with fresh windows."""
    await clock.sleep(2 * directory_floor.WINDOW)
    share = settings.okta.rate_limit_share
    least = directory_floor.floor(org, app, share=share, unchanged=which == UNCHANGED)
    mark, began, started = org.mark(), clock.monotonic(), time.monotonic()
    organization = await source.people.organization()
    policy = Policy(organization.id, organization.url, None)
    owners = settings.access_lists.default_owners
    imports = Imports(policy, "host", default_owners=owners, left_out=frozenset(INTERNAL_APPS))
    facts = await read_okta(source, organization, settings, memory, imports=imports, people_before=people)
    took = clock.monotonic() - began
    if facts.directory is None or facts.people.incomplete:
        raise BenchError(f"the {which} reading is incomplete: {facts.people.incomplete}")
    directory = facts.directory.directory
    broken = [roster.problem for roster in (*directory.members.values(), *directory.grants.values()) if roster.problem]
    if broken:
        raise BenchError(f"the {which} reading is incomplete: {broken[0]}")
    await memory.remember(directory, members_to_remember(facts.directory))
    made = org.calls_since(mark)
    if made.statuses.keys() != {200}:
        raise BenchError(f"the {which} reading was answered {dict(made.statuses)}")
    return Counted(
        which=which,
        calls=dict(made.buckets),
        floor=dict(least),
        a_window={bucket: directory_floor.a_window(bucket, org, share=share) for bucket in least},
        side=facts.directory.plan.side,
        forecast=facts.directory.plan.forecast.total_calls,
        virtual_seconds=took,
        ideal_seconds=directory_floor.seconds(least, org, share=share),
        real_seconds=time.monotonic() - started,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path, required=True)
    for name in Size.__dataclass_fields__:
        parser.add_argument(f"--{name}", type=int, required=True)
    given = vars(parser.parse_args())
    path = given.pop("state")
    quiet = QuietClock()
    counted = run(quiet, lambda: measured(Size(**given), path, quiet))
    sys.stdout.write(json.dumps([asdict(one) for one in counted]) + "\n")
