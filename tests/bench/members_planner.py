"""A child of `members_planning`: plans an organisation of many memberships, for the first time and again.

What is planned is what a pass plans: from the facts of both systems, users and roles among them, to the plan and its
digest; and then the plan in words. Prints one line of JSON, `members_planning.Planned`.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from teleport_okta.desired.policy import Imports, Policy
from teleport_okta.desired.trust import APPS, BELIEVED, GROUPS, PEOPLE
from teleport_okta.model.access import ListMembers, TeleportAccessList, TeleportAppServer, TeleportUserGroup
from teleport_okta.model.directory import Directory, Listing, OktaGroup, Roster
from teleport_okta.model.harm import Limits
from teleport_okta.model.okta import INTERNAL_APPS, OktaApp, OktaOrganization, PersonFacts, Snapshot
from teleport_okta.model.teleport import TeleportRole, TeleportUser
from teleport_okta.plan.actual import ActualDirectory, ActualUsers
from teleport_okta.plan.changes import USER
from teleport_okta.plan.holders import known_users
from teleport_okta.plan.owned import owned_objects
from teleport_okta.plan.view import PlanView, view_of
from teleport_okta.sandbox.okta.groups import BUILT_IN
from teleport_okta.sandbox.okta.organization import OktaOrganization as Sandbox
from teleport_okta.sandbox.okta.seed_large import seed_large
from teleport_okta.sync.reading import DirectoryFacts, Reading, Remembered
from teleport_okta.sync.sources import OktaFacts

from tests.bench.members_planning import Planned
from tests.bench.planner import NOW
from tests.bench.population import profile
from tests.bench.size import Size

if TYPE_CHECKING:
    from teleport_okta.plan.plan import Plan

T = TypeVar("T")

ORGANIZATION = OktaOrganization("00oBENCH", "https://example.okta.com")
POLICY = Policy(owner=ORGANIZATION.id, organization_url=ORGANIZATION.url, connector="okta", default_roles=("access",))
IMPORTS = Imports(POLICY, "host", default_owners=("owner@example.com",), left_out=frozenset(INTERNAL_APPS))
ROUNDS = 3
CHANGED = 0.01
"""The part of all memberships that ends, or begins, half and half, in the changed organisation."""


def people_and_directory(size: Size) -> tuple[Snapshot, Directory]:
    """What a complete reading says of an organisation of a size, of the usual kind."""
    org = Sandbox(now=NOW.timestamp, rng=random.Random(1))
    teleport = seed_large(
        org, users=size.users, groups=size.groups, apps=size.apps, memberships=size.memberships, rng=random.Random(2)
    )
    people = []
    for number, user in enumerate(org.users.all):
        filled = profile(number)
        people.append(PersonFacts(user.id, filled["login"], "ACTIVE", "ACTIVE", {**filled}, {}))
    grants = {group.id: frozenset(org.assignments.groups.of_group(group.id)) for group in org.groups.all}
    groups = tuple(
        OktaGroup(
            group.id,
            group.type,
            group.name,
            "",
            NOW,
            users_count=org.groups.size(group.id),
            apps_count=len(grants[group.id]),
        )
        for group in org.groups.all
        if group.type != BUILT_IN
    )
    apps = tuple(
        OktaApp(app.id, app.name, app.label, app.status, app.sign_on_mode, links=("https://x",) if app.links else ())
        for app in org.apps.all
    )
    direct = {
        app.id: frozenset(one.user_id for one in org.assignments.users_of(app.id) if one.scope == "USER")
        for app in org.apps.all
        if app.id != teleport.id
    }
    return Snapshot(tuple(people), (), NOW), Directory(
        Listing(groups, (), NOW),
        Listing(apps, (), NOW),
        members={group.id: _roster(frozenset(org.groups.members(group.id))) for group in groups},
        grants={group.id: _roster(grants[group.id]) for group in groups},
        direct={app_id: _roster(ids) for app_id, ids in direct.items()},
    )


def changed(directory: Directory, people: Snapshot, rng: random.Random) -> Directory:
    """The same organisation after `CHANGED` of its memberships changed, in groups of every size."""
    ids = [person.okta_id for person in people.people]
    members = {}
    for group_id, roster in directory.members.items():
        some = sorted(roster.ids)
        number = int(len(some) * CHANGED / 2 + rng.random())
        members[group_id] = _roster(roster.ids - set(rng.sample(some, number)) | set(rng.sample(ids, number)))
    return replace(directory, members=members)


def reading(people: Snapshot, okta: Directory, users: ActualUsers, actual: ActualDirectory) -> Reading:
    """What a pass knows of an organisation and a cluster, the listings of which it believes."""
    return Reading(
        at=NOW,
        facts=OktaFacts(ORGANIZATION, None, people),
        policy=POLICY,
        actual=users,
        users=known_users(users.users.values(), POLICY.owner),
        owned={USER: frozenset(users.users)} | owned_objects(actual, POLICY.owner),
        absences={PEOPLE: BELIEVED, GROUPS: BELIEVED, APPS: BELIEVED},
        limits=Limits(),
        remembered=Remembered(),
        directory=DirectoryFacts(okta, actual, IMPORTS),
    )


def applied(plan: Plan) -> tuple[ActualUsers, ActualDirectory]:
    """The cluster after a plan that makes everything."""
    users, roles = _made(plan, TeleportUser), _made(plan, TeleportRole)
    servers = _made(plan, TeleportAppServer)
    return ActualUsers(users, {}), ActualDirectory(
        roles=roles,
        user_groups=_made(plan, TeleportUserGroup),
        app_servers={name: replace(server, expires=NOW + timedelta(hours=1)) for name, server in servers.items()},
        access_lists=_made(plan, TeleportAccessList),
        members={
            change.name: ListMembers(frozenset(need.name for need in change.members))
            for change in plan.changes
            if change.members
        },
    )


def _made(plan: Plan, kind: type[T]) -> dict[str, T]:
    """Return the objects of a kind that a plan makes, by name."""
    return {change.name: change.content for change in plan.changes if isinstance(change.content, kind)}


def timed(of: Reading) -> tuple[float, float, PlanView]:
    """Plan as a pass does: processor seconds of the plan with its digest, and of putting it into words; and these."""
    gc.collect()
    started = time.process_time()
    plan = of.plan(NOW)
    assert plan.digest
    planned = time.process_time()
    view = view_of(plan)
    return planned - started, time.process_time() - planned, view


def measured(size: Size) -> Planned:
    """Plan all three a few times in turns; the fastest of each counts."""
    people, okta = people_and_directory(size)
    first = reading(people, okta, ActualUsers({}, {}), ActualDirectory())
    users, actual = applied(first.plan(NOW))
    other = changed(okta, people, random.Random(3))
    plans = {
        "first": first,
        "unchanged": reading(people, okta, users, actual),
        "changed": reading(people, other, users, actual),
    }
    took: dict[str, list[float]] = {which: [] for which in plans}
    worded: dict[str, list[float]] = {which: [] for which in plans}
    views: dict[str, PlanView] = {}
    for _ in range(ROUNDS):
        for which, one in plans.items():
            seconds, words, views[which] = timed(one)
            took[which].append(seconds)
            worded[which].append(words)
    return Planned(
        lists=len(actual.access_lists),
        memberships=sum(map(len, actual.members.values())),
        seconds={which: min(some) for which, some in took.items()},
        words={which: min(some) for which, some in worded.items()},
        steps={which: _steps(view) for which, view in views.items()},
        held={which: len(view.findings.held) for which, view in views.items()},
        changed=sum(len(other.members[one].ids ^ okta.members[one].ids) for one in okta.members),
    )


def _steps(view: PlanView) -> dict[str, int]:
    return dict(sorted(Counter(f"{change.action} {change.kind}" for change in view.changes).items()))


def _roster(ids: frozenset[str]) -> Roster:
    return Roster(ids, NOW, listed=len(ids))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    Size.add_arguments(parser)
    sys.stdout.write(json.dumps(asdict(measured(Size.given(parser.parse_args())))) + "\n")
