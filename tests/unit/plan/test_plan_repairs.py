"""Never fight: what counts as the same repair again, and how long an object is left alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.problems import CreationsUndone, RepairsUndone
from teleport_okta.plan.changes import Action, Harm
from teleport_okta.plan.repairs import MADE, Repairs, fights, left_alone_until, repair_digest
from worlds import NOW, listing, owned_user, person, planned

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def repairs(*minutes):
    return [NOW + minute * MINUTE for minute in minutes]


def repair(**found):
    """The repair of a user whose department somebody changed."""
    user = owned_user("00uA", "ada")
    user = replace(user, traits={**user.traits, "okta/department": ("theirs",)}, **found)
    [change] = planned(listing(person("00uA", "ada")), [user]).changes
    assert change.action is Action.UPDATE
    return change


@pytest.mark.parametrize(
    ("times", "pause"),
    [
        ([], None),
        ([0, 10], None),
        ([0, 30, 60], None),
        ([0, 30, 59], HOUR),
        ([0, 10, 20], HOUR),
        ([0, 10, 20, 80], 2 * HOUR),
        ([0, 10, 20, 80, 200], 4 * HOUR),
        ([0, 10, 20, 80, 200, 440], 6 * HOUR),
        ([0, 10, 20, 80, 200, 440, 800], 6 * HOUR),
    ],
)
def test_an_object_that_is_undone_each_time_is_left_alone_longer_and_longer(times, pause):
    assert left_alone_until(repairs(*times)) == (None if pause is None else repairs(*times)[-1] + pause)


def test_a_repair_that_lasted_ends_the_fight():
    lasted = 3 * 60 + 1
    assert left_alone_until(repairs(0, 10, 20, 20 + lasted)) is None
    assert left_alone_until(repairs(0, 10, 20, 20 + lasted - 2)) is not None


def test_the_same_repair_is_one_that_sets_the_same_whatever_it_finds():
    assert repair_digest(repair()) == repair_digest(repair(roles=("okta-requester", "theirs")))
    assert repair_digest(repair()) != repair_digest(replace(repair(), subject="bob"))
    found = owned_user("00uA", "ada")
    [other] = planned(listing(person("00uA", "ada", profile={"login": "ada", "department": "Looms"})), [found]).changes
    assert repair_digest(repair()) != repair_digest(other)


def test_only_a_change_without_harm_is_a_repair():
    change = repair()
    assert repair_digest(change)
    assert not repair_digest(replace(change, harm=Harm(Harmed("user", "ada", "00uA"), Evidence.STATED)))
    for action in (Action.DELETE, Action.LOCK, Action.UNLOCK):
        assert not repair_digest(replace(change, action=action))


def test_what_is_made_is_the_same_whatever_it_is_made_of():
    made = replace(repair(), action=Action.CREATE)
    assert repair_digest(made) == repair_digest(replace(made, content=None)) == MADE
    assert not repair_digest(replace(made, kind="app_server"))
    [row] = fights([made], [Repairs("user", "ada", MADE, tuple(repairs(0, 10, 20)))], NOW + 30 * MINUTE).values()
    assert row.row.cause == CreationsUndone(3)


def test_a_fight_is_told_by_object_and_repair_until_its_pause_is_over():
    change = repair()
    past = Repairs("user", "ada", repair_digest(change), tuple(repairs(0, 10, 20)))
    [(slot, put_off)] = fights([change], [past], NOW + 30 * MINUTE).items()
    assert slot == ("user", "ada")
    assert put_off.until == NOW + 80 * MINUTE
    assert put_off.row.cause == RepairsUndone(3, ("traits.okta/department",))
    assert not fights([change], [past], NOW + 80 * MINUTE)
    assert not fights([change], [replace(past, digest="other")], NOW + 30 * MINUTE)
    assert not fights([change], [past], NOW - timedelta(days=1)), "the clock was set back"
