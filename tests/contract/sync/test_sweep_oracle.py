"""Each objection of the fault sweep's oracle is provoked by hand here."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from contract.sync.sweep_oracle import Attempt, Guard, attempted, harm, unclear, unlocked, wrong_state
from contract.sync.sweep_performance import Performance
from contract.sync.sweep_space import Moment, each, everything
from contract.sync.sweep_story import STEPS, TELLINGS, begin, told
from contract.sync.sweep_troubles import Call, Trouble
from hands import edit_user
from teleport.legacy.types.types_pb2 import LockV2
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model import labels
from teleport_okta.model.findings import Quarantined
from teleport_okta.okta.people_reader import OktaReads
from teleport_okta.sync.confirm_absences import Confirmation
from teleport_okta.sync.full_pass import FullPass
from teleport_okta.teleport.teleport_errors import RpcError, UnavailableError

LIST_USERS = Call("/teleport.users.v1.UsersService/ListUsers", is_okta=False)
APP_USERS = Call("GET /api/v1/apps/{id}/users", is_okta=True)
FIRST_PASS, CHANGES = 1, 2


@pytest.fixture
async def play(tmp_path, monkeypatch):
    """The story up to the first pass: five people, all of them users, and two strangers."""
    async with told(TELLINGS[0], tmp_path, monkeypatch) as play:
        for step in STEPS[: FIRST_PASS + 1]:
            begin(play, step)
            await step.command(play)
        yield play


def all_objections(play, guard):
    play.pass_time(5)
    return " ".join([*wrong_state(play), *harm(play, guard)])


async def test_nothing_is_wrong_after_a_pass_that_went_well(play):
    assert not all_objections(play, Guard(play))


async def test_a_user_who_should_stay_was_deleted_even_if_it_was_made_again(play):
    guard, users = Guard(play), play.world.teleport.cluster.users
    ada = play.world.users()["ada@x.io"]
    play.world.teleport.administrator.delete_user("ada@x.io")
    play.pass_time(5)
    users.create(ada)
    assert all_objections(play, guard) == "ada@x.io, who should stay, was deleted"


async def test_a_user_who_should_stay_was_locked(play):
    guard = Guard(play)
    play.world.teleport.administrator.create_lock("a-lock", "ada@x.io")
    assert "ada@x.io, who should stay, was locked" in all_objections(play, guard)


async def test_a_stranger_was_touched(play):
    guard = Guard(play)
    edit_user(play.world.teleport.administrator, "local@x.io", roles=["editor"])
    assert "local@x.io, who is not ours, was changed" in all_objections(play, guard)


async def test_a_user_is_missing(play):
    play.users["zoe@x.io"] = "zoe"
    assert "users: " in all_objections(play, Guard(play))


@pytest.mark.parametrize(
    "edit", [{"roles": []}, {"traits": {"okta/department": ["Spies"]}}, {"traits": {"okta/login": ["eve"]}}]
)
async def test_a_user_is_not_as_wanted(play, edit):
    edit_user(play.world.teleport.administrator, "ada@x.io", **edit)
    assert "ada@x.io has the " in all_objections(play, Guard(play))


async def test_a_leaver_is_not_locked(play):
    play.locks["bea@x.io"] = "bea", True
    assert f"locks on {('bea@x.io', play.ids['bea'])}: [] instead of some end" in all_objections(play, Guard(play))


async def test_a_leaver_who_is_not_locked_when_the_pass_ends_is_told(play):
    assert not list(unlocked(play))
    play.locks |= {"bea@x.io": ("bea", True), "eve@x.io": ("eve", False), "dan@x.io": ("dan", True)}
    play.renamed.add("dan@x.io")
    assert [line.partition(",")[0] for line in unlocked(play)] == ["bea@x.io", "eve@x.io"]
    for who in ("bea", "eve"):
        lock = LockV2(Kind="lock", Version="v2")
        lock.Metadata.Name, lock.Spec.Target.User = who, f"{who}@x.io"
        lock.Metadata.Labels[labels.OKTA_ID] = play.ids[who]
        play.world.teleport.cluster.locks.upsert(lock)
    assert list(unlocked(play)) == ["the lock of bea@x.io, who left, has no end"]


def words_of(error, play, call=LIST_USERS):
    return " ".join(unclear(Attempt(error=error), play, call))


async def test_an_error_that_is_not_ours(play):
    assert "which is not an error of ours" in words_of(KeyError("ListUsers"), play)


async def test_an_error_that_names_nothing(play):
    assert "names neither the call nor an object" in words_of(TeleportOktaError("failed", remedy="wait"), play)


@pytest.mark.parametrize("what", ["UsersService/ListUsers failed", "user 'ada@x.io' was refused"])
async def test_an_error_that_names_the_call_or_an_object_but_no_remedy(play, what):
    assert words_of(TeleportOktaError(what), play).startswith("has no remedy")
    assert not words_of(TeleportOktaError(what, remedy="wait"), play)


async def test_an_okta_call_is_named_by_its_path(play):
    error = TeleportOktaError("GET /api/v1/apps/0oaX/users broke off", remedy="wait")
    assert not words_of(error, play, APP_USERS)


async def test_a_report_of_a_failure_without_a_cause(play):
    report = replace(await play.run(), error="something went wrong")
    said = " ".join(unclear(Attempt(report=report), play, LIST_USERS))
    assert "names neither the call nor an object" in said
    assert "has no remedy" in said
    assert list(unclear(Attempt(report=replace(report, error="")), play, LIST_USERS)) == [
        "did not succeed, and does not say why"
    ]


async def test_a_pass_that_sets_a_row_aside_claims_no_success_and_must_say_why(play):
    report = await play.run()
    assert Attempt(report=report).claims_success
    row = Quarantined.from_text("user", "ada@x.io", "00uADA", "odd", "")
    attempt = Attempt(report=replace(report, plan=replace(report.plan, quarantined=(row,))))
    assert not attempt.claims_success
    assert list(unclear(attempt, play, LIST_USERS)) == ["sets ada@x.io aside without a reason or a remedy"]


async def test_an_error_that_is_raised_is_an_attempt_too():
    async def command():
        raise UnavailableError("UsersService/ListUsers", "users", "gone")

    attempt = await attempted(command())
    assert isinstance(attempt.error, RpcError)
    assert not attempt.claims_success


async def objections_to_lasting(fault, tmp_path, monkeypatch):
    """The objections when Okta's listing of people fails throughout the pass in which people leave."""
    telling = TELLINGS[0]
    performance = Performance(telling, {CHANGES: Trouble(telling.name, CHANGES, APP_USERS, 1, fault, lasts=True)})
    await performance.perform(tmp_path, monkeypatch)
    assert performance.met
    return " ".join(performance.objections)


