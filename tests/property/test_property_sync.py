"""Random days of an organisation, through the whole product: HTTP, TLS, gRPC and SQLite are real, time is virtual.

Contract: after a clean pass the cluster holds exactly the people who are assigned and usable, each with the traits that
their profiles give, and locked exactly while suspended; and of groups, apps and lists what the organisation says and
the filters let pass, with everything that people did to lists. A second pass plans nothing. Users of others are
untouched to the byte. A pass that could not read, or read nothing, ends no user who is still in Okta, and nothing
else. Whenever people and users could be read, leavers and suspended people are locked when the pass ends, whatever else
failed. Losing the state changes none of it. Logins are never reused here, and nothing fails in the middle:
`test_property_faults` covers both.

Space: five people, two groups and two apps; days of a few deeds, in Okta and in Teleport; other filters; a lost state;
a reading that fails or lies.

Oracle: the sandboxes' own states, judged by the model without the product's code; `DirectoryGuard` judges each change.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import grpc
from cluster_world import WITH_DIRECTORY, built_world
from contract.sync.office import TEN_MINUTES, Office
from hands import edit_user
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from model import stored
from model.people import Wanted, wrong_user
from property.directory_deeds import FILTERS, IN_OKTA, IN_TELEPORT, OBJECTS, DirectoryDeeds
from teleport_okta.errors import TeleportOktaError
from teleport_okta.sandbox.teleport.faults import Fault

PEOPLE = 5
deeds = st.sampled_from(
    [
        "hire",
        "unassign",
        "assign",
        "deactivate",
        "department",
        "lock out",
        "suspend",
        "unsuspend",
        "strange status",
        "bad login",
        "delete by hand",
        "edit by hand",
        "sso login",
        "sso login anew",
        "a day passes",
    ]
)
of_people = st.tuples(deeds, st.just(0), st.integers(0, PEOPLE - 1))
of_directory = st.tuples(
    st.sampled_from([*IN_OKTA, *IN_TELEPORT]), st.integers(0, OBJECTS - 1), st.integers(0, PEOPLE - 1)
)
filters = st.sampled_from([None, None, None, *FILTERS])
PEOPLE_LIES = {
    "empty": ("empty", "/api/v1/apps/*/users"),
    "down": ("unavailable", "/api/v1/apps/*/users"),
}
DIRECTORY_LIES = {
    "no groups": ("empty", "/api/v1/groups"),
    "no members": ("empty", "/api/v1/groups/*/users"),
    "members down": ("unavailable", "/api/v1/groups/*/users"),
    "grants down": ("unavailable", "/api/v1/groups/*/apps"),
    "no apps": ("empty", "/api/v1/apps"),
    "groups down": ("unavailable", "/api/v1/groups"),
}
LIES = PEOPLE_LIES | DIRECTORY_LIES
CLUSTER_FAILS = {
    "lists down": "*/ListAccessLists",
    "list members down": "*/ListAllAccessListMembers",
    "roles down": "*/ListRoles",
    "a role down": "*/GetRole",
    "rules down": "*/ListOktaImportRules",
    "user groups and app servers down": "*/ListResources",
    "locks down": "*/GetLocks",
}
READINGS = [*["fine"] * 8, *PEOPLE_LIES, "revoked app permission", *DIRECTORY_LIES, *CLUSTER_FAILS]


@dataclass(frozen=True)
class Moment:
    """What happens before a pass, and to it."""

    deeds: list
    filters: tuple | None
    loses_state: bool
    reading: str


days = st.lists(
    st.builds(
        Moment,
        st.lists(of_people | of_directory, max_size=6),
        filters,
        st.sampled_from([False] * 5 + [True]),
        st.sampled_from(READINGS),
    ),
    max_size=5,
)

USABLE = {"ACTIVE", "LOCKED_OUT", "SUSPENDED"}


class Day:
    """Does the deeds of a day in a world, and says who should be in the cluster."""

    def __init__(self, world, *, has_lists=True):
        self.world = world
        self.default_roles = frozenset({"okta-requester"} if has_lists else ())
        self.office = Office(world)
        self.people = [world.hire(f"person{number}@x.io", department="Engines") for number in range(PEOPLE)]
        self.hired = PEOPLE
        self.directory = DirectoryDeeds(world, self.staying, has_lists=has_lists)
        for person in self.people[:2]:
            self.directory.play("join", 0, person)
        self.directory.play("grant", 0, None)

    async def live(self, moment):
        """Let people act, and an operator set filters; then let time pass, so that listings and stamps show it."""
        world, directory = self.world, self.directory
        world.clock.advance(TEN_MINUTES)
        with directory.guard.while_people_act():
            for deed, what, number in moment.deeds:
                if deed in {*IN_OKTA, *IN_TELEPORT}:
                    directory.play(deed, what, world.okta.user(self.people[number].id))
                else:
                    self.play(deed, number)
            world.clock.advance(TEN_MINUTES)
        if moment.loses_state:
            await self.office.run_without_the_state()
        if moment.filters is not None:
            directory.filters = moment.filters
            groups, apps = moment.filters
            await self.office.reconfigure(access_lists={"group_filters": groups, "app_filters": apps})

    def staying(self):
        """Name to Okta id of everybody who should be there, or is in quarantine."""
        kept = {name: okta_id for name, okta_id in self.world.owned().items() if is_kept(self, okta_id)}
        return self.rightful() | kept

    def play(self, deed, number):
        world, okta = self.world, self.world.okta
        person = okta.user(self.people[number].id)
        stored = world.users().get(person.login)
        match deed:
            case "hire":
                self.hired += 1
                self.people.append(world.hire(f"person{self.hired}@x.io"))
            case "unassign" if self.assigned(person):
                okta.unassign(world.okta_app.id, person.id)
            case "assign" if not self.assigned(person) and person.status == "ACTIVE":
                okta.assign(world.okta_app.id, person.id)
            case "deactivate" if person.status == "ACTIVE":
                okta.deactivate(person.id)
            case "department":
                okta.import_profile(person.id, department=f"Looms {self.hired} 🚀")
            case "lock out" if person.status == "ACTIVE":
                okta.set_status(person.id, "LOCKED_OUT")
            case "suspend" if person.status == "ACTIVE":
                okta.suspend(person.id)
            case "unsuspend" if person.status == "SUSPENDED":
                okta.unsuspend(person.id)
            case "strange status" if person.status == "ACTIVE":
                okta.set_status(person.id, "HIBERNATING")
            case "bad login" if self.assigned(person) and person.status == "ACTIVE":
                okta.assignments.update(okta.app(world.okta_app.id), person, user_name="o'neil@x.io")
            case "delete by hand" if stored is not None:
                world.teleport.administrator.delete_user(person.login)
            case "edit by hand" if stored is not None:
                edit_user(world.teleport.administrator, person.login, roles=[], traits={"okta/department": ["wrong"]})
            case "sso login" if stored is not None and person.login not in world.locks():
                world.teleport.administrator.sso_login(person.login, roles=["access"], groups=["ops"])
            case "sso login anew" if stored is not None and person.login not in world.locks():
                world.teleport.administrator.sso_login(person.login, roles=["access"], merge=False)
            case "a day passes":
                world.clock.advance(24 * 3600)

    def assigned(self, person):
        return self.world.okta.assignments.find(self.world.okta_app.id, person.id) is not None

    def is_suspended(self, okta_id):
        """Whether a person who stays must be locked."""
        return self.world.okta.user(okta_id).status == "SUSPENDED"

    def rightful(self):
        """Name to Okta id of everybody who is assigned, usable, and has a usable name."""
        result = {}
        for known in self.people:
            person = self.world.okta.user(known.id)
            assignment = self.world.okta.assignments.find(self.world.okta_app.id, person.id)
            if assignment and person.status in USABLE and "'" not in assignment.user_name:
                result[assignment.user_name] = person.id
        return result

    def wrong_users(self, before):
        """Say where the users differ from what the organisation says; `before` are those whom the pass found."""
        world, rightful = self.world, self.rightful()
        kept = {name for name, okta_id in before.items() if is_kept(self, okta_id)}
        if set(world.owned()) != set(rightful) | kept:
            yield f"users: {sorted(world.owned())} instead of {sorted(rightful)} and {sorted(kept)}"
        for name in rightful.keys() & world.owned().keys():
            person = world.okta.user(rightful[name])
            wanted = Wanted(
                person.id, {"okta/department": person.profile.get("department") or None}, self.default_roles
            )
            yield from wrong_user(stored.user(world.users()[name]), wanted)
            lock = world.locks().get(name)
            if (lock is not None and not lock.Spec.HasField("Expires")) != (person.status == "SUSPENDED"):
                yield f"{name}, {person.status}, has the lock {lock}"


async def play(history, directory, *, settings=WITH_DIRECTORY, has_lists=True):
    async with built_world(directory, edition="ent" if has_lists else "oss", settings=settings) as world:
        # The clock moves by minutes, and a list that ends twice in an hour counts twice: no setting has so much room.
        no_brake = world.settings.brake.model_copy(update={"absent_ratio": 99.0, "stated_ratio": 99.0})
        world.settings = world.settings.model_copy(update={"brake": no_brake})
        await world.restart()
        world.teleport.administrator.create_user("local@x.io", roles=["access"])
        day = Day(world, has_lists=has_lists)
        for moment in history:
            await day.live(moment)
            await one_pass(world, day, moment.reading, may_wait=has_lists and moment.loses_state)


async def one_pass(world, day, reading, *, may_wait=False):
    """A pass on a reading, and what must be true after it.

    `may_wait`: the state was lost, and with it who had a name before, so a person may wait while a list that ends in
    this pass still has the name.
    """
    before, foreign, found = world.owned(), world.foreign(), day.directory.oracle.found()
    staying = day.staying()
    if reading in LIES:
        kind, path = LIES[reading]
        world.okta.fail(kind, path=path)
    if reading in CLUSTER_FAILS:
        world.teleport.faults.add(Fault(CLUSTER_FAILS[reading], grpc.StatusCode.UNKNOWN))
    if reading == "revoked app permission":
        world.okta.narrow_role(without=["okta.apps.read"])
    try:
        report = await world.run()
        failed = False
    except TeleportOktaError:
        failed = True
    world.teleport.faults.clear()
    world.okta.recover()
    world.okta.restore_role()
    day.directory.guard.catch_up()
    assert not day.directory.guard.violations, "\n".join(day.directory.guard.violations)
    adopted = foreign.keys() & world.owned().keys()
    assert adopted <= day.rightful().keys()
    assert world.foreign() == {name: record for name, record in foreign.items() if name not in adopted}
    if reading in DIRECTORY_LIES or reading in CLUSTER_FAILS:
        assert before.keys() & staying.keys() <= world.owned().keys()
        assert before.keys() - staying.keys() <= world.locks().keys()
        assert {name for name in before if day.is_suspended(before[name])} <= world.locks().keys()
        return
    if reading != "fine":
        # A person who left may end all the same: a read by id says so.
        assert before.keys() & staying.keys() <= world.owned().keys()
        assert failed or before == {} or report.plan.findings.held or report.error
        return
    if is_held_for_emptied_apps(report):
        # Okta has no count of an app's people, so an empty roster looks like a bad read, and an operator decides.
        approvals, findings = world.parts.store.approvals, report.plan.findings
        await approvals.approve(findings.held_digest, at=world.clock.now())
        report = await world.run()
    assert report.succeeded, (report.error, report.outcomes, report.plan.findings.holds)
    if may_wait and any("an unknown person had this name" in row.reason for row in report.plan.quarantined):
        report = await world.run()
    assert not list(day.wrong_users(before))
    assert not list(day.directory.oracle.wrong(found))
    again = await world.run()
    assert not again.plan.changes, again.plan.changes


def is_held_for_emptied_apps(report):
    """Whether a pass did everything except what the empty rosters of apps would end."""
    holds = report.plan.findings.holds
    return not report.error and bool(holds) and all("is empty, where it had" in hold.why for hold in holds)


def is_kept(day, okta_id):
    """Whether a person is in quarantine: assigned, with a status or a name that cannot be used."""
    person = day.world.okta.user(okta_id)
    assignment = day.world.okta.assignments.find(day.world.okta_app.id, okta_id)
    return assignment is not None and (person.status == "HIBERNATING" or "'" in assignment.user_name)


@settings(
    max_examples=int(os.environ.get("SYNC_EXAMPLES", "10")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@example(
    # The user group of a group that an app server names is gone, and then the listing of groups comes back empty.
    [
        Moment([("hire", 0, 0)] * 6, None, False, "fine"),
        Moment([("hire", 0, 0)] * 3, None, False, "fine"),
        Moment([("delete the user group", 0, 0)], None, False, "no groups"),
    ]
)
@example(
    # The last person who had an app directly loses it: Okta's listing of its people is empty then.
    [Moment([("assign", 2, 0)], None, False, "fine"), Moment([("unassign", 2, 0)], None, False, "fine")]
)
@example(
    # A login replaces a record while locks cannot be read: the user cannot be taken over in that pass.
    [Moment([], None, False, "fine"), Moment([("sso login anew", 0, 0)], None, False, "locks down")]
)
@example(
    # The list of an app has gone, its roles could not be read then, and are wanted again when no app is listed.
    [
        Moment([], None, False, "fine"),
        Moment([], ((), ("Figma*",)), False, "roles down"),
        Moment([], (("^Mills.*$",), ()), False, "no apps"),
    ]
)
@example(
    # The state is lost, a user is deleted by hand, and a list ends that has the name.
    [Moment([], None, False, "fine"), Moment([("delete by hand", 0, 0)], ((), ("Figma*",)), True, "fine")]
)
@example(
    # A person is deactivated, and the listing of people comes back empty.
    [Moment([], None, False, "fine"), Moment([("deactivate", 0, 0)], None, False, "empty")]
)
@given(days)
def test_every_day_ends_with_the_right_users_groups_apps_and_lists(history):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(history, Path(directory)))
