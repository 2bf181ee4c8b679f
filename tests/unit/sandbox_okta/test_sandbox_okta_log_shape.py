from __future__ import annotations

import re

import pytest
from unit.sandbox_okta.sandbox_okta_client import Client
from unit.sandbox_okta.sandbox_okta_log import Event, Poller, types
from unit.sandbox_okta.sandbox_okta_world import PROMPT, START, World, profile

FIELDS = {
    "actor", "authenticationContext", "client", "debugContext", "device", "displayMessage", "eventType",
    "legacyEventType", "outcome", "published", "request", "securityContext", "severity", "target", "transaction",
    "uuid", "version",
}  # fmt: skip
ENTRY = {"id", "type", "alternateId", "displayName", "detailEntry"}


def _created(world: World) -> Event:
    mark = world.org.log.mark()
    world.org.create_user(profile("ada"), activate=False)
    [event] = world.org.log.since(mark)
    return event


def test_an_event_has_the_fields_of_a_genuine_one(world: World) -> None:
    event = _created(world)
    assert set(event) == FIELDS
    assert set(event["actor"]) == set(event["target"][0]) == ENTRY
    assert event["target"][0] | {"id": ""} == {
        "id": "",
        "type": "User",
        "alternateId": "ada@example.com",
        "displayName": "Ada Tester",
        "detailEntry": None,
    }
    assert (event["version"], event["severity"]) == ("0", "INFO")
    assert event["outcome"] == {"result": "SUCCESS", "reason": None}
    assert event["displayMessage"] == "Create Okta user"


def test_an_event_is_dated_to_the_millisecond(world: World) -> None:
    world.now = START + 0.123
    assert _created(world)["published"] == "2026-01-05T08:00:00.373Z"


def test_uuids_are_made_of_the_time_and_differ(world: World) -> None:
    mark = world.org.log.mark()
    for number in range(50):
        world.org.create_group(f"Group {number}")
    uuids = [event["uuid"] for event in world.org.log.since(mark)]
    assert len(set(uuids)) == 50
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", uuid) for uuid in uuids
    )


def test_legacy_names_are_those_of_okta_s_table(world: World) -> None:
    mark = world.org.log.mark()
    ada, group = world.org.create_user(profile("ada")).id, world.org.create_group("Red").id
    world.org.add_member(group, ada)
    assert [event["legacyEventType"] for event in world.org.log.since(mark)] == [
        "core.user.config.user_creation.success",
        "core.user.config.user_activated",
        None,
        "core.user_group_member.user_add",
    ]


def test_the_console_acts_as_the_administrator(world: World) -> None:
    event = _created(world)
    assert (event["actor"]["id"], event["actor"]["type"]) == (world.org.admin, "User")
    assert event["transaction"]["type"] == "WEB"
    assert event["transaction"]["detail"] == {}
    assert event["debugContext"]["debugData"]["requestId"] == event["transaction"]["id"]


def test_an_api_token_acts_as_its_owner_and_is_named(world: World) -> None:
    poller = Poller(world)
    answer = world.post("/api/v1/groups", {"profile": {"name": "Red"}}, User_Agent="curl/8")
    [event] = poller.poll()
    assert (event["actor"]["id"], event["actor"]["type"]) == (world.org.admin, "User")
    assert event["transaction"]["detail"]["requestApiTokenId"].startswith("00T")
    data = event["debugContext"]["debugData"]
    assert (data["requestId"], data["requestUri"]) == (answer.headers["X-Okta-Request-Id"], "/api/v1/groups")
    assert event["client"]["userAgent"]["rawUserAgent"] == "curl/8"


def test_a_service_app_acts_as_itself(world: World) -> None:
    client = Client(world)
    poller = Poller(world)
    client.use("okta.groups.manage okta.logs.read")
    answer = world.post("/api/v1/groups", {"profile": {"name": "Red"}})
    [event] = poller.poll()
    assert (event["actor"]["id"], event["actor"]["type"]) == (client.client.id, "PublicClientApp")
    assert (event["actor"]["displayName"], event["client"]["id"]) == ("teleport-okta", client.client.id)
    assert event["transaction"] == {"type": "WEB", "id": answer.headers["X-Okta-Request-Id"], "detail": {}}


def test_jobs_act_as_the_system_and_sometimes_as_the_administrator(prompt_world: World) -> None:
    org = prompt_world.org
    ada = org.create_user(profile("ada")).id
    groups = [org.create_group(f"Group {number}").id for number in range(6)]
    for group in groups:
        org.assign_group(org.create_app(f"App {group}").id, group)
    mark = org.log.mark()
    for group in groups:
        org.add_member(group, ada)
    events = [event for event in org.log.since(mark) if event["eventType"] == "application.user_membership.add"]
    assert len(events) == 6
    assert {event["transaction"]["type"] for event in events} == {"JOB"}
    assert {event["actor"]["type"] for event in events} == {"SystemPrincipal", "User"}
    assert len({event["transaction"]["id"] for event in events}) == 6
    for event in events:
        assert event["client"] == dict.fromkeys(event["client"])
        assert event["request"] == {"ipChain": []}
        assert "requestId" not in event["debugContext"]["debugData"]


def test_the_events_of_one_action_share_a_transaction(world: World) -> None:
    mark = world.org.log.mark()
    ada = world.org.hire("Ada", "Lovelace").id
    world.org.delete_user(ada)
    hired, removed = world.org.log.since(mark)[:2], world.org.log.since(mark)[2:]
    assert [len({event["transaction"]["id"] for event in events}) for events in (hired, removed)] == [1, 2]
    assert removed[-1]["transaction"]["type"] == "JOB"


def test_a_refused_write_leaves_no_event(world: World) -> None:
    poller = Poller(world)
    assert world.post("/api/v1/groups", {"profile": {"name": "Everyone"}}).status == 409
    assert world.post("/api/v1/users", {"profile": {}}).status == 400
    assert poller.types() == []


def test_ids_do_not_depend_on_the_log() -> None:
    loud, quiet = World(PROMPT), World(PROMPT)
    for world in (loud, quiet):
        world.org.create_group("Red")
    with quiet.org.log.paused():
        quiet_ada = quiet.org.hire("Ada", "Lovelace")
    assert loud.org.hire("Ada", "Lovelace").id == quiet_ada.id
    assert types(quiet.org.log.since(0)) == ["group.lifecycle.create"]


@pytest.mark.parametrize("read", ["/api/v1/users", "/api/v1/groups", "/api/v1/apps"])
def test_reading_leaves_no_event(world: World, read: str) -> None:
    poller = Poller(world)
    world.get(read)
    assert poller.types() == []
