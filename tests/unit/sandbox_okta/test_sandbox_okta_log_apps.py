from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.sandbox.okta.app_kinds import AUTO_LOGIN, OPENID_CONNECT
from unit.sandbox_okta.sandbox_okta_log import Event, Poller, targets, types
from unit.sandbox_okta.sandbox_okta_world import World, profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.sandbox.okta import OktaOrganization

MEMBERSHIP = "application.user_membership."


@pytest.fixture
def ada(world: World) -> str:
    return world.org.create_user(profile("ada")).id


@pytest.fixture
def wiki(world: World) -> str:
    return world.org.create_app("Wiki").id


def _since(world: World, mark: int, prefix: str) -> list[Event]:
    return [event for event in world.org.log.since(mark) if str(event["eventType"]).startswith(prefix)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda org, wiki: org.update_app(wiki, label="Encyclopedia"), ["update"]),
        (lambda org, wiki: org.update_app(wiki, hidden=True), ["update"]),
        (lambda org, wiki: (org.deactivate_app(wiki), org.activate_app(wiki)), ["deactivate", "activate"]),
        (lambda org, wiki: org.delete_app(wiki), ["deactivate", "delete"]),
        (lambda org, wiki: org.update_app(wiki, label="Wiki"), []),
        (lambda org, wiki: org.activate_app(wiki), []),
    ],
)
def test_an_app_s_life_is_logged(
    world: World, wiki: str, change: Callable[[OktaOrganization, str], object], expected: list[str]
) -> None:
    mark = world.org.log.mark()
    change(world.org, wiki)
    events = world.org.log.since(mark)
    assert types(events) == [f"application.lifecycle.{verb}" for verb in expected]
    assert all(targets(event) == {"AppInstance": wiki} for event in events)


def test_apps_that_the_api_writes_are_logged(world: World) -> None:
    poller = Poller(world)
    body = {"label": "Mail", "signOnMode": AUTO_LOGIN, "settings": {"signOn": {"loginUrl": "https://mail.example.com"}}}
    app = world.post("/api/v1/apps", body).json()["id"]
    world.post(f"/api/v1/apps/{app}/lifecycle/deactivate")
    world.delete(f"/api/v1/apps/{app}")
    assert poller.types() == [f"application.lifecycle.{verb}" for verb in ("create", "deactivate", "delete")]


def test_an_app_is_named_by_its_label_and_by_the_catalogue(world: World) -> None:
    mark = world.org.log.mark()
    world.org.create_app("Wiki")
    world.org.create_app("Robot", signOnMode=OPENID_CONNECT)
    named = [
        (event["target"][0]["alternateId"], event["target"][0]["displayName"])
        for event in _since(world, mark, "application.")
    ]
    assert named == [("Wiki", "Wiki"), ("Robot", "OpenID Connect Client")]


def test_a_direct_assignment_is_logged_with_its_three_targets(world: World, ada: str, wiki: str) -> None:
    mark = world.org.log.mark()
    entry = world.org.assign(wiki, ada, "countess")
    world.org.unassign(wiki, ada)
    added, removed = world.org.log.since(mark)
    assert types([added, removed]) == [f"{MEMBERSHIP}add", f"{MEMBERSHIP}remove"]
    assert targets(added) == {"AppUser": entry.assignment_id, "AppInstance": wiki, "User": ada}
    assert list(targets(added)) == ["AppUser", "AppInstance", "User"]
    assert (added["target"][0]["alternateId"], removed["target"][0]["alternateId"]) == ("countess", "unknown")
    assert added["debugContext"]["debugData"]["appname"] == "acme_wiki_1"


def test_every_second_event_can_leave_out_the_user_name_in_the_app(world: World, wiki: str) -> None:
    world.org.log.unknown_user_names = True
    mark = world.org.log.mark()
    for name in ("ada", "bob", "eve", "kim"):
        world.org.assign(wiki, world.org.create_user(profile(name)).id)
    names = [event["target"][0]["alternateId"] for event in _since(world, mark, MEMBERSHIP)]
    assert names == ["unknown", "bob@example.com", "unknown", "kim@example.com"]


def test_changes_of_an_assignment_are_logged(world: World, ada: str, wiki: str) -> None:
    world.org.assign(wiki, ada)
    poller = Poller(world)
    one = f"/api/v1/apps/{wiki}/users/{ada}"
    world.post(one, {"profile": {"role": "editor"}})
    world.post(one, {"profile": {"role": "editor"}})
    world.post(one, {"credentials": {"userName": "countess"}})
    for status in ("PROVISIONED", "DEPROVISIONED", "REVOKED", "APPROVED", "SUSPENDED"):
        world.org.set_assignment_status(wiki, ada, status)
    verbs = ["update", "change_username", "provision", "deprovision", "revoke", "approve", "update"]
    assert poller.types() == [MEMBERSHIP + verb for verb in verbs]


