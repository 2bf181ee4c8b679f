"""A child of `planning`: plans an organisation in memory, unchanged and with a tenth of it gone.

What is planned is what a pass plans: from the facts of both systems to the plan in words and its digest. Prints one
line of JSON, `planning.Planned`.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
import tracemalloc
from collections import Counter
from dataclasses import asdict, replace
from datetime import UTC, datetime

from teleport_okta.desired.people import desired_users
from teleport_okta.desired.policy import Policy
from teleport_okta.desired.trust import PEOPLE, judge_absences
from teleport_okta.model.harm import Evidence, Limits
from teleport_okta.model.okta import OktaOrganization, PersonFacts, Snapshot
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.changes import USER
from teleport_okta.plan.holders import known_users
from teleport_okta.plan.users import plan_users
from teleport_okta.plan.view import PlanView, view_of
from teleport_okta.sync.reading import Reading, Remembered
from teleport_okta.sync.sources import OktaFacts

from tests.bench.planning import Planned
from tests.bench.population import profile

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
ORGANIZATION = OktaOrganization("00oBENCH", "https://example.okta.com")
POLICY = Policy(owner=ORGANIZATION.id, organization_url=ORGANIZATION.url, connector="okta", default_roles=("access",))
LIMITS = Limits()
ROUNDS = 5


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


def owned_by_us(everybody: Snapshot) -> ActualUsers:
    """The cluster after a pass over this listing."""
    created = plan_users(desired_users(everybody, POLICY, {}), ActualUsers({}, {}), POLICY, now=NOW)
    contents = [change.content for change in created.changes]
    return ActualUsers({user.name: user for user in contents if isinstance(user, TeleportUser)}, {})


def reading(snapshot: Snapshot, actual: ActualUsers) -> Reading:
    """What a pass knows of that listing and that cluster, whose people were all listed the last time."""
    owned = len(actual.users)
    return Reading(
        at=NOW,
        facts=OktaFacts(ORGANIZATION, None, snapshot),
        policy=POLICY,
        actual=actual,
        users=known_users(actual.users.values(), POLICY.owner),
        owned={USER: frozenset(actual.users)},
        absences={PEOPLE: judge_absences(snapshot, app=None, baseline=owned, owned_count=owned, limits=LIMITS)},
        limits=LIMITS,
        remembered=Remembered(),
    )


def plan(of: Reading) -> PlanView:
    """Plan as a pass does."""
    return view_of(of.plan(NOW))


def seconds(of: Reading) -> float:
    """Return the processor seconds that one planning takes."""
    gc.collect()
    started = time.process_time()
    plan(of)
    return time.process_time() - started


def peak(of: Reading) -> int:
    """Return the bytes that planning holds at its highest, beside the facts that are there before."""
    gc.collect()
    tracemalloc.start()
    try:
        plan(of)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measured(people: int) -> Planned:
    """Plan both in turns, so that whatever else the machine does slows both alike; the fastest of each counts."""
    everybody = listing(people)
    actual = owned_by_us(everybody)
    same = reading(everybody, actual)
    fewer = reading(replace(everybody, people=everybody.people[people // 10 :]), actual)
    took = [(seconds(same), seconds(fewer)) for _ in range(ROUNDS)]
    planned = plan(fewer)
    return Planned(
        people=people,
        limit=LIMITS.most(Evidence.ABSENT, people),
        same_changes=len(plan(same).changes),
        steps=dict(Counter(change.action for change in planned.changes)),
        held=len(planned.findings.held),
        unchanged=planned.unchanged,
        same_seconds=min(same for same, _ in took),
        leaving_seconds=min(leaving for _, leaving in took),
        peak=peak(fewer),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("people", type=int)
    sys.stdout.write(json.dumps(asdict(measured(parser.parse_args().people))) + "\n")
