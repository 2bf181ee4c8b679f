"""Who is in which list, when all that a listing tells is what each member says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.teleport.convert_lists import new_members
from teleport_okta.teleport.member_table import MemberTable, frozen
from unit.teleport.small_pki import NOW

if TYPE_CHECKING:
    from teleport.accesslist.v1 import accesslist_pb2
    from teleport_okta.model.access import ListMembers
OURS = "00o1"


def member(list_name: str, name: str) -> accesslist_pb2.Member:
    """A member whom we imported."""
    [message] = new_members(list_name, [name], owner=OURS, joined=NOW)
    return message


def read(store: str) -> tuple[dict[str, ListMembers], list[str], int]:
    """Read a store such as `x: a b, y: a y>x`, where `y` in list `y` claims to be of list `x`.

    Returns the members by list, the oddities, and how many had to be asked for by name.
    """
    stored = {
        (list_name, entry.partition(">")[0]): member(entry.partition(">")[2] or list_name, entry.partition(">")[0])
        for list_name, _, entries in (part.strip().partition(":") for part in store.split(","))
        for entry in entries.split()
    }
    table = MemberTable(OURS)
    for message in stored.values():
        table.take(message)
    doubtful = table.doubtful()
    for list_name, name in doubtful:
        table.confirm(list_name, name, stored.get((list_name, name)))
    return frozen(table.settled()), table.oddities, len(doubtful)


def test_a_listing_in_order_leaves_no_doubt() -> None:
    members, oddities, asked = read("x-y: a, x: a b, y: a")

    names = {name: set(found.imported) for name, found in members.items()}
    assert names == {"x-y": {"a"}, "x": {"a", "b"}, "y": {"a"}}
    assert (oddities, asked) == ([], 0)


@pytest.mark.parametrize(
    "store",
    [
        "x: a o>y c, y: a c",
        "x: a o>y c",
        "x: a o>w c",
        "w: a, x: a o>w, y: a",
        "x: a n>z o>y c, y: a c",
        "w: o>y, x: a c, y: a c",
        "w: a o>x, x: a c, y: a c",
        "x: a c, y: a o>x c, z: a",
        "x: a c, y: a c o>x, z: a",
        "x: a o>y, y: a o>x",
    ],
)
def test_a_member_that_claims_another_list_counts_nowhere(store: str) -> None:
    members, oddities, _ = read(store)

    expected = {
        part.split(":")[0].strip(): {name for name in part.split(":")[1].split() if ">" not in name}
        for part in store.split(",")
    }
    assert {name: set(found.imported) for name, found in members.items()} == {
        name: names for name, names in expected.items() if names
    }
    assert len(oddities) == store.count(">")


def test_whoever_comes_twice_because_the_listing_moved_counts_once() -> None:
    table = MemberTable(OURS)
    for name in "abbc":
        table.take(member("x", name))

    assert table.doubtful() == []
    assert len(frozen(table.settled())["x"]) == 3


def test_half_a_million_imported_memberships_are_sets_of_shared_names() -> None:
    members, _, _ = read("x: ada@example.com bob@example.com, y: ada@example.com bob@example.com")

    assert all(not found.others for found in members.values())
    one, other = (sorted(found.imported) for found in members.values())
    assert [id(name) for name in one] == [id(name) for name in other]
