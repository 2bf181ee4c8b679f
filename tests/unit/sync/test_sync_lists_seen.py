"""Our lists, with their numbers of imported and added members."""

from __future__ import annotations

from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers, TeleportAccessList, TeleportMember
from teleport_okta.plan.actual import ActualDirectory
from teleport_okta.state.groups_and_apps import SeenList
from teleport_okta.sync.lists_seen import lists_of
from worlds import ORG

OURS = {labels.OWNER: ORG}
EVE = TeleportMember("eve@x.io")
NESTED = TeleportMember("00gC", is_list=True)


def test_lists_of_ours_are_counted_by_who_put_people_into_them():
    actual = ActualDirectory(
        access_lists={
            "00gA": TeleportAccessList("00gA", "Engineering", OURS),
            "00gB": TeleportAccessList("00gB", "Looms", OURS),
            "theirs": TeleportAccessList("theirs", "Theirs"),
        },
        members={"00gA": ListMembers(frozenset({"ada@x.io", "bob@x.io"}), {"eve@x.io": EVE, "00gC": NESTED})},
    )
    assert lists_of(actual, ORG) == [SeenList("00gA", "Engineering", 2, 2), SeenList("00gB", "Looms", 0, 0)]
