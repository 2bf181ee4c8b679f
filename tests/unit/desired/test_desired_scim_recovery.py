"""What Teleport's labels tell of people and groups whose records are lost, as records that can stand together."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.desired.scim_recovery import recovered_groups, recovered_users
from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers, TeleportAccessList
from worlds import NOW, ORG, leaver_lock, owned_user

ADA, BOB = "00uADA", "00uBOB"


def user(okta_id, name, scim_id):
    found = owned_user(okta_id, name)
    return replace(found, labels={**found.labels, labels.SCIM_ID: scim_id})


def lock(okta_id, name, scim_id):
    found = leaver_lock(okta_id, name)
    return replace(found, labels={**found.labels, labels.SCIM_ID: scim_id})


def recovered(users=(), locks=()):
    return {
        one.okta_id: (one.id, one.active, one.is_deleted)
        for one in recovered_users(users, locks, [], owner=ORG, now=NOW)
    }


def a_list(name, title):
    carried = {labels.OWNER: ORG, labels.GROUP_NAME: title}
    return TeleportAccessList(f"scim-{name}", title, labels=carried)


def test_a_person_who_has_a_user_is_active_whatever_lock_there_is():
    assert recovered([user(ADA, "ada@x.io", "a")], [lock(ADA, "ada.old@x.io", "a")]) == {ADA: ("a", True, False)}


def test_a_denial_under_a_name_that_another_person_has_now_stays_and_is_not_shown_any_more():
    found = recovered([user(BOB, "Ada@x.io", "b")], [lock(ADA, "ada@x.io", "a")])
    assert found == {BOB: ("b", True, False), ADA: ("a", False, True)}


def test_one_scim_id_is_one_person_under_whichever_okta_id_an_older_lock_is():
    found = recovered([user(ADA, "ada@x.io", "a")], [lock("scim-user-1", "ada.old@x.io", "a")])
    assert found == {ADA: ("a", True, False)}


def test_who_is_known_by_now_is_not_taken_over():
    known = recovered_users([user(ADA, "ada@x.io", "a")], [], [], owner=ORG, now=NOW)
    locks = [lock(ADA, "ada@x.io", "a"), lock("scim-user-1", "ada.old@x.io", "a"), lock(BOB, "ADA@x.io", "b")]
    found = recovered_users([], locks, known, owner=ORG, now=NOW)
    assert [(one.okta_id, one.is_deleted) for one in found] == [(BOB, True)]
    gone = [replace(known[0], is_deleted=True)]
    assert [one.is_deleted for one in recovered_users([], [locks[2]], gone, owner=ORG, now=NOW)] == [False]


def test_a_group_that_is_known_by_now_is_not_taken_over():
    known = [group for group, _ in recovered_groups([a_list("1", "Looms")], {}, [], [], owner=ORG, now=NOW)]
    lists = [a_list("1", "Mills"), a_list("2", "LOOMS"), a_list("3", "Kilns")]
    assert [group.id for group, _ in recovered_groups(lists, {}, [], known, owner=ORG, now=NOW)] == ["3"]
    gone = [replace(known[0], is_deleted=True)]
    assert [group.id for group, _ in recovered_groups(lists, {}, [], gone, owner=ORG, now=NOW)] == ["2", "3"]


def test_of_two_lists_of_one_name_one_is_taken_over():
    members = {"scim-2": ListMembers(imported=frozenset({"ada@x.io"}))}
    people = recovered_users([user(ADA, "ada@x.io", "a")], [], [], owner=ORG, now=NOW)
    lists = [a_list("2", "Mills"), a_list("3", "looms"), a_list("1", "Looms")]
    found = recovered_groups(lists, members, people, [], owner=ORG, now=NOW)
    assert [(group.id, group.display_name, ids) for group, ids in found] == [("1", "Looms", []), ("2", "Mills", ["a"])]
