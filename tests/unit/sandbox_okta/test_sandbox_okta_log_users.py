from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.sandbox.okta import Delays, Settings
from unit.sandbox_okta.sandbox_okta_log import Poller, targets, types
from unit.sandbox_okta.sandbox_okta_world import World, profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.sandbox.okta import OktaOrganization

LIFECYCLE = "user.lifecycle."


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda org, ada: org.suspend(ada), ["user.lifecycle.suspend"]),
        (
            lambda org, ada: (org.suspend(ada), org.unsuspend(ada)),
            ["user.lifecycle.suspend", "user.lifecycle.unsuspend"],
        ),
        (lambda org, ada: org.deactivate(ada), ["user.lifecycle.deactivate"]),
        (
            lambda org, ada: (org.deactivate(ada), org.activate(ada)),
            [
                "user.lifecycle.deactivate",
                "user.lifecycle.activate",
                "user.account.update_password",
                "user.lifecycle.activate",
            ],
        ),
        (
            lambda org, ada: org.delete_user(ada),
            ["user.lifecycle.deactivate", "user.lifecycle.delete.initiated", "user.lifecycle.delete.completed"],
        ),
        (lambda org, ada: org.update_profile(ada, title="Countess"), ["user.account.update_profile"]),
        (
            lambda org, ada: org.update_profile(ada, email="ada@example.org"),
            ["user.account.update_profile", "user.account.update_primary_email"],
        ),
        (lambda org, ada: org.import_profile(ada, title="Countess"), ["system.import.user.update"]),
        (
            lambda org, ada: (org.set_status(ada, "LOCKED_OUT"), org.unlock(ada)),
            ["user.account.lock", "user.account.unlock_by_admin"],
        ),
        (
            lambda org, ada: (org.set_status(ada, "LOCKED_OUT"), org.set_status(ada, "ACTIVE")),
            ["user.account.lock", "user.account.unlock"],
        ),
        (lambda org, ada: org.set_status(ada, "PASSWORD_EXPIRED"), []),
        (lambda org, ada: org.set_status(ada, "HIBERNATING"), []),
        (lambda org, ada: org.update_profile(ada, firstName="Ada"), []),
        (lambda org, ada: org.import_profile(ada, firstName="Ada"), []),
    ],
)
def test_actions_of_an_administrator_on_a_user_are_logged(
    world: World, change: Callable[[OktaOrganization, str], object], expected: list[str]
) -> None:
    ada = world.org.create_user(profile("ada")).id
    mark = world.org.log.mark()
    change(world.org, ada)
    events = world.org.log.since(mark)
    assert types(events) == expected
    assert all(targets(event) == {"User": ada} for event in events)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("lifecycle/suspend", ["user.lifecycle.suspend"]),
        ("lifecycle/deactivate", ["user.lifecycle.deactivate"]),
        ("lifecycle/expire_password", ["user.account.expire_password"]),
        ("lifecycle/reset_password", ["user.account.reset_password"]),
        ("lifecycle/unlock", []),
    ],
)
def test_changes_of_a_user_by_the_api_are_logged(world: World, call: str, expected: list[str]) -> None:
    ada = world.org.create_user(profile("ada")).id
    poller = Poller(world)
    world.post(f"/api/v1/users/{ada}/{call}")
    assert poller.types() == expected


def test_an_activation_mail_and_the_end_of_sessions_are_logged(world: World) -> None:
    ada = world.org.create_user(profile("ada"), password=False).id
    poller = Poller(world)
    world.post(f"/api/v1/users/{ada}/lifecycle/reactivate")
    world.delete(f"/api/v1/users/{ada}/sessions")
    assert poller.types() == ["user.lifecycle.reactivate", "user.session.clear"]


def test_a_user_who_is_created_over_the_api_is_logged_as_one_transaction(world: World) -> None:
    poller = Poller(world)
    group = world.org.create_group("Red").id
    body = {"profile": profile("ada"), "groupIds": [group]}
    answer = world.post("/api/v1/users", body)
    events = poller.poll()[1:]
    assert types(events) == ["user.lifecycle.create", "user.lifecycle.activate", "group.user_membership.add"]
    assert {event["transaction"]["id"] for event in events} == {answer.headers["X-Okta-Request-Id"]}


def test_a_staged_user_is_not_activated(world: World) -> None:
    mark = world.org.log.mark()
    world.org.create_user(profile("ada"), activate=False)
    assert types(world.org.log.since(mark)) == ["user.lifecycle.create"]


def test_deletion_over_the_api_takes_two_calls(world: World) -> None:
    ada = world.org.create_user(profile("ada")).id
    poller = Poller(world)
    world.delete(f"/api/v1/users/{ada}")
    assert poller.types() == ["user.lifecycle.deactivate"]
    world.delete(f"/api/v1/users/{ada}")
    assert poller.types() == ["user.lifecycle.delete.initiated", "user.lifecycle.delete.completed"]


def test_a_deleted_user_leaves_groups_without_events(world: World) -> None:
    ada, group = world.org.create_user(profile("ada")).id, world.org.create_group("Red").id
    world.org.add_member(group, ada)
    mark = world.org.log.mark()
    world.org.delete_user(ada)
    world.now += 60
    assert {event.rpartition(".")[0] for event in types(world.org.log.since(mark))} == {
        "user.lifecycle",
        "user.lifecycle.delete",
    }


def test_a_lockout_is_a_failed_sign_in_of_the_user_s(world: World) -> None:
    ada = world.org.create_user(profile("ada")).id
    mark = world.org.log.mark()
    world.org.set_status(ada, "LOCKED_OUT")
    [event] = world.org.log.since(mark)
    assert event["outcome"] == {"result": "FAILURE", "reason": "LOCKED_OUT"}
    assert (event["actor"]["id"], event["severity"]) == (ada, "DEBUG")


def test_a_slow_deactivation_is_logged_at_its_end_with_its_requester_as_actor() -> None:
    world = World(Settings(delays=Delays(transition=5)))
    ada = world.org.create_user(profile("ada")).id
    world.now += 10
    poller = Poller(world)
    request = world.post(f"/api/v1/users/{ada}/lifecycle/deactivate").headers["X-Okta-Request-Id"]
    assert poller.types() == []
    world.now += 10
    [event] = poller.poll()
    assert (event["eventType"], event["transaction"]["id"]) == ("user.lifecycle.deactivate", request)
    assert event["actor"]["id"] == world.org.admin
