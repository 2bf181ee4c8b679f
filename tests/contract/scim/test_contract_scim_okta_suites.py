"""Okta's two published test suites (`docs/reference/scim.md` 3), request by request.

The first is a client of the door. The second works in Okta and looks at the door: there, the sandbox's own SCIM client
makes the requests, as a custom app (PUT) and as one of the catalogue (PATCH), with and without Okta's API beside it.
"""

from __future__ import annotations

import grpc
import pytest
from contract.scim.door import ALONE, USER, built_door
from contract.scim.okta_client import okta_client
from teleport_okta.sandbox.okta.provisioning.settings import Feature, Style
from teleport_okta.sandbox.teleport.faults import Fault

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

GIVEN, FAMILY = "Runscope123", "Xabcdefgh456"
LOGIN = f"{GIVEN}{FAMILY}@atko.com"
SHOWN_TO_OKTA = ("id", "userName", "active")
BOTH = {}
MODES = {"both doors": BOTH, "scim alone": ALONE}


@pytest.fixture(params=MODES)
async def server(request, tmp_path):
    """The door, with Okta's API beside it and without."""
    async with built_door(tmp_path, settings=MODES[request.param]) as built:
        yield built


@pytest.fixture(params=Style)
async def client(request, server):
    """Okta's client in front of it, in each of its styles."""
    async with okta_client(server, request.param) as built:
        yield built


def has_api(client):
    """Whether Okta's API is beside the door."""
    return client.world.settings.sync.source != "scim"


def by_name(name):
    return f"/Users?filter=userName%20eq%20%22{name.replace('@', '%40')}%22"


def new_user():
    return {
        "schemas": [USER],
        "userName": LOGIN,
        "name": {"familyName": FAMILY, "givenName": GIVEN},
        "emails": [{"primary": True, "value": LOGIN, "type": "work"}],
        "displayName": f"{GIVEN} {FAMILY}",
        "active": True,
    }


def assert_is_list(answer, total):
    assert answer.status == 200
    assert LIST in answer.body["schemas"]
    assert answer.body["totalResults"] == total


def assert_is_error(answer, status):
    assert answer.status == status
    assert answer.detail
    assert answer.body["status"] == str(status)
    assert ERROR in answer.body["schemas"]


def assert_is_whole(user):
    assert all(user[name] not in (None, "") for name in SHOWN_TO_OKTA)
    assert user["name"]["familyName"]
    assert user["name"]["givenName"]
    assert user["emails"][0]["value"]


def assert_is_the_new(user):
    assert (user["userName"], user["name"]["familyName"], user["name"]["givenName"]) == (LOGIN, FAMILY, GIVEN)


async def test_spec_1_and_2_the_first_user_of_a_list_is_whole_and_is_found_by_id(server):
    first = await server.provision("first@x.io")
    answer = await server.ask("GET", "/Users?count=1&startIndex=1")
    assert_is_list(answer, 1)
    assert [type(answer.body[name]) for name in ("itemsPerPage", "startIndex", "totalResults")] == [int] * 3
    (user,) = answer.body["Resources"]
    assert_is_whole(user)
    again = await server.ask("GET", f"/Users/{user['id']}")
    assert (again.status, again.body["id"]) == (200, first)
    assert_is_whole(again.body)


async def test_spec_1_holds_for_a_user_with_only_a_name(server):
    answer = await server.ask("POST", "/Users", {"schemas": [USER], "userName": "bare@x.io"})
    assert answer.status == 201
    assert_is_whole((await server.ask("GET", "/Users?count=1&startIndex=1")).body["Resources"][0])


async def test_spec_3_and_5_an_unknown_name_is_found_nowhere(server):
    assert_is_list(await server.ask("GET", by_name("abcdefgh@atko.com")), 0)
    assert_is_list(await server.ask("GET", by_name(LOGIN)), 0)


@pytest.mark.parametrize("scim_id", ["010101001010101011001010101011", "00919288221112222"], ids=["spec 4", "spec 12"])
async def test_spec_4_and_12_an_unknown_id_is_404(server, scim_id):
    assert_is_error(await server.ask("GET", f"/Users/{scim_id}"), 404)


async def test_spec_6_to_9_a_person_is_created_once_and_found_in_any_case(server):
    headers = {"Content-Type": "application/json", "Accept": "application/scim+json; charset=utf-8"}
    created = await server.ask("POST", "/Users", new_user(), **headers)
    assert created.status == 201
    assert created.body["active"] is True
    assert created.body["id"]
    assert USER in created.body["schemas"]
    assert_is_the_new(created.body)
    read = await server.ask("GET", f"/Users/{created.body['id']}")
    assert read.status == 200
    assert_is_the_new(read.body)
    assert_is_error(await server.ask("POST", "/Users", new_user(), **headers), 409)
    assert_is_list(await server.ask("GET", by_name(LOGIN.upper())), 1)


