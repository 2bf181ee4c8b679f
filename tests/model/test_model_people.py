"""The model of users and locks objects to each fault that is planted here, and to nothing that is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model import labels
from worlds import NOW, ORG, owned_user

from model.people import SOME_END, Wanted, wrong_locks, wrong_users

ADA = owned_user("00uA", "ada")
WANTED = {"ada": Wanted("00uA", {"okta/login": "ada", "okta/department": "Engines", "okta/title": None})}
ABOUT = ("ada", "00uA")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"roles": ("editor",)}, "without ['okta-requester']"),
        ({"traits": {"okta/login": ("ada",)}}, "has the traits"),
        ({"traits": {**ADA.traits, "okta/title": ("Countess",)}}, "has the traits"),
        ({"expires": NOW}, "ends at"),
        ({"labels": {labels.OWNER: ORG, labels.OKTA_ID: "00uB"}}, "stands for 00uB"),
    ],
)
def test_a_user_who_is_not_as_wanted(changes, complaint):
    assert not list(wrong_users({"ada": ADA}, WANTED))
    assert complaint in " ".join(wrong_users({"ada": replace(ADA, **changes)}, WANTED))


@pytest.mark.parametrize(("found", "wanted"), [({}, WANTED), ({"ada": ADA}, {})])
def test_a_user_missing_or_too_many(found, wanted):
    assert "users: " in " ".join(wrong_users(found, wanted))


@pytest.mark.parametrize(
    ("ends", "wanted", "is_right"),
    [
        ([None], {ABOUT: None}, True),
        ([NOW], {ABOUT: SOME_END}, True),
        ([NOW], {ABOUT: NOW + timedelta(seconds=179)}, True),
        ([], {}, True),
        ([NOW], {ABOUT: None}, False),
        ([None], {ABOUT: SOME_END}, False),
        ([NOW], {ABOUT: NOW + timedelta(seconds=181)}, False),
        ([None], {ABOUT: NOW}, False),
        ([None, None], {ABOUT: None}, False),
        ([], {ABOUT: None}, False),
        ([NOW], {}, False),
    ],
)
def test_locks_must_be_those_that_are_wanted(ends, wanted, is_right):
    assert (not list(wrong_locks({ABOUT: ends} if ends else {}, wanted))) is is_right
