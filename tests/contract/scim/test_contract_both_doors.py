"""Okta's API and a SCIM client speak of the same people (`desired/person_sources.py`).

There is one record for each Okta id. A user exists only while no door denies it: the API denies by what it says, never
by silence; the client by `active: false`. What the API says of a person counts more, but for the denial.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress

import grpc
import pytest
from contract.scim.door import USER, built_door
from contract.sync.following import Followed
from contract.sync.sweep_disk import installed
from teleport_okta.model import labels
from teleport_okta.okta.okta_errors import OktaError
from teleport_okta.sandbox.teleport.faults import Fault

SOMEBODY = "00uXYZ45678901234567"
APP_USERS = "/api/v1/apps/*/users"
ROOMY = {"brake": {"floor": 100, "stated_ratio": 1.0, "absent_ratio": 1.0}}
SILENCES = ["nothing is found", "nothing is permitted", "Okta fails"]


def traits(door, name):
    return {key: list(found.Values) for key, found in door.world.users()[name].Spec.Traits.Values.items()}


async def listed(door):
    """All users of the door, by name, with their ids."""
    body = (await door.ask("GET", "/Users?count=1000")).body
    return {one["userName"]: one["id"] for one in body["Resources"]}


async def passes(door, times=2, *, after=60):
    """Some passes, of which one that cannot read is none."""
    report = None
    for _ in range(times):
        door.world.clock.advance(after)
        with suppress(OktaError):
            report = await door.world.run()
    return report


@contextmanager
def silence(door, kind):
    """Okta's API answers nothing that says something of a person: 404, 403 or 500."""
    okta = door.world.okta
    match kind:
        case "nothing is found":
            okta.narrow_role(only=[okta.create_group("nobody").id])
        case "nothing is permitted":
            okta.fail("forbidden", path="/api/v1/*")
        case _:
            okta.fail("internal_error", path="/api/v1/*")
    try:
        yield
    finally:
        okta.recover()
        okta.restore_role()


class _OfDoor:
    """What following the log needs of an office."""

    def __init__(self, door):
        self.world = door.world
        self.okta = door.world.okta


async def follow(door):
    followed = Followed(_OfDoor(door))
    await followed.watcher.poll()
    return followed


@pytest.fixture
async def both(tmp_path):
    """Both doors, and a brake that lets a small organisation lose all that it has."""
    async with built_door(tmp_path, settings=ROOMY) as built:
        yield built


async def hired_and_provisioned(door, login="ada@x.io"):
    """Somebody whom both doors know: the person, and the SCIM id."""
    (person,) = await door.world.hired(login)
    return person, await door.provision(login, okta_id=person.id)


# One record for each Okta id


async def test_a_person_of_both_doors_is_one_user(both):
    ada, scim_id = await hired_and_provisioned(both)
    user = both.world.users()["ada@x.io"]
    assert user.Metadata.Labels[labels.OKTA_ID] == ada.id
    assert user.Metadata.Labels[labels.SCIM_ID] == scim_id
    assert both.world.owned() == {"ada@x.io": ada.id}
    assert not (await passes(both)).plan.changes


async def test_a_person_without_an_okta_id_in_scim_is_found_by_the_login_of_the_api(both):
    (ada,) = await both.world.hired("ada@x.io")
    scim_id = await both.provision("ada@x.io", okta_id="17")
    assert both.world.users()["ada@x.io"].Metadata.Labels[labels.SCIM_ID] == scim_id
    both.world.okta.unassign(both.world.okta_app.id, ada.id)
    await passes(both)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


async def test_a_person_provisioned_before_the_api_shows_the_assignment_is_a_user_at_once(both):
    ada = both.world.okta.create_user({"firstName": "A", "lastName": "B", "login": "ada@x.io", "email": "ada@x.io"})
    scim_id = await both.provision("ada@x.io", okta_id=ada.id)
    assert both.world.owned() == {"ada@x.io": ada.id}
    both.world.okta.assign(both.world.okta_app.id, ada.id)
    await passes(both)
    assert both.world.users()["ada@x.io"].Metadata.Labels[labels.SCIM_ID] == scim_id
    assert both.world.owned() == {"ada@x.io": ada.id}
    assert not both.world.locks()


