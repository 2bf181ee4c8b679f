from __future__ import annotations

from urllib.parse import quote

import pytest
from unit.sandbox_okta.sandbox_okta_log import LOGS, get_filtered, targets, types
from unit.sandbox_okta.sandbox_okta_world import World, profile, refused


@pytest.fixture
def red(prompt_world: World) -> World:
    """Ada is a member of Red, which has the app Wiki; Bob was suspended over the API."""
    org = prompt_world.org
    ada, bob = (org.create_user(profile(name)) for name in ("ada", "bob"))
    group, app = org.create_group("Red"), org.create_app("Wiki")
    org.add_member(group.id, ada.id)
    org.assign_group(app.id, group.id)
    prompt_world.post(f"/api/v1/users/{bob.id}/lifecycle/suspend")
    return prompt_world


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('eventType eq "user.lifecycle.suspend"', ["user.lifecycle.suspend"]),
        ('eventType sw "group."',
         ["group.lifecycle.create", "group.user_membership.add", "group.application_assignment.add"]),
        ('eventType ew ".suspend" or eventType ew "membership.add"',
         ["group.user_membership.add", "application.user_membership.add", "user.lifecycle.suspend"]),
        ('eventType co "_membership" and not (eventType sw "group.")', ["application.user_membership.add"]),
        ('not (eventType sw "user." or eventType sw "app") and target.type ne "User" and target.type eq "AppInstance"',
         ["group.application_assignment.add"]),
        ('eventType gt "user.lifecycle.create" and eventType ge "user.lifecycle.suspend"', ["user.lifecycle.suspend"]),
        ('eventType lt "application.m"', ["application.lifecycle.create"]),
        ('eventType le "application.lifecycle.create"', ["application.lifecycle.create"]),
        ('transaction.type eq "JOB" and actor.type eq "SystemPrincipal"', ["application.user_membership.add"]),
        ('target.alternateId eq "Wiki" and target.displayName eq "Red"', ["group.application_assignment.add"]),
        ('debugContext.debugData.groupAppAssignmentId pr', ["group.application_assignment.add"]),
        ('transaction.detail.requestApiTokenId pr', ["user.lifecycle.suspend"]),
        ('outcome.result eq "FAILURE"', []),
        ('outcome.reason pr', []),
        ('severity ne "INFO"', []),
        ('client.userAgent.rawUserAgent eq "nobody"', []),
        ('authenticationContext.authenticationStep eq 1', []),
    ],
)  # fmt: skip
def test_a_filter_picks_events(red: World, text: str, expected: list[str]) -> None:
    assert types(get_filtered(red, text)) == expected


def test_a_target_or_an_actor_can_be_asked_for(red: World) -> None:
    ada = red.org.user("ada@example.com").id
    found = get_filtered(red, f'target.id eq "{ada}" and target.type eq "AppUser"')
    assert [targets(event)["User"] for event in found] == [ada]
    assert len(get_filtered(red, f'actor.id eq "{red.org.admin}" and actor.alternateId sw "okta.admin"')) == 9


def test_a_transaction_can_be_asked_for(red: World) -> None:
    answer = red.put(f"/api/v1/groups/{red.org.groups.administrators}/users/{red.org.admin}")
    assert answer.status == 501
    answer = red.post("/api/v1/users", {"profile": profile("eve")})
    made = get_filtered(red, f'transaction.id eq "{answer.headers["X-Okta-Request-Id"]}"')
    assert types(made) == ["user.lifecycle.create", "user.lifecycle.activate"]


@pytest.mark.parametrize(
    "text",
    [
        'published gt "2026-01-01T00:00:00Z"',
        "eventType eq user.lifecycle.create",
        "eventType eq 5",
        "eventType",
        "eventType eq",
        'eventType is "a"',
        'EventType eq "a"',
        '(eventType eq "a"',
        'not eventType eq "a" and',
        'target[type eq "User"].id eq "a"',
        'target.changeDetails.from eq "a"',
        'debugContext.debugData.url co "users"',
        'debugContext.debugData.requestUri co "users"',
        'nonsense eq "a"',
        'actor.nonsense eq "a"',
    ],
)
def test_a_filter_by_another_field_is_refused(world: World, text: str) -> None:
    assert refused(world.get(f"{LOGS}?filter={quote(text)}")) == (400, "E0000031")


def test_values_are_compared_as_they_are_written(red: World) -> None:
    assert get_filtered(red, 'target.displayName eq "red"') == []
    assert len(get_filtered(red, 'target.displayName EQ "Red" AND eventType sw "group.l"')) == 1


def test_keywords_are_looked_for_in_the_whole_event(red: World) -> None:
    assert types(red.get(f"{LOGS}?q=wiki+RED").json()) == ["group.application_assignment.add"]
    assert refused(red.get(f"{LOGS}?q={'+'.join(['a'] * 11)}")) == (400, "E0000001")
    assert refused(red.get(f"{LOGS}?q={'a' * 41}")) == (400, "E0000001")
