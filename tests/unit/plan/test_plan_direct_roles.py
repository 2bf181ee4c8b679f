"""Planning member roles that stand on users themselves, where a cluster has no access lists."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.trust import GROUPS, members_of
from teleport_okta.model import labels
from teleport_okta.model.access import TeleportAccessList
from teleport_okta.model.direct_roles import given_ids
from teleport_okta.model.harm import Evidence, Harmed, Limits
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import member_role
from teleport_okta.model.problems import PeopleUnread, RoleStillHeld
from teleport_okta.model.scope import Scope
from teleport_okta.model.teleport import TeleportRole
from teleport_okta.plan.changes import MEMBER, ROLE, USER, Action
from teleport_okta.plan.needs import ended, stands_for, written
from worlds import ORG, owned_user, person
from worlds import listing as people
from worlds_directory import (
    ADA,
    BOB,
    COMMUNITY,
    CY,
    IMPORTS,
    Cluster,
    app,
    changes,
    group,
    held_back,
    organization,
    roster,
    unread,
    whole_plan,
)
from worlds_directory import synced as synced_with

ENG_ROLE = member_role("00gENG")
GIT = app("0oaGIT", direct=[CY])


def eng(*members):
    return group("00gENG", "Engines", members)


def planned(okta, cluster, settings=COMMUNITY, **how):
    return whole_plan(okta, cluster, settings=settings, **how)


def synced(okta, cluster=None, settings=COMMUNITY, **how):
    return synced_with(okta, cluster, settings=settings, **how)


def holding(cluster, role=ENG_ROLE):
    return {user.name for user in cluster.users.values() if role in user.roles}


def edited(cluster, name, **fields):
    cluster.users[name] = replace(cluster.users[name], **fields)


def of_members(plan):
    return [change for change in plan.changes if change.kind == MEMBER]


def test_people_of_a_group_and_of_an_app_have_its_member_role():
    cluster = synced(organization(eng(ADA, BOB, "00uSTRANGER"), GIT))
    assert holding(cluster) == {"ada", "bob"}
    assert holding(cluster, member_role("0oaGIT")) == {"cy"}
    assert cluster.users["ada"].labels[labels.DIRECT_ROLES] == "00gENG"
    assert "okta-requester" in cluster.users["ada"].roles
    assert planned(organization(eng(ADA, BOB, "00uSTRANGER"), GIT), cluster).is_empty
    assert not cluster.lists


def test_a_role_is_given_when_the_role_is_there_and_the_user_stands_for_the_person():
    [step] = of_members(planned(organization(eng(ADA)), Cluster()))
    assert step.needs == (stands_for("ada", ADA), written(ROLE, ENG_ROLE))
    assert (step.action, step.label, step.key) == (Action.CREATE, "00gENG/ada", "access_list/00gENG")


def test_a_person_who_leaves_the_group_loses_the_role_and_nothing_else():
    cluster = synced(organization(eng(ADA, BOB), GIT))
    edited(cluster, "bob", roles=(*cluster.users["bob"].roles, "access"))
    [step] = planned(organization(eng(ADA), GIT), cluster).changes
    assert step.harmed == Harmed(MEMBER, "00gENG/bob", BOB)
    assert (step.harm.evidence, step.harm.listing) == (Evidence.ABSENT, members_of("00gENG"))
    cluster = synced(organization(eng(ADA), GIT), cluster)
    assert cluster.users["bob"].roles == ("okta-requester", "access")
    assert labels.DIRECT_ROLES not in cluster.users["bob"].labels


def test_of_whom_an_event_says_that_they_left_the_evidence_is_stated():
    cluster = synced(organization(eng(ADA, BOB)))
    row = eng(ADA)
    row = replace(row, members=replace(row.members, left=frozenset({BOB})))
    [step] = of_members(planned(organization(row), cluster))
    assert (step.harm.evidence, step.harm.listing) == (Evidence.STATED, "")


def test_a_leaver_takes_the_roles_along():
    cluster = synced(organization(eng(ADA, BOB)))
    staying = people(person(ADA, "ada"), person(CY, "cy"))
    plan = planned(organization(eng(ADA)), cluster, people=staying)
    assert not of_members(plan)
    assert "delete user bob" in changes(plan)


def test_a_renamed_person_has_the_role_under_the_new_name():
    cluster = synced(organization(eng(ADA)))
    renamed = people(person(ADA, "countess"), person(BOB, "bob"), person(CY, "cy"))
    assert holding(synced(organization(eng(ADA)), cluster, people=renamed)) == {"countess"}


def test_a_role_that_others_gave_is_left_alone():
    cluster = synced(organization(eng(BOB)))
    edited(cluster, "ada", roles=("okta-requester", ENG_ROLE))
    assert planned(organization(eng(ADA, BOB)), cluster).is_empty
    assert planned(organization(eng(BOB)), cluster).is_empty


def test_a_role_that_is_a_default_role_is_neither_given_nor_taken_off():
    settings = replace(COMMUNITY, policy=replace(COMMUNITY.policy, default_roles=("okta-requester", ENG_ROLE)))
    cluster = synced(organization(eng(ADA, BOB)))
    cluster = synced(organization(eng(ADA)), cluster, settings=settings)
    assert holding(cluster) == {"ada", "bob", "cy"}
    assert holding(synced(organization(eng(ADA)), cluster)) == {"ada", "cy"}


def test_a_member_role_of_another_owner_is_not_given():
    plan = planned(organization(eng(ADA)), Cluster(roles={ENG_ROLE: TeleportRole(ENG_ROLE)}))
    assert not of_members(plan)
    assert [row.kind for row in plan.quarantined] == [ROLE]


def test_a_role_that_was_removed_from_an_adopted_user_is_given_again():
    cluster = synced(organization(eng(ADA)))
    edited(cluster, "ada", roles=("okta-requester",))
    assert holding(synced(organization(eng(ADA)), cluster)) == {"ada"}


def test_without_our_label_the_role_counts_as_given_by_others():
    cluster = synced(organization(eng(ADA, BOB)))
    kept = {key: value for key, value in cluster.users["bob"].labels.items() if key != labels.DIRECT_ROLES}
    edited(cluster, "bob", labels=kept)
    assert planned(organization(eng(ADA)), cluster).is_empty


def test_an_unread_roster_leaves_roles_as_they_are():
    cluster = synced(organization(eng(ADA, BOB)))
    plan = planned(organization(unread(eng(ADA))), cluster)
    assert plan.is_empty
    [row] = plan.quarantined
    assert row.cause == PeopleUnread("group", "503")


def test_a_roster_that_contradicts_its_count_takes_nothing_off():
    cluster = synced(organization(eng(ADA, BOB)))
    okta = organization(group("00gENG", "Engines", [ADA], users_count=2))
    plan = held_back(planned(okta, cluster), cluster, okta)
    assert not plan.changes
    assert [held.name for held in plan.held] == ["00gENG/bob"]


def test_harm_counts_every_person_against_all_who_have_a_role():
    names = [f"u{number:02}" for number in range(40)]
    everybody = people(*(person(f"00u{name}", name) for name in names))
    okta = organization(eng(*(f"00u{name}" for name in names)))
    cluster = synced(okta, people=everybody)
    few = organization(eng(*(f"00u{name}" for name in names[:20])))
    plan = held_back(planned(few, cluster, people=everybody), cluster, few, Limits(floor=2))
    [hold] = plan.holds
    assert (hold.kind, hold.count, hold.of) == (MEMBER, 20, 40)


@pytest.mark.parametrize(
    ("okta", "settings", "evidence", "listing"),
    [
        (
            organization(eng(ADA, BOB)),
            replace(COMMUNITY, group_filters=NameFilters.of(("Loom*",))),
            Evidence.STATED,
            "",
        ),
        (organization(), COMMUNITY, Evidence.ABSENT, GROUPS),
    ],
    ids=["a filter", "the group is gone"],
)
def test_a_role_that_is_not_wanted_any_more_is_removed_from_all_users_and_deleted(okta, settings, evidence, listing):
    cluster = synced(organization(eng(ADA, BOB)))
    plan = planned(okta, cluster, settings=settings)
    taking = of_members(plan)
    assert [change.harmed for change in taking] == [
        Harmed(MEMBER, "00gENG/ada", ADA),
        Harmed(MEMBER, "00gENG/bob", BOB),
    ]
    assert {(change.harm.evidence, change.harm.listing) for change in taking} == {(evidence, listing)}
    [role] = [change for change in plan.changes if change.name == ENG_ROLE]
    assert set(role.needs) >= {ended(MEMBER, "00gENG/ada"), ended(MEMBER, "00gENG/bob")}
    assert not cluster.apply(plan).roles


def test_while_the_removal_of_a_role_from_a_user_is_held_the_role_is_not_deleted():
    cluster = synced(organization(eng(ADA, BOB)))
    okta = organization(groups={"incomplete": "page 2 failed"})
    plan = held_back(planned(okta, cluster), cluster, okta)
    assert not plan.changes
    assert {held.name for held in plan.held} >= {"00gENG/ada", "00gENG/bob"}


def test_a_role_that_others_gave_to_a_user_stays_and_is_reported():
    cluster = synced(organization(eng(ADA)))
    cluster.users["local"] = replace(owned_user("", "local"), labels={}, roles=(ENG_ROLE,))
    plan = planned(organization(), cluster)
    assert changes(plan, MEMBER, ROLE) == ["delete member 00gENG/ada"]
    [row] = plan.quarantined
    assert (row.kind, row.name) == (ROLE, ENG_ROLE)
    assert row.cause == RoleStillHeld("Engines", ("local",))


def test_the_role_of_an_emptied_group_goes_after_its_last_person():
    cluster = synced(organization(eng(ADA)))
    plan = planned(organization(eng()), cluster)
    assert changes(plan, MEMBER, ROLE)[0] == "delete member 00gENG/ada"
    assert not cluster.apply(plan).roles


def test_the_role_of_a_group_goes_after_a_leaver_who_was_the_last():
    cluster = synced(organization(eng(ADA)))
    plan = planned(organization(eng()), cluster, people=people(person(BOB, "bob"), person(CY, "cy")))
    [role] = [change for change in plan.changes if change.name == ENG_ROLE]
    assert ended(USER, "ada") in role.needs
    assert not cluster.apply(plan).roles


def test_access_lists_that_are_off_by_a_gate_or_at_first_sight_change_no_role_of_a_user():
    cluster = synced(organization(eng(ADA, BOB)))
    doubtful = replace(COMMUNITY, gives_roles=False)
    assert not of_members(planned(organization(eng(ADA, CY)), cluster, settings=doubtful))
    plan = planned(organization(), cluster, settings=doubtful)
    assert changes(plan, MEMBER, ROLE) == []


def test_access_lists_that_are_switched_off_change_no_role_of_a_user():
    cluster = synced(organization(eng(ADA, BOB)))
    off = replace(COMMUNITY, roles_off="access_lists.enabled is false")
    assert planned(organization(eng(CY)), cluster, settings=off).is_empty


# From one edition to the other


def test_when_lists_come_a_role_is_removed_once_its_list_has_the_person():
    okta = organization(eng(ADA, BOB))
    cluster = synced(okta)
    first = planned(okta, cluster, settings=IMPORTS)
    assert "create access_list 00gENG" in changes(first)
    assert not of_members(first)
    cluster.apply(first)
    second = planned(okta, cluster, settings=IMPORTS)
    assert changes(second) == ["delete member 00gENG/ada", "delete member 00gENG/bob"]
    assert not any(change.harm for change in second.changes)
    cluster.apply(second)
    assert not any(map(given_ids, cluster.users.values()))
    assert cluster.imported("00gENG") == {"ada", "bob"}
    assert planned(okta, cluster, settings=IMPORTS).is_empty


def test_a_role_stays_while_its_list_does_not_grant_it():
    okta = organization(eng(ADA))
    cluster = synced(okta)
    synced(okta, cluster, settings=IMPORTS)
    cluster.lists["00gENG"] = replace(cluster.lists["00gENG"], grants=())
    assert changes(planned(okta, cluster, settings=IMPORTS)) == ["update access_list 00gENG"]


def test_a_role_stays_while_the_licence_has_no_room_for_its_list():
    okta = organization(eng(ADA))
    cluster = synced(okta)
    plan = planned(okta, cluster, settings=replace(IMPORTS, list_limit=0))
    assert not of_members(plan)


def test_who_left_meanwhile_loses_role_and_membership_as_one_harm():
    okta = organization(eng(ADA, BOB))
    cluster = synced(okta)
    synced(okta, cluster, settings=IMPORTS)
    plan = planned(organization(eng(ADA)), cluster, settings=IMPORTS)
    both = [change for change in plan.changes if change.name == "bob"]
    assert [change.harm for change in both] == [both[0].harm] * 2
    assert both[0].harmed == Harmed(MEMBER, "00gENG/bob", BOB)
    cluster.apply(plan)
    assert holding(cluster) == set()
    assert cluster.imported("00gENG") == {"ada"}


def test_where_lists_go_people_have_the_roles_themselves():
    okta = organization(eng(ADA))
    cluster = synced(okta, settings=IMPORTS)
    assert holding(synced(okta, cluster)) == {"ada"}


# One key


def test_the_plan_of_a_group_is_about_its_roles_alone():
    cluster = synced(organization(eng(ADA), group("00gOPS", "Ops", [ADA])))
    okta = organization(eng(BOB), group("00gOPS", "Ops", [BOB]))
    plan = planned(okta, cluster, scope=Scope.of(groups=["00gENG"]))
    assert changes(plan) == ["create member 00gENG/bob", "delete member 00gENG/ada"]


def test_a_role_is_given_only_to_users_who_exist():
    [step] = of_members(planned(organization(eng(ADA)), Cluster()))
    assert not step.needs[0].is_found
    assert roster((ADA,)).ids == {ADA}


def test_a_role_stays_while_its_list_does_not_have_the_person():
    okta = organization(eng(ADA, BOB))
    cluster = synced(okta)
    synced(okta, cluster, settings=IMPORTS)
    del cluster.members["00gENG"]["bob"]
    plan = planned(okta, cluster, settings=IMPORTS)
    assert changes(plan) == ["delete member 00gENG/ada", "create member 00gENG/bob"]


def test_the_role_is_deleted_although_a_list_of_another_owner_has_the_name_unless_that_list_grants_it():
    cluster = synced(organization(eng(ADA)))
    cluster.lists["00gENG"] = TeleportAccessList("00gENG", "By hand")
    okta = organization(group("00gOPS", "Ops"))
    plan = planned(okta, cluster, settings=IMPORTS)
    assert f"delete role {ENG_ROLE}" in changes(plan)
    cluster.lists["00gENG"] = TeleportAccessList("00gENG", "By hand", grants=(ENG_ROLE,))
    assert changes(planned(okta, cluster, settings=IMPORTS), MEMBER, ROLE) == ["delete member 00gENG/ada"]


def test_a_role_that_lost_its_label_while_users_have_it_gets_the_label_back():
    okta = organization(eng(ADA))
    cluster = synced(okta)
    cluster.roles[ENG_ROLE] = replace(cluster.roles[ENG_ROLE], labels={labels.ORIGIN: "okta"})
    [aside] = planned(okta, cluster).quarantined
    assert aside.remedy == f"put back on the role: teleport-okta/owner: {ORG} (labels, by `tctl edit role/{ENG_ROLE}`)"
