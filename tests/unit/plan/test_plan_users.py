"""Planning users: people who come, users who stay as they are, leavers, and users who are not ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.problems import NameLocked
from teleport_okta.model.reasons import DeactivatedInOkta
from teleport_okta.model.teleport import ConnectorRef, TeleportUser
from teleport_okta.plan.needs import locked, stands_for
from teleport_okta.plan.render import as_text
from teleport_okta.plan.view import view_of
from worlds import ORG, ORG_URL, POLICY, leaver_lock, listing, owned_user, person, planned, steps

ADA = person("00uADA", "ada@x.io")
BOB = person("00uBOB", "bob@x.io")


def test_an_assigned_person_is_created_as_a_user_of_the_connector():
    (change,) = planned(listing(ADA)).changes
    user = change.content
    assert (change.action, user.name) == ("create", "ada@x.io")
    assert user.connector == ConnectorRef("saml", "okta", "ada@x.io")
    assert user.roles == ("okta-requester",)
    assert user.traits == {"okta/login": ("ada@x.io",), "okta/department": ("Engines",)}
    assert user.labels == {
        "teleport-okta/owner": ORG,
        "teleport-okta/id": "00uADA",
        "teleport.dev/origin": "okta",
        "okta/org": ORG_URL,
    }


def test_local_users_have_no_connector():
    (change,) = planned(listing(ADA), policy=replace(POLICY, connector=None)).changes
    assert change.content.connector is None


def test_a_correct_user_needs_no_change():
    plan = planned(listing(ADA), [owned_user("00uADA", "ada@x.io")])
    assert plan.is_empty
    assert plan.unchanged == 1


@pytest.mark.parametrize(
    "damage",
    [
        {"traits": {"okta/login": ("ada@x.io",), "okta/department": ("Looms",)}},
        {"traits": {"okta/login": ("ada@x.io",), "okta/department": ("Engines",), "okta/former": ("x",)}},
        {"roles": ()},
        {"expires": leaver_lock("x", "x").expires},
        {"labels": {labels.OWNER: ORG, labels.OKTA_ID: "00uADA", labels.ORIGIN: "okta"}},
        {"labels": {labels.OWNER: ORG, labels.ORIGIN: "okta", labels.OKTA_ORG: ORG_URL}},
    ],
)
def test_whatever_we_own_of_a_user_is_repaired(damage):
    right = owned_user("00uADA", "ada@x.io")
    (change,) = planned(listing(ADA), [replace(right, **damage)]).changes
    assert change.action == "update"
    assert change.content == right


@pytest.mark.parametrize(
    ("values", "changes"),
    [(["b", "c", "a"], 0), (["c", "b", "a"], 0), (["a", "b"], 1), (["a", "b", "c", "c"], 1), (["a", "b", "d"], 1)],
)
def test_values_of_an_attribute_in_another_order_are_no_change(values, changes):
    user = owned_user("00uADA", "ada@x.io")
    user = replace(user, traits={**user.traits, "okta/teams": ("a", "b", "c")})
    ada = replace(ADA, profile={**ADA.profile, "teams": values})
    assert len(planned(listing(ada), [user]).changes) == changes


def test_roles_and_traits_that_others_gave_stay():
    found = owned_user("00uADA", "ada@x.io")
    found = replace(found, roles=("admin",), traits={**found.traits, "groups": ("ops",)})
    (change,) = planned(listing(ADA), [found]).changes
    assert change.content.roles == ("admin", "okta-requester")
    assert change.content.traits["groups"] == ("ops",)


def test_a_new_custom_domain_changes_no_user():
    moved = replace(POLICY, organization_url="https://id.example.com")
    assert planned(listing(ADA), [owned_user("00uADA", "ada@x.io")], policy=moved).is_empty


def test_a_leaver_is_locked_for_30_h_15_min_and_then_deleted():
    plan = planned(listing(BOB), [owned_user("00uADA", "ada@x.io"), owned_user("00uBOB", "bob@x.io")])
    lock, delete = plan.changes
    assert steps(plan) == [("lock", "ada@x.io"), ("delete", "ada@x.io")]
    assert lock.lock_for == LEAVER_LOCK == timedelta(hours=30, minutes=15)
    assert lock.content.user == "ada@x.io"
    assert lock.content.labels["teleport-okta/id"] == "00uADA"
    assert delete.name == "ada@x.io"


def test_a_leaver_who_seems_to_be_locked_is_locked_again_as_the_same_harm():
    plan = planned(listing(), [owned_user("00uADA", "ada@x.io")], [leaver_lock("00uADA", "ada@x.io")])
    assert steps(plan) == [("lock", "ada@x.io"), ("delete", "ada@x.io")]
    assert all(change.harm.continues for change in plan.changes)


def test_a_deactivated_person_leaves_although_the_row_is_still_there():
    gone = replace(ADA, status="DEPROVISIONED")
    plan = planned(listing(gone, BOB), [owned_user("00uADA", "ada@x.io")])
    assert plan.changes[-1].cause == DeactivatedInOkta()
    assert steps(plan)[-2:] == [("lock", "ada@x.io"), ("delete", "ada@x.io")]


def test_a_returning_person_is_created_before_the_lock_is_taken_off():
    plan = planned(listing(ADA), locks=[leaver_lock("00uADA", "ada@x.io")])
    assert steps(plan) == [("create", "ada@x.io"), ("unlock", "ada@x.io")]


def test_a_new_holder_of_a_name_waits_for_the_predecessors_lock():
    plan = planned(listing(ADA), locks=[leaver_lock("00uOLD", "ada@x.io")])
    assert plan.is_empty
    assert plan.quarantined[0].cause == NameLocked("ada@x.io", ("00uOLD",))


def test_an_expired_lock_is_no_obstacle():
    plan = planned(listing(ADA), locks=[leaver_lock("00uOLD", "ada@x.io", ends_in=timedelta(seconds=-1))])
    assert steps(plan) == [("create", "ada@x.io")]


def test_a_user_of_others_with_a_wanted_name_is_left_alone():
    plan = planned(listing(ADA), [TeleportUser("ada@x.io", roles=("admin",))])
    assert plan.is_empty
    assert plan.quarantined[0].name == "ada@x.io"


def test_harm_names_its_person_and_its_evidence():
    plan = planned(
        listing(replace(ADA, status="DEPROVISIONED")),
        [owned_user("00uADA", "ada@x.io"), owned_user("00uBOB", "bob@x.io")],
    )
    assert {(change.harmed, change.harm.evidence) for change in plan.changes} == {
        (Harmed("user", "ada@x.io", "00uADA"), Evidence.STATED),
        (Harmed("user", "bob@x.io", "00uBOB"), Evidence.ABSENT),
    }


def test_users_of_another_organisation_are_left_alone():
    foreign = owned_user("00uADA", "ada@x.io", labels={labels.OWNER: "00oOTHER", labels.OKTA_ID: "00uADA"})
    assert planned(listing(BOB), [foreign]).changes[0].subject == "bob@x.io"
    assert not planned(listing(), [foreign]).changes


def test_the_old_name_of_a_renamed_person_leaves_only_after_the_new_one_is_there():
    plan = planned(listing(person("00uADA", "countess@x.io")), [owned_user("00uADA", "ada@x.io")])
    assert steps(plan) == [("create", "countess@x.io"), ("lock", "ada@x.io"), ("delete", "ada@x.io")]
    _, lock, delete = plan.changes
    made = stands_for("countess@x.io", "00uADA")
    assert lock.needs == (made,)
    assert delete.needs == (locked("ada@x.io", "00uADA"), made)


def test_a_renamed_person_whose_new_name_is_taken_keeps_the_old_user():
    plan = planned(
        listing(person("00uADA", "countess@x.io")), [owned_user("00uADA", "ada@x.io"), TeleportUser("countess@x.io")]
    )
    assert plan.is_empty
    assert plan.quarantined[0].name == "countess@x.io"


def test_a_reused_login_locks_the_predecessor_and_lets_the_successor_wait():
    plan = planned(listing(person("00uNEW", "ada@x.io")), [owned_user("00uADA", "ada@x.io")])
    assert steps(plan) == [("lock", "ada@x.io"), ("delete", "ada@x.io")]
    assert plan.quarantined[0].okta_id == "00uNEW"


@pytest.mark.parametrize("status", ["STAGED", "PROVISIONED"])
def test_people_who_are_not_usable_yet_are_not_created_but_kept(status):
    waiting = replace(ADA, status=status)
    assert planned(listing(waiting)).is_empty
    assert planned(listing(waiting), [owned_user("00uADA", "ada@x.io")]).is_empty


def test_a_setting_creates_people_before_their_activation():
    plan = planned(listing(replace(ADA, status="STAGED")), policy=replace(POLICY, create_unactivated=True))
    assert steps(plan) == [("create", "ada@x.io")]


def test_arrivals_come_before_departures():
    plan = planned(listing(BOB), [owned_user("00uADA", "ada@x.io")])
    assert steps(plan) == [("create", "bob@x.io"), ("lock", "ada@x.io"), ("delete", "ada@x.io")]


def test_the_digest_names_the_changes_and_nothing_else():
    plan = planned(listing(ADA, BOB))
    assert plan.digest == planned(listing(BOB, ADA)).digest
    assert plan.digest != planned(listing(ADA)).digest
    other_department = replace(BOB, profile={"login": "bob@x.io", "department": "Looms"})
    assert plan.digest != planned(listing(ADA, other_department)).digest
    assert plan.digest == replace(plan, warnings=("something",)).digest


def labelled(okta_id, **more):
    return {labels.OWNER: ORG, labels.ORIGIN: "okta", labels.OKTA_ORG: ORG_URL, labels.OKTA_ID: okta_id, **more}


@pytest.mark.parametrize("okta_id", ["", "typo"])
def test_a_label_that_is_no_users_id_is_repaired(okta_id):
    damaged = owned_user("00uADA", "ada@x.io", labels=labelled(okta_id))
    (change,) = planned(listing(ADA), [damaged]).changes
    assert change.content.labels[labels.OKTA_ID] == "00uADA"


@pytest.mark.parametrize("change", [{"status": "MYSTERY"}, {"assignment_status": "MYSTERY"}])
def test_a_user_without_an_id_whose_person_is_set_aside_does_not_leave(change):
    damaged = owned_user("00uADA", "ada@x.io", labels=labelled(""))
    assert planned(listing(replace(ADA, **change)), [damaged]).is_empty


def test_a_person_without_a_user_does_not_take_a_name_from_another():
    staged = replace(person("00uSTG", "ADA@x.io"), status="STAGED")
    assert steps(planned(listing(ADA, staged))) == [("create", "ada@x.io")]


def test_a_name_can_not_forge_a_line_of_a_plan():
    forged = person("00uBAD", "x\nplan 0000: nothing to do")
    text = as_text(view_of(planned(listing(forged))))
    assert len(text.splitlines()) == 2
