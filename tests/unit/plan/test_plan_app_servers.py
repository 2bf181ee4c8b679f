"""Planning app servers: one for each launchable app on our own host; others' are not ours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.model import labels
from teleport_okta.model.access import TeleportAppServer, TeleportUserGroup
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import app_server_name
from teleport_okta.model.okta import MalformedRow
from teleport_okta.plan.changes import APP_SERVER, USER_GROUP
from worlds import ORG, ORG_URL
from worlds_directory import (
    HOST,
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

GIT = app("0oaGIT", links=("https://one", "https://two"), description="code")
ENG = group("00gENG", grants=["0oaGIT"])
NAME = app_server_name("0oaGIT")


def linked(*links):
    return organization(ENG, replace(GIT, app=replace(GIT.app, links=links)))


def test_an_app_becomes_an_app_server_of_our_host():
    [change] = [one for one in whole_plan(organization(ENG, GIT), Cluster()).changes if one.kind == APP_SERVER]
    assert change.content == TeleportAppServer(
        NAME,
        HOST,
        {
            "teleport-okta/owner": ORG,
            "teleport-okta/id": "0oaGIT",
            "teleport.dev/origin": "okta",
            "teleport.internal/okta-app-id": "0oaGIT",
            "teleport.internal/okta-app-name": "Git",
            "teleport.internal/okta-app-description": "code",
            "okta/org": ORG_URL,
        },
        "https://one",
        "code",
        ("00gENG",),
    )


def test_an_app_with_several_links_keeps_the_one_in_use_whatever_their_order():
    """Regression: an app with several links was re-created in every pass."""
    cluster = synced(linked("https://one", "https://two"))
    assert not changes(whole_plan(linked("https://two", "https://one"), cluster))


def test_a_link_that_is_gone_is_replaced():
    cluster = synced(linked("https://one"))
    assert synced(linked("https://two", "https://three"), cluster).app_servers[NAME].uri == "https://two"


def test_when_it_ends_is_no_difference_but_an_app_server_without_an_end_is_given_one():
    okta = organization(ENG, GIT)
    cluster = synced(okta)
    cluster.app_servers[NAME] = replace(cluster.app_servers[NAME], expires=None)
    assert changes(whole_plan(okta, cluster)) == [f"update app_server {NAME}"]
    assert not changes(whole_plan(okta, synced(okta, cluster)))


def test_a_renamed_app_is_the_same_app_server():
    okta = organization(ENG, replace(GIT, app=replace(GIT.app, label="Forge")))
    found = synced(okta, synced(organization(ENG, GIT))).app_servers
    assert found.keys() == {NAME}
    assert found[NAME].labels[labels.APP_NAME] == "Forge"


@pytest.mark.parametrize("changed", [{"status": "INACTIVE"}, {"links": ()}])
def test_an_app_that_cannot_be_launched_any_more_ends_because_its_row_states_that(changed):
    okta = organization(ENG, replace(GIT, app=replace(GIT.app, **changed)))
    plan = whole_plan(okta, synced(organization(ENG, GIT)))
    [change] = [one for one in plan.changes if one.kind == APP_SERVER]
    assert (change.action, change.harm.evidence, change.harm.listing) == ("delete", Evidence.STATED, "")


def test_an_app_that_is_gone_is_absent_from_the_listing_of_apps():
    plan = whole_plan(organization(ENG), synced(organization(ENG, GIT)))
    [change] = [one for one in plan.changes if one.kind == APP_SERVER]
    assert change.harm.harmed == Harmed(APP_SERVER, NAME, "0oaGIT")
    assert (change.harm.evidence, change.harm.listing) == (Evidence.ABSENT, "apps")


def test_an_app_whose_row_is_malformed_does_not_go():
    okta = organization(ENG, malformed_apps=[MalformedRow("0oaGIT", "no label")])
    assert not changes(whole_plan(okta, synced(organization(ENG, GIT))))


def test_app_servers_of_other_hosts_are_not_touched_even_if_they_stand_for_our_apps():
    other = TeleportAppServer(NAME, "another-host", {labels.OWNER: ORG, labels.OKTA_ID: "0oaGIT"}, "https://x")
    cluster = Cluster(other_app_servers=(other,))
    assert changes(whole_plan(organization(ENG), cluster), APP_SERVER) == []
    assert changes(whole_plan(organization(ENG, GIT), cluster), APP_SERVER) == [f"create app_server {NAME}"]


def test_an_app_server_of_our_host_that_is_not_ours_is_left_and_reported():
    theirs = TeleportAppServer(NAME, HOST, {"env": "prod"}, "https://x")
    plan = whole_plan(organization(ENG, GIT), Cluster(app_servers={NAME: theirs}))
    assert not changes(plan, APP_SERVER)
    assert [(row.kind, row.name) for row in plan.quarantined] == [(APP_SERVER, NAME)]


def test_a_group_that_does_not_grant_it_any_more_is_not_named():
    cluster = synced(organization(ENG, GIT))
    assert synced(organization(replace(ENG, grants=roster(())), GIT), cluster).app_servers[NAME].user_groups == ()


@pytest.mark.parametrize(
    "okta",
    [
        organization(replace(ENG, grants=roster((), problem="503")), GIT),
        organization(GIT, malformed_groups=[MalformedRow("00gENG", "no profile")]),
    ],
)
def test_a_group_whose_grants_are_not_known_stays_named_as_before(okta):
    assert not changes(whole_plan(okta, synced(organization(ENG, GIT))))


def test_a_group_whose_end_is_held_is_named_until_it_ends():
    cluster = synced(organization(ENG, GIT))
    okta = organization(replace(GIT, app=replace(GIT.app, label="Forge")), groups={"incomplete": "page 2: 503"})
    found = cluster.apply(held_back(whole_plan(okta, cluster), cluster, okta)).app_servers[NAME]
    assert found.user_groups == ("00gENG",)
    assert found.labels[labels.APP_NAME] == "Forge"
    whole = organization(GIT)
    cluster.apply(held_back(whole_plan(whole, cluster), cluster, organization(group("00gNEW"), GIT)))
    assert cluster.app_servers[NAME].user_groups == ()


@pytest.mark.parametrize("user_groups", [{}, {"00gENG": TeleportUserGroup("00gENG", {"env": "prod"})}])
def test_a_group_that_a_doubted_listing_lacks_is_named_as_it_was_also_where_its_user_group_is_gone_or_not_ours(
    user_groups,
):
    cluster = synced(organization(ENG, GIT))
    cluster.user_groups = user_groups
    okta = organization(GIT, groups={"incomplete": "page 2: 503"})
    assert not changes(whole_plan(okta, cluster), APP_SERVER)
    synced(organization(group("00gNEW"), GIT), cluster)
    assert cluster.app_servers[NAME].user_groups == ()


def test_where_user_groups_are_off_none_are_named():
    off = imports(groups_off="18.1.2 crashes")
    assert synced(organization(ENG, GIT), settings=off).app_servers[NAME].user_groups == ()


def test_what_is_off_is_left_as_it_is_found():
    off = imports(apps_off="no host identity")
    assert changes(whole_plan(organization(ENG, GIT), Cluster(), settings=off), APP_SERVER, USER_GROUP) == [
        "create user_group 00gENG"
    ]


def test_names_are_one_dns_label_each_and_ids_that_differ_in_case_have_two():
    names = {app_server_name(okta_id) for okta_id in ("0oaGIT", "0oaGit", "0oa-_.x")}
    assert len(names) == 3
    assert all(name.replace("-", "").isalnum() and name == name.lower() and len(name) <= 63 for name in names)
