from __future__ import annotations

import pytest
from teleport_okta.sandbox.okta.error_bodies import OktaError
from unit.sandbox_okta.sandbox_okta_log import targets, types
from unit.sandbox_okta.sandbox_okta_world import World, profile

RULE = "group.user_membership.rule."


def _people(world: World, group: str) -> set[str]:
    return {str(world.org.user(user).profile["firstName"]) for user in world.org.groups.members(group)}


@pytest.fixture
def red(world: World) -> str:
    """A group; Ada and Bob are engineers, Eve is not."""
    for name, department in (("ada", "Engineering"), ("bob", "Engineering"), ("eve", "Sales")):
        world.org.create_user(profile(name, department=department))
    return world.org.create_group("Red").id


@pytest.fixture
def rule(world: World, red: str) -> str:
    return world.org.create_group_rule("Engineers", [red], ("department", "Engineering")).id


def test_a_rule_does_nothing_until_it_is_activated(world: World, red: str, rule: str) -> None:
    world.now += 60
    assert _people(world, red) == set()
    world.org.activate_rule(rule)
    assert _people(world, red) == set()
    world.now += 60
    world.org.timeline.settle()
    assert _people(world, red) == {"Ada", "Bob"}


def test_a_rule_s_job_is_logged_with_each_person(world: World, red: str, rule: str) -> None:
    mark = world.org.log.mark()
    world.org.activate_rule(rule)
    world.org.activate_rule(rule)
    world.now += 60
    trigger, *added = world.org.log.since(mark)
    assert (trigger["eventType"], trigger["legacyEventType"]) == (f"{RULE}trigger", "cvd.group_rule_triggered")
    assert targets(trigger) == {"GroupRule": rule, "UserGroup": red}
    assert types(added) == ["group.user_membership.add"] * 2
    assert {event["transaction"]["id"] for event in added} == {trigger["transaction"]["id"]}
    assert trigger["transaction"]["type"] == "JOB"


def test_a_deactivated_rule_removes_the_members_that_it_added(world: World, red: str, rule: str) -> None:
    world.org.add_member(red, "ada@example.com")
    world.org.activate_rule(rule)
    world.now += 60
    mark = world.org.log.mark()
    world.org.deactivate_rule(rule)
    world.now += 60
    assert types(world.org.log.since(mark)) == [f"{RULE}deactivated", "group.user_membership.remove"]
    assert _people(world, red) == {"Ada"}


def test_a_rule_follows_the_people(world: World, red: str, rule: str) -> None:
    world.org.activate_rule(rule)
    world.now += 60
    world.org.update_profile("eve@example.com", department="Engineering")
    world.org.update_profile("ada@example.com", department="Sales")
    world.org.deactivate("bob@example.com")
    world.org.create_user(profile("kim", department="Engineering"))
    world.now += 60
    world.org.timeline.settle()
    assert _people(world, red) == {"Bob", "Eve", "Kim"}


def test_a_member_removed_by_hand_stays_removed(world: World, red: str, rule: str) -> None:
    world.org.activate_rule(rule)
    world.now += 60
    mark = world.org.log.mark()
    world.org.remove_member(red, "ada@example.com")
    assert types(world.org.log.since(mark)) == ["group.user_membership.remove", f"{RULE}add_exclusion"]
    world.org.update_profile("ada@example.com", title="Countess")
    world.now += 60
    world.org.timeline.settle()
    assert _people(world, red) == {"Bob"}


def test_the_jobs_of_rules_can_leave_no_events(world: World, red: str, rule: str) -> None:
    world.org.rules.silent = True
    mark = world.org.log.mark()
    world.org.activate_rule(rule)
    world.now += 60
    assert world.org.log.since(mark) == []
    assert _people(world, red) == {"Ada", "Bob"}


def test_a_condition_can_be_any_function(world: World, red: str) -> None:
    rule = world.org.create_group_rule("E", [red], lambda user: user.login.startswith("e"))
    world.org.activate_rule(rule.id)
    world.now += 60
    world.org.timeline.settle()
    assert _people(world, red) == {"Eve"}


def test_the_apps_of_a_rule_s_group_follow(world: World, red: str, rule: str) -> None:
    app = world.org.create_app("Wiki").id
    world.org.assign_group(app, red)
    world.org.rules.silent = True
    world.org.activate_rule(rule)
    mark = world.org.log.mark()
    world.now += 60
    assert types(world.org.log.since(mark)) == ["application.user_membership.add"] * 2


def test_a_rule_needs_groups_that_are_there(world: World) -> None:
    with pytest.raises(OktaError):
        world.org.create_group_rule("E", ["00gNone"], ("title", "x"))
    with pytest.raises(OktaError):
        world.org.activate_rule("0prNone")
