"""Planning the members of a list: imported members follow Okta, and members added by people stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.desired.trust import PEOPLE as PEOPLE_LISTING
from teleport_okta.desired.trust import Absences
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.okta import MalformedRow
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, USER
from teleport_okta.plan.needs import locked, stands_for
from worlds import NOW, ORG, person
from worlds import listing as people
from worlds_directory import (
    ADA,
    BOB,
    CY,
    PEOPLE,
    changes,
    group,
    held_back,
    imports,
    nested,
    organization,
    roster,
    synced,
    unread,
    whole_plan,
)

ENG, OPS = "00gENG", "00gOPS"


def engines(*members, **changes):
    return organization(group(ENG, "Engines", members, **changes))


def only(plan, kind=MEMBER):
    [change] = [one for one in plan.changes if one.kind == kind]
    return change


def test_a_person_who_joins_a_group_is_added_with_the_origin_in_a_label():
    plan = whole_plan(engines(ADA, BOB), synced(engines(ADA)))
    assert changes(plan) == ["create member 00gENG/bob"]
    assert only(plan).content == TeleportMember(
        "bob", labels={"teleport-okta/owner": ORG, "teleport-okta/grant": "imported"}
    )


def test_only_users_of_ours_become_members():
    cluster = synced(engines(ADA, "00uSTRANGER"))
    assert cluster.imported(ENG) == {"ada"}


def test_a_person_who_leaves_a_group_leaves_the_list_on_the_evidence_of_the_roster():
    plan = whole_plan(engines(ADA), synced(engines(ADA, BOB)))
    assert changes(plan) == ["delete member 00gENG/bob"]
    harm = only(plan).harm
    assert harm.harmed == Harmed(MEMBER, "00gENG/bob", BOB)
    assert (harm.evidence, harm.listing) == (Evidence.ABSENT, "members of 00gENG")


@pytest.mark.parametrize("who", ["nobody", "a stranger"])
def test_a_member_whose_user_we_deleted_ends_with_the_departure_unless_others_have_the_name(who):
    cluster = synced(engines(ADA, BOB))
    del cluster.users["bob"]
    if who == "a stranger":
        cluster.users["bob"] = TeleportUser("bob", roles=("access",))
    plan = whole_plan(engines(ADA, BOB), cluster, people=people(person(ADA, "ada")), left={"bob": BOB})
    removal = only(plan)
    if who == "nobody":
        assert (removal.okta_id, removal.harm.harmed) == (BOB, Harmed(USER, "bob", BOB))
        assert (removal.harm.evidence, removal.harm.continues) == (Evidence.STATED, True)
    else:
        assert (removal.okta_id, removal.harm.listing) == ("", PEOPLE_LISTING)


def test_an_empty_roster_removes_no_member_while_okta_counts_people():
    """Regression: an empty read deletes all."""
    cluster = synced(engines(ADA, BOB))
    okta = engines(users_count=2)
    cluster.apply(held_back(whole_plan(okta, cluster), cluster, okta))
    assert cluster.imported(ENG) == {"ada", "bob"}


def test_a_group_that_cannot_be_read_keeps_its_members_and_takes_no_new_ones():
    okta = organization(unread(group(ENG, "Renamed", [CY])))
    plan = whole_plan(okta, synced(engines(ADA)))
    assert not changes(plan, MEMBER, ACCESS_LIST)


def test_one_bad_name_does_not_stop_other_people():
    """Regression: one bad name stops everybody."""
    everybody = people(*PEOPLE.people, person("00uBAD", "o'neil"))
    cluster = synced(engines(ADA, "00uBAD", BOB), people=everybody)
    assert cluster.imported(ENG) == {"ada", "bob"}


def test_a_new_person_joins_a_list_after_the_user_is_made():
    only_ada = people(person(ADA, "ada"))
    plan = whole_plan(engines(ADA, BOB), synced(engines(ADA), people=only_ada), people=people(*PEOPLE.people[:2]))
    assert changes(plan) == ["create user bob", "create member 00gENG/bob"]
    assert only(plan).needs == (stands_for("bob", BOB),)


def test_the_origin_on_the_member_decides_and_nothing_that_we_remember():
    """A member with the label is imported, and a member without it was added by people: there is no third source."""
    cluster = synced(engines(ADA, BOB))
    cluster.add(ENG, TeleportMember("cy", added_by="olga"))
    assert changes(whole_plan(engines(ADA), cluster)) == ["delete member 00gENG/bob"]


def test_a_member_added_by_people_is_neither_overwritten_nor_removed():
    cluster = synced(engines(ADA))
    added = TeleportMember("bob", expires=NOW + timedelta(days=1), reason="on call", added_by="olga")
    cluster.add(ENG, added)
    for okta in (engines(ADA, BOB), engines(ADA)):
        assert not changes(whole_plan(okta, cluster))
    assert cluster.members[ENG]["bob"] == added


def test_a_temporary_grant_does_not_turn_permanent_by_an_import():
    """Regression: a temporary grant turned permanent by an import."""
    cluster = synced(engines(ADA))
    cluster.add(ENG, TeleportMember("bob", expires=NOW - timedelta(hours=1), added_by="olga"))
    plan = whole_plan(engines(ADA, BOB), cluster)
    assert not changes(plan)
    assert [(row.kind, row.name) for row in plan.quarantined] == [(MEMBER, "00gENG/bob")]


def test_an_end_is_nothing_to_report_where_okta_says_the_same():
    cluster = synced(engines(ADA))
    cluster.add(ENG, TeleportMember("bob", expires=NOW - timedelta(hours=1), added_by="olga"))
    assert not whole_plan(engines(ADA), cluster).quarantined


def given_an_end(cluster, name, when):
    cluster.members[ENG][name] = replace(cluster.members[ENG][name], expires=when)
    return cluster


def test_an_end_that_people_gave_an_import_stays_and_the_import_goes_with_okta():
    cluster = given_an_end(synced(engines(ADA, BOB)), "bob", NOW + timedelta(days=1))
    assert not changes(whole_plan(engines(ADA, BOB), cluster))
    assert changes(whole_plan(engines(ADA), cluster)) == ["delete member 00gENG/bob"]


def test_an_import_that_people_let_end_is_reported_while_okta_has_it():
    cluster = given_an_end(synced(engines(ADA, BOB)), "bob", NOW)
    [row] = whole_plan(engines(ADA, BOB), cluster).quarantined
    assert row.name == "00gENG/bob"
    assert not whole_plan(engines(ADA, BOB), cluster, now=NOW - timedelta(hours=1)).quarantined


def test_members_of_lists_with_similar_names_are_not_mixed_up():
    """Regression: members listed by name prefix leak between lists."""
    okta = organization(group(ENG, members=[ADA]), group(f"{ENG}2", members=[BOB]))
    cluster = synced(okta)
    assert (cluster.imported(ENG), cluster.imported(f"{ENG}2")) == ({"ada"}, {"bob"})
    after = organization(group(ENG, members=[ADA]), group(f"{ENG}2", members=[BOB, CY]))
    assert changes(whole_plan(after, cluster)) == [f"create member {ENG}2/cy"]


def departed(**trouble):
    return people(*PEOPLE.people[1:], **trouble)


def test_the_memberships_of_a_leaver_are_the_same_harm_as_the_leaving():
    plan = whole_plan(engines(ADA, BOB), synced(engines(ADA, BOB)), people=departed())
    assert changes(plan) == ["lock lock ada", "delete member 00gENG/ada", "delete user ada"]
    assert {one.harmed for one in plan.changes} == {Harmed(USER, "ada", ADA)}


def test_a_leaver_who_is_held_keeps_the_memberships():
    cluster = synced(engines(ADA, BOB))
    plan = whole_plan(engines(ADA, BOB), cluster, people=departed(incomplete="page 2: 503"))
    doubt = {PEOPLE_LISTING: Absences(Verbatim("page 2: 503"), approvable=False)}
    assert not changes(held_back(plan, cluster, engines(ADA, BOB), absences=doubt))


UNDECIDED = {
    "a group whose members cannot be read": (organization(unread(group(ENG, "Engines"))), {}),
    "a group that is listed and no usable row": (
        organization(malformed_groups=[MalformedRow(ENG, "no profile")]),
        {},
    ),
    "roles that may not be read": (engines(ADA, BOB), {"roles_off": "may not read roles"}),
}


@pytest.mark.parametrize("name", UNDECIDED)
def test_a_leaver_leaves_lists_that_are_otherwise_left_as_found(name):
    okta, off = UNDECIDED[name]
    cluster = synced(engines(ADA, BOB))
    cluster.add(ENG, TeleportMember("olga"))
    plan = whole_plan(okta, cluster, people=departed(), settings=imports(**off))
    assert changes(plan) == ["lock lock ada", "delete member 00gENG/ada", "delete user ada"]
    assert {one.harmed for one in plan.changes} == {Harmed(USER, "ada", ADA)}


def test_a_leaver_leaves_an_unread_list_also_where_people_gave_the_import_an_end():
    cluster = synced(engines(ADA, BOB))
    cluster.members[ENG]["ada"] = replace(cluster.members[ENG]["ada"], expires=NOW + timedelta(days=1))
    plan = whole_plan(organization(unread(group(ENG, "Engines"))), cluster, people=departed())
    assert changes(plan, MEMBER) == ["delete member 00gENG/ada"]


def test_members_added_by_people_and_lists_of_others_keep_a_leaver():
    cluster = synced(engines(BOB))
    cluster.add(ENG, TeleportMember("ada"))
    cluster.lists["theirs"] = TeleportAccessList("theirs", "Theirs", owners=(ListOwner("olga"),))
    cluster.members["theirs"]["ada"] = TeleportMember("ada", labels={labels.GRANT: labels.GRANT_IMPORTED})
    for off in ({}, {"roles_off": "may not read roles"}):
        assert not changes(whole_plan(engines(BOB), cluster, people=departed(), settings=imports(**off)), MEMBER)


def test_a_leaver_leaves_a_list_whose_end_is_held():
    cluster = synced(engines(ADA, BOB))
    okta = organization(groups={"untrusted": "narrowed"})
    plan = held_back(whole_plan(okta, cluster, people=departed()), cluster, okta)
    assert changes(plan, MEMBER, ACCESS_LIST) == ["delete member 00gENG/ada"]


def test_a_leaver_is_taken_out_in_one_harm_where_others_hold_on_to_a_list_that_ends():
    cluster = synced(engines(ADA, BOB))
    cluster.lists["theirs"] = TeleportAccessList("theirs", "Theirs", owners=(ListOwner("olga"),))
    cluster.add("theirs", nested(ENG))
    plan = whole_plan(organization(), cluster, people=departed())
    assert changes(plan, MEMBER) == ["delete member 00gENG/ada", "delete member 00gENG/bob"]
    assert [one.harmed.kind for one in plan.changes if one.kind == MEMBER] == [USER, ACCESS_LIST]


def test_a_renamed_person_is_in_the_list_by_the_new_name_before_the_old_one_goes():
    renamed = people(person(ADA, "countess"), *PEOPLE.people[1:])
    plan = whole_plan(engines(ADA, BOB), synced(engines(ADA, BOB)), people=renamed)
    assert changes(plan, MEMBER) == ["create member 00gENG/countess", "delete member 00gENG/ada"]
    needs = [one.needs for one in plan.changes if one.kind == MEMBER]
    assert needs == [(stands_for("countess", ADA),), (locked("ada", ADA),)]


def test_a_membership_without_a_user_is_harm_on_the_evidence_of_the_listing_of_people():
    cluster = synced(engines(ADA, BOB))
    cluster.users.pop("ada")
    plan = whole_plan(engines(ADA, BOB), cluster, people=departed())
    assert changes(plan) == ["delete member 00gENG/ada"]
    assert (only(plan).harm.evidence, only(plan).harm.listing) == (Evidence.ABSENT, PEOPLE_LISTING)
    doubt = {PEOPLE_LISTING: Absences(Verbatim("the listing is empty"), approvable=True)}
    assert not changes(held_back(plan, cluster, engines(ADA, BOB), absences=doubt))


def test_the_end_of_a_membership_of_a_user_who_is_not_ours_any_more_is_counted_as_harm():
    cluster = synced(engines(ADA, BOB))
    cluster.users["ada"] = TeleportUser("ada")
    plan = whole_plan(engines(ADA, BOB), cluster)
    assert changes(plan) == ["delete member 00gENG/ada"]
    assert (only(plan).harm.evidence, only(plan).harm.listing) == (Evidence.ABSENT, PEOPLE_LISTING)


def test_a_user_who_was_deleted_by_hand_is_made_again_and_stays_a_member():
    cluster = synced(engines(ADA, BOB))
    cluster.users.pop("ada")
    assert changes(whole_plan(engines(ADA, BOB), cluster)) == ["create user ada"]


@pytest.mark.parametrize("status", ["SUSPENDED", "HIBERNATING"])
def test_suspended_people_and_people_of_unknown_status_stay_members(status):
    somebody = people(person(ADA, "ada", status=status), *PEOPLE.people[1:])
    assert not changes(whole_plan(engines(ADA, BOB), synced(engines(ADA, BOB)), people=somebody), MEMBER)


def test_a_member_is_labelled_as_imported_in_every_way_that_we_add_one():
    cluster = synced(engines(ADA, BOB), synced(engines(ADA)))
    assert {one.labels[labels.GRANT] for one in cluster.members[ENG].values()} == {"imported"}


def test_rosters_of_several_lists_are_apart():
    okta = organization(group(ENG, members=[ADA, BOB]), group(OPS, members=[ADA]))
    cluster = synced(okta)
    after = organization(replace(group(ENG), members=roster([ADA])), group(OPS, members=[ADA, BOB]))
    assert sorted(changes(whole_plan(after, cluster))) == ["create member 00gOPS/bob", "delete member 00gENG/bob"]
