"""Planning access lists: which groups and apps have one, which fields are ours, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.desired.trust import PEOPLE as PEOPLE_LISTING
from teleport_okta.desired.trust import Absences
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember
from teleport_okta.model.directory import BUILT_IN
from teleport_okta.model.directory_reasons import NoRoomForLists
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.model.okta import MalformedRow
from teleport_okta.model.reason_text import text_of
from teleport_okta.model.reasons import Verbatim
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, ROLE
from teleport_okta.plan.needs import ended, stands_for
from worlds import NOW, ORG, ORG_URL, listing
from worlds_directory import (
    ADA,
    BOB,
    CY,
    PEOPLE,
    Cluster,
    app,
    changes,
    group,
    held_back,
    imports,
    organization,
    roster,
    synced,
    unread,
    whole_plan,
)

ENG = group("00gENG", "Engines", [ADA, BOB], description="who build")
ROLES = [f"delete role {member_role('00gENG')}", f"delete role {reviewer_role('00gENG')}"]


def of_group(**changed):
    return organization(replace(ENG, group=replace(ENG.group, **changed)))


def emptied(**counts):
    return organization(replace(ENG, group=replace(ENG.group, **counts), members=roster(())))


def edited(cluster, **how):
    cluster.lists["00gENG"] = replace(cluster.lists["00gENG"], **how)
    return cluster


def ends(plan):
    return [one for one in plan.changes if one.kind == ACCESS_LIST and one.action == "delete"]


def test_a_group_with_people_of_ours_becomes_a_list_that_begins_with_them():
    plan = whole_plan(organization(ENG), Cluster())
    [change] = [one for one in plan.changes if one.kind == ACCESS_LIST]
    assert change.members == (stands_for("ada", ADA), stands_for("bob", BOB))
    assert change.content == TeleportAccessList(
        "00gENG",
        "Engines",
        {
            "teleport-okta/owner": ORG,
            "teleport-okta/id": "00gENG",
            "teleport.dev/origin": "okta",
            "teleport.internal/okta-group-name": "Engines",
            "teleport.internal/okta-group-description": "who build",
            "okta/org": ORG_URL,
        },
        "who build",
        (ListOwner("olga"),),
        (member_role("00gENG"),),
        (reviewer_role("00gENG"),),
    )


def test_an_app_with_an_individual_assignment_becomes_a_list():
    found = synced(organization(app("0oaGIT", direct=[ADA]))).lists["0oaGIT"]
    assert found.labels[labels.APP_NAME] == "Git"
    assert labels.GROUP_NAME not in found.labels


@pytest.mark.parametrize("row", [group("00gENG"), app("0oaGIT"), group("00gENG", members=["00uSTRANGER"])])
def test_a_group_without_users_of_ours_has_no_list_and_no_role(row):
    assert not changes(whole_plan(organization(row), Cluster()), ACCESS_LIST, ROLE)


def test_a_list_that_is_right_needs_nothing():
    okta = organization(ENG, app("0oaGIT", direct=[ADA]))
    assert not changes(whole_plan(okta, synced(okta)))


def test_everyone_has_a_list_only_where_a_filter_names_it():
    everyone = organization(group("00gALL", "Everyone", [ADA], type=BUILT_IN))
    assert not synced(everyone).lists
    assert synced(everyone, settings=imports(group_filters=["Everyone"])).lists.keys() == {"00gALL"}


@pytest.mark.parametrize(
    "edit",
    [
        {"owners": (ListOwner("zoe"), ListOwner("others", is_list=True))},
        {"title": "Ours"},
        {"description": "ours"},
        {"has_requirements": True},
    ],
)
def test_edits_by_people_stay(edit):
    cluster = edited(synced(organization(ENG)), **edit)
    assert not changes(whole_plan(organization(ENG), cluster), ACCESS_LIST)


@pytest.mark.parametrize("damage", [{"grants": ()}, {"grants": ("editor",)}, {"owner_grants": ("editor",)}])
def test_grants_are_ours_and_are_restored(damage):
    right = synced(organization(ENG))
    cluster = edited(right.copy(), **damage)
    assert synced(organization(ENG), cluster).lists == right.lists


def test_a_title_and_a_description_follow_okta_until_people_edit_them():
    cluster = synced(of_group(name="Motors", description="who repair"), synced(organization(ENG)))
    assert (cluster.lists["00gENG"].title, cluster.lists["00gENG"].description) == ("Motors", "who repair")
    edited(cluster, title="Ours")
    found = synced(of_group(name="Looms", description=""), cluster).lists["00gENG"]
    assert (found.title, found.description) == ("Ours", "")
    assert found.labels[labels.GROUP_NAME] == "Looms"


def test_the_label_of_the_roles_follows_the_title():
    cluster = edited(synced(organization(ENG)), title="Ours")
    assert synced(organization(ENG), cluster).roles[member_role("00gENG")].labels[labels.ROLE_NAME] == "Ours"


def test_default_owners_are_set_once():
    other = imports(default_owners=("zoe",))
    cluster = synced(organization(ENG))
    assert not changes(whole_plan(organization(ENG), cluster, settings=other))
    assert synced(organization(ENG), settings=other).lists["00gENG"].owners == (ListOwner("zoe"),)


def test_an_empty_list_ends_with_its_roles():
    plan = whole_plan(emptied(), synced(organization(ENG)))
    assert changes(plan) == [
        "delete member 00gENG/ada",
        "delete member 00gENG/bob",
        "delete access_list 00gENG",
        *ROLES,
    ]
    [end] = ends(plan)
    assert end.harm.harmed == Harmed(ACCESS_LIST, "00gENG", "00gENG")
    assert end.needs == (ended(MEMBER, "00gENG/ada"), ended(MEMBER, "00gENG/bob"))
    assert end.only_if_empty


def test_a_list_whose_last_removals_are_held_stays():
    cluster = synced(organization(ENG))
    plan = held_back(whole_plan(emptied(users_count=2), cluster), cluster, emptied(users_count=2))
    assert not changes(plan)
    assert {row.kind for row in plan.held} == {MEMBER, ACCESS_LIST}


def test_a_list_without_members_stays_too_if_okta_counts_people():
    """There is no removal that could be held; an empty roster is not believed all the same."""
    cluster = synced(organization(ENG))
    cluster.members["00gENG"].clear()
    plan = held_back(whole_plan(emptied(users_count=2), cluster), cluster, emptied(users_count=2))
    assert not changes(plan)


def test_a_list_ends_only_with_its_last_members_who_leave():
    cluster = synced(organization(ENG))
    plan = whole_plan(organization(ENG), cluster, people=listing(*PEOPLE.people[2:], incomplete="503"))
    assert ends(plan)
    doubt = {PEOPLE_LISTING: Absences(Verbatim("503"), approvable=False)}
    assert not changes(held_back(plan, cluster, organization(ENG), absences=doubt))


def test_a_list_with_a_member_added_by_people_stays():
    cluster = synced(organization(ENG))
    cluster.add("00gENG", TeleportMember("cy", expires=NOW - timedelta(days=1)))
    assert changes(whole_plan(emptied(), cluster)) == ["delete member 00gENG/ada", "delete member 00gENG/bob"]


def test_filters_take_effect_in_the_very_next_plan():
    """Regression: filters take effect only much later."""
    okta = organization(ENG, group("00gOPS", "Ops", [CY]))
    cluster = synced(okta)
    plan = whole_plan(okta, cluster, settings=imports(group_filters=["Ops"]))
    assert changes(plan) == ["delete access_list 00gENG", *ROLES]
    assert ends(plan)[0].harm.evidence is Evidence.STATED
    cluster.apply(plan)
    assert changes(whole_plan(okta, cluster), ACCESS_LIST) == ["create access_list 00gENG"]


@pytest.mark.parametrize(("row", "listed"), [(ENG, "groups"), (app("0oaGIT", direct=[ADA]), "apps")])
def test_a_list_ends_with_its_group_or_app_on_the_evidence_of_that_listing(row, listed):
    cluster = synced(organization(row))
    [name] = cluster.lists
    cluster.lists[name] = replace(cluster.lists[name], labels={labels.OWNER: ORG, labels.OKTA_ID: name})
    [end] = ends(whole_plan(organization(), cluster))
    assert (end.harm.evidence, end.harm.listing) == (Evidence.ABSENT, listed)


def test_the_list_of_an_app_that_is_switched_off_ends_because_its_row_states_that():
    git = app("0oaGIT", direct=[ADA])
    okta = organization(replace(git, app=replace(git.app, status="INACTIVE")))
    [end] = ends(whole_plan(okta, synced(organization(git))))
    assert end.harm.evidence is Evidence.STATED
    assert "INACTIVE" in end.reason


@pytest.mark.parametrize(
    "okta",
    [
        organization(unread(ENG)),
        organization(replace(ENG, members=None)),
        organization(malformed_groups=[MalformedRow("00gENG", "no profile")]),
    ],
)
def test_a_list_is_left_as_found_if_it_is_not_known_whether_it_is_wanted(okta):
    cluster = edited(synced(organization(ENG)), grants=())
    assert not changes(whole_plan(okta, cluster), ACCESS_LIST, ROLE, MEMBER)


def test_a_list_that_was_deleted_by_hand_while_wanted_is_made_again_and_reported():
    cluster = synced(organization(ENG))
    cluster.delete_by_hand("00gENG")
    plan = whole_plan(organization(ENG), cluster, lists_before=frozenset({"00gENG"}))
    assert changes(plan) == ["create access_list 00gENG"]
    assert "deleted in Teleport" in plan.warnings[0]


def test_a_list_that_could_not_be_made_does_not_count_as_deleted_in_teleport():
    cluster = synced(organization(ENG))
    cluster.delete_by_hand("00gENG")
    plan = whole_plan(organization(ENG), cluster, lists_before=frozenset({"00gOTHER"}))
    assert changes(plan) == ["create access_list 00gENG"]
    assert not plan.warnings


def test_a_list_that_is_made_for_the_first_time_is_nothing_to_warn_of():
    assert not whole_plan(organization(ENG), Cluster()).warnings


def test_a_list_of_others_with_a_wanted_name_is_left_and_reported():
    theirs = TeleportAccessList("00gENG", "Theirs", owners=(ListOwner("zoe"),))
    plan = whole_plan(organization(ENG), Cluster(lists={"00gENG": theirs}))
    assert not changes(plan, ACCESS_LIST, MEMBER, ROLE)
    assert [(row.kind, row.name) for row in plan.quarantined] == [(ACCESS_LIST, "00gENG")]


def test_lists_of_another_organisation_do_not_go():
    theirs = TeleportAccessList("00gOLD", "Theirs", {labels.OWNER: "00oOTHER", labels.OKTA_ID: "00gOLD"})
    assert not changes(whole_plan(organization(), Cluster(lists={"00gOLD": theirs})), ACCESS_LIST)


def test_the_vendors_lists_are_leftovers_and_stay():
    vendors = TeleportAccessList("random", "Eng", {labels.ORIGIN: "okta", labels.OKTA_ORG: ORG_URL})
    plan = whole_plan(organization(), Cluster(lists={"random": vendors}))
    assert not changes(plan, ACCESS_LIST)
    assert [(one.kind, one.name) for one in plan.leftovers] == [(ACCESS_LIST, "random")]


def test_lists_beyond_the_limit_are_not_made_and_everything_else_is():
    okta = organization(ENG, group("00gOPS", "Ops", [CY]))
    theirs = TeleportAccessList("manual", "By hand")
    plan = whole_plan(okta, Cluster(lists={"manual": theirs}), settings=imports(list_limit=2))
    assert changes(plan, ACCESS_LIST) == ["create access_list 00gENG"]
    assert changes(plan, ROLE) == [f"create role {role('00gENG')}" for role in (member_role, reviewer_role)]
    assert changes(plan, "user_group") == ["create user_group 00gENG", "create user_group 00gOPS"]
    assert plan.warnings[0] == text_of(NoRoomForLists(limit=2, lists=1, first="Ops"))


def test_a_full_cluster_keeps_the_lists_that_it_has():
    okta = organization(replace(ENG, members=roster([ADA, BOB, CY])))
    plan = whole_plan(okta, synced(organization(ENG)), settings=imports(list_limit=1))
    assert changes(plan) == ["create member 00gENG/cy"]


def test_without_lists_there_are_user_groups_app_servers_and_roles():
    off = imports(lists_off="the cluster has no access lists")
    plan = whole_plan(organization(ENG), Cluster(), settings=off)
    assert {one.kind for one in plan.changes} == {"user", "user_group", "role"}


def test_lists_that_are_switched_off_stay_as_they_are():
    off = imports(lists_off="access_lists.enabled is false", roles_off="access_lists.enabled is false")
    assert not changes(
        whole_plan(organization(group("00gNEW", members=[ADA])), synced(organization(ENG)), settings=off),
        ACCESS_LIST,
        ROLE,
        MEMBER,
    )


def test_the_members_of_a_new_list_may_be_made_in_the_same_plan():
    plan = whole_plan(organization(ENG), Cluster())
    assert changes(plan)[-1] == "create access_list 00gENG"
    assert {"create user ada", "create user bob"} <= set(changes(plan))
