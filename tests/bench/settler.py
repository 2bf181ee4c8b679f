"""A child of `settling`: a process that makes a full pass, goes on running, and settles what it is told to.

For each line of standard input it prints one line of JSON: `pass` runs a full pass, which must change nothing, and
answers with `settling.Held`; `users ID` and `groups ID` settle one person or one group, and answer with
`settling.Cost`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from teleport_okta import app
from teleport_okta.config import load
from teleport_okta.model.scope import Scope
from teleport_okta.state.journal_entry import Result

from tests.bench.results import BenchError
from tests.bench.settling import Cost, Held
from tests.bench.weighing import resident, weight

if TYPE_CHECKING:
    from teleport_okta.settings import Settings


async def run_pass(parts: app.Parts) -> Held:
    """Run a pass, and weigh what is held after it and was not before. Raises BenchError if it changed something."""
    resident_before, before = resident(), weight(parts)
    report = await parts.full_pass.run(trigger="bench")
    if not report.succeeded or report.outcomes:
        raise BenchError(f"a pass that should change nothing: {report.error}, {len(report.outcomes)} changes")
    del report
    resident_after = resident()
    return Held(weight(parts) - before, weight(parts.full_pass.registry), resident_after - resident_before)


async def settle(parts: app.Parts, what: str, okta_id: str) -> Cost:
    """Settle one key. Raises BenchError if a change was not applied."""
    scope = Scope.of(users=[okta_id]) if what == "users" else Scope.of(groups=[okta_id])
    started, used = time.monotonic(), time.process_time()
    settled = await parts.full_pass.settle(scope, trigger="bench")
    cost = Cost(len(settled.plan.changes), time.process_time() - used, time.monotonic() - started)
    undone = [outcome for outcome in settled.outcomes if outcome.result is not Result.DONE]
    if undone:
        raise BenchError(f"{len(undone)} of {cost.changes} changes were not applied: {undone[0].error}")
    return cost


async def _answer(settings: Settings) -> None:
    async with app.opened(settings) as parts, app.with_background_tasks(parts):
        while line := await asyncio.to_thread(sys.stdin.readline):
            word, _, okta_id = line.strip().partition(" ")
            answer = await run_pass(parts) if word == "pass" else await settle(parts, word, okta_id)
            sys.stdout.write(json.dumps(asdict(answer)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    asyncio.run(_answer(load(parser.parse_args().config)))
