"""Lists of groups that a SCIM client pushed: the client decides about members, and people about the grants."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.model.access import TeleportAccessList
from teleport_okta.model.directory import PushedGroup
from teleport_okta.model.harm import Evidence
from teleport_okta.model.scope import Scope
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, ROLE, USER_GROUP
from worlds import listing, person
from worlds_directory import ADA, BOB, PEOPLE, changes, group, imports, organization, synced, whole_plan

LOOMS = "scim-5f1b"


def pushed(*people, rows=(), name="Looms", gone=()):
    """The listings of Okta, and one group that a client pushed with these people in it."""
    return replace(
        organization(*rows), pushed={LOOMS: PushedGroup(LOOMS, name, frozenset(people))}, unpushed=frozenset(gone)
    )


def unpushed(*gone):
    return replace(organization(), unpushed=frozenset(gone))


ALONE = imports(groups_off="SCIM alone", apps_off="SCIM alone", rules_off="SCIM alone", pushed_alone=True)


def test_a_pushed_group_becomes_a_list_without_roles_and_no_user_group():
    cluster = synced(pushed(ADA))
    assert cluster.lists[LOOMS].title == "Looms"
    assert not cluster.lists[LOOMS].grants
    assert set(cluster.members[LOOMS]) == {"ada"}
    assert LOOMS not in cluster.user_groups
    assert not [name for name in cluster.roles if LOOMS in name]
    assert whole_plan(pushed(ADA), cluster).is_empty


def test_what_people_let_the_list_grant_stays():
    cluster = synced(pushed(ADA))
    cluster.lists[LOOMS] = replace(cluster.lists[LOOMS], grants=("weaver",), raw=b"")
    assert whole_plan(pushed(ADA), cluster).is_empty


def test_an_empty_group_has_an_empty_list():
    cluster = synced(pushed())
    assert LOOMS in cluster.lists
    assert whole_plan(pushed(), cluster).is_empty
    emptied = synced(pushed(), synced(pushed(ADA)))
    assert LOOMS in emptied.lists
    assert not emptied.members[LOOMS]


def test_a_person_removed_by_the_client_is_removed_as_stated():
    plan = whole_plan(pushed(BOB), synced(pushed(ADA, BOB)))
    assert changes(plan) == [f"delete member {LOOMS}/ada"]
    assert plan.changes[0].harm.evidence is Evidence.STATED


def test_a_renamed_group_renames_its_list():
    assert synced(pushed(ADA, name="Mills"), synced(pushed(ADA))).lists[LOOMS].title == "Mills"


def test_the_list_of_a_deleted_group_ends_because_the_client_states_that():
    plan = whole_plan(unpushed(LOOMS), synced(pushed(ADA)))
    (ending,) = [change for change in plan.changes if change.kind == ACCESS_LIST]
    assert (ending.action, ending.harm.evidence) == ("delete", Evidence.STATED)


def test_a_list_of_which_no_record_is_known_ends_for_nothing():
    assert whole_plan(organization(), synced(pushed(ADA))).is_empty


def test_a_leaver_is_taken_out_of_a_list_of_which_no_record_is_known():
    cluster = synced(pushed(ADA))
    gone = listing(person(ADA, "ada", status="DEPROVISIONED"), *[one for one in PEOPLE.people if one.okta_id != ADA])
    assert f"delete member {LOOMS}/ada" in changes(whole_plan(organization(), cluster, people=gone), MEMBER)


def test_a_list_of_others_with_that_name_is_left_alone_and_reported():
    cluster = synced(organization())
    cluster.lists[LOOMS] = TeleportAccessList(LOOMS, "theirs")
    plan = whole_plan(pushed(ADA), cluster)
    assert plan.is_empty
    assert [(row.kind, row.okta_id) for row in plan.quarantined] == [(ACCESS_LIST, LOOMS)]


def test_the_plan_of_one_pushed_group_is_about_nothing_else():
    engines = group("00gENG", "Engines", [ADA])
    plan = whole_plan(pushed(ADA, rows=[engines]), synced(organization()), scope=Scope.of(groups=[LOOMS]))
    assert changes(plan) == [f"create access_list {LOOMS}"]


def test_where_nothing_but_pushed_groups_is_known_what_was_imported_before_stays():
    engines = group("00gENG", "Engines", [ADA])
    cluster = synced(organization(engines))
    plan = whole_plan(pushed(ADA), cluster, settings=ALONE)
    assert changes(plan) == [f"create access_list {LOOMS}"]
    assert not changes(plan, ROLE, USER_GROUP)


def test_where_nothing_but_pushed_groups_is_known_a_leaver_goes_out_of_every_list():
    engines = group("00gENG", "Engines", [ADA])
    cluster = synced(organization(engines))
    gone = listing(person(ADA, "ada", status="DEPROVISIONED"), *[one for one in PEOPLE.people if one.okta_id != ADA])
    plan = whole_plan(organization(), cluster, settings=ALONE, people=gone)
    assert "delete member 00gENG/ada" in changes(plan, MEMBER)
    assert not changes(plan, ACCESS_LIST, ROLE)
