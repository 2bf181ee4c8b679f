"""Full passes between both sandboxes, with failures on the way, and what must hold all the same."""

from __future__ import annotations

import contextlib
import random

import grpc
import pytest
from cluster_world import built_world
from hands import edit_user
from teleport_okta.errors import ConfigError
from teleport_okta.okta.okta_errors import OktaError, OktaForbiddenError, OktaUnauthorizedError
from teleport_okta.sandbox.okta.seed import seed_organization
from teleport_okta.sandbox.teleport.cluster import ListingLag
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.state.journal_entry import Result
from teleport_okta.teleport.teleport_errors import TeleportError

CREATE = "/teleport.users.v1.UsersService/CreateUser"
DELETE = "/teleport.users.v1.UsersService/DeleteUser"
TEN_MINUTES = 600
APP_USERS = "/api/v1/apps/*/users"


def actions(report):
    return [change.action for change in report.plan.changes]


async def test_a_listing_that_is_cut_short_applies_what_came_and_removes_nobody(world, monkeypatch):
    monkeypatch.setattr("teleport_okta.okta.people_reader.APP_USERS_A_PAGE", 20)
    (leaver,) = await world.hired("leaver@x.io")
    world.okta.unassign(world.okta_app.id, leaver.id)
    other = seed_organization(world.okta, users=50, rng=random.Random(1))
    settings = world.parts.full_pass._settings
    world.parts.full_pass._settings = settings.model_copy(
        update={"okta": settings.okta.model_copy(update={"app_id": other.id})}
    )
    world.okta.fail("unavailable", path=APP_USERS, after=2)
    report = await world.run()
    assert "incomplete" in report.error
    assert not report.succeeded
    assert set(actions(report)) == {"create"}
    assert len(world.owned()) == 41
    assert "leaver@x.io" in world.owned()
    assert [held.name for held in report.plan.findings.held] == ["leaver@x.io"]


async def test_a_token_revoked_in_the_middle_of_a_pass_removes_nobody(world):
    await world.hired("ada@x.io")
    world.okta.fail("revoked", path=APP_USERS)
    with pytest.raises(OktaUnauthorizedError):
        await world.run()
    assert set(world.owned()) == {"ada@x.io"}


async def test_a_role_without_permission_names_it_and_removes_nobody(world):
    await world.hired("ada@x.io")
    world.okta.narrow_role(without=["okta.apps.read"])
    with pytest.raises(OktaForbiddenError, match=r"okta\.apps\.read"):
        await world.run()
    assert set(world.owned()) == {"ada@x.io"}


async def test_people_who_are_hidden_all_at_once_are_held(world):
    people = await world.hired("ada@x.io", "bob@x.io")
    world.okta.narrow_role(hide=[person.id for person in people])
    report = await world.run()
    assert set(world.owned()) == {"ada@x.io", "bob@x.io"}
    assert len(report.plan.findings.held) == 2


async def test_an_inactive_app_removes_nobody(world):
    ada, _ = await world.hired("ada@x.io", "bob@x.io")
    world.okta.unassign(world.okta_app.id, ada.id)
    world.okta.deactivate_app(world.okta_app.id)
    report = await world.run()
    assert "INACTIVE" in report.plan.findings.holds[0].why
    assert "ada@x.io" in world.owned()


async def test_a_user_whom_another_client_edits_meanwhile_is_read_and_planned_again(world):
    (ada,) = await world.hired("ada@x.io")
    world.okta.update_profile(ada.id, department="Looms")
    world.meddle_after_listing(lambda: edit_user(world.teleport.administrator, "ada@x.io", roles=["access"]))
    report = await world.run()
    assert report.succeeded
    user = world.users()["ada@x.io"]
    assert list(user.Spec.Roles) == ["access", "okta-requester"]
    assert list(user.Spec.Traits.Values["okta/department"].Values) == ["Looms"]


async def test_a_user_whom_another_client_creates_meanwhile_is_left_alone(world):
    world.hire("ada@x.io")
    world.meddle_after_listing(lambda: world.teleport.administrator.create_user("ada@x.io", roles=["access"]))
    report = await world.run()
    assert world.owned() == {}
    assert [row.name for row in report.plan.quarantined] == ["ada@x.io"]
    assert [entry.row.name for entry in await world.parts.store.quarantine()] == ["ada@x.io"]


