"""The objections of the oracle and the guard of groups, apps and lists are provoked by hand here."""

from __future__ import annotations

import pytest
from contract.sync.office import TEN_MINUTES, with_a_roomy_brake
from directory_guard import DirectoryGuard
from directory_oracle import DirectoryOracle
from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name, member_role

THEIRS = "theirs"


@pytest.fixture
async def scene(office):
    """A group with a list to which people added a member, an app that it grants, and a list of others."""
    office.group("Looms", "ada@x.io", "bob@x.io")
    office.app("Figma", "ada@x.io", groups=[office.okta.groups.named("Looms")])
    office.people.create(THEIRS)
    await office.settled()
    office.people.add_member(office.okta.groups.named("Looms").id, "cy@x.io")
    oracle = DirectoryOracle(office.okta, office.teleport.cluster, office.world.owned, passes=lambda name: True)
    scene = Scene(office, oracle)
    assert not scene.wrong()
    return scene


class Scene:
    """An office, what judges it, and names for what is in it."""

    def __init__(self, office, oracle):
        self.office = office
        self.oracle = oracle
        self.found = oracle.found()
        self.guard = DirectoryGuard(oracle)
        self.group = office.okta.groups.named("Looms").id
        self.app = next(app.id for app in office.okta.apps.all if app.label == "Figma")

    def wrong(self):
        return " ".join(self.oracle.wrong(self.found))

    def seen(self):
        self.guard.catch_up()
        return " ".join(self.guard.violations)


def give_away(scene):
    scene.office.people.edit(scene.group, owners=["mallory@x.io"])


def take_out(scene):
    scene.office.people.remove_member(scene.group, "ada@x.io")


def take_out_an_added_one(scene):
    scene.office.people.remove_member(scene.group, "cy@x.io")


def delete_list(scene):
    scene.office.people.delete(scene.group)


def delete_role(scene):
    scene.office.teleport.cluster.roles.delete(member_role(scene.group))


def delete_user_group(scene):
    scene.office.administrator.delete_user_group(scene.group)


def empty_user_group(scene):
    scene.office.administrator.edit_user_group(scene.group, applications=[])


def delete_app_server(scene):
    host_id = scene.office.world.parts.teleport.app_servers.host_id
    scene.office.administrator.delete_app_server(host_id, app_server_name(scene.app))


HARM = {
    give_away: ("the owners, audit or requirements of the list", "owned by ['mallory@x.io']"),
    take_out: ("is in {group} in Okta", "has imported {'bob@x.io'}"),
    take_out_an_added_one: ("cy@x.io, whom people added to {group}", "of people's {} instead of {'cy@x.io'"),
    delete_list: ("the list {group} was deleted, and is wanted", "lists: ["),
    delete_role: ("was deleted, and is wanted", "roles: ["),
    delete_user_group: ("the user group {group} of {group} was deleted", "user groups: "),
    empty_user_group: ("lost {'okta-", "user groups: "),
    delete_app_server: ("was deleted, and is wanted", "app servers: "),
}


@pytest.mark.parametrize("deed", HARM, ids=lambda deed: deed.__name__)
async def test_harm_is_seen_when_it_happens_and_afterwards(scene, deed):
    deed(scene)
    at_once, afterwards = HARM[deed]
    assert at_once.replace("{group}", scene.group) in scene.seen()
    assert afterwards in scene.wrong()


async def test_what_is_not_ours_must_not_change(scene):
    scene.office.people.edit(THEIRS, title="Ours now")
    assert scene.seen() == f"the list {THEIRS}, which is not ours, was changed"


async def test_a_person_who_was_never_in_the_group_is_no_imported_member(scene):
    people = scene.office.people
    people.add_member(scene.group, "dan@x.io", labels={labels.GRANT: labels.GRANT_IMPORTED})
    assert "'dan@x.io'" in scene.wrong()
    assert not scene.seen()


async def test_people_may_do_what_they_like(scene):
    with scene.guard.while_people_act():
        delete_list(scene)
        delete_user_group(scene)
    assert not scene.seen()


async def test_app_servers_may_end_by_themselves(scene):
    scene.office.world.clock.advance(10 * TEN_MINUTES)
    assert not scene.seen()
    assert "app servers: {} instead" in scene.wrong()


@with_a_roomy_brake
async def test_what_the_organisation_has_no_more_may_go(scene):
    scene.office.okta.delete_group(scene.group)
    scene.office.okta.delete_app(scene.app)
    assert "user groups: " in scene.wrong()
    assert (await scene.office.next_pass()).succeeded
    assert not scene.seen()
    assert not scene.wrong()