async def test_spec_10_groups_are_listed_or_not_offered(server):
    answer = await server.ask("GET", "/Groups")
    if answer.status == 200:
        assert_is_list(answer, 0)
        assert answer.body["Resources"] == []
    else:
        assert_is_error(answer, 501)


async def test_spec_11_a_wrong_token_is_401(server):
    answer = await server.ask("GET", by_name(LOGIN), Authorization="non-token")
    assert_is_error(answer, 401)


async def test_the_connection_test_of_okta_succeeds_on_an_empty_directory(client):
    client.choose(features=frozenset(Feature) - {Feature.PUSH_GROUPS})
    verdict = await client.runner.test_connection(client.app_id)
    assert (verdict.succeeded, verdict.detail) == (True, None)


async def test_crud_3_and_4_an_assignment_creates_the_user(client):
    (ada,) = await client.provisioned("ada@x.io")
    (shown,) = await client.door.named("ada@x.io")
    assert (shown["userName"], shown["emails"][0]["value"]) == ("ada@x.io", "ada@x.io")
    assert (shown["name"]["familyName"], shown["name"]["givenName"]) == ("Byron", "Ada")
    assert shown["id"] == client.scim_id(ada)
    assert (shown["externalId"], shown["active"]) == (ada.id, True)
    assert client.world.owned() == {"ada@x.io": ada.id}
    assert not client.tasks


async def test_crud_5_and_6_a_changed_profile_arrives(client):
    (ada,) = await client.provisioned("ada@x.io", nickName="Ada")
    client.okta.update_profile(ada.id, firstName="Augusta", nickName="")
    await client.settled()
    shown = await client.shown(ada)
    assert shown["name"]["givenName"] == "Augusta"
    assert "nickName" not in shown
    assert client.world.users()["ada@x.io"].Spec.Traits.Values["okta/firstName"].Values == ["Augusta"]
    assert not client.tasks


async def test_crud_7_to_11_a_deactivated_person_comes_back_with_the_same_id(client):
    (ada,) = await client.provisioned("ada@x.io")
    scim_id = client.scim_id(ada)
    client.okta.deactivate(ada.id)
    await client.settled()
    assert (await client.shown(ada))["active"] is False
    assert not client.world.owned()
    assert set(client.world.locks()) == {"ada@x.io"}
    client.okta.activate(ada.id)
    client.assign(ada)
    await client.settled()
    shown = await client.shown(ada)
    assert (shown["id"], shown["active"]) == (scim_id, True)
    assert client.world.owned() == {"ada@x.io": ada.id}
    assert not client.world.locks()
    assert not client.tasks


async def test_a_deactivated_person_who_is_posted_again_keeps_the_id(client):
    client.choose(posts_again=True)
    (ada,) = await client.provisioned("ada@x.io")
    scim_id = client.scim_id(ada)
    client.okta.deactivate(ada.id)
    await client.settled()
    client.okta.activate(ada.id)
    client.assign(ada)
    await client.settled()
    assert client.scim_id(ada) == scim_id
    assert (await client.shown(ada))["active"] is True
    assert client.world.owned() == {"ada@x.io": ada.id}
    assert not client.world.locks()
    assert not client.tasks


async def test_a_person_who_is_posted_again_under_another_name_keeps_the_id_and_has_one_user(client):
    client.choose(posts_again=True)
    (ada,) = await client.provisioned("ada@x.io")
    scim_id = client.scim_id(ada)
    client.okta.deactivate(ada.id)
    await client.settled()
    client.okta.activate(ada.id)
    client.okta.update_profile(ada.id, login="countess@x.io", email="countess@x.io")
    client.assign(ada)
    await client.settled()
    shown = await client.shown(ada)
    assert (shown["id"], shown["userName"], shown["active"]) == (scim_id, "countess@x.io", True)
    assert client.world.owned() == {"countess@x.io": ada.id}
    assert not client.tasks


async def test_crud_12_and_13_an_unassigned_person_is_inactive_and_locked(client):
    (ada,) = await client.provisioned("ada@x.io")
    client.unassign(ada)
    await client.settled()
    assert (await client.shown(ada))["active"] is False
    assert not client.world.owned()
    assert set(client.world.locks()) == {"ada@x.io"}
    assert not client.tasks


