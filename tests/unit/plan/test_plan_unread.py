"""What could not be read of Teleport, and what depends on it, is left as it is; everything else is planned as usual."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.import_labels import KIND as IMPORT_RULE
from teleport_okta.model import labels
from teleport_okta.model.access import ImportMapping, ImportMatch, ImportRule
from teleport_okta.model.findings import Leftover
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.teleport import TeleportRole
from teleport_okta.plan.actual import ActualDirectory
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER, USER_GROUP
from teleport_okta.plan.first_sight import doubted_at_first_sight
from teleport_okta.plan.unread import unread_of_directory
from worlds import leaver_lock, listing, owned_user, person, planned, steps
from worlds_directory import ADA, BOB, CY, Cluster, app, changes, group, imports, organization, synced, whole_plan

RULE = ImportRule("r", 0, (ImportMapping((ImportMatch(app_names=("Git",), group_names=("Eng",)),), {"env": "prod"}),))

BEFORE = organization(
    group("00gENG", "Eng", [ADA, BOB], ["0oaGIT", "0oaWIKI"]),
    group("00gOPS", "Ops", [ADA], ["0oaGIT"]),
    app("0oaGIT", direct=[ADA]),
    app("0oaWIKI"),
)
AFTER = organization(
    group("00gENG", "Engineers", [ADA, CY], ["0oaGIT", "0oaNEW"]),
    group("00gNEW", "New", [ADA], ["0oaNEW"]),
    app("0oaGIT", "Forge", direct=[ADA]),
    app("0oaNEW"),
)
"""Everything has changed: Ops and the wiki are gone, others came, and what is left has other names and members."""

GIT_SERVER, WIKI_SERVER = app_server_name("0oaGIT"), app_server_name("0oaWIKI")


@pytest.fixture
def cluster():
    return synced(BEFORE, Cluster(rules=(RULE,)))


def after(cluster, *unread):
    """The cluster, once a plan is applied that was made while these kinds were unread."""
    plan = whole_plan(AFTER, cluster, unread=unread)
    assert len(plan.warnings) == len(unread)
    return cluster.copy().apply(plan)


@pytest.mark.parametrize("kind", [ACCESS_LIST, MEMBER])
def test_unread_lists_or_members_leave_lists_members_and_roles(cluster, kind):
    found = after(cluster, kind)
    assert (found.lists, found.members, found.roles) == (cluster.lists, cluster.members, cluster.roles)
    right = after(cluster)
    assert (found.user_groups, found.app_servers) == (right.user_groups, right.app_servers)


def test_unread_user_groups_stay_and_so_does_what_app_servers_name(cluster):
    found = after(cluster, USER_GROUP)
    assert found.user_groups == cluster.user_groups
    assert found.app_servers[GIT_SERVER].user_groups == ("00gENG", "00gOPS")
    assert found.app_servers[GIT_SERVER].labels[labels.APP_NAME] == "Forge"
    assert found.app_servers[app_server_name("0oaNEW")].user_groups == ()


def test_unread_app_servers_stay_and_so_does_what_user_groups_and_roles_name(cluster):
    found = after(cluster, APP_SERVER)
    assert found.app_servers == cluster.app_servers
    assert set(found.user_groups["00gENG"].applications) == {GIT_SERVER, WIKI_SERVER}
    assert found.user_groups["00gENG"].labels[labels.GROUP_NAME] == "Engineers"
    assert found.user_groups["00gNEW"].applications == ()
    granted = found.roles[member_role("00gENG")].allow.app_labels[labels.APP_ID]
    assert set(granted) == {"0oaGIT", "0oaWIKI", "0oaNEW"}


def test_unread_roles_stay_no_person_joins_and_leavers_go(cluster):
    found = after(cluster, ROLE)
    assert found.roles == cluster.roles
    assert found.imported("00gENG") == {"ada"}
    assert found.lists["00gENG"] == cluster.lists["00gENG"]
    assert "00gNEW" not in found.lists
    assert found.user_groups == after(cluster).user_groups


def test_unread_rules_leave_the_labels_that_they_added(cluster):
    found = after(cluster, IMPORT_RULE)
    assert found.app_servers[GIT_SERVER].labels["env"] == "prod"
    assert found.user_groups["00gENG"].labels["env"] == "prod"
    assert found.app_servers[GIT_SERVER].labels[labels.APP_NAME] == "Forge"
    gone = whole_plan(AFTER, replace(cluster, rules=()))
    assert "env" not in cluster.copy().apply(gone).app_servers[GIT_SERVER].labels


def test_whatever_is_unread_once_it_is_read_again_everything_comes_right(cluster):
    right = after(cluster)
    for kind in (ACCESS_LIST, MEMBER, USER_GROUP, APP_SERVER, ROLE, IMPORT_RULE):
        healed = synced(AFTER, after(cluster, kind))
        assert not changes(whole_plan(AFTER, healed)), kind
        assert healed.roles.keys() == right.roles.keys()
        assert {name: healed.imported(name) for name in healed.lists} == {
            name: right.imported(name) for name in right.lists
        }


def test_a_leaver_leaves_whatever_is_unread(cluster):
    without_ada = listing(person(BOB, "bob"), person(CY, "cy"))
    plan = whole_plan(BEFORE, cluster, people=without_ada, unread=(ACCESS_LIST, USER_GROUP, APP_SERVER, ROLE))
    assert changes(plan) == ["lock lock ada", "delete user ada"]


def test_the_review_of_requests_is_left_as_it_is_while_it_is_not_known_whether_it_may_be_given(cluster):
    unknown = imports(reviews=None)
    assert not changes(whole_plan(BEFORE, cluster, settings=unknown))
    found = cluster.copy().apply(whole_plan(AFTER, cluster, settings=unknown))
    assert found.roles[reviewer_role("00gENG")].allow.review == (member_role("00gENG"),)
    assert found.roles[reviewer_role("00gNEW")].allow.review == ()


def test_roles_of_another_integration_are_leftovers_but_for_those_that_the_server_brings_along():
    vendors = {labels.ORIGIN: "okta", labels.OKTA_ORG: "https://old.okta.com"}
    system = {labels.ORIGIN: "okta", labels.RESOURCE_TYPE: "system"}
    roles = {"acl-role": TeleportRole("acl-role", vendors), "okta-requester": TeleportRole("okta-requester", system)}
    plan = whole_plan(organization(), Cluster(roles=roles))
    assert plan.leftovers == (Leftover("role", "acl-role", "https://old.okta.com"),)


# What is off at first sight


@pytest.mark.parametrize(
    ("off", "kind"), [("groups_off", USER_GROUP), ("apps_off", APP_SERVER), ("rules_off", IMPORT_RULE)]
)
def test_what_is_off_at_first_sight_and_left_traces_is_not_believed_to_be_off(cluster, off, kind):
    once = imports(**{off: "no such service"}, off_at_first_sight=frozenset({kind}))
    [(doubted, why)] = doubted_at_first_sight(cluster.actual(once), once).items()
    assert doubted == kind
    assert "no such service" in why
    assert not doubted_at_first_sight(cluster.actual(once), replace(once, off_at_first_sight=frozenset()))
    assert not doubted_at_first_sight(Cluster().actual(once), once)


def test_traces_of_another_owner_do_not_count():
    others = synced(BEFORE, Cluster(rules=(RULE,)))
    for held in (others.user_groups, others.app_servers):
        for name, one in held.items():
            held[name] = replace(one, labels={**one.labels, labels.OWNER: "00oOTHER"})
    once = imports(rules_off="no such service", off_at_first_sight=frozenset({IMPORT_RULE}))
    assert not doubted_at_first_sight(others.actual(once), once)


# Locks


ADAS = person(ADA, "ada")


def test_while_locks_are_unread_leavers_and_suspended_people_are_locked():
    suspended = person(BOB, "bob", status="SUSPENDED")
    plan = planned(listing(suspended), [owned_user(ADA, "ada"), owned_user(BOB, "bob")], locks_unread="503")
    assert sorted(steps(plan)) == [("delete", "ada"), ("lock", "ada"), ("lock", "bob")]


def test_while_locks_are_unread_no_user_is_made_and_the_plan_counts_those_who_wait():
    plan = planned(listing(ADAS, person(BOB, "bob")), [owned_user(BOB, "bob", labels={})], locks_unread="503")
    assert plan.is_empty
    [warning] = plan.warnings
    assert "503" in warning
    assert warning.endswith("people who wait for a user: 2")


def test_while_locks_are_unread_repairs_go_on():
    damaged = owned_user(ADA, "ada", traits={})
    assert steps(planned(listing(ADAS), [damaged], locks_unread="503")) == [("update", "ada")]


def test_an_orphaned_lock_still_waits_while_locks_are_unread():
    row = ("lock", "gone", "00uGONE")
    since = {row: leaver_lock("x", "x").expires, ("lock", "ada", ADA): leaver_lock("x", "x").expires}
    plan = planned(listing(ADAS), [owned_user(ADA, "ada")], locks_unread="503", aside_since=since)
    assert [(one.kind, one.name, one.okta_id) for one in plan.quarantined] == [row]


# Arrivals


def test_while_no_user_can_be_made_leavers_leave_and_one_warning_counts_those_who_wait():
    closed = replace(imports().policy, no_arrivals="nobody new gets a user: no role")
    crowd = [person(f"00u{number}", f"u{number}") for number in range(3)]
    plan = planned(listing(*crowd), [owned_user(ADA, "ada")], policy=closed)
    assert steps(plan) == [("lock", "ada"), ("delete", "ada")]
    assert plan.warnings == ("nobody new gets a user: no role; people who wait for a user: 3",)
    assert not plan.quarantined


def test_while_no_user_can_be_made_a_renamed_person_keeps_the_old_one():
    closed = replace(imports().policy, no_arrivals="nobody new gets a user: no role")
    plan = planned(listing(person(ADA, "new")), [owned_user(ADA, "old")], policy=closed)
    assert plan.is_empty
    assert USER not in {row.kind for row in plan.quarantined}


def test_what_could_not_be_read_for_one_reason_is_told_in_one_sentence():
    actual = ActualDirectory(unread={USER_GROUP: "403 x", ROLE: "503 y", ACCESS_LIST: "403 x", MEMBER: "403 x"})
    by_403, by_503 = unread_of_directory(actual)
    assert by_403.startswith("access lists, their members and their roles are left as they are; user groups, and the ")
    assert by_403.endswith(": 403 x")
    assert by_403.count("access lists") == 1
    assert by_503.endswith(": 503 y")