# Denial wins from either side


@pytest.mark.parametrize("how", ["deactivated", "unassigned"])
async def test_a_person_whom_the_api_denies_has_no_user_although_scim_has_active(both, how):
    ada, scim_id = await hired_and_provisioned(both)
    if how == "deactivated":
        both.world.okta.deactivate(ada.id)
    else:
        both.world.okta.unassign(both.world.okta_app.id, ada.id)
    await passes(both)
    assert (await both.named("ada@x.io"))[0]["active"] is True
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}
    renewed = await both.set_active(scim_id, active=True)
    pushed = await both.ask("PUT", f"/Users/{scim_id}", {"schemas": [USER], "userName": "ada@x.io", "title": "x"})
    assert renewed.status == pushed.status == 429
    assert "Okta's API" in pushed.detail
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


@pytest.mark.parametrize("passing", [1, 2, 3])
async def test_a_denial_of_the_api_is_the_same_in_every_pass(both, passing):
    ada, _ = await hired_and_provisioned(both)
    both.world.okta.unassign(both.world.okta_app.id, ada.id)
    await passes(both, passing)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


async def test_a_person_whom_the_api_denies_is_not_created_and_the_client_gets_429(both):
    (ada,) = await both.world.hired("ada@x.io")
    both.world.okta.deactivate(ada.id)
    await passes(both)
    answer = await both.post_user("ada@x.io", okta_id=ada.id)
    assert answer.status == 429
    assert "Okta's API" in answer.detail
    assert not await both.named("ada@x.io")
    await passes(both)
    assert not both.world.owned()


async def test_a_person_whom_the_client_denies_has_no_user_although_the_api_shows_them(both):
    ada, scim_id = await hired_and_provisioned(both)
    followed = await follow(both)
    assert (await both.set_active(scim_id, active=False)).status == 200
    both.world.okta.update_profile(ada.id, firstName="Augusta")
    await followed.catch_up(after=120)
    assert not both.world.owned()
    await passes(both)
    both.world.okta.suspend(ada.id)
    both.world.okta.unsuspend(ada.id)
    await followed.catch_up(after=120)
    assert not both.world.owned()
    await both.restart()
    await passes(both, after=40 * 3600)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


async def test_a_person_whom_the_api_alone_has_made_a_user_is_denied_by_a_creation_that_is_inactive(both):
    (ada,) = await both.world.hired("ada@x.io")
    answer = await both.post_user("ada@x.io", okta_id=ada.id, active=False)
    assert (answer.status, answer.body["active"]) == (201, False)
    assert not both.world.owned()
    await passes(both)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


async def test_a_deleted_resource_denies_whom_the_api_shows(both):
    _, scim_id = await hired_and_provisioned(both)
    assert (await both.ask("DELETE", f"/Users/{scim_id}")).status == 204
    await passes(both, after=40 * 3600)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


# How a denial ends


async def test_a_denial_ends_when_the_client_sets_active(both):
    _, scim_id = await hired_and_provisioned(both)
    await both.set_active(scim_id, active=False)
    await passes(both)
    assert (await both.set_active(scim_id, active=True)).status == 200
    assert set(both.world.owned()) == {"ada@x.io"}
    assert not both.world.locks()


@pytest.mark.parametrize("skew", [0, 3000, -3000])
async def test_a_denial_ends_when_the_api_shows_a_later_assignment_by_okta_s_clock(both, skew):
    both.world.okta.skew_clock(skew)
    ada, scim_id = await hired_and_provisioned(both)
    both.world.clock.advance(60)
    await both.set_active(scim_id, active=False)
    both.world.clock.advance(60)
    await passes(both)
    assert not both.world.owned()
    both.world.okta.unassign(both.world.okta_app.id, ada.id)
    both.world.okta.assign(both.world.okta_app.id, ada.id)
    await passes(both)
    assert set(both.world.owned()) == {"ada@x.io"}
    assert not both.world.locks()


