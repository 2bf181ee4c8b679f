"""The brake: which harm goes through, which is held, and what an approval admits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.trust import Absences
from teleport_okta.model.harm import Approval, Evidence, Harmed, Limits, PastHarm, held_digest
from teleport_okta.model.reasons import Verbatim
from teleport_okta.plan.render import as_text
from teleport_okta.plan.view import view_of
from worlds import NOW, braked, leaver_lock, listing, owned_user, person, planned, steps


def harm(*, absent=0, stated=0, suspended=0, staying=0, locks=()):
    """A plan, nothing held, and the names owned: so many people leave in each way, and so many stay."""
    rows, users = [], []
    for way, count, status in (
        ("absent", absent, None),
        ("stated", stated, "DEPROVISIONED"),
        ("suspended", suspended, "SUSPENDED"),
        ("staying", staying, "ACTIVE"),
    ):
        for number in range(count):
            okta_id, name = f"00u{way}{number:03}", f"{way}{number:03}"
            users.append(owned_user(okta_id, name))
            if status:
                rows.append(person(okta_id, name, status=status))
    return planned(listing(*rows), users, locks), [user.name for user in users]


def past(count, evidence, *, kind="user", counted=True, is_open=False):
    return tuple(PastHarm(Harmed(kind, f"old{n}", f"00uold{n}"), evidence, counted, is_open) for n in range(count))


def gone(plan):
    return [subject for action, subject in steps(plan) if action == "delete"]


def locked(plan):
    return [change.subject for change in plan.changes if change.harm and change.harm.kind == "lock"]


def test_a_few_leavers_go_through():
    plan, owned = harm(absent=10, staying=20)
    assert braked(plan, owned=owned) == plan


@pytest.mark.parametrize(("leavers", "staying", "through"), [(1, 0, 1), (1, 2, 1), (2, 2, 0), (3, 6, 3), (4, 7, 0)])
def test_a_small_organisation_loses_no_more_than_a_third_at_once(leavers, staying, through):
    plan, owned = harm(absent=leavers, staying=staying)
    assert len(gone(braked(plan, owned=owned))) == through


def test_an_absent_set_above_its_limit_is_held_whole():
    plan, owned = harm(absent=11, staying=50)
    held = braked(plan, owned=owned)
    assert gone(held) == []
    assert len(held.held) == 11
    (hold,) = held.holds
    assert (hold.count, hold.of, hold.limit, hold.used) == (11, 61, 10, 0)


def test_one_of_those_who_are_held_as_a_whole_stays_held_alone():
    plan, owned = harm(absent=1, staying=50)
    of_a_flood = frozenset({Harmed("user", "absent000", "00uabsent000")})
    assert gone(braked(plan, owned=owned, held_whole=of_a_flood)) == []
    assert gone(braked(plan, owned=owned)) == ["absent000"]


def test_the_ratio_counts_where_it_is_more_than_the_floor():
    plan, owned = harm(absent=20, staying=180)
    assert len(gone(braked(plan, owned=owned))) == 20
    plan, owned = harm(absent=20, staying=179)
    assert gone(braked(plan, owned=owned)) == []


def test_stated_harm_goes_through_one_by_one_until_the_limit():
    plan, owned = harm(stated=30, staying=30)
    held = braked(plan, owned=owned)
    assert len(gone(held)) == 15
    assert len(held.held) == 15
    assert gone(held) == sorted(gone(plan))[:15]


def test_each_kind_and_evidence_has_a_limit_of_its_own():
    plan, owned = harm(absent=11, stated=10, suspended=10)
    held = braked(plan, owned=owned)
    assert len(gone(held)) == 10
    assert len(locked(held)) == 10
    assert {hold.evidence for hold in held.holds} == {Evidence.ABSENT}


def test_a_flood_that_is_held_keeps_no_genuine_leaver_of_the_other_class():
    plan, owned = harm(absent=100, stated=1, staying=1)
    assert gone(braked(plan, owned=owned)) == ["stated000"]


def test_what_was_done_within_the_hour_is_used_up():
    plan, owned = harm(absent=5, stated=5, staying=20)
    assert len(gone(braked(plan, owned=owned, past=past(6, Evidence.ABSENT)))) == 5
    assert len(gone(braked(plan, owned=owned, past=past(7, Evidence.STATED)))) == 8
    assert len(gone(braked(plan, owned=owned, past=past(5, Evidence.ABSENT)))) == 10


def test_harm_that_is_not_counted_uses_nothing_up():
    plan, owned = harm(absent=10, stated=10)
    approved = (*past(10, Evidence.ABSENT, counted=False), *past(10, Evidence.STATED, counted=False))
    assert braked(plan, owned=owned, past=approved) == plan


def test_harm_of_the_last_hour_still_belongs_to_the_population():
    plan, owned = harm(absent=11, staying=79)
    assert gone(braked(plan, owned=owned)) == []
    assert len(gone(braked(plan, owned=owned, past=past(20, Evidence.STATED)))) == 11


def test_the_rest_of_a_harm_is_not_counted_again():
    locks = [leaver_lock(f"00uabsent{number:03}", f"absent{number:03}") for number in range(11)]
    plan, owned = harm(absent=11, locks=locks)
    held = braked(plan, owned=owned, past=past(10, Evidence.ABSENT))
    assert len(gone(held)) == 11
    assert not any(change.harm.counted for change in held.changes)


def test_a_record_that_a_crash_left_open_counts_and_its_harm_does_not_count_twice():
    plan, owned = harm(absent=10, staying=20)
    begun = PastHarm(Harmed("user", "absent000", "00uabsent000"), Evidence.ABSENT, counted=True, is_open=True)
    assert len(gone(braked(plan, owned=owned, past=(begun,)))) == 10
    assert gone(braked(plan, owned=owned, past=(begun, *past(1, Evidence.ABSENT)))) == ["absent000"]


@pytest.mark.parametrize("approvable", [True, False])
def test_absences_that_are_not_believed_are_held_whole_however_few(approvable):
    plan, owned = harm(absent=1, stated=1)
    held = braked(plan, owned=owned, absences=Absences(Verbatim("the listing is odd"), approvable))
    assert gone(held) == ["stated000"]
    assert [row.name for row in held.held] == ["absent000"]
    assert bool(held.findings.held_digest) is approvable


def test_a_plan_warns_that_absences_are_not_believed_even_if_none_are_found():
    held = braked(
        planned(listing(person("00uA", "a"))), absences=Absences(Verbatim("the listing is incomplete: 503"), False)
    )
    assert "503" in held.warnings[0]


def approval_of(plan, *without):
    harmed = frozenset(row.harmed for row in plan.held if row.name not in without)
    return Approval(held_digest(harmed), harmed, NOW)


def test_an_approval_admits_what_was_held_outside_the_count():
    plan, owned = harm(absent=11, stated=12, staying=10)
    held = braked(plan, owned=owned)
    admitted = braked(plan, owned=owned, approvals=(approval_of(held),))
    assert len(gone(admitted)) == 23
    assert sum(change.harm.counted for change in admitted.changes if change.action == "delete") == 10
    assert not admitted.held


def test_an_approval_admits_a_part_of_what_it_covers():
    plan, owned = harm(absent=12)
    approval = approval_of(braked(plan, owned=owned))
    fewer, owned = harm(absent=11)
    assert len(gone(braked(fewer, owned=owned, approvals=(approval,)))) == 11


def test_an_approval_admits_nothing_when_one_more_is_held():
    plan, owned = harm(absent=12)
    held = braked(plan, owned=owned)
    again = braked(plan, owned=owned, approvals=(approval_of(held, "absent007"),))
    assert gone(again) == []
    assert again.held == held.held


def test_what_a_partial_read_lacks_cannot_be_approved():
    plan, owned = harm(absent=11)
    approval = approval_of(braked(plan, owned=owned))
    doubt = Absences(Verbatim("the listing is incomplete"), approvable=False)
    assert gone(braked(plan, owned=owned, absences=doubt, approvals=(approval,))) == []


def test_no_floor_and_no_ratio_hold_everything():
    plan, owned = harm(absent=1, stated=1, suspended=1)
    held = braked(plan, owned=owned, limits=Limits(floor=0, absent=0, stated=0))
    assert [change for change in held.changes if change.harm] == []
    assert len(held.held) == 3


def test_new_users_are_never_held():
    plan = planned(listing(*[person(f"00u{n}", f"u{n}") for n in range(50)]))
    assert braked(plan, absences=Absences(Verbatim("odd"))).changes == plan.changes


def test_the_held_digest_covers_whom_and_not_why():
    plan, owned = harm(absent=11)
    held = braked(plan, owned=owned)
    odd = braked(plan, owned=owned, absences=Absences(Verbatim("the listing is odd")))
    assert held.findings.held_digest == odd.findings.held_digest == held_digest(row.harmed for row in held.held)
    assert replace(held, held=held.held[1:]).findings.held_digest != held.findings.held_digest


def test_a_person_reads_how_many_of_how_many_why_and_the_command():
    plan, owned = harm(absent=11, suspended=12, staying=10)
    text = as_text(view_of(braked(plan, owned=owned, past=past(2, Evidence.ABSENT))))
    assert "held: 11 of 35 users to go (absent): the limit is 10 an hour, 2 of it used" in text
    assert "held: 2 of 35 users to be locked (stated): the limit is 10 an hour" in text
    assert (
        f"teleport-okta approve {braked(plan, owned=owned, past=past(2, Evidence.ABSENT)).findings.held_digest}" in text
    )
    assert 'held: user "absent000" (00uabsent000) would leave: no longer assigned in Okta (absent)' in text