async def test_a_changed_login_makes_another_user_and_keeps_the_id(client):
    (ada,) = await client.provisioned("ada@x.io")
    scim_id = client.scim_id(ada)
    client.okta.update_profile(ada.id, login="countess@x.io", email="countess@x.io")
    await client.settled()
    shown = await client.shown(ada)
    assert (shown["id"], shown["userName"]) == (scim_id, "countess@x.io")
    assert client.world.owned() == {"countess@x.io": ada.id}
    assert set(client.world.locks()) == {"ada@x.io"}
    assert not client.tasks


async def test_a_synchronised_password_is_taken_and_kept_nowhere(client, tmp_path):
    client.choose(password_sync=True)
    passwords = []
    invent = client.okta.provisioning.new_password
    client.okta.provisioning.new_password = lambda: passwords.append(invent()) or passwords[-1]
    (ada,) = await client.provisioned("ada@x.io")
    client.okta.users.set_password(client.okta.user(ada.id))
    await client.settled()
    assert len(passwords) == 2
    assert not client.tasks
    assert "password" not in await client.shown(ada)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert not [password for password in passwords if password.encode() in kept]


async def test_while_teleport_is_away_the_client_waits_and_succeeds_by_its_own_retry(client):
    (bob,) = await client.provisioned("bob@x.io")
    client.world.teleport.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE))
    ada = client.create("ada@x.io")
    client.assign(ada)
    client.unassign(bob)
    await client.settled()
    assert client.waiting() == ["deactivate", "provision"]
    client.world.teleport.faults.clear()
    await client.settled(after=30)
    assert client.waiting() == client.tasks == []
    assert (await client.shown(ada))["active"] is True
    assert client.world.owned() == {"ada@x.io": ada.id}
    assert set(client.world.locks()) == {"bob@x.io"}


async def test_many_who_leave_at_once_are_held_until_a_person_approves_and_the_client_asks_again(client):
    people = await client.provisioned(*(f"u{number}@x.io" for number in range(9)))
    for person in people[:5]:
        client.unassign(person)
    await client.settled()
    assert client.waiting() == ["deactivate"] * 2
    assert len(client.world.owned()) == 6
    report = await client.world.run()
    assert len(client.world.owned()) == 6
    assert len(report.plan.findings.held) == 2
    approvals = client.world.parts.store.approvals
    await approvals.approve(report.plan.findings.held_digest, at=client.world.clock.now())
    await client.settled(after=30)
    assert client.waiting() == client.tasks == []
    assert set(client.world.owned()) == {person.login for person in people[5:]}
    assert set(client.world.locks()) == {person.login for person in people[:5]}


async def test_held_harm_shows_its_remedy_and_passes_when_the_hour_has_room(client):
    people = await client.provisioned(*(f"u{number}@x.io" for number in range(4)))
    client.unassign(people[0])
    await client.settled()
    answer = await client.door.set_active(client.scim_id(people[1]), active=False)
    assert answer.status == 429
    assert "held" in answer.detail
    assert "approves" in answer.detail
    assert answer.headers["Retry-After"].isdigit()
    client.unassign(people[1])
    await client.settled()
    assert client.waiting() == ["deactivate"]
    assert len(client.world.owned()) == 3
    for _ in range(9):
        await client.settled(after=600)
    assert client.waiting() == client.tasks == []
    assert set(client.world.owned()) == {person.login for person in people[2:]}
    assert set(client.world.locks()) == {person.login for person in people[:2]}


async def test_a_suspension_sends_nothing_and_is_locked_by_a_pass_where_there_is_an_api(client):
    (ada,) = await client.provisioned("ada@x.io")
    before = await client.shown(ada)
    client.okta.suspend(ada.id)
    await client.settled()
    assert await client.shown(ada) == before
    assert (await client.world.run()).succeeded
    assert set(client.world.locks()) == ({"ada@x.io"} if has_api(client) else set())
    client.okta.unsuspend(ada.id)
    await client.settled()
    assert (await client.world.run()).succeeded
    assert not client.world.locks()
    assert client.world.owned() == {"ada@x.io": ada.id}


async def test_after_all_of_it_a_pass_finds_nothing_to_do(client):
    logins = ["ada@x.io", "bob@x.io", "eve@x.io", "jim@x.io", "kim@x.io", "lea@x.io"]
    ada, bob, eve, *_ = await client.provisioned(*logins)
    client.okta.update_profile(ada.id, firstName="Augusta", department="Looms", title="Countess")
    client.okta.deactivate(bob.id)
    client.okta.update_profile(eve.id, login="ewa@x.io")
    await client.settled()
    assert not client.tasks
    client.world.clock.advance(60)
    report = await client.world.run()
    assert report.succeeded
    assert not [(change.action, change.name, change.reason) for change in report.plan.changes]