async def test_the_later_assignment_is_seen_in_the_log_as_well(both):
    ada, scim_id = await hired_and_provisioned(both)
    followed = await follow(both)
    await both.set_active(scim_id, active=False)
    both.world.clock.advance(60)
    both.world.okta.unassign(both.world.okta_app.id, ada.id)
    both.world.okta.assign(both.world.okta_app.id, ada.id)
    await followed.catch_up(after=120)
    assert set(both.world.owned()) == {"ada@x.io"}
    assert not both.world.locks()


async def test_a_request_after_the_later_assignment_counts_again(both):
    ada, scim_id = await hired_and_provisioned(both)
    await both.set_active(scim_id, active=False)
    both.world.clock.advance(60)
    both.world.okta.unassign(both.world.okta_app.id, ada.id)
    both.world.okta.assign(both.world.okta_app.id, ada.id)
    await passes(both)
    assert set(both.world.owned()) == {"ada@x.io"}
    # A client that says nothing of it, and knows nothing of the assignment, changes nothing.
    assert (await both.ask("PUT", f"/Users/{scim_id}", {"schemas": [USER], "userName": "ada@x.io"})).status == 200
    assert set(both.world.owned()) == {"ada@x.io"}
    both.world.clock.advance(3600)  # one person an hour may leave so small an organisation
    assert (await both.set_active(scim_id, active=False)).status == 200
    await passes(both)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


# Whom only the client knows


@pytest.mark.parametrize("okta_id", [None, "17", SOMEBODY], ids=["no id", "another id", "an id unknown to the API"])
@pytest.mark.parametrize("others", [True, False], ids=["beside others", "alone in an empty listing"])
async def test_a_person_of_scim_only_stays(both, okta_id, others):
    if others:
        await both.world.hired("bob@x.io", "eve@x.io")
    await both.provision("ada@x.io", okta_id=okta_id)
    await passes(both, 3, after=3600)
    assert "ada@x.io" in both.world.owned()
    assert not both.world.locks()


async def test_a_person_of_scim_only_stays_after_an_empty_listing(both):
    await both.world.hired("bob@x.io", "eve@x.io", "jim@x.io")
    await both.provision("ada@x.io")
    await both.provision("kim@x.io", okta_id=SOMEBODY)
    both.world.okta.fail("empty", path=APP_USERS)
    await passes(both, 3, after=3600)
    assert set(both.world.owned()) == {"ada@x.io", "bob@x.io", "eve@x.io", "jim@x.io", "kim@x.io"}
    assert not both.world.locks()


async def test_a_person_of_scim_only_leaves_when_the_client_denies_them(both):
    ada = await both.provision("ada@x.io")
    assert (await both.set_active(ada, active=False)).status == 200
    await passes(both)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


# Silence


@pytest.mark.parametrize("kind", SILENCES)
async def test_an_api_without_a_statement_denies_no_person(both, kind):
    _, scim_id = await hired_and_provisioned(both)
    with silence(both, kind):
        await passes(both)
        assert set(both.world.owned()) == {"ada@x.io"}
        body = (await both.ask("GET", f"/Users/{scim_id}")).body
        assert (await both.ask("PUT", f"/Users/{scim_id}", body | {"title": "Countess"})).status == 200
        assert (await both.post_user("new@x.io", okta_id=SOMEBODY)).status == 201
        assert set(both.world.owned()) == {"ada@x.io", "new@x.io"}
        await passes(both)
    await passes(both)
    assert set(both.world.owned()) == {"ada@x.io", "new@x.io"}
    assert not both.world.locks()


