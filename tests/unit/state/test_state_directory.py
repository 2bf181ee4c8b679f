"""What is remembered of groups, apps and lists: rosters by their stamps, counts, and what a preview goes by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.directory import Directory, Listing, OktaGroup, Roster
from teleport_okta.model.okta import OktaApp
from teleport_okta.state.directory import APPS, GROUPS, SeenList, SeenMembers
from teleport_okta.state.store import Store
from worlds import NOW

LATER = NOW + timedelta(minutes=10)
GROUP = OktaGroup("00gA", "OKTA_GROUP", "Engineering", "those who build", users_count=2)
APP = OktaApp("0oaA", "acme_figma", "Figma", "ACTIVE", None, "draw", ("https://figma",))
SEEN = SeenMembers(NOW, NOW, 2)


def directory(*, groups=(GROUP,), apps=(APP,), members=None, direct=None, at=NOW, incomplete=None):
    return Directory(
        Listing(tuple(groups), (), at, incomplete),
        Listing(tuple(apps), (), at, incomplete),
        {group: roster(*ids, at=at) for group, ids in (members or {}).items()},
        {},
        {app: roster(*ids, at=at) for app, ids in (direct or {}).items()},
    )


def roster(*ids, at=NOW, **fields):
    return Roster(frozenset(ids), at, listed=len(ids), **fields)


@pytest.fixture
async def memory(tmp_path):
    store = await Store.open(tmp_path)
    yield store.directory
    await store.close()


async def test_nothing_was_seen_at_first(memory):
    assert await memory.last_seen() is None
    assert await memory.baseline(GROUPS) is None
    assert await memory.members_seen() == {}
    assert await memory.listed() == {}
    assert await memory.lists_seen() == frozenset()


async def test_members_come_back_with_the_stamp_they_were_read_under(memory):
    await memory.remember(directory(members={"00gA": ["00uA", "00uB"]}), {"00gA": SEEN})
    assert await memory.members_seen() == {"00gA": SEEN}
    assert {group: set(ids) for group, ids in (await memory.recall_members(["00gA", "00gX"])).items()} == {
        "00gA": {"00uA", "00uB"}
    }


async def test_an_empty_group_is_remembered_as_empty(memory):
    empty = replace(GROUP, id="00gE", users_count=0)
    await memory.remember(directory(groups=[GROUP, empty], members={"00gE": []}), {"00gE": SEEN})
    assert await memory.recall_members(["00gE"]) == {"00gE": []}


async def test_members_that_were_not_read_now_are_kept_as_they_were(memory):
    await memory.remember(directory(members={"00gA": ["00uA"]}), {"00gA": SEEN})
    await memory.remember(directory(at=LATER), {})
    assert await memory.members_seen() == {"00gA": replace(SEEN, number=1)}
    assert await memory.recall_members(["00gA"]) == {"00gA": ["00uA"]}


async def test_what_is_not_in_a_complete_listing_is_forgotten_and_what_a_broken_one_lacks_is_kept(memory):
    await memory.remember(directory(members={"00gA": ["00uA"]}, direct={"0oaA": ["00uA"]}), {"00gA": SEEN})
    await memory.remember(directory(groups=[], apps=[], incomplete="page 2 is missing"), {})
    assert await memory.listed() == {"0oaA": 1}
    assert (await memory.last_seen()).directory.groups.rows == (GROUP,)
    await memory.remember(directory(groups=[replace(GROUP, id="00gB")], apps=[]), {})
    assert await memory.members_seen() == {}
    assert await memory.listed() == {}


async def test_the_people_of_an_app_that_could_not_be_read_are_those_of_before(memory):
    await memory.remember(directory(direct={"0oaA": ["00uA"]}), {})
    broken = directory()
    await memory.remember(replace(broken, direct={"0oaA": roster(problem="503")}), {})
    assert (await memory.last_seen()).directory.direct["0oaA"].ids == {"00uA"}


async def test_counts_stand_until_the_next_ones_are_settled(memory):
    await memory.settle({GROUPS: 5, APPS: 3})
    await memory.settle({GROUPS: 4})
    assert (await memory.baseline(GROUPS), await memory.baseline(APPS)) == (4, 3)


async def test_what_was_last_seen_is_as_of_the_latest_listings(memory):
    """Also where no roster was read with them, because none had to be."""
    await memory.remember(directory(members={"00gA": ["00uA"]}, direct={"0oaA": ["00uB"]}), {"00gA": SEEN})
    await memory.remember_lists([SeenList("00gA", "Engineering · 工", 7, 1)])
    await memory.remember(directory(at=LATER), {})
    seen = await memory.last_seen()
    assert seen.directory.groups.read_at == seen.directory.apps.read_at == LATER
    assert (seen.directory.groups.rows, seen.directory.apps.rows) == ((GROUP,), (APP,))
    assert seen.directory.members["00gA"].ids == {"00uA"}
    assert seen.directory.members["00gA"].read_at == NOW
    assert seen.lists == {"00gA": SeenList("00gA", "Engineering · 工", 7, 1)}
    assert await memory.lists_seen() == {"00gA"}


async def test_more_groups_than_one_question_may_name_are_recalled(memory):
    groups = [replace(GROUP, id=f"00g{number:04}") for number in range(1200)]
    members = {group.id: [f"00u{group.id}"] for group in groups}
    await memory.remember(directory(groups=groups, members=members), dict.fromkeys(members, SEEN))
    assert await memory.recall_members(members.keys()) == members


async def test_everything_is_there_after_a_restart(tmp_path):
    store = await Store.open(tmp_path)
    await store.directory.remember(directory(members={"00gA": ["00uA"]}), {"00gA": SEEN})
    await store.close()
    store = await Store.open(tmp_path)
    assert await store.directory.recall_members(["00gA"]) == {"00gA": ["00uA"]}
    await store.close()


async def test_the_numbers_that_rosters_of_apps_are_held_against_are_settled_app_by_app(memory):
    assert await memory.app_baselines() == {}
    await memory.settle_apps({"0oaA": 3, "0oaB": 5}, kept=["0oaA", "0oaB"])
    await memory.settle_apps({"0oaA": 2}, kept=["0oaA", "0oaB"])
    assert await memory.app_baselines() == {"0oaA": 2, "0oaB": 5}
    await memory.settle_apps({}, kept=["0oaA"])
    assert await memory.app_baselines() == {"0oaA": 2}
