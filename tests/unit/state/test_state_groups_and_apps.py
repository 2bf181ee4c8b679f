"""What is remembered of groups, apps and lists: rosters by their stamps, counts, and what a preview goes by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.directory import Directory, Listing, OktaGroup, Roster
from teleport_okta.model.okta import OktaApp
from teleport_okta.state.groups_and_apps import APPS, GROUPS, SeenList, SeenMembers
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


async def test_objects_that_a_complete_listing_lacks_are_deleted_and_others_are_kept(memory):
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


async def test_what_groups_grant_and_the_details_of_rows_come_back(memory):
    stamped = replace(GROUP, membership_changed=NOW, apps_count=3, is_administrative=True)
    app = replace(APP, sign_on_mode="SAML_2_0")
    await memory.remember(replace(directory(groups=[stamped], apps=[app]), grants={"00gA": roster("0oaA")}), {})
    seen = (await memory.last_seen()).directory
    assert (seen.groups.rows, seen.apps.rows) == ((stamped,), (app,))
    assert seen.grants["00gA"].ids == {"0oaA"}


async def test_a_roster_that_could_not_be_read_or_is_not_believed_is_marked_as_doubted(memory):
    before = directory(members={"00gA": ["00uA"]}, direct={"0oaA": ["00uA"]})
    await memory.remember(before, {"00gA": SEEN})
    assert (await memory.last_seen()).believed.members["00gA"].ids == {"00uA"}
    unread = replace(before, direct={"0oaA": roster(problem="503")})
    await memory.remember(unread, {})  # the members were read, and contradict the count of the listing
    seen = await memory.last_seen()
    assert (seen.believed.members, seen.believed.direct) == ({}, {})
    assert seen.directory.members["00gA"].ids == {"00uA"}
    remembered = {"00gA": roster("00uA", remembered=True)}
    await memory.remember(replace(before, members=remembered), {})
    assert (await memory.last_seen()).believed.members["00gA"].ids == {"00uA"}


async def test_an_empty_group_that_nobody_had_to_read_is_believed(memory):
    empty = replace(GROUP, id="00gE", users_count=0)
    await memory.remember(directory(groups=[empty], members={"00gE": []}), {})
    assert (await memory.last_seen()).believed.members["00gE"].ids == frozenset()


async def test_single_keys_are_remembered_by_themselves(memory):
    await memory.remember(directory(members={"00gA": ["00uA"]}, direct={"0oaA": ["00uA"]}), {"00gA": SEEN})
    renamed = replace(GROUP, name="Builders")
    known = directory(groups=[renamed], members={"00gA": ["00uA", "00uB"]}, direct={"0oaA": []}, at=LATER)
    await memory.remember_keys(replace(known, grants={"00gA": roster("0oaA")}), {"00gA"})
    seen = (await memory.last_seen()).believed
    assert [group.name for group in seen.groups.rows] == ["Builders"]
    assert (seen.members["00gA"].ids, seen.grants["00gA"].ids) == ({"00uA", "00uB"}, {"0oaA"})
    assert seen.direct["0oaA"].ids == {"00uA"}
    # The next full pass goes by the stamp that it knew, so it reads the members again.
    assert (await memory.members_seen())["00gA"].changed == NOW


async def test_a_single_key_that_is_gone_is_forgotten(memory):
    await memory.remember(directory(members={"00gA": ["00uA"]}), {"00gA": SEEN})
    await memory.remember_keys(directory(groups=[]), {"00gA"})
    seen = (await memory.last_seen()).directory
    assert (seen.groups.rows, seen.members) == ((), {})


async def test_what_was_deleted_is_known_until_the_listings_are_complete(memory):
    await memory.remember(directory(), {})
    await memory.remember_keys(replace(directory(groups=[]), deleted=frozenset({"00gA"})), {"00gA"})
    assert (await memory.last_seen()).believed.deleted == {"00gA"}
    await memory.remember(directory(groups=[], incomplete="503"), {})
    assert (await memory.last_seen()).believed.deleted == {"00gA"}
    await memory.remember(directory(groups=[]), {})
    assert (await memory.last_seen()).believed.deleted == frozenset()


async def test_a_roster_is_doubted_until_it_is_remembered_anew(memory):
    found = directory(direct={"0oaA": ["00uA"]})
    await memory.remember(found, {})
    await memory.doubt("0oaA")
    assert (await memory.last_seen()).believed.direct == {}
    await memory.remember_keys(found, {"0oaA"})
    assert (await memory.last_seen()).believed.direct["0oaA"].ids == {"00uA"}


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