@pytest.mark.parametrize("kind", SILENCES)
async def test_an_api_without_a_statement_unlocks_no_suspended_person(both, kind):
    ada, scim_id = await hired_and_provisioned(both)
    both.world.okta.suspend(ada.id)
    await passes(both)
    assert set(both.world.locks()) == {"ada@x.io"}
    with silence(both, kind):
        body = (await both.ask("GET", f"/Users/{scim_id}")).body
        assert (await both.ask("PUT", f"/Users/{scim_id}", body | {"title": "Countess"})).status == 200
        assert (await both.set_active(scim_id, active=True)).status == 200
        await passes(both)
        assert set(both.world.locks()) == {"ada@x.io"}
    await passes(both)
    assert set(both.world.locks()) == {"ada@x.io"}
    both.world.okta.unsuspend(ada.id)
    await passes(both)
    assert not both.world.locks()
    assert set(both.world.owned()) == {"ada@x.io"}


async def test_a_person_who_is_hidden_from_the_api_s_credential_stays(both):
    ada, scim_id = await hired_and_provisioned(both)
    both.world.okta.narrow_role(hide=[ada.id])
    await passes(both)
    body = (await both.ask("GET", f"/Users/{scim_id}")).body
    assert (await both.ask("PUT", f"/Users/{scim_id}", body | {"title": "Countess"})).status == 200
    await passes(both)
    assert set(both.world.owned()) == {"ada@x.io"}
    assert not both.world.locks()


# Who says what of a person


async def test_name_traits_and_status_come_from_the_api(both):
    person = both.world.hire("ada@x.io", department="Engines")
    scim_id = await both.provision("countess@x.io", okta_id=person.id, title="Countess")
    assert both.world.owned() == {"ada@x.io": person.id}
    assert (traits(both, "ada@x.io")["okta/department"], traits(both, "ada@x.io").get("okta/title")) == (
        ["Engines"],
        None,
    )
    assert (await both.ask("GET", f"/Users/{scim_id}")).body["userName"] == "countess@x.io"
    both.world.okta.suspend(person.id)
    body = (await both.ask("GET", f"/Users/{scim_id}")).body
    assert (await both.ask("PUT", f"/Users/{scim_id}", body | {"title": "Engineer"})).status == 200
    assert both.world.owned() == {"ada@x.io": person.id}
    assert set(both.world.locks()) == {"ada@x.io"}
    await passes(both)
    assert both.world.owned() == {"ada@x.io": person.id}
    assert set(both.world.locks()) == {"ada@x.io"}


async def test_a_suspension_in_the_log_changes_neither_the_name_nor_the_traits(both):
    person = both.world.hire("ada@x.io", department="Engines")
    await both.provision("countess@x.io", okta_id=person.id, title="Countess")
    followed = await follow(both)
    before = traits(both, "ada@x.io")
    both.world.okta.suspend(person.id)
    await followed.catch_up(after=60)
    assert both.world.owned() == {"ada@x.io": person.id}
    assert traits(both, "ada@x.io") == before
    assert set(both.world.locks()) == {"ada@x.io"}
    both.world.okta.unsuspend(person.id)
    await followed.catch_up(after=60)
    assert traits(both, "ada@x.io") == before
    assert not both.world.locks()


async def test_a_change_of_the_login_in_okta_and_in_scim_makes_one_rename(both):
    ada, scim_id = await hired_and_provisioned(both)
    both.world.okta.update_profile(ada.id, login="countess@x.io")
    body = (await both.ask("GET", f"/Users/{scim_id}")).body
    answer = await both.ask("PUT", f"/Users/{scim_id}", body | {"userName": "countess@x.io"})
    assert (answer.status, answer.body["id"]) == (200, scim_id)
    await passes(both)
    assert both.world.owned() == {"countess@x.io": ada.id}
    assert set(both.world.locks()) == {"ada@x.io"}


# A denial against all odds


async def test_a_denied_person_is_locked_though_the_state_directory_is_full(tmp_path, monkeypatch):
    disk = installed(monkeypatch, tmp_path)
    async with built_door(tmp_path, settings=ROOMY) as both:
        _, scim_id = await hired_and_provisioned(both)
        disk.full_at, disk.lasts = disk.writes + 1, True
        answer = await both.set_active(scim_id, active=False)
        assert answer.status == 429
        assert set(both.world.locks()) == {"ada@x.io"}
        disk.full_at = None
        assert (await both.set_active(scim_id, active=False)).status == 200
        await passes(both)
        assert not both.world.owned()
        assert set(both.world.locks()) == {"ada@x.io"}


