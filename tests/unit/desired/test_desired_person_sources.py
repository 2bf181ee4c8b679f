"""What both doors say of one person: a denial of either counts, silence denies nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.desired.people import desired_users
from teleport_okta.desired.person_sources import with_provisioned
from teleport_okta.desired.policy import DEPROVISIONED_LOCK, LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.okta import MalformedRow
from teleport_okta.model.provisioned import ProvisionedUser
from teleport_okta.model.reasons import DeprovisionedByScim, PersonDeleted
from worlds import NOW, POLICY, leaver_lock, listing, owned_user, person, planned, steps

ADA = ProvisionedUser(
    id="scim-id-of-ada",
    okta_id="00uADA",
    user_name="ada@x.io",
    external_id="00uADA",
    attributes={"title": "Countess", "name": {"givenName": "Ada"}},
    created=NOW,
    modified=NOW,
)
DENIED = replace(ADA, denied_at=NOW)
ROW = person("00uADA", "ada@x.io")


def told(snapshot, *records, **how):
    return with_provisioned(snapshot, {record.okta_id: record for record in records}, **how)


def wanted(snapshot):
    return desired_users(snapshot, POLICY, {}).wanted


def test_without_records_the_listing_stays_as_it_is():
    snapshot = listing(ROW)
    assert told(snapshot) is snapshot


def test_what_the_api_says_of_a_person_counts_more_than_what_the_client_says():
    found = told(listing(replace(ROW, name="countess@x.io")), ADA)
    assert found.people == (replace(ROW, name="countess@x.io", scim_id=ADA.id),)


def test_a_person_whom_the_api_does_not_show_is_taken_from_the_client():
    (user,) = wanted(told(listing(), ADA)).values()
    assert (user.name, user.create) == ("ada@x.io", True)
    assert user.traits() == {"okta/login": ("ada@x.io",), "okta/title": ("Countess",), "okta/firstName": ("Ada",)}


def test_a_denial_of_the_client_ends_a_person_whom_the_api_shows():
    desired = desired_users(told(listing(ROW), DENIED), POLICY, {})
    assert not desired.wanted
    assert desired.gone == {"00uADA": DeprovisionedByScim()}
    assert desired.deprovisioned == {"00uADA"}


def test_an_assignment_made_after_the_denial_ends_it():
    later = replace(ROW, assigned_at=NOW + timedelta(seconds=1))
    assert wanted(told(listing(later), DENIED))
    for assigned_at in (NOW, NOW - timedelta(days=1), None):
        assert not wanted(told(listing(replace(ROW, assigned_at=assigned_at)), DENIED))


@pytest.mark.parametrize(
    "snapshot",
    [
        listing(replace(ROW, status="DEPROVISIONED")),
        replace(listing(), unassigned=frozenset({"00uADA"})),
        replace(listing(), ended={"00uADA": PersonDeleted()}),
    ],
    ids=["deactivated", "unassigned while the person is visible", "deleted by an event"],
)
def test_a_denial_of_the_api_counts_whatever_the_client_says(snapshot):
    desired = desired_users(told(snapshot, ADA), POLICY, {})
    assert not desired.wanted
    assert "00uADA" in desired.gone
    assert not desired.deprovisioned


def test_a_person_who_could_not_be_read_by_id_stays_and_none_is_made_from_the_clients_record_alone():
    snapshot = told(replace(listing(), unconfirmed=frozenset({"00uADA"})), ADA)
    assert not planned(snapshot, [owned_user("00uADA", "ada@x.io")]).quarantined
    assert steps(planned(snapshot, [owned_user("00uADA", "ada@x.io")])) == [("update", "ada@x.io")]
    assert not planned(snapshot).changes


def test_a_denial_needs_no_read_by_id():
    snapshot = replace(listing(), unconfirmed=frozenset({"00uADA"}))
    desired = desired_users(told(snapshot, DENIED), POLICY, {})
    assert desired.gone == {"00uADA": DeprovisionedByScim()}
    assert not desired.unconfirmed


def test_a_row_of_which_nothing_can_be_read_says_nothing():
    unread = MalformedRow("00uADA", "no profile")
    assert wanted(told(listing(malformed=[unread]), ADA))
    ended = replace(unread, status="DEPROVISIONED")
    assert not wanted(told(listing(malformed=[ended]), ADA))


def test_a_suspension_that_the_api_told_is_not_lifted_by_the_clients_word():
    user = owned_user("00uADA", "ada@x.io", labels={**owned_user("00uADA", "ada@x.io").labels, labels.SCIM_ID: ADA.id})
    suspended = leaver_lock("00uADA", "ada@x.io", ends_in=None)
    plan = planned(told(listing(), ADA), [user], [suspended])
    assert ("unlock", "ada@x.io") not in steps(plan)
    left = leaver_lock("00uADA", "ada@x.io", ends_in=DEPROVISIONED_LOCK)
    assert ("unlock", "ada@x.io") in steps(planned(told(listing(), ADA), [user], [left]))
    alone = planned(told(listing(), ADA, is_all=True), [user], [suspended])
    assert ("unlock", "ada@x.io") in steps(alone)


def test_a_suspended_person_who_is_unlisted_is_made_locked():
    snapshot = replace(listing(), suspended=frozenset({"00uADA"}))
    plan = planned(told(snapshot, ADA))
    assert steps(plan) == [("create", "ada@x.io"), ("lock", "ada@x.io")]


def test_a_person_who_is_not_activated_yet_is_made_if_the_client_provisioned_them():
    staged = replace(ROW, status="STAGED")
    assert not wanted(listing(staged)) or not wanted(listing(staged))["ada@x.io"].create
    assert wanted(told(listing(staged), ADA))["ada@x.io"].create


def test_who_was_taken_away_is_locked_until_provisioned_again_and_others_for_as_long_as_certificates_last():
    user = owned_user("00uADA", "ada@x.io")
    taken = planned(told(listing(ROW), DENIED), [user])
    left = planned(listing(replace(ROW, status="DEPROVISIONED")), [user])
    assert [change.lock_for for change in taken.changes if change.action == "lock"] == [DEPROVISIONED_LOCK]
    assert "until provisioned again" in taken.changes[0].content.message
    assert [change.lock_for for change in left.changes if change.action == "lock"] == [LEAVER_LOCK]


def test_the_scim_id_stands_on_the_user_and_on_the_lock():
    (creation,) = planned(told(listing(ROW), ADA)).changes
    assert creation.content.labels[labels.SCIM_ID] == ADA.id
    locking, _ = planned(told(listing(ROW), DENIED), [replace(creation.content, raw=b"")]).changes
    assert locking.content.labels[labels.SCIM_ID] == ADA.id


def test_who_comes_back_is_unlocked():
    lock = leaver_lock("00uADA", "ada@x.io", ends_in=DEPROVISIONED_LOCK)
    assert steps(planned(told(listing(), ADA), locks=[lock])) == [("create", "ada@x.io"), ("unlock", "ada@x.io")]
