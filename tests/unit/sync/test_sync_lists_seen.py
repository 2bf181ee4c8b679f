"""Which lists there are after a pass: as they were read, with what was done since."""

from __future__ import annotations

import pytest
from teleport_okta.apply.outcome import Outcome
from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers, TeleportAccessList, TeleportMember
from teleport_okta.plan.actual import ActualDirectory
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, Action, Change
from teleport_okta.state.directory import SeenList
from teleport_okta.state.journal import Result
from teleport_okta.sync.lists_seen import lists_after
from worlds import ORG

OURS = {labels.OWNER: ORG}
EVE = TeleportMember("eve@x.io")
NESTED = TeleportMember("00gC", is_list=True)
ACTUAL = ActualDirectory(
    access_lists={
        "00gA": TeleportAccessList("00gA", "Engineering", OURS),
        "theirs": TeleportAccessList("theirs", "Theirs"),
    },
    members={"00gA": ListMembers(frozenset({"ada@x.io", "bob@x.io"}), {"eve@x.io": EVE, "00gC": NESTED})},
)
IMPORTED = {labels.GRANT: labels.GRANT_IMPORTED}
AS_READ = SeenList("00gA", "Engineering", 2, 2)


def done(action, kind, name, subject="00gA", result=Result.DONE, **fields):
    change = Change(action=action, kind=kind, name=name, subject=subject, okta_id="", reason="", **fields)
    return Outcome(change, result)


def member(action, name, *, found=None):
    content = None if found else TeleportMember(name)
    return done(action, MEMBER, name, content=content, found=found)


def test_lists_of_others_are_not_among_them():
    assert lists_after(ACTUAL, ORG, []) == [AS_READ]


@pytest.mark.parametrize(
    ("outcome", "imported", "others"),
    [
        (member(Action.CREATE, "cy@x.io"), 3, 2),
        (member(Action.DELETE, "ada@x.io", found=TeleportMember("ada@x.io", labels=IMPORTED)), 1, 2),
        (member(Action.DELETE, "00gC", found=NESTED), 2, 1),
    ],
)
def test_members_who_came_and_went_are_counted_where_they_belong(outcome, imported, others):
    assert lists_after(ACTUAL, ORG, [outcome]) == [SeenList("00gA", "Engineering", imported, others)]


def test_a_list_that_was_made_has_the_members_it_began_with():
    made = TeleportAccessList("00gB", "Looms", OURS)
    outcome = done(Action.CREATE, ACCESS_LIST, "00gB", "00gB", content=made, members=("ada@x.io", "bob@x.io"))
    assert lists_after(ACTUAL, ORG, [outcome])[1] == SeenList("00gB", "Looms", 2, 0)


def test_a_list_that_was_renamed_has_its_new_title():
    renamed = TeleportAccessList("00gA", "Builders", OURS)
    outcome = done(Action.UPDATE, ACCESS_LIST, "00gA", content=renamed, found=ACTUAL.access_lists["00gA"])
    assert lists_after(ACTUAL, ORG, [outcome]) == [SeenList("00gA", "Builders", 2, 2)]


def test_a_list_that_was_deleted_is_gone_and_one_that_was_not_stays():
    deletion = done(Action.DELETE, ACCESS_LIST, "00gA", found=ACTUAL.access_lists["00gA"])
    assert lists_after(ACTUAL, ORG, [deletion]) == []
    assert lists_after(ACTUAL, ORG, [Outcome(deletion.change, Result.FAILED, "no")]) == [AS_READ]