async def test_no_user_is_created_while_the_state_directory_is_full(tmp_path, monkeypatch):
    disk = installed(monkeypatch, tmp_path)
    async with built_door(tmp_path, settings=ROOMY) as both:
        disk.full_at, disk.lasts = disk.writes + 1, True
        answer = await both.post_user("ada@x.io")
        assert answer.status == 429
        assert not both.world.owned()
        disk.full_at = None
        assert not await listed(both)
        assert (await both.post_user("ada@x.io")).status == 201


@pytest.mark.parametrize("kind", SILENCES)
async def test_a_denied_person_is_locked_though_okta_s_api_is_down(both, kind):
    _, scim_id = await hired_and_provisioned(both)
    with silence(both, kind):
        assert (await both.set_active(scim_id, active=False)).status == 200
        assert not both.world.owned()
        assert set(both.world.locks()) == {"ada@x.io"}
        await passes(both)
    await passes(both)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


async def test_a_denial_that_teleport_did_not_take_is_brought_about_by_the_next_pass_after_a_restart(both):
    _, scim_id = await hired_and_provisioned(both)
    both.world.teleport.faults.add(Fault("*/UpsertLock", grpc.StatusCode.UNAVAILABLE))
    assert (await both.set_active(scim_id, active=False)).status == 429
    both.world.teleport.faults.clear()
    await both.restart()
    await passes(both)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}


# A lost state


async def test_scim_ids_survive_a_lost_state(both):
    (ada,) = await both.world.hired("ada@x.io")
    before = {"ada@x.io": ada.id, "eve@x.io": SOMEBODY, "bob@x.io": None, "jim@x.io": "17"}
    ids = {login: await both.provision(login, okta_id=okta_id) for login, okta_id in before.items()}
    await both.restart(loses_state=True)
    assert await listed(both) == ids
    for okta_id in await both.world.parts.store.scim_users.everybody():
        await both.world.parts.store.scim_users.forget(okta_id)
    again = {login: await both.provision(login, okta_id=okta_id) for login, okta_id in before.items()}
    assert again == ids == await listed(both)
    assert set(both.world.owned()) == set(before)
    assert not both.world.locks()


async def test_a_person_of_scim_only_stays_after_a_lost_state(both):
    await both.world.hired("bob@x.io")
    await both.provision("ada@x.io")
    await both.provision("eve@x.io", okta_id=SOMEBODY)
    await both.restart(loses_state=True)
    await passes(both, 3)
    assert {"ada@x.io", "eve@x.io"} <= set(both.world.owned())


async def test_ids_records_and_denials_survive_a_restart(both):
    _, scim_id = await hired_and_provisioned(both)
    bob = await both.provision("bob@x.io", title="Engineer")
    await both.set_active(scim_id, active=False)
    before = (await both.ask("GET", "/Users")).body
    await both.restart()
    assert (await both.ask("GET", "/Users")).body == before
    assert (await both.set_active(bob, active=True)).status == 200
    assert set(both.world.owned()) == {"bob@x.io"}
    assert set(both.world.locks()) == {"ada@x.io"}


# Linking


async def test_a_user_whom_the_client_links_to_an_okta_id_later_is_denied_by_the_api_as_that_person(both):
    scim_id = await both.provision("ada@x.io")
    person = both.world.hire("ada@x.io")
    body = (await both.ask("GET", f"/Users/{scim_id}")).body
    answer = await both.ask("PUT", f"/Users/{scim_id}", body | {"externalId": person.id})
    assert (answer.status, answer.body["id"]) == (200, scim_id)
    await passes(both)
    assert both.world.owned() == {"ada@x.io": person.id}
    both.world.okta.deactivate(person.id)
    await passes(both)
    assert not both.world.owned()
    assert set(both.world.locks()) == {"ada@x.io"}
