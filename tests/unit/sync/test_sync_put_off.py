"""Changes that were refused and are put off, and the steps that wait with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from teleport_okta.apply.outcome import Outcome
from teleport_okta.model.findings import PutOff, Quarantined
from teleport_okta.model.harm import Limits
from teleport_okta.model.names import member_role
from teleport_okta.plan.changes import Action
from teleport_okta.plan.digest import plan_digest
from teleport_okta.plan.needs import stands_for
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.repairs import Repairs, repair_digest
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.store import QuarantineEntry
from teleport_okta.sync.quarantine import QuarantineRules, without_what_must_wait
from worlds import NOW, listing, owned_user, person, planned
from worlds_directory import ADA, BOB, CY, PEOPLE, Cluster, app, changes, group, organization, synced, whole_plan

OKTA = organization(group("00gENG", members=[ADA, BOB]), group("00gOPS", members=[CY]), app("0oaGIT"))


def without(plan, kind, label, tries=2):
    """The plan, after this change was refused so many times and put off for an hour."""
    [change] = [one for one in plan.changes if (one.kind, one.label) == (kind, label)]
    row = Quarantined.from_text(kind, label, change.okta_id, "refused", "wait")
    entry = QuarantineEntry(row, NOW, NOW + timedelta(hours=1), tries, plan_digest([change]))
    left = without_what_must_wait(plan, [entry], NOW)
    assert tries < 2 or row in left.quarantined
    return left


def test_a_role_that_was_refused_takes_its_list_along_and_nothing_else():
    plan = whole_plan(OKTA, Cluster())
    left = without(plan, "role", member_role("00gENG"))
    assert set(changes(plan)) - set(changes(left)) == {
        f"create role {member_role('00gENG')}",
        "create access_list 00gENG",
    }


def test_a_user_who_was_refused_is_left_out_of_new_lists_that_are_made_all_the_same():
    left = without(whole_plan(OKTA, Cluster()), "user", "ada")
    [making] = [one for one in left.changes if one.label == "00gENG" and one.kind == "access_list"]
    assert making.members == (stands_for("bob", BOB),)
    assert "create user ada" not in changes(left)


def test_a_user_who_was_refused_joins_no_list_that_is_there():
    cluster = synced(OKTA, people=listing(*PEOPLE.people[1:]))
    plan = whole_plan(OKTA, cluster)
    assert changes(plan) == ["create user ada", "create member 00gENG/ada"]
    assert not changes(without(plan, "user", "ada"))


def test_a_member_who_was_refused_keeps_nobody_else_out():
    cluster = synced(organization(group("00gENG", members=[CY]), group("00gOPS", members=[CY]), app("0oaGIT")))
    plan = whole_plan(OKTA, cluster)
    assert changes(without(plan, "member", "00gENG/ada")) == ["create member 00gENG/bob", "delete member 00gENG/cy"]


def test_a_list_that_was_refused_is_put_off_with_its_members():
    left = without(whole_plan(OKTA, Cluster()), "access_list", "00gENG")
    assert changes(left, "access_list", "member") == ["create access_list 00gOPS"]


def test_an_old_name_stays_while_the_new_one_was_refused():
    renamed = listing(person(ADA, "countess"), *PEOPLE.people[1:])
    plan = whole_plan(OKTA, synced(OKTA), people=renamed)
    assert "delete user ada" in changes(plan)
    assert not changes(without(plan, "user", "countess"))


def test_what_was_refused_once_is_tried_again_at_once():
    plan = whole_plan(OKTA, Cluster())
    assert without(plan, "access_list", "00gENG", tries=1) == plan


SUSPENDED = listing(*(replace(one, status="SUSPENDED") if one.okta_id == ADA else one for one in PEOPLE.people))


def test_harm_of_a_refused_user_is_never_put_off():
    plan = whole_plan(OKTA, synced(OKTA), people=SUSPENDED)
    [lock] = [change for change in plan.changes if change.action is Action.LOCK]
    row = Quarantined.from_text("user", "ada", ADA, "refused", "wait")
    waiting = QuarantineEntry(row, NOW, NOW + timedelta(hours=1), 5, plan_digest([lock]))
    left = without_what_must_wait(plan, [waiting], NOW)
    assert left == plan
    assert left.put_off == ()


def test_harm_of_a_user_goes_on_where_a_harmless_step_of_the_same_user_is_put_off():
    lock = next(change for change in whole_plan(OKTA, synced(OKTA), people=SUSPENDED).changes if change.harm)
    repairing = replace(lock, action=Action.UPDATE, kind="user", harm=None, content=None)
    plan = Plan(changes=(repairing, lock))
    row = Quarantined.from_text("user", "ada", ADA, "refused", "wait")
    waiting = QuarantineEntry(row, NOW, NOW + timedelta(hours=1), 5, plan_digest([repairing]))
    left = without_what_must_wait(plan, [waiting], NOW)
    assert left.changes == (lock,)
    assert left.put_off == (PutOff(row, NOW + timedelta(hours=1)),)


def test_nothing_of_a_user_who_is_to_be_unlocked_is_put_off():
    lock = next(change for change in whole_plan(OKTA, synced(OKTA), people=SUSPENDED).changes if change.harm)
    repairing = replace(lock, action=Action.UPDATE, kind="user", harm=None, content=None)
    unlocking = replace(lock, action=Action.UNLOCK, harm=None, content=None, found=lock.content)
    plan = Plan(changes=(repairing, unlocking))
    row = Quarantined.from_text("user", "ada", ADA, "refused", "wait")
    for refused in plan.changes:
        waiting = QuarantineEntry(row, NOW, NOW + timedelta(hours=1), 5, plan_digest([refused]))
        assert without_what_must_wait(plan, [waiting], NOW) == plan


def entries_after(change, result=Result.FAILED, *, tries=4, error="no", **more):
    """The entry of a change that was refused so many times before, and now again."""
    row = Quarantined.from_text("user", change.label, change.okta_id, f"{change.action} {change.kind}: no", "wait")
    before = QuarantineEntry(row, NOW, NOW, tries, plan_digest([change]))
    rules = QuarantineRules(interval=timedelta(minutes=10), limits=Limits(), rows=10)
    outcome = Outcome(change, result, error, **more)
    return rules.entries([], [], [outcome], [before], NOW)


def test_what_is_refused_again_and_again_waits_longer_but_harm_and_unlocking_do_not():
    lock = next(change for change in whole_plan(OKTA, synced(OKTA), people=SUSPENDED).changes if change.harm)
    for change, minutes in (
        (lock, 10),
        (replace(lock, action=Action.UNLOCK, harm=None), 10),
        (replace(lock, action=Action.UPDATE, kind="user", harm=None, content=None), 160),
    ):
        [entry] = entries_after(change)
        assert (entry.tries, entry.next_try) == (5, NOW + timedelta(minutes=minutes))


def test_a_change_that_got_no_answer_waits_like_one_that_was_refused():
    [change] = [
        one for one in whole_plan(OKTA, Cluster()).changes if one.kind == "access_list" and one.label == "00gENG"
    ]
    [entry] = entries_after(change, tries=0, unanswered=True)
    assert (entry.tries, entry.next_try) == (1, NOW + timedelta(minutes=10))
    assert entry.attempt == plan_digest([change])


def test_a_repair_that_another_client_undoes_is_put_off_with_its_time_and_keeps_it_in_quarantine():
    user = owned_user("00uA", "ada")
    theirs = replace(user, traits={**user.traits, "okta/department": ("theirs",)})
    plan = planned(listing(person("00uA", "ada")), [theirs])
    [change] = plan.changes
    past = Repairs("user", "ada", repair_digest(change), tuple(NOW - timedelta(minutes=ago) for ago in (30, 20, 10)))
    left = without_what_must_wait(plan, [], NOW, repairs=[past])
    until = NOW + timedelta(minutes=50)
    assert left.changes == ()
    assert [one.until for one in left.put_off] == [until]
    rules = QuarantineRules(interval=timedelta(minutes=10), limits=Limits(), rows=10)
    [entry] = rules.entries(left.quarantined, left.put_off, [], [], NOW)
    assert (entry.row, entry.next_try) == (left.put_off[0].row, until)
    [later] = rules.entries(left.quarantined, left.put_off, [], [entry], NOW + timedelta(minutes=10))
    assert later == entry


def test_a_time_far_beyond_the_longest_pause_is_a_clock_that_was_set_back():
    plan = whole_plan(OKTA, Cluster())
    [change] = [one for one in plan.changes if (one.kind, one.label) == ("access_list", "00gENG")]
    row = Quarantined.from_text("access_list", "00gENG", change.okta_id, "refused", "wait")
    entry = QuarantineEntry(row, NOW, NOW + timedelta(days=1), 3, plan_digest([change]))
    assert without_what_must_wait(plan, [entry], NOW) == plan