async def test_an_answer_that_gets_lost_is_looked_into(world):
    leaver = world.hire("leaver@x.io")
    for name in ("a@x.io", "b@x.io"):
        world.hire(name)
    world.teleport.faults.add(Fault(CREATE, grpc.StatusCode.UNAVAILABLE, applied=True, count=2))
    assert (await world.run()).succeeded
    world.okta.unassign(world.okta_app.id, leaver.id)
    world.teleport.faults.add(Fault(DELETE, grpc.StatusCode.UNAVAILABLE, applied=True, count=1))
    assert (await world.run()).succeeded
    assert set(world.owned()) == {"a@x.io", "b@x.io"}


async def test_a_burst_of_outages_is_waited_out(world):
    world.hire("ada@x.io")
    world.teleport.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE, count=7))
    assert (await world.run()).succeeded


async def test_one_refused_user_leaves_the_others_right(world):
    for name in "abc":
        world.hire(f"{name}@x.io")
    world.teleport.faults.add(Fault(CREATE, grpc.StatusCode.PERMISSION_DENIED, count=1))
    report = await world.run()
    assert report.counts() == {Result.DONE: 2, Result.FAILED: 1}
    assert len(world.owned()) == 2
    assert (await world.run()).succeeded
    assert len(world.owned()) == 3


