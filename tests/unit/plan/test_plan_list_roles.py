"""Planning the two roles of a list: their grants, the loss of grants, and the end of the roles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.okta import MalformedRow
from teleport_okta.model.teleport import RoleAllow, TeleportRole
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, ROLE, USER, Action
from teleport_okta.plan.needs import ended, written
from worlds import ORG, person
from worlds import listing as people
from worlds_directory import (
    ADA,
    BOB,
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

GIT, WIKI = app("0oaGIT"), app("0oaWIKI")
ENG = group("00gENG", "Engines", [ADA], ["0oaGIT", "0oaWIKI"])
ROLE_NAME = member_role("00gENG")


def granted(cluster, name=ROLE_NAME):
    return set(cluster.roles[name].allow.app_labels.get(labels.APP_ID, ()))


def narrowing(plan):
    [change] = [one for one in plan.changes if one.name == ROLE_NAME]
    return change


def test_members_of_a_groups_list_have_the_group_and_every_app_that_it_grants():
    roles = synced(organization(ENG, GIT, WIKI)).roles
    assert roles[ROLE_NAME].allow == RoleAllow(
        app_labels={"teleport.internal/okta-app-id": ("0oaGIT", "0oaWIKI")},
        group_labels={"teleport-okta/group-id": ("00gENG",)},
    )
    assert roles[reviewer_role("00gENG")].allow == RoleAllow(review=(ROLE_NAME,))


def test_members_of_an_apps_list_have_that_app():
    roles = synced(organization(app("0oaGIT", direct=[ADA]))).roles
    assert roles[member_role("0oaGIT")].allow == RoleAllow(app_labels={"teleport.internal/okta-app-id": ("0oaGIT",)})


def test_a_group_that_grants_no_app_grants_none_rather_than_all():
    roles = synced(organization(group("00gENG", members=[ADA]))).roles
    assert roles[ROLE_NAME].allow.app_labels == {}


def test_roles_carry_our_labels_and_the_title_in_one_of_them():
    found = synced(organization(ENG)).roles[ROLE_NAME].labels
    assert (found[labels.OWNER], found[labels.OKTA_ID], found[labels.ORIGIN]) == (ORG, "00gENG", "okta")
    assert found[labels.ROLE_NAME] == "Engines"


def test_a_cluster_that_takes_no_review_rules_gets_a_reviewer_role_without():
    roles = synced(organization(ENG), settings=imports(reviews=False)).roles
    assert roles[reviewer_role("00gENG")].allow == RoleAllow()


def test_roles_are_made_before_the_list_that_waits_for_them():
    plan = whole_plan(organization(ENG), Cluster())
    assert changes(plan, ROLE, ACCESS_LIST) == [
        f"create role {ROLE_NAME}",
        f"create role {reviewer_role('00gENG')}",
        "create access_list 00gENG",
    ]
    [making] = [one for one in plan.changes if one.kind == ACCESS_LIST]
    assert making.needs == (written(ROLE, ROLE_NAME), written(ROLE, reviewer_role("00gENG")))


def test_removed_from_the_last_group_keeps_no_old_role():
    """Regression: removed from the last group keeps the old role. Here: the last app of a group."""
    cluster = synced(organization(ENG, GIT, WIKI))
    okta = organization(replace(ENG, grants=roster(())), GIT, WIKI)
    assert granted(synced(okta, cluster)) == set()


def test_a_list_is_repaired_while_its_role_only_loses_an_app():
    cluster = synced(organization(ENG, GIT, WIKI))
    cluster.lists["00gENG"] = replace(cluster.lists["00gENG"], grants=())
    okta = organization(replace(ENG, grants=roster(["0oaGIT"])), GIT, WIKI)
    plan = whole_plan(okta, cluster)
    [repair] = [one for one in plan.changes if one.kind == ACCESS_LIST]
    assert repair.needs == ()
    assert [one.kind for one in plan.changes if one.is_ending] == [ROLE]


def test_the_loss_of_an_app_is_harm_on_the_evidence_of_the_grants_of_the_group():
    okta = organization(replace(ENG, grants=roster(["0oaGIT"])), GIT, WIKI)
    change = narrowing(whole_plan(okta, synced(organization(ENG, GIT, WIKI))))
    assert change.harm.harmed == Harmed(ROLE, ROLE_NAME, "00gENG")
    assert (change.harm.evidence, change.harm.listing) == (Evidence.ABSENT, "apps of 00gENG")
    assert not change.needs


def test_an_empty_roster_where_okta_counts_apps_narrows_nothing():
    cluster = synced(organization(ENG, GIT, WIKI))
    lying = replace(ENG, group=replace(ENG.group, apps_count=2), grants=roster(()))
    okta = organization(lying, GIT, WIKI)
    cluster.apply(held_back(whole_plan(okta, cluster), cluster, okta))
    assert granted(cluster) == {"0oaGIT", "0oaWIKI"}


def test_an_app_that_ends_is_granted_until_it_has_ended():
    okta = organization(ENG, GIT, replace(WIKI, app=replace(WIKI.app, status="INACTIVE")))
    change = narrowing(whole_plan(okta, synced(organization(ENG, GIT, WIKI))))
    server = app_server_name("0oaWIKI")
    assert change.harm is None
    assert change.needs == (ended(APP_SERVER, server),)


def test_an_app_whose_end_is_held_stays_granted():
    cluster = synced(organization(ENG, GIT, WIKI))
    okta = organization(ENG, GIT, apps={"incomplete": "page 2: 503"})
    cluster.apply(held_back(whole_plan(okta, cluster), cluster, okta))
    assert granted(cluster) == {"0oaGIT", "0oaWIKI"}


def test_an_app_missing_from_an_incomplete_listing_stays_granted_without_its_server():
    """Regression: previously synced apps stay away after a restart: their servers ran out while we were down."""
    cluster = synced(organization(ENG, GIT, WIKI))
    cluster.app_servers.clear()
    okta = organization(ENG, GIT, apps={"incomplete": "page 2: 503"})
    cluster.apply(held_back(whole_plan(okta, cluster), cluster, okta))
    assert granted(cluster) == {"0oaGIT", "0oaWIKI"}


def test_without_app_servers_an_app_that_was_switched_off_is_taken_by_its_row():
    off = imports(apps_off="no host identity")
    okta = organization(ENG, GIT, replace(WIKI, app=replace(WIKI.app, status="INACTIVE")))
    change = narrowing(whole_plan(okta, synced(organization(ENG, GIT, WIKI), settings=off), settings=off))
    assert (change.harm.evidence, change.harm.listing) == (Evidence.STATED, "")


def test_an_app_whose_row_is_malformed_stays_granted():
    cluster = synced(organization(ENG, GIT, WIKI))
    okta = organization(ENG, GIT, malformed_apps=[MalformedRow("0oaWIKI", "no label")])
    assert not changes(whole_plan(okta, cluster))


def test_apps_that_could_not_be_read_are_granted_as_they_were():
    cluster = synced(organization(ENG, GIT, WIKI))
    okta = organization(replace(ENG, grants=roster((), problem="503")), GIT, WIKI)
    assert not changes(whole_plan(okta, cluster))


def test_a_new_app_is_granted_at_once_while_the_loss_of_another_is_held():
    cluster = synced(organization(ENG, GIT, WIKI))
    okta = organization(
        replace(ENG, grants=roster(["0oaGIT", "0oaWIKI", "0oaNEW"])), GIT, app("0oaNEW"), apps={"untrusted": "odd"}
    )
    cluster.apply(held_back(whole_plan(okta, cluster), cluster, okta))
    assert granted(cluster) == {"0oaGIT", "0oaWIKI", "0oaNEW"}


def test_changes_of_a_role_by_people_are_repaired():
    okta = organization(ENG, GIT, WIKI)
    cluster = synced(okta)
    cluster.roles[ROLE_NAME] = replace(cluster.roles[ROLE_NAME], allow=RoleAllow(app_labels={"*": ("*",)}))
    assert synced(okta, cluster).roles[ROLE_NAME].allow.app_labels == {labels.APP_ID: ("0oaGIT", "0oaWIKI")}


def test_an_app_that_people_add_to_a_reviewer_role_goes_and_the_reviews_stay():
    okta = organization(ENG, GIT, WIKI)
    cluster = synced(okta)
    name = reviewer_role("00gENG")
    allow = RoleAllow({labels.APP_ID: ("0oaGIT",)}, {}, (ROLE_NAME,))
    cluster.roles[name] = replace(cluster.roles[name], allow=allow)
    assert synced(okta, cluster).roles[name].allow == RoleAllow(review=(ROLE_NAME,))


@pytest.mark.parametrize("name", [ROLE_NAME, reviewer_role("00gENG")])
def test_a_role_of_others_with_a_wanted_name_means_no_list_and_a_report(name):
    cluster = Cluster(roles={name: TeleportRole(name)})
    plan = whole_plan(organization(ENG), cluster)
    assert not changes(plan, ROLE, ACCESS_LIST)
    assert [(row.kind, row.name) for row in plan.quarantined] == [(ROLE, name)]


def test_a_list_whose_role_is_not_ours_any_more_gets_no_members_and_loses_leavers():
    cluster = synced(organization(ENG))
    cluster.roles[ROLE_NAME] = TeleportRole(ROLE_NAME)
    okta = organization(replace(ENG, members=roster([BOB])))
    assert changes(whole_plan(okta, cluster)) == ["delete member 00gENG/ada"]


def test_roles_whose_list_is_gone_and_not_wanted_go_without_harm():
    cluster = synced(organization(ENG))
    cluster.delete_by_hand("00gENG")
    plan = whole_plan(organization(replace(ENG, members=roster(()))), cluster)
    assert changes(plan) == [f"delete role {ROLE_NAME}", f"delete role {reviewer_role('00gENG')}"]
    assert not any(one.harm for one in plan.changes)


@pytest.mark.parametrize("row", [group("00gENG", "Engines", [ADA]), app("0oaGIT", direct=[ADA])], ids=["group", "app"])
def test_roles_whose_list_is_gone_stay_while_only_an_untrusted_listing_lacks_the_group(row):
    cluster = synced(organization(row))
    [name] = cluster.lists
    cluster.delete_by_hand(name)
    of_kind = "groups" if name == "00gENG" else "apps"
    doubtful = organization(**{of_kind: {"untrusted": "it came back empty"}})
    assert not changes(whole_plan(doubtful, cluster), ROLE)
    others = organization(group("00gOTHER"), app("0oaOTHER"))
    assert len(changes(whole_plan(others, cluster), ROLE)) == 2


def test_roles_stay_while_a_list_that_is_not_ours_any_more_has_them():
    cluster = synced(organization(ENG))
    cluster.lists["00gENG"] = replace(cluster.lists["00gENG"], labels={})
    assert not changes(whole_plan(organization(), cluster), ROLE)


def test_roles_that_only_look_like_ours_stay():
    others = {name: TeleportRole(name) for name in (member_role("00gOLD"), "access-okta-acl-role")}
    mine = TeleportRole("mine", {labels.OWNER: ORG, labels.OKTA_ID: "00gOLD"})
    cluster = synced(organization(ENG), Cluster(roles={**others, "mine": mine}))
    assert not changes(whole_plan(organization(ENG), cluster))


def test_roles_of_a_list_that_is_gone_stay_while_its_members_cannot_be_read():
    cluster = synced(organization(ENG))
    cluster.delete_by_hand("00gENG")
    assert not changes(whole_plan(organization(unread(ENG)), cluster), ROLE)
    assert changes(whole_plan(organization(group("00gOTHER")), cluster), ROLE)


NO_LISTS = imports(lists_off="the cluster has no access lists")


def test_without_lists_roles_are_kept_nevertheless():
    cluster = synced(organization(ENG, GIT, WIKI), settings=NO_LISTS)
    assert not cluster.lists
    assert granted(cluster) == {"0oaGIT", "0oaWIKI"}


def test_without_lists_the_roles_of_an_emptied_group_go_by_its_roster():
    cluster = synced(organization(ENG), settings=NO_LISTS)
    plan = whole_plan(organization(replace(ENG, members=roster(()))), cluster, settings=NO_LISTS)
    assert [one.action for one in plan.changes] == [Action.DELETE] * 2
    assert {one.harm.listing for one in plan.changes} == {"members of 00gENG"}


def test_without_lists_roles_stay_while_leavers_are_held():
    cluster = synced(organization(ENG), settings=NO_LISTS)
    okta, broken = organization(ENG), people(person(BOB, "bob"), incomplete="page 2: 503")
    plan = whole_plan(okta, cluster, people=broken, settings=NO_LISTS)
    assert {one.needs for one in plan.changes if one.kind == ROLE} == {(ended(USER, "ada"),)}


@pytest.mark.parametrize(("row", "listing"), [(ENG, "groups"), (app("0oaGIT", direct=[ADA]), "apps")])
def test_without_lists_roles_end_with_their_group_or_app_on_the_evidence_of_that_listing(row, listing):
    cluster = synced(organization(row), settings=NO_LISTS)
    plan = whole_plan(organization(), cluster, settings=NO_LISTS)
    assert {one.harm.listing for one in plan.changes if one.kind == ROLE} == {listing}


def test_without_lists_roles_of_a_group_that_cannot_be_read_stay():
    cluster = synced(organization(ENG), settings=NO_LISTS)
    assert not changes(whole_plan(organization(unread(ENG)), cluster, settings=NO_LISTS))


def remedy_of(plan):
    [aside] = [one for one in plan.quarantined if one.kind == ROLE]
    return aside.remedy


@pytest.mark.parametrize("name", [ROLE_NAME, reviewer_role("00gENG")])
def test_a_role_that_lost_its_label_while_its_list_grants_it_gets_the_label_back_or_goes_with_the_list(name):
    cluster = synced(organization(ENG))
    cluster.roles[name] = replace(cluster.roles[name], labels={})
    remedy = remedy_of(whole_plan(organization(ENG), cluster))
    both = f"teleport-okta/owner: {ORG}, teleport.dev/origin: okta"
    assert remedy.startswith(f"put back on the role: {both} (labels, by `tctl edit role/{name}`)")
    assert "or delete the access list 00gENG, then the role" in remedy


def test_a_role_of_others_in_the_place_of_ours_is_to_be_deleted_and_cannot_be_renamed():
    cluster = Cluster(roles={ROLE_NAME: TeleportRole(ROLE_NAME)})
    assert remedy_of(whole_plan(organization(ENG), cluster)) == "delete that role"
