"""A child of `scim`: the service with its SCIM door, over an Okta organisation and a cluster that run elsewhere.

It is composed as `teleport-okta start` composes it, the log of every request included, but for the loop of passes: one
pass is made at the start, which must find a user of everybody and change nothing. Then it prints one line of JSON with
the address, and answers lines as `heartbeat.tell` does until its input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from teleport_okta import app
from teleport_okta.config import load
from teleport_okta.observe import logs
from teleport_okta.scim.traffic import Traffic

from tests.bench.heartbeat import tell
from tests.bench.results import BenchError

if TYPE_CHECKING:
    from teleport_okta.settings import Settings


async def serve(settings: Settings, people: int) -> None:
    """Serve until the input ends. Raises BenchError if the state and the cluster do not agree."""
    logs.set_up(output=settings.log.output, severity=settings.log.severity, layout=settings.log.format)
    async with app.opened(settings) as parts, app.with_background_tasks(parts):
        report = await parts.full_pass.run(trigger="bench")
        users = len(parts.full_pass.registry.users.owned)
        if not report.succeeded or report.outcomes or users != people:
            what = f"{users:,} users of {people:,} people, {len(report.outcomes)} changes"
            raise BenchError(f"a pass that should change nothing: {what}; {report.error}")
        traffic = Traffic(parts.metrics, clock=parts.clock)
        async with app.provisioned(settings, parts, traffic) as server:
            sys.stdout.write(json.dumps({"url": f"{server}/scim/v2"}) + "\n")
            sys.stdout.flush()
            await tell()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--people", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(serve(load(given.config), given.people))