async def test_a_call_without_an_answer_ends_in_time(tmp_path, monkeypatch):
    attempts = []
    trouble = Trouble(TELLINGS[0].name, CHANGES, APP_USERS, 1, "no-answer", lasts=True)
    performance = Performance(TELLINGS[0], {CHANGES: trouble}, look=lambda play, attempt: attempts.append(attempt))
    await performance.perform(tmp_path, monkeypatch)
    assert not performance.objections
    assert "got no answer in time" in str(attempts[CHANGES].error)


async def test_a_product_that_takes_an_error_for_an_absence_is_caught(tmp_path, monkeypatch):
    listing, seen = OktaReads._people, []

    async def people(self, path, query, read):
        try:
            seen.append(await listing(self, path, query, read))
        except TeleportOktaError:
            return replace(seen[-1], people=seen[-1].people[1:])
        return seen[-1]

    async def confirmed(self, listing, absent, *, most):
        return replace(listing, unassigned=frozenset(absent))

    monkeypatch.setattr(OktaReads, "_people", people)
    monkeypatch.setattr(Confirmation, "confirmed", confirmed)
    assert "who should stay, was deleted" in await objections_to_lasting("502-page", tmp_path, monkeypatch)


async def test_a_product_that_claims_to_have_succeeded_whatever_happens_is_caught(tmp_path, monkeypatch):
    run, reports = FullPass.run, []

    async def careless(self, **details):
        with contextlib.suppress(TeleportOktaError):
            reports.append(await run(self, **details))
        return reports[-1]

    monkeypatch.setattr(FullPass, "run", careless)
    objections = await objections_to_lasting("502-page", tmp_path, monkeypatch)
    assert "claims to have succeeded, but users:" in objections


def test_the_sample_has_every_call_with_every_fault_once():
    moments = {
        LIST_USERS: [Moment("direct", 1, 1), Moment("direct", 2, 1)],
        APP_USERS: [Moment("direct", 1, 1), Moment("proxy", 1, 2)],
    }
    troubles = each(moments)
    assert sorted((trouble.call, trouble.fault) for trouble in troubles) == sorted(
        (call, fault) for call in moments for fault in call.faults
    )
    assert {trouble.lasts for trouble in troubles} == {True, False}
    assert set(troubles) <= set(everything(moments))
