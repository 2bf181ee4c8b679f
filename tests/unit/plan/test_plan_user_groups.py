"""Planning user groups: one for each group, with its labels and apps; labels set by others stay."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.model import labels
from teleport_okta.model.access import ImportMapping, ImportMatch, ImportRule, TeleportUserGroup
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import app_server_name
from teleport_okta.model.okta import MalformedRow
from teleport_okta.plan.changes import APP_SERVER, USER_GROUP
from teleport_okta.plan.needs import ended
from worlds import ORG, ORG_URL
from worlds_directory import (
    Cluster,
    app,
    changes,
    group,
    held_back,
    imports,
    organization,
    roster,
    synced,
    whole_plan,
)

ENG = group("00gENG", "Engines", grants=["0oaGIT"], description="who build")
GIT = app("0oaGIT")
GIT_SERVER = app_server_name("0oaGIT")


def edited(cluster, **how):
    cluster.user_groups["00gENG"] = replace(cluster.user_groups["00gENG"], **how)
    return cluster


def test_a_group_becomes_a_user_group_named_by_its_id_with_its_apps_from_the_start():
    [change] = [one for one in whole_plan(organization(ENG, GIT), Cluster()).changes if one.kind == USER_GROUP]
    assert change.content == TeleportUserGroup(
        "00gENG",
        {
            "teleport-okta/owner": ORG,
            "teleport-okta/id": "00gENG",
            "teleport-okta/group-id": "00gENG",
            "teleport.dev/origin": "okta",
            "teleport.internal/okta-group-name": "Engines",
            "teleport.internal/okta-group-description": "who build",
            "okta/org": ORG_URL,
        },
        (GIT_SERVER,),
    )


def test_a_user_group_that_is_right_needs_nothing():
    okta = organization(ENG, GIT)
    assert not changes(whole_plan(okta, synced(okta)))


def test_the_order_in_which_a_server_gives_the_applications_is_no_difference():
    okta = organization(replace(ENG, grants=roster(["0oaA", "0oaB"])), app("0oaA"), app("0oaB"))
    cluster = synced(okta)
    edited(cluster, applications=cluster.user_groups["00gENG"].applications[::-1])
    assert not changes(whole_plan(okta, cluster))


def test_our_fields_are_repaired_and_labels_set_by_people_stay():
    okta = organization(ENG, GIT)
    cluster = synced(okta)
    right = dict(cluster.user_groups["00gENG"].labels)
    edited(cluster, labels={**right, labels.GROUP_NAME: "wrong", "env": "prod"}, applications=())
    found = synced(okta, cluster).user_groups["00gENG"]
    assert found.labels == {**right, "env": "prod"}
    assert found.applications == (GIT_SERVER,)


def test_a_renamed_group_is_the_same_user_group():
    okta = organization(replace(ENG, group=replace(ENG.group, name="Motors", description="")), GIT)
    found = synced(okta, synced(organization(ENG, GIT))).user_groups
    assert found.keys() == {"00gENG"}
    assert found["00gENG"].labels[labels.GROUP_NAME] == "Motors"
    assert labels.GROUP_DESCRIPTION not in found["00gENG"].labels


def test_a_new_custom_domain_changes_nothing():
    moved = imports(policy=replace(imports().policy, organization_url="https://id.example.com"))
    okta = organization(ENG, GIT)
    assert not changes(whole_plan(okta, synced(okta), settings=moved))


def test_apps_that_could_not_be_read_are_as_they_were_found():
    cluster = synced(organization(ENG, GIT))
    okta = organization(replace(ENG, grants=roster((), problem="503")), GIT)
    assert not changes(whole_plan(okta, cluster))


def test_an_app_whose_row_is_malformed_stays_where_it_is_named():
    cluster = synced(organization(ENG, GIT))
    okta = organization(ENG, malformed_apps=[MalformedRow("0oaGIT", "no label")])
    assert not changes(whole_plan(okta, cluster))


def test_removed_from_the_last_app_names_none():
    cluster = synced(organization(ENG, GIT))
    found = synced(organization(replace(ENG, grants=roster(())), GIT), cluster)
    assert found.user_groups["00gENG"].applications == ()


def test_a_group_that_is_gone_takes_its_user_group_along():
    okta = organization(GIT)
    plan = whole_plan(okta, synced(organization(ENG, GIT)))
    [change] = [one for one in plan.changes if one.kind == USER_GROUP]
    assert change.action == "delete"
    assert change.harm.harmed == Harmed(USER_GROUP, "00gENG", "00gENG")
    assert (change.harm.evidence, change.harm.listing) == (Evidence.ABSENT, "groups")


def test_the_end_of_an_app_that_is_held_leaves_it_named_and_other_changes_go_on():
    """Regression: apps that were synced before are missing after a restart with an incomplete listing."""
    cluster = synced(organization(ENG, GIT))
    renamed = replace(ENG, group=replace(ENG.group, name="Motors"))
    okta = organization(renamed, apps={"incomplete": "page 2: 503"})
    plan = held_back(whole_plan(okta, cluster), cluster, okta)
    found = cluster.apply(plan).user_groups["00gENG"]
    assert GIT_SERVER in cluster.app_servers
    assert found.applications == (GIT_SERVER,)
    assert found.labels[labels.GROUP_NAME] == "Motors"


def test_an_app_that_a_doubted_listing_lacks_is_named_as_it_was_also_where_its_app_server_has_ended():
    cluster = synced(organization(ENG, GIT))
    cluster.app_servers.clear()
    okta = organization(ENG, apps={"incomplete": "page 2: 503"})
    assert not changes(whole_plan(okta, cluster), USER_GROUP)
    assert synced(organization(ENG, app("0oaNEW")), cluster).user_groups["00gENG"].applications == ()


def test_an_app_that_ends_is_named_until_then():
    okta = organization(ENG, app("0oaGIT", status="INACTIVE"))
    plan = whole_plan(okta, synced(organization(ENG, GIT)))
    [narrowing] = [one for one in plan.changes if one.kind == USER_GROUP]
    assert narrowing.needs == (ended(APP_SERVER, GIT_SERVER),)


def test_an_app_that_is_only_granted_no_more_is_dropped_at_once():
    okta = organization(replace(ENG, grants=roster(())), GIT)
    [change] = [one for one in whole_plan(okta, synced(organization(ENG, GIT))).changes if one.kind == USER_GROUP]
    assert not change.needs


def test_a_user_group_of_others_with_a_wanted_name_is_left_and_reported():
    theirs = TeleportUserGroup("00gENG", {labels.ORIGIN: "okta"}, ("x",))
    cluster = Cluster(user_groups={"00gENG": theirs})
    plan = whole_plan(organization(ENG, GIT), cluster)
    assert not changes(plan, USER_GROUP)
    assert [(row.kind, row.name) for row in plan.quarantined] == [(USER_GROUP, "00gENG")]
    assert cluster.apply(plan).user_groups == {"00gENG": theirs}


def test_user_groups_of_another_organisation_do_not_go():
    theirs = TeleportUserGroup("00gOLD", {labels.OWNER: "00oOTHER"})
    assert not changes(
        whole_plan(organization(ENG, GIT), synced(organization(ENG, GIT), Cluster(user_groups={"00gOLD": theirs})))
    )


def test_what_is_off_is_left_as_it_is_found():
    off = imports(groups_off="18.1.2 crashes")
    assert not changes(whole_plan(organization(ENG, GIT), Cluster(), settings=off), USER_GROUP)


def rule(name, *matches, **added):
    return ImportRule(name, 0, (ImportMapping(matches, added),))


def test_labels_of_a_rule_come_and_go_with_it():
    okta = organization(ENG, GIT)
    cluster = synced(okta)
    before = dict(cluster.user_groups["00gENG"].labels)
    cluster.rules = (rule("r", ImportMatch(group_names=("^Eng",)), env="prod"),)
    assert synced(okta, cluster).user_groups["00gENG"].labels["env"] == "prod"
    cluster.rules = ()
    assert synced(okta, cluster).user_groups["00gENG"].labels == before


def test_labels_that_people_set_do_not_go_with_a_rule_that_never_set_them():
    okta = organization(ENG, GIT)
    cluster = synced(okta)
    edited(cluster, labels={**cluster.user_groups["00gENG"].labels, "team": "x"})
    cluster.rules = (rule("r", ImportMatch(group_ids=("00gENG",)), env="prod"),)
    synced(okta, cluster)
    cluster.rules = ()
    assert synced(okta, cluster).user_groups["00gENG"].labels["team"] == "x"


def test_labels_of_a_broken_rule_stay_where_they_are_and_are_not_added_elsewhere():
    given = ImportMatch(group_names=("^Eng",))
    okta = organization(group("00gENG", "Eng"))
    cluster = Cluster(rules=(rule("r", given, env="prod"),))
    synced(okta, cluster)
    cluster.rules = (rule("r", given, ImportMatch(group_names=("^($",)), env="prod"),)
    plan = whole_plan(organization(group("00gENG", "Eng"), group("00gENGLISH", "English")), cluster)
    assert changes(plan, "user_group") == ["create user_group 00gENGLISH"]
    assert [row.kind for row in plan.quarantined] == ["okta_import_rule"]
    cluster.apply(plan)
    assert cluster.user_groups["00gENG"].labels["env"] == "prod"
    assert "env" not in cluster.user_groups["00gENGLISH"].labels
    cluster.rules = ()
    synced(okta, cluster)
    assert "env" not in cluster.user_groups["00gENG"].labels
