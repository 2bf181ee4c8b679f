"""Locks and suspension: one lock of ours a user, about one person, with the end that fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.names import lock_name
from teleport_okta.model.problems import NameLocked
from worlds import NOW, ORG, POLICY, leaver_lock, listing, owned_user, person, planned, steps

ADA = person("00uADA", "ada@x.io")
SUSPENDED = replace(ADA, status="SUSPENDED")
USER = owned_user("00uADA", "ada@x.io")
ENDLESS = leaver_lock("00uADA", "ada@x.io", ends_in=None)


def test_a_suspended_person_is_locked_without_an_end_and_stays():
    (change,) = planned(listing(SUSPENDED), [USER]).changes
    assert (change.action, change.content.name, change.lock_for) == ("lock", ENDLESS.name, None)
    assert change.content.labels == ENDLESS.labels
    assert (change.harm.kind, change.harm.evidence) == ("lock", "stated")


def test_a_suspended_person_who_is_locked_needs_nothing():
    assert planned(listing(SUSPENDED), [USER], [ENDLESS]).is_empty


def test_a_suspended_newcomer_is_created_and_locked_without_harm():
    plan = planned(listing(SUSPENDED))
    assert steps(plan) == [("create", "ada@x.io"), ("lock", "ada@x.io")]
    assert not any(change.harm for change in plan.changes)


def test_an_unsuspended_person_is_unlocked():
    assert steps(planned(listing(ADA), [USER], [ENDLESS])) == [("unlock", "ada@x.io")]


def test_a_suspension_that_is_ignored_locks_no_user_and_unlocks():
    ignoring = replace(POLICY, lock_suspended=False)
    assert planned(listing(SUSPENDED), [USER], policy=ignoring).is_empty
    assert steps(planned(listing(SUSPENDED), [USER], [ENDLESS], policy=ignoring)) == [("unlock", "ada@x.io")]


def test_a_suspended_person_who_leaves_gets_the_leavers_end_first():
    plan = planned(listing(), [USER], [ENDLESS])
    lock = plan.changes[0]
    assert steps(plan) == [("lock", "ada@x.io"), ("delete", "ada@x.io")]
    assert (lock.name, lock.lock_for, lock.found) == (ENDLESS.name, LEAVER_LOCK, ENDLESS)


def test_a_suspension_is_no_beginning_of_a_leave():
    assert not any(change.harm.continues for change in planned(listing(), [USER], [ENDLESS]).changes)


def test_a_leaver_who_returns_suspended_keeps_the_lock_and_loses_its_end():
    plan = planned(listing(SUSPENDED), locks=[leaver_lock("00uADA", "ada@x.io")])
    assert steps(plan) == [("create", "ada@x.io"), ("lock", "ada@x.io")]
    assert plan.changes[1].lock_for is None


def test_a_suspended_person_without_a_usable_name_is_locked_nevertheless():
    nameless = replace(SUSPENDED, name="o'neil@x.io")
    assert steps(planned(listing(nameless), [USER])) == [("lock", "ada@x.io")]


def test_no_lock_of_a_person_of_unknown_status_changes():
    unknown = replace(ADA, status="HIBERNATING")
    assert planned(listing(unknown), [USER], [ENDLESS]).is_empty
    assert planned(listing(unknown), [USER]).is_empty


def test_the_return_of_another_person_releases_no_lock():
    theirs = leaver_lock("00uOLD", "ada@x.io")
    plan = planned(listing(ADA), [USER], [theirs])
    assert plan.is_empty
    assert plan.quarantined[0].cause == NameLocked("ada@x.io", ("00uOLD",))
    assert "teleport-okta release ada@x.io" in plan.quarantined[0].remedy


def test_locks_of_other_owners_are_not_ours():
    by_hand = replace(leaver_lock("00uADA", "ada@x.io"), labels={})
    other = replace(leaver_lock("00uADA", "ada@x.io"), labels={labels.OWNER: "00oOTHER", labels.OKTA_ID: "00uADA"})
    assert steps(planned(listing(ADA), locks=[by_hand])) == [("create", "ada@x.io")]
    assert steps(planned(listing(ADA), locks=[other])) == [("create", "ada@x.io")]


def test_an_adopted_user_gets_a_lock_without_origin_under_a_name_of_its_own():
    adopted = replace(USER, labels={labels.OWNER: ORG, labels.OKTA_ID: "00uADA", labels.OKTA_ORG: "x"})
    plan = planned(listing(), [adopted])
    assert labels.ORIGIN not in plan.changes[0].content.labels
    assert plan.changes[0].name == lock_name("ada@x.io", "00uADA", of_okta=False) != ENDLESS.name


def test_the_lock_of_an_earlier_origin_is_removed_once_the_new_one_is_there():
    adopted = replace(USER, labels={labels.OWNER: ORG, labels.OKTA_ID: "00uADA", labels.OKTA_ORG: "x"})
    plan = planned(listing(), [adopted], [ENDLESS])
    assert [(change.action, change.name) for change in plan.changes] == [
        ("lock", lock_name("ada@x.io", "00uADA", of_okta=False)),
        ("unlock", ENDLESS.name),
        ("delete", "ada@x.io"),
    ]


def test_a_suspensions_lock_on_a_user_deleted_by_hand_waits_until_a_leavers_would_be_over():
    plan = planned(listing(), locks=[ENDLESS])
    assert plan.is_empty
    (row,) = plan.quarantined
    since = {(row.kind, row.name, row.okta_id): NOW}
    almost = planned(listing(), locks=[ENDLESS], now=NOW + LEAVER_LOCK - timedelta(seconds=1), aside_since=since)
    assert almost.is_empty
    assert steps(planned(listing(), locks=[ENDLESS], now=NOW + LEAVER_LOCK, aside_since=since)) == [
        ("unlock", "ada@x.io")
    ]


@pytest.mark.parametrize(
    "user",
    [
        replace(USER, labels={}),
        replace(USER, labels={labels.OWNER: "00oOTHER", labels.OKTA_ID: "00uADA"}),
        owned_user("00uBOB", "ada@x.io"),
    ],
)
def test_a_suspensions_lock_on_a_user_who_is_not_that_persons_any_more_ends_likewise(user):
    snapshot = listing(person("00uBOB", "ada@x.io"))
    plan = planned(snapshot, [user], [ENDLESS])
    assert plan.is_empty
    (row,) = [row for row in plan.quarantined if row.kind == "lock"]
    since = {(row.kind, row.name, row.okta_id): NOW}
    later = planned(snapshot, [user], [ENDLESS], now=NOW + LEAVER_LOCK, aside_since=since)
    assert steps(later) == [("unlock", "ada@x.io")]


def test_the_lock_of_a_former_holder_stays_when_the_present_one_is_suspended():
    former = leaver_lock("00uBEFORE", "ada@x.io")
    (change,) = planned(listing(SUSPENDED), [USER], [former]).changes
    assert (change.action, change.found) == ("lock", None)
    assert change.name != former.name


def test_a_suspensions_lock_stays_on_a_user_of_that_person_whose_labels_a_login_took_away():
    """The person may have left meanwhile: the same plan then gives the lock its end, and must not take it off."""
    user = replace(USER, labels={})
    lock = ENDLESS
    since = {("lock", "ada@x.io", "00uADA"): NOW - timedelta(days=2)}
    plan = planned(listing(), [user], [lock], aside_since=since, replaced={"ada@x.io": "00uADA"})
    assert not plan.changes
    assert not plan.quarantined


def test_only_the_lock_without_an_end_is_taken_off():
    ending = replace(leaver_lock("00uADA", "ada@x.io", ends_in=timedelta(hours=99)), name="another")
    since = {("lock", "ada@x.io", "00uADA"): NOW - LEAVER_LOCK}
    (change,) = planned(listing(), locks=[ENDLESS, ending], aside_since=since).changes
    assert change.name == ENDLESS.name


def test_a_suspended_person_whose_user_was_deleted_by_hand_comes_back_locked():
    plan = planned(listing(SUSPENDED), locks=[ENDLESS])
    assert steps(plan) == [("create", "ada@x.io")]


def test_a_renamed_persons_old_name_is_locked_for_that_person():
    plan = planned(listing(person("00uADA", "countess@x.io")), [USER])
    assert steps(plan)[1:] == [("lock", "ada@x.io"), ("delete", "ada@x.io")]
    assert plan.changes[1].content.labels[labels.OKTA_ID] == "00uADA"
    assert plan.changes[1].harm.evidence == "stated"