def test_a_new_login_changes_the_user_name_in_the_app(world: World, ada: str, wiki: str) -> None:
    world.org.assign(wiki, ada)
    mark = world.org.log.mark()
    world.org.update_profile(ada, login="lovelace@example.com")
    events = world.org.log.since(mark)
    assert types(events) == ["user.account.update_profile", f"{MEMBERSHIP}change_username"]
    assert events[1]["target"][0]["alternateId"] == "lovelace@example.com"


def test_a_deactivated_user_loses_active_apps_in_the_same_transaction(world: World, ada: str, wiki: str) -> None:
    asleep = world.org.create_app("Asleep").id
    for app in (wiki, asleep):
        world.org.assign(app, ada)
    world.org.deactivate_app(asleep)
    mark = world.org.log.mark()
    world.org.deactivate(ada)
    left, removed = world.org.log.since(mark)
    assert (left["eventType"], removed["eventType"]) == ("user.lifecycle.deactivate", f"{MEMBERSHIP}remove")
    assert targets(removed)["AppInstance"] == wiki
    assert left["transaction"] == removed["transaction"]


def test_a_group_s_assignment_is_logged_at_once_and_its_people_by_a_job(world: World, ada: str, wiki: str) -> None:
    group = world.org.create_group("Red").id
    bob = world.org.create_user(profile("bob")).id
    for user in (ada, bob):
        world.org.add_member(group, user)
    world.org.assign(wiki, ada)
    mark = world.org.log.mark()
    world.org.assign_group(wiki, group)
    [assigned] = world.org.log.since(mark)
    assert (assigned["eventType"], assigned["transaction"]["type"]) == ("group.application_assignment.add", "JOB")
    assert targets(assigned) == {"UserGroup": group, "AppInstance": wiki}
    assert "groupAppAssignmentId" in assigned["debugContext"]["debugData"]
    world.now += 60
    [_, added] = world.org.log.since(mark)
    assert (added["eventType"], targets(added)["User"]) == (f"{MEMBERSHIP}add", bob)
    assert (added["transaction"]["type"], added["published"]) == ("JOB", "2026-01-05T08:00:02.251Z")
    assert added["transaction"]["id"] != assigned["transaction"]["id"]


def test_the_people_of_one_job_share_its_transaction(prompt_world: World) -> None:
    org = prompt_world.org
    group, app = org.create_group("Red").id, org.create_app("Wiki").id
    for name in ("ada", "bob", "eve"):
        org.add_member(group, org.create_user(profile(name)).id)
    org.assign_group(app, group)
    mark = org.log.mark()
    org.unassign_group(app, group)
    removed, *people = org.log.since(mark)
    assert removed["eventType"] == "group.application_assignment.remove"
    assert types(people) == [f"{MEMBERSHIP}remove"] * 3
    assert len({event["transaction"]["id"] for event in people}) == 1


def test_a_user_with_the_app_through_another_group_keeps_it(prompt_world: World) -> None:
    org = prompt_world.org
    ada, app = org.create_user(profile("ada")).id, org.create_app("Wiki").id
    red, blue = org.create_group("Red").id, org.create_group("Blue").id
    for group in (red, blue):
        org.add_member(group, ada)
        org.assign_group(app, group)
    mark = org.log.mark()
    org.unassign_group(app, red)
    assert types(org.log.since(mark)) == ["group.application_assignment.remove"]


def test_a_changed_group_assignment_is_an_update(world: World, wiki: str) -> None:
    group = world.org.create_group("Red").id
    poller = Poller(world)
    one = f"/api/v1/apps/{wiki}/groups/{group}"
    for body in ({}, {"priority": 3}, {"priority": 3}, {"profile": {"role": "editor"}}):
        world.put(one, body)
    world.delete(one)
    verbs = ("add", "update", "update", "remove")
    assert poller.types() == [f"group.application_assignment.{verb}" for verb in verbs]


def test_a_group_s_assignment_over_the_api_is_in_the_caller_s_name(world: World, wiki: str) -> None:
    group = world.org.create_group("Red").id
    poller = Poller(world)
    world.put(f"/api/v1/apps/{wiki}/groups/{group}", {})
    [event] = poller.poll()
    assert (event["actor"]["id"], event["transaction"]["type"]) == (world.org.admin, "JOB")


def test_a_scope_that_becomes_direct_is_an_update(prompt_world: World) -> None:
    org = prompt_world.org
    ada, group, app = org.create_user(profile("ada")).id, org.create_group("Red").id, org.create_app("Wiki").id
    org.add_member(group, ada)
    org.assign_group(app, group)
    mark = org.log.mark()
    org.assign(app, ada)
    assert types(org.log.since(mark)) == [f"{MEMBERSHIP}update"]


def test_the_log_of_an_activated_app_has_the_changes_since(prompt_world: World) -> None:
    org = prompt_world.org
    ada, group, app = org.create_user(profile("ada")).id, org.create_group("Red").id, org.create_app("Wiki").id
    org.assign_group(app, group)
    org.deactivate_app(app)
    org.add_member(group, ada)
    mark = org.log.mark()
    org.activate_app(app)
    assert types(org.log.since(mark)) == ["application.lifecycle.activate", f"{MEMBERSHIP}add"]
