"""Random days of an organisation, through the whole product: HTTP, TLS, gRPC and SQLite are real, time is virtual.

Contract: after a clean pass the cluster holds exactly the people who are assigned and usable, each with the traits that
their profiles give, and locked exactly while suspended; a second pass plans nothing; users of others are untouched to
the byte; a pass that could not read, or read nothing, takes nobody away. Logins are never reused here, and nothing
fails in the middle: `test_property_faults` covers both.

Oracle: the sandboxes' own states, compared without the product's code.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from cluster_world import built_world
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from teleport_okta.errors import TeleportOktaError

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
readings = st.sampled_from(["fine", "fine", "fine", "empty", "down", "revoked app permission"])
days = st.lists(st.tuples(st.lists(st.tuples(deeds, st.integers(0, PEOPLE - 1)), max_size=4), readings), max_size=5)

USABLE = {"ACTIVE", "LOCKED_OUT", "SUSPENDED"}


class Day:
    """Plays deeds in a world, and knows who should be in the cluster."""

    def __init__(self, world):
        self.world = world
        self.people = [world.hire(f"person{number}@x.io", department="Engines") for number in range(PEOPLE)]
        self.hired = PEOPLE

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
                world.teleport.administrator.edit_user(person.login, roles=[], traits={"okta/department": ["wrong"]})
            case "sso login" if stored is not None and person.login not in world.locks():
                world.teleport.administrator.sso_login(person.login, roles=["access"], groups=["ops"])
            case "sso login anew" if stored is not None and person.login not in world.locks():
                world.teleport.administrator.sso_login(person.login, roles=["access"], merge=False)
            case "a day passes":
                world.clock.advance(24 * 3600)

    def assigned(self, person):
        return self.world.okta.assignments.find(self.world.okta_app.id, person.id) is not None

    def is_suspended(self, okta_id):
        return self.world.okta.user(okta_id).status == "SUSPENDED"

    def rightful(self):
        """Name to department of everybody who is assigned, usable, and has a usable name."""
        result = {}
        for known in self.people:
            person = self.world.okta.user(known.id)
            assignment = self.world.okta.assignments.find(self.world.okta_app.id, person.id)
            if assignment and person.status in USABLE and "'" not in assignment.user_name:
                result[assignment.user_name] = person.profile.get("department")
        return result


async def play(history, directory):
    async with built_world(directory) as world:
        world.teleport.administrator.create_user("local@x.io", roles=["access"])
        day = Day(world)
        for deeds_of_day, reading in history:
            for deed, number in deeds_of_day:
                day.play(deed, number)
            before, foreign = world.owned(), world.foreign()
            match reading:
                case "empty":
                    world.okta.fail("empty", path="/api/v1/apps/*/users")
                case "down":
                    world.okta.fail("unavailable", path="/api/v1/apps/*/users")
                case "revoked app permission":
                    world.okta.narrow_role(without=["okta.apps.read"])
            try:
                report = await world.run()
                failed = False
            except TeleportOktaError:
                failed = True
            world.okta.recover()
            world.okta.restore_role()
            adopted = foreign.keys() & world.owned().keys()
            assert adopted <= day.rightful().keys()
            assert world.foreign() == {name: record for name, record in foreign.items() if name not in adopted}
            if reading != "fine":
                assert set(before) <= set(world.owned())
                assert failed or before == {} or report.plan.findings.held
                continue
            assert report.succeeded, report.outcomes
            kept = {name for name, okta_id in before.items() if is_kept(day, okta_id)}
            assert set(world.owned()) == set(day.rightful()) | kept
            for name, department in day.rightful().items():
                user = world.users()[name]
                trait = user.Spec.Traits.Values.get("okta/department")
                assert (list(trait.Values) if trait else []) == ([department] if department else [])
                assert "okta-requester" in user.Spec.Roles
                lock, suspended = world.locks().get(name), day.is_suspended(world.owned()[name])
                assert (lock is not None and not lock.Spec.HasField("Expires")) == suspended
            again = await world.run()
            assert not again.plan.changes, again.plan.changes


def is_kept(day, okta_id):
    """Whether somebody is set aside: there, but of a status or name that cannot be used."""
    person = day.world.okta.user(okta_id)
    assignment = day.world.okta.assignments.find(day.world.okta_app.id, okta_id)
    return assignment is not None and (person.status == "HIBERNATING" or "'" in assignment.user_name)


@settings(
    max_examples=int(os.environ.get("SYNC_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(days)
def test_every_day_ends_with_the_right_users(history):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(history, Path(directory)))