async def test_a_leaver_cannot_be_deleted_without_having_been_locked(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.unassign(world.okta_app.id, ada.id)
    world.teleport.faults.add(Fault("*/UpsertLock", grpc.StatusCode.PERMISSION_DENIED, count=1))
    await world.run()
    assert "ada@x.io" in world.owned()
    await world.run()
    assert "ada@x.io" not in world.owned()
    assert "ada@x.io" in world.locks()


async def test_the_lock_is_over_when_every_certificate_is(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.deactivate(ada.id)
    await world.run()
    world.clock.advance(30 * 3600)
    assert "ada@x.io" in world.locks()
    world.clock.advance(16 * 60)
    assert "ada@x.io" not in world.locks()


async def test_a_managed_user_deleted_by_hand_comes_back(world):
    await world.hired("ada@x.io")
    world.clock.advance(TEN_MINUTES)
    await world.run()
    world.teleport.administrator.delete_user("ada@x.io")
    world.clock.advance(TEN_MINUTES)
    report = await world.run()
    assert actions(report) == ["create"]
    assert set(world.owned()) == {"ada@x.io"}


async def test_passes_in_quick_succession_do_not_trust_a_listing_that_lags(tmp_path):
    async with built_world(tmp_path, lag=ListingLag.observed()) as world:
        (ada, _) = await world.hired("ada@x.io", "bob@x.io")
        assert not (await world.run()).plan.changes
        world.okta.unassign(world.okta_app.id, ada.id)
        assert actions(await world.run()) == ["lock", "delete"]
        assert not (await world.run()).plan.changes


async def test_a_process_that_starts_right_after_another_does_not_see_whom_that_one_deleted(tmp_path):
    async with built_world(tmp_path, lag=ListingLag.observed()) as world:
        (ada, _) = await world.hired("ada@x.io", "bob@x.io")
        world.clock.advance(60)
        world.okta.unassign(world.okta_app.id, ada.id)
        assert actions(await world.run()) == ["lock", "delete"]
        await world.restart()
        assert not (await world.run()).plan.changes


async def test_a_community_cluster_needs_the_setting_for_local_users(tmp_path):
    async with built_world(tmp_path, edition="oss") as world:
        world.hire("ada@x.io")
        with pytest.raises(ConfigError, match="SAML"):
            await world.run()
        assert world.owned() == {}


async def test_a_community_cluster_gets_plain_local_users(tmp_path):
    async with built_world(tmp_path, edition="oss", settings={"sync": {"local_users": True}}) as world:
        await world.hired("ada@x.io")
        user = world.users()["ada@x.io"]
        assert not user.Spec.CreatedBy.HasField("Connector")
        assert not user.Spec.SAMLIdentities
        assert not user.Spec.Roles
        assert not (await world.run()).plan.changes


async def test_the_whole_organisation_can_be_the_source(tmp_path):
    async with built_world(tmp_path, settings={"sync": {"source": "organization"}}) as world:
        world.okta.create_user({"firstName": "A", "lastName": "B", "login": "unassigned@x.io"})
        await world.hired("ada@x.io")
        assert {"ada@x.io", "unassigned@x.io"} <= set(world.owned())


async def test_what_teleport_accepts_just_works(world):
    long = "x" * 900 + "@x.io"
    person = world.okta.create_user({"firstName": "Ünï", "lastName": "Ä", "login": "plain@x.io", "email": "p@x.io"})
    world.okta.import_profile(person.id, motto="⚙️ 機械 🚀")
    world.okta.assign(world.okta_app.id, person.id, user_name=long)
    assert (await world.run()).succeeded
    assert list(world.users()[long].Spec.Traits.Values["okta/motto"].Values) == ["⚙️ 機械 🚀"]


async def test_named_default_roles_must_exist(tmp_path):
    async with built_world(tmp_path, settings={"sync": {"default_roles": ["nosuch"]}}) as world:
        with pytest.raises(ConfigError, match="nosuch"):
            await world.run()
    async with built_world(tmp_path / "b", settings={"sync": {"default_roles": ["access"]}}) as world:
        await world.hired("ada@x.io")
        assert list(world.users()["ada@x.io"].Spec.Roles) == ["access"]


async def test_a_pass_takes_three_calls_and_never_more_than_four_writes_at_once(world):
    for number in range(60):
        world.hire(f"u{number}@x.io")
    world.teleport.calls.reset()
    mark = world.okta.mark()
    await world.run()
    assert world.okta.calls_since(mark).total == 3
    assert world.teleport.calls.most_writes_in_flight <= 4


async def test_an_okta_that_answers_nonsense_is_an_error_and_removes_nobody(world):
    await world.hired("ada@x.io")
    for kind in ("truncated", "bad_gateway", "internal_error", "reset"):
        world.okta.fail(kind, path=APP_USERS)
        with pytest.raises(OktaError):
            await world.run()
        world.okta.recover()
    assert set(world.owned()) == {"ada@x.io"}


async def test_users_whom_a_server_skips_at_page_boundaries_are_found_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("teleport_okta.teleport.users.PAGE_SIZE", 20)
    async with built_world(tmp_path, version="18.0.0") as world:
        app = seed_organization(world.okta, users=30, rng=random.Random(1))
        settings = world.parts.full_pass._settings
        world.parts.full_pass._settings = settings.model_copy(
            update={"okta": settings.okta.model_copy(update={"app_id": app.id})}
        )
        assert (await world.run()).succeeded
        world.clock.advance(TEN_MINUTES)
        boundary = sorted(world.users())[20]
        world.okta.unassign(app.id, world.owned()[boundary])
        assert actions(await world.run()) == ["lock", "delete"]
        assert boundary not in world.owned()


CODES = [
    "PERMISSION_DENIED",
    "UNAUTHENTICATED",
    "INTERNAL",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "UNIMPLEMENTED",
]


@pytest.mark.parametrize("rpc", ["ListUsers", "GetLocks", "Ping", "GetRole"])
async def test_a_read_that_teleport_refuses_is_one_typed_error_and_removes_nobody(world, rpc, subtests):
    await world.hired("ada@x.io", "bob@x.io")
    for code in CODES:
        with subtests.test(code):
            world.teleport.faults.add(Fault(f"*/{rpc}", grpc.StatusCode[code]))
            with contextlib.suppress(TeleportError):
                await world.run()
            assert set(world.owned()) == {"ada@x.io", "bob@x.io"}
            world.teleport.faults.clear()
            assert (await world.run()).succeeded


async def test_a_conflict_under_an_approved_digest_is_reported_and_not_planned_anew(world):
    (ada,) = await world.hired("ada@x.io")
    world.okta.update_profile(ada.id, department="Looms")
    digest = (await world.parts.full_pass.plan()).digest
    world.teleport.faults.add(Fault("*/UpdateUser", grpc.StatusCode.FAILED_PRECONDITION, count=1))
    report = await world.parts.full_pass.run(trigger="test", expected_digest=digest)
    assert report.counts() == {Result.CONFLICT: 1}
    assert (await world.run()).succeeded


async def test_held_leaves_are_no_success(world):
    (ada,) = await world.hired("ada@x.io")
    world.okta.narrow_role(hide=[ada.id])
    report = await world.run()
    assert report.applied
    assert not report.succeeded


async def test_a_listing_that_loses_rows_is_an_alarm_and_nobody_leaves(world):
    (ada,) = await world.hired("ada@x.io")
    world.okta.fail("empty", path=APP_USERS)
    report = await world.run()
    assert "lacks 1 people whom a read by id shows" in report.error
    assert world.owned() == {"ada@x.io": ada.id}
    assert world.locks() == {}
