"""Groups of the SCIM door in the store: names, pages, members, and which groups have lists of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.directory import PushedGroup
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.provisioned import ProvisionedGroup, ProvisionedUser
from teleport_okta.state.scim_groups import Members
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import Store
from worlds import NOW

HINT = Hint(HintKind.GROUP, "scim-g1", cause="a SCIM request")
HOUR = timedelta(hours=1)


def a_group(number, name="", **changes):
    found = ProvisionedGroup(f"g{number}", name or f"Group {number}", None, created=NOW, modified=NOW)
    return replace(found, **changes)


def a_user(name, **changes):
    """The record of somebody, whose SCIM id is the name and whose Okta id follows from it."""
    found = ProvisionedUser(name, f"00u{name}", f"{name}@x.io", None, {}, created=NOW, modified=NOW)
    return replace(found, **changes)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def groups(store):
    return store.scim_groups


async def put(store, group, *members, **changes):
    """Write a group whose members are these, unless the changes say otherwise."""
    await store.scim_groups.put(group, Members(**changes) if changes else Members(all=members), at=NOW)


async def members(groups, group_id="g1"):
    return (await groups.members([group_id]))[group_id]


async def test_a_group_survives_a_restart_as_it_was(store, tmp_path):
    group = a_group(1, "Looms", external_id="x", okta_id="00gLOOMS", is_answered=False)
    await put(store, group, "ada")
    again = await Store.open(tmp_path)
    assert await again.scim_groups.get("g1") == group
    assert await members(again.scim_groups) == ["ada"]
    await again.close()


async def test_the_list_of_a_group_is_its_own_or_that_of_the_okta_group():
    assert a_group(1).list_name == "scim-g1"
    assert a_group(1, okta_id="00gLOOMS").list_name == "00gLOOMS"


async def test_a_name_is_found_without_case(store, groups):
    await put(store, a_group(1, "Straße"))
    assert (await groups.named("STRASSE")).id == "g1"
    assert await groups.named("Strasse 2") is None


async def test_of_one_name_there_is_one_group(store, groups):
    await put(store, a_group(1, "Looms"))
    with pytest.raises(StateError):
        await put(store, a_group(2, "LOOMS"), "ada")
    assert await groups.get("g2") is None
    assert await members(groups, "g2") == []


async def test_the_name_of_a_deleted_group_is_free_and_its_id_is_not_counted_out(store, groups):
    await put(store, a_group(1, "Looms", is_deleted=True))
    assert await groups.named("Looms") is None
    assert await groups.get("g1") is None
    assert await groups.count_of_name("LOOMS") == 1
    await put(store, a_group(2, "looms"))
    assert (await groups.named("Looms")).id == "g2"
    assert await groups.count_of_name("Looms") == 2


async def test_a_rename_counts_for_the_first_name(store, groups):
    await put(store, a_group(1, "Looms"))
    await put(store, a_group(1, "Mills"))
    assert await groups.named("Looms") is None
    assert (await groups.named("Mills")).id == "g1"
    assert (await groups.count_of_name("Looms"), await groups.count_of_name("Mills")) == (1, 0)


async def test_pages_are_in_the_order_of_creation_and_leave_out_what_was_deleted(store, groups):
    for number in (3, 1, 2, 4):
        await put(store, a_group(number))
    await put(store, a_group(1, is_deleted=True))
    await put(store, a_group(3, "Renamed"))
    found = await groups.page(skip=0, most=2)
    assert (found.total, [one.id for one in found.groups]) == (3, ["g3", "g2"])
    rest = await groups.page(skip=2, most=2)
    assert (rest.total, [one.id for one in rest.groups]) == (3, ["g4"])


@pytest.mark.parametrize("skip", [3, 2**70])
async def test_a_page_behind_the_end_is_empty(store, groups, skip):
    await put(store, a_group(1))
    found = await groups.page(skip=skip, most=100)
    assert (found.total, found.groups) == (1, ())


async def test_an_external_id_may_stand_at_several_groups(store, groups):
    await put(store, a_group(2, external_id="x"))
    await put(store, a_group(1, external_id="x"))
    await put(store, a_group(3, external_id="x", is_deleted=True))
    await put(store, a_group(4, external_id="X"))
    assert [one.id for one in await groups.with_external_id("x")] == ["g2", "g1"]


async def test_members_are_added_removed_and_replaced(store, groups):
    await put(store, a_group(1), "ada", "bob")
    await put(store, a_group(1), added=["eve", "ada"], removed=["bob", "nobody"])
    assert await members(groups) == ["ada", "eve"]
    await put(store, a_group(1), all=["kim"])
    assert await members(groups) == ["kim"]


async def test_without_a_word_about_members_they_stay(store, groups):
    await put(store, a_group(1), "ada")
    await groups.put(a_group(1, "Mills"), at=NOW)
    assert await members(groups) == ["ada"]


async def test_a_deleted_group_has_no_members_whatever_is_said(store, groups):
    await put(store, a_group(1), "ada")
    await put(store, a_group(1, is_deleted=True), all=["ada"], added=["bob"])
    assert await members(groups) == []
    assert await groups.groups_of(["ada", "bob"]) == {}


async def test_members_of_many_groups_are_read_at_once(store, groups):
    for number in range(600):
        await put(store, a_group(number), "ada")
    found = await groups.members([f"g{number}" for number in range(601)])
    assert sum(len(one) for one in found.values()) == 600
    assert found["g600"] == []
    assert len((await groups.groups_of(["ada", *map(str, range(600))]))["ada"]) == 600


async def test_the_groups_of_users_are_those_that_are_there(store, groups):
    await put(store, a_group(1), "ada", "bob")
    await put(store, a_group(2), "ada")
    await put(store, a_group(3), "ada")
    await put(store, a_group(3, is_deleted=True))
    found = await groups.groups_of(["ada", "bob", "eve"])
    assert {name: [one.id for one in some] for name, some in found.items()} == {"ada": ["g1", "g2"], "bob": ["g1"]}


async def test_a_user_is_taken_out_of_every_group(store, groups):
    await put(store, a_group(1), "ada", "bob")
    await put(store, a_group(2), "ada")
    await groups.take_out("ada")
    assert await groups.members(["g1", "g2"]) == {"g1": ["bob"], "g2": []}


async def test_a_forgotten_group_was_never_there(store, groups):
    await put(store, a_group(1, "Looms"), "ada")
    await groups.forget("g1")
    assert await groups.every() == []
    assert await groups.named("Looms") is None
    assert await groups.count_of_name("Looms") == 0
    assert await members(groups) == []


async def test_many_groups_are_written_with_their_members(store, groups):
    await put(store, a_group(3))
    await groups.put_all([(a_group(1), ["ada", "bob"]), (a_group(2), [])])
    assert await groups.members(["g1", "g2"]) == {"g1": ["ada", "bob"], "g2": []}


async def test_of_many_groups_none_is_written_if_one_cannot_be(groups):
    with pytest.raises(StateError):
        await groups.put_all([(a_group(1, "Looms"), ["ada"]), (a_group(2, "LOOMS"), [])])
    assert await groups.every() == []
    assert await members(groups) == []


async def test_a_deletion_that_was_not_answered_is_known_as_such(store, groups):
    await put(store, a_group(1))
    assert await groups.being_deleted("g1") is None
    begun = a_group(1, is_deleted=True, is_answered=False)
    await put(store, begun)
    assert await groups.being_deleted("g1") == begun
    await put(store, a_group(1, is_deleted=True))
    assert await groups.being_deleted("g1") is None


async def test_every_group_is_read_deleted_or_not(store, groups):
    await put(store, a_group(1, is_deleted=True))
    await put(store, a_group(2))
    assert [one.id for one in await groups.every()] == ["g1", "g2"]


async def test_the_hint_is_written_with_the_group(store, groups):
    await groups.put(a_group(1), hints=[HINT], at=NOW)
    assert [one.of for one in await store.hints.due(NOW, most=10, latest=HOUR)] == ["scim-g1"]


async def test_without_the_group_there_is_no_hint(store, groups):
    await put(store, a_group(1, "Looms"))
    with pytest.raises(StateError):
        await groups.put(a_group(2, "looms"), Members(all=["ada"]), hints=[HINT], at=NOW)
    assert not await store.hints.due(NOW, most=10, latest=HOUR)


@pytest.fixture
async def listed(store):
    """A group with a list of its own, one that is an Okta group, one that was deleted; Bob is inactive, Eve deleted."""
    for user in (a_user("ada"), a_user("bob", denied_at=NOW), a_user("eve", denied_at=NOW, is_deleted=True)):
        await store.scim_users.put(user, at=NOW)
    await put(store, a_group(1, "Looms"), "ada", "bob", "eve", "nobody")
    await put(store, a_group(2, "Mills", okta_id="00gMILLS"), "ada")
    await put(store, a_group(3, "Kilns", is_deleted=True))
    await put(store, a_group(4, "Pits"))
    return store.scim_groups


async def test_lists_name_people_by_okta_id(listed):
    found = await listed.with_lists()
    assert found.pushed == {
        "scim-g1": PushedGroup("scim-g1", "Looms", frozenset({"00uada", "00ubob"})),
        "scim-g4": PushedGroup("scim-g4", "Pits", frozenset()),
    }
    assert found.unpushed == {"scim-g3"}


async def test_some_lists_are_read_by_name(listed):
    found = await listed.with_lists(["scim-g4", "scim-g3", "scim-unknown", "00gMILLS"])
    assert set(found.pushed) == {"scim-g4"}
    assert found.unpushed == {"scim-g3"}
    assert not (await listed.with_lists([])).pushed


async def test_a_user_bound_to_an_okta_id_is_a_member_by_that_id(store, listed):
    await store.scim_users.bind(a_user("ada"), "00uREAL")
    assert (await listed.with_lists(["scim-g1"])).pushed["scim-g1"].people == {"00uREAL", "00ubob"}


async def test_the_groups_that_are_okta_groups_are_known_and_those_that_were_deleted_are_none(store, listed):
    await put(store, a_group(5, "Sheds", okta_id="00gSHEDS", is_deleted=True))
    assert [one.id for one in await listed.bound()] == ["g2"]


async def test_a_group_that_is_unbound_has_a_list_of_its_own_and_a_hint(store, listed):
    await listed.unbind(await listed.bound(), hints=[HINT], at=NOW)
    assert not await listed.bound()
    assert (await listed.with_lists()).pushed["scim-g2"] == PushedGroup("scim-g2", "Mills", frozenset({"00uada"}))
    assert [one.of for one in await store.hints.due(NOW, most=10, latest=HOUR)] == ["scim-g1"]


async def test_a_request_that_read_the_group_before_does_not_bind_it_again(store, listed):
    (before,) = await listed.bound()
    await listed.unbind([before], at=NOW)
    await put(store, replace(before, display_name="Kilns 2"), "ada")
    assert await listed.get("g2") == replace(before, display_name="Kilns 2", okta_id="")
