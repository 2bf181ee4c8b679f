"""Our recent writes of members against listings of different ages."""

from __future__ import annotations

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.model.access import TeleportMember
from teleport_okta.teleport.member_table import MembersBeingRead
from teleport_okta.teleport.recent_members import RecentMembers
from teleport_okta.teleport.recent_writes import REMEMBERED

EVE = TeleportMember("eve", reason="on call")
TEAM = TeleportMember("team", is_list=True)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def recent(clock: VirtualClock) -> RecentMembers:
    return RecentMembers(clock)


def shown(recent: RecentMembers, *imported: str, others: tuple[TeleportMember, ...] = ()) -> set[str]:
    """Who is in list `x` after a listing that shows these."""
    table = {"x": MembersBeingRead()}
    table["x"].imported.update(imported)
    table["x"].others.update((other.name, other) for other in others)
    recent.settle(table)
    return set(table["x"].names()) if "x" in table else set()


def test_whom_we_added_is_there_although_a_listing_lacks_them(recent: RecentMembers) -> None:
    recent.added("x", "ada")
    assert shown(recent) == {"ada"}


def test_whom_we_added_and_a_listing_showed_is_gone_when_a_later_one_lacks_them(recent: RecentMembers) -> None:
    recent.added("x", "ada")
    assert shown(recent, "ada") == {"ada"}
    assert shown(recent) == set()


def test_whom_we_removed_is_gone_although_a_listing_shows_them(recent: RecentMembers) -> None:
    recent.removed("x", "ada", None)
    assert shown(recent, "ada", "bob") == {"bob"}


def test_a_nested_list_that_we_removed_is_gone_although_a_listing_shows_it(recent: RecentMembers) -> None:
    recent.removed("x", "team", TEAM)
    assert shown(recent, others=(TEAM,)) == set()


def test_whom_people_added_after_we_removed_them_is_there(recent: RecentMembers) -> None:
    recent.removed("x", "eve", None)
    assert shown(recent, others=(EVE,)) == {"eve"}


def test_whom_people_took_over_after_we_added_them_is_theirs(recent: RecentMembers) -> None:
    recent.added("x", "eve")
    table = {"x": MembersBeingRead()}
    table["x"].others["eve"] = EVE

    recent.settle(table)

    assert (table["x"].imported, table["x"].others) == (set(), {"eve": EVE})


def test_the_last_of_our_writes_counts(recent: RecentMembers) -> None:
    recent.added("x", "ada")
    recent.removed("x", "ada", None)
    assert shown(recent, "ada") == set()

    recent.added("x", "ada")
    assert shown(recent) == {"ada"}


def test_a_list_that_we_made_is_whole_but_for_whom_we_removed_since(recent: RecentMembers) -> None:
    recent.made("x", ["ada", "bob", "eve"])
    recent.removed("x", "bob", None)

    assert shown(recent, "ada", "bob") == {"ada", "eve"}
    assert shown(recent) == {"ada", "eve"}


def test_a_list_that_a_listing_showed_whole_is_believed_afterwards(recent: RecentMembers) -> None:
    recent.made("x", ["ada", "bob"])
    assert shown(recent, "ada", "bob") == {"ada", "bob"}
    assert shown(recent, "ada") == {"ada"}


def test_a_list_that_we_ended_has_nobody(recent: RecentMembers) -> None:
    recent.added("x", "ada")
    recent.ended("x")
    assert shown(recent, "ada") == set()


def test_a_list_that_we_made_anew_has_nothing_of_the_old_one(recent: RecentMembers) -> None:
    recent.removed("x", "ada", None)
    recent.ended("x")
    recent.made("x", ["ada"])
    assert shown(recent) == {"ada"}


def test_after_half_a_minute_any_listing_is_believed(recent: RecentMembers, clock: VirtualClock) -> None:
    recent.made("x", ["ada"])
    recent.added("x", "bob")
    recent.removed("x", "eve", None)
    recent.ended("y")

    clock.advance(REMEMBERED)

    assert shown(recent, "eve") == {"eve"}
    assert not recent.is_removed("x", "eve", None)


def test_a_reading_that_is_older_than_our_removal_is_known(recent: RecentMembers) -> None:
    recent.removed("x", "eve", EVE)

    assert recent.is_removed("x", "eve", EVE)
    assert not recent.is_removed("x", "eve", None)
    assert not recent.is_removed("y", "eve", EVE)
