"""Memberships in the names of users who are gone: which count, who waits for them, and what is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember
from teleport_okta.model.inheritance import Inheritance, LeftMembership
from teleport_okta.model.problems import AddedMembershipLeft, ImportedMembershipLeft, NameHasMemberships
from teleport_okta.model.reasons import ImportLeftIn, LeftIn
from teleport_okta.model.scope import Scope
from teleport_okta.plan.changes import MEMBER, USER
from teleport_okta.plan.left_memberships import inheritance_of, reports
from teleport_okta.plan.user_facts import owned_names
from worlds import NOW, ORG, leaver_lock, listing, owned_user, person, planned
from worlds_directory import ADA, BOB, PEOPLE, group, nested, organization, synced, unread

ENG = "00gENG"
NEW = "00uNEW"
LEFT = LeftMembership("ada", ENG, "Engines")
IMPORTED = {labels.OWNER: ORG, labels.GRANT: labels.GRANT_IMPORTED}


def engines(*members):
    return organization(group(ENG, "Engines", members))


def found(okta, cluster, now=NOW):
    users = cluster.users
    return inheritance_of(
        cluster.actual(), okta, owned=owned_names(users.values(), ORG), users=users, owner=ORG, now=now
    )


def without_ada(okta=None):
    """Everything is synced, and Ada's user is gone."""
    cluster = synced(okta or engines(BOB))
    del cluster.users["ada"]
    return cluster


def test_what_people_gave_to_a_name_without_a_user_is_left():
    cluster = without_ada()
    cluster.add(ENG, TeleportMember("ada"))
    assert found(engines(BOB), cluster) == Inheritance(left={"ada": (LEFT,)})


def test_of_a_user_who_is_not_ours_that_is_noted():
    cluster = without_ada()
    cluster.users["ada"] = owned_user(ADA, "ada", labels={})
    cluster.add(ENG, TeleportMember("ada"))
    assert found(engines(BOB), cluster).left == {"ada": (replace(LEFT, has_user=True),)}


@pytest.mark.parametrize(
    "member",
    [
        nested("ada"),
        TeleportMember("ada", expires=NOW),
        TeleportMember("ada", labels=IMPORTED, expires=NOW),
        TeleportMember("bob"),
    ],
    ids=["a nested list", "an ended one", "an ended import", "of a user of ours"],
)
def test_memberships_that_give_no_access_do_not_count_as_left(member):
    cluster = without_ada(engines(ADA))
    cluster.members[ENG].clear()
    cluster.add(ENG, member)
    assert found(engines(), cluster) == Inheritance()


def test_lists_of_others_and_members_without_a_list_do_not_count():
    cluster = without_ada()
    cluster.lists["theirs"] = TeleportAccessList("theirs", "Theirs", owners=(ListOwner("olga"),))
    cluster.add("theirs", TeleportMember("ada"))
    cluster.add("gone", TeleportMember("ada"))
    assert found(engines(BOB), cluster) == Inheritance()


@pytest.mark.parametrize("end", [None, NOW + timedelta(days=1)])
def test_an_import_is_left_if_it_is_not_known_who_is_in_the_list(end):
    cluster = without_ada()
    cluster.add(ENG, TeleportMember("ada", labels=IMPORTED, expires=end))
    everywhere = organization(unread(group(ENG, "Engines")))
    for okta in (everywhere, organization()):
        assert found(okta, cluster).left == {"ada": (replace(LEFT, imported=True),)}


def test_an_import_that_okta_decides_goes_unless_the_person_is_in_the_list_too():
    cluster = without_ada(engines(ADA, BOB))
    inheritance = found(engines(BOB, NEW), cluster)
    assert not inheritance.left
    assert inheritance.of_newcomer("ada", "00uOTHER") == (ImportLeftIn(ENG),)
    assert inheritance.of_newcomer("ada", NEW) == ()


def test_only_the_last_holder_of_a_name_gets_the_memberships_that_were_left():
    left = Inheritance(left={"ada": (LEFT,)})
    assert left.of_newcomer("ada", ADA) == (LeftIn("Engines", ENG),)
    assert left.of_successor("ada", ADA) == ()
    known = replace(left, holders={"ada": ADA})
    assert known.of_newcomer("ada", ADA) == known.of_successor("ada", ADA) == ()
    assert known.of_newcomer("ada", NEW) == known.of_successor("ada", NEW) == (LeftIn("Engines", ENG),)
    assert known.of_newcomer("eve", NEW) == ()


def test_what_was_released_counts_for_nothing_and_the_rest_does():
    other = replace(LEFT, list_name="00gOPS", title="Ops")
    left = Inheritance(left={"ada": (LEFT, other)}, released={LEFT.label})
    assert left.of_newcomer("ada", NEW) == (LeftIn("Ops", "00gOPS"),)
    assert left.unreleased() == [other]


def arriving(inheritance, *, locks=(), users=()):
    return planned(listing(person(NEW, "ada")), users, locks, inheritance=inheritance)


def test_a_new_person_waits_and_is_told_for_what():
    plan = arriving(Inheritance(left={"ada": (LEFT,)}, holders={"ada": ADA}))
    assert not plan.changes
    [row] = plan.quarantined
    assert (row.kind, row.name, row.okta_id) == (USER, "ada", NEW)
    assert row.cause == NameHasMemberships("ada", ADA, (LeftIn("Engines", ENG),))


def test_a_person_about_whom_our_lock_is_returns():
    """The lock says whose name it was, also where the state does not know."""
    plan = arriving(Inheritance(left={"ada": (LEFT,)}), locks=[leaver_lock(NEW, "ada")])
    assert [change.kind for change in plan.changes] == [USER, "lock"]


def test_a_user_of_our_connector_is_not_taken_over_for_a_new_person_and_is_for_an_unknown_one():
    theirs = owned_user(NEW, "ada", labels={})
    left = Inheritance(left={"ada": (replace(LEFT, has_user=True),)})
    assert [row.kind for row in arriving(replace(left, holders={"ada": ADA}), users=[theirs]).quarantined] == [USER]
    assert [change.kind for change in arriving(left, users=[theirs]).changes] == [USER]


def test_what_is_left_is_reported_unless_its_user_comes_now():
    left = Inheritance(left={"ada": (LEFT,), "eve": (replace(LEFT, name="eve", imported=True),)})
    rows = reports(left, [])
    assert [(row.kind, row.name, row.okta_id) for row in rows] == [
        (MEMBER, "00gENG/ada", ""),
        (MEMBER, "00gENG/eve", ""),
    ]
    assert [row.cause for row in rows] == [
        AddedMembershipLeft("ada", "Engines"),
        ImportedMembershipLeft("eve", "Engines"),
    ]
    coming = arriving(Inheritance()).changes
    assert [row.name for row in reports(left, coming)] == ["00gENG/eve"]
    assert not reports(left, [], Scope.of(groups=["00gOPS"]))


def test_of_a_user_who_is_there_nothing_is_reported():
    assert not reports(Inheritance(left={"ada": (replace(LEFT, has_user=True),)}), [])


def test_a_first_pass_finds_nothing_left():
    assert found(engines(ADA), synced(engines(ADA), people=PEOPLE)) == Inheritance()
