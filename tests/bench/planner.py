"""A child of `planning`: plans an organisation in memory, unchanged and with a tenth of it gone; prints seconds."""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teleport_okta.desired.people import desired_users
from teleport_okta.desired.policy import Policy
from teleport_okta.desired.trust import BELIEVED
from teleport_okta.model.harm import Limits
from teleport_okta.model.okta import OktaOrganization, PersonFacts, Snapshot
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.users import plan_users
from teleport_okta.sync.reading import Reading, Remembered
from teleport_okta.sync.sources import OktaFacts

from tests.bench.population import profile

if TYPE_CHECKING:
    from teleport_okta.plan.plan import Plan

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ORGANIZATION = OktaOrganization("00oBENCH", "https://example.okta.com")
POLICY = Policy(owner=ORGANIZATION.id, organization_url=ORGANIZATION.url, connector="okta", default_roles=("access",))
ROUNDS = 3


def listing(people: int) -> Snapshot:
    """A complete listing of so many people."""
    return Snapshot(
        people=tuple(
            PersonFacts(f"00u{number:017}", profile(number)["login"], "ACTIVE", "ACTIVE", profile(number), {})
            for number in range(people)
        ),
        malformed=(),
        read_at=NOW,
    )


def reading(snapshot: Snapshot, actual: ActualUsers) -> Reading:
    """What a pass knows of that listing and that cluster."""
    return Reading(
        at=NOW,
        facts=OktaFacts(ORGANIZATION, None, snapshot),
        policy=POLICY,
        actual=actual,
        owned=frozenset(actual.users),
        absences=BELIEVED,
        limits=Limits(),
        remembered=Remembered(),
    )


def seconds(of: Reading) -> tuple[float, Plan]:
    """The fastest of a few plannings, digest included, and the plan."""
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        started = time.perf_counter()
        plan = of.plan(NOW)
        _ = plan.digest
        best = min(best, time.perf_counter() - started)
    return best, plan


def main(people: int) -> None:
    """Print one line of JSON."""
    everybody = listing(people)
    created = plan_users(desired_users(everybody, POLICY, {}), ActualUsers({}, {}), POLICY, now=NOW)
    users = {change.name: change.user for change in created.changes if change.user is not None}
    actual = ActualUsers(users, {})
    unchanged, nothing = seconds(reading(everybody, actual))
    fewer = Snapshot(everybody.people[people // 10 :], (), NOW)
    leaving, plan = seconds(reading(fewer, actual))
    result = {
        "unchanged": unchanged,
        "leaving": leaving,
        "changes": [len(nothing.changes), len(plan.changes)],
        "held": len(plan.held),
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("people", type=int)
    main(parser.parse_args().people)
