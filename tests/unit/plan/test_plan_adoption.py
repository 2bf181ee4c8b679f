"""Taking users over in place, and users who are left to others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.model import labels
from teleport_okta.model.findings import Leftover
from teleport_okta.model.problems import NameLocked
from teleport_okta.model.teleport import ConnectorRef, TeleportLock, TeleportUser
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.leftovers import leftovers
from teleport_okta.plan.needs import stands_for
from worlds import NOW, ORG, ORG_URL, POLICY, leaver_lock, listing, owned_user, person, planned, steps

ADA = person("00uADA", "ada@x.io")
LOGGED_IN = TeleportUser(
    "ada@x.io",
    roles=("access",),
    traits={"groups": ("ops",), "okta/department": ("old",)},
    expires=NOW,
    connector=ConnectorRef("saml", "okta", "ada@x.io"),
    revision="r1",
    raw=b"",
)
LEFTOVER = replace(
    LOGGED_IN, labels={labels.ORIGIN: "okta", labels.OKTA_ORG: "https://old.okta.com"}, connector=None, expires=None
)


def test_a_user_of_our_connector_is_taken_over_in_place():
    (change,) = planned(listing(ADA), [LOGGED_IN]).changes
    user = change.content
    assert change.action == "update"
    assert user.labels == {labels.OWNER: ORG, labels.OKTA_ID: "00uADA", labels.OKTA_ORG: ORG_URL}
    assert user.roles == ("access", "okta-requester")
    assert user.traits == {"groups": ("ops",), "okta/login": ("ada@x.io",), "okta/department": ("Engines",)}
    assert user.expires is None


def test_one_write_converges():
    (change,) = planned(listing(ADA), [LOGGED_IN]).changes
    assert planned(listing(ADA), [change.content]).is_empty


def test_a_wanted_leftover_of_another_integration_is_taken_over_as_it_is():
    (change,) = planned(listing(ADA), [LEFTOVER]).changes
    assert change.content.labels == {**LEFTOVER.labels, labels.OWNER: ORG, labels.OKTA_ID: "00uADA"}


@pytest.mark.parametrize(
    "found",
    [
        replace(LOGGED_IN, connector=None),
        replace(LOGGED_IN, connector=ConnectorRef("saml", "other", "ada@x.io")),
        replace(LOGGED_IN, connector=ConnectorRef("oidc", "okta", "ada@x.io")),
        replace(LOGGED_IN, labels={labels.OWNER: "00oOTHER"}),
        replace(LEFTOVER, labels={**LEFTOVER.labels, labels.OWNER: "00oOTHER"}),
    ],
)
def test_another_user_of_a_wanted_name_is_a_conflict(found):
    plan = planned(listing(ADA), [found])
    assert plan.is_empty
    assert [row.name for row in plan.quarantined] == ["ada@x.io"]


def test_a_user_who_is_not_wanted_is_not_taken_over():
    assert planned(listing(), [LOGGED_IN, LEFTOVER]).is_empty


def test_without_a_bot_such_users_are_reported():
    alone = replace(POLICY, no_adoption="set teleport.identity")
    plan = planned(listing(ADA), [LOGGED_IN], policy=alone)
    assert plan.is_empty
    assert plan.quarantined[0].remedy == "set teleport.identity"
    assert steps(planned(listing(ADA), [LEFTOVER], policy=alone)) == [("update", "ada@x.io")]


def test_without_a_bot_an_adopted_user_who_leaves_is_reported_and_stays():
    adopted = owned_user("00uADA", "ada@x.io", labels={labels.OWNER: ORG, labels.OKTA_ID: "00uADA"})
    plan = planned(listing(), [adopted], policy=replace(POLICY, no_adoption="set teleport.identity"))
    assert plan.is_empty
    assert plan.quarantined[0].remedy == "set teleport.identity"


def test_a_name_that_is_locked_for_its_former_holder_is_not_taken_over():
    plan = planned(listing(ADA), [LOGGED_IN], [leaver_lock("00uOLD", "ada@x.io")])
    assert plan.is_empty
    assert plan.quarantined[0].cause == NameLocked("ada@x.io", ("00uOLD",))


def test_a_suspended_person_is_taken_over_and_then_locked():
    plan = planned(listing(replace(ADA, status="SUSPENDED")), [LOGGED_IN])
    assert steps(plan) == [("update", "ada@x.io"), ("lock", "ada@x.io")]
    assert plan.changes[1].needs == (stands_for("ada@x.io", ADA.okta_id),)


def test_a_person_renamed_onto_a_login_of_theirs_loses_the_old_name_in_the_same_plan():
    plan = planned(listing(ADA), [owned_user("00uADA", "old@x.io"), LOGGED_IN])
    assert steps(plan) == [("update", "ada@x.io"), ("lock", "old@x.io"), ("delete", "old@x.io")]


def test_leftovers_are_listed_but_for_wanted_users():
    vendors = {labels.ORIGIN: "okta", labels.OKTA_ORG: "https://old.okta.com"}
    actual = ActualUsers(
        {
            "ada@x.io": LEFTOVER,
            "eve@x.io": replace(LEFTOVER, name="eve@x.io"),
            "bob@x.io": owned_user("00uBOB", "bob@x.io"),
            "root": TeleportUser("root"),
        },
        {"okta-1": TeleportLock("okta-1", "eve@x.io", vendors), "hand": TeleportLock("hand", "eve@x.io")},
    )
    assert leftovers(actual, wanted={"ada@x.io"}) == (
        Leftover("lock", "okta-1", "https://old.okta.com"),
        Leftover("user", "eve@x.io", "https://old.okta.com"),
    )
