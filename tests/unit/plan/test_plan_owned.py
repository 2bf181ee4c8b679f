"""The objects that we own, against which harm is measured, and the person behind each user after a plan."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.model import labels
from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportMember
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.holders import holders_after, known_users
from teleport_okta.plan.owned import ImportedMembers, owned_apps, owned_groups, owned_objects
from worlds import ORG, listing, owned_user, person, planned
from worlds_directory import ADA, BOB, Cluster, app, group, organization, synced

OKTA = organization(group("00gENG", members=[ADA, BOB]), app("0oaGIT", direct=[ADA]))


def test_our_objects_are_counted_by_kind_and_those_of_others_are_not():
    cluster = synced(OKTA, Cluster(lists={"manual": TeleportAccessList("manual", "By hand")}))
    cluster.add("manual", TeleportMember("ada", labels={labels.GRANT: "imported"}))
    cluster.add("00gENG", TeleportMember("cy"))
    owned = owned_objects(cluster.actual(), ORG)
    assert set(owned["access_list"]) == {"00gENG", "0oaGIT"}
    assert owned["role"] == {role(name) for name in ("00gENG", "0oaGIT") for role in (member_role, reviewer_role)}
    assert owned["user_group"] == {"00gENG"}
    assert owned["app_server"] == {app_server_name("0oaGIT")}
    assert set(owned["member"]) == {"00gENG/ada", "00gENG/bob", "0oaGIT/ada"}


def test_imported_members_are_counted_without_being_written_out():
    members = ImportedMembers(synced(OKTA).actual().members)
    assert len(members) == len(list(members)) == 3
    assert "00gENG/ada" in members
    assert "00gENG/cy" not in members
    assert "00gENG" not in members


def test_groups_and_apps_are_counted_by_whatever_there_is_of_them():
    cluster = synced(OKTA)
    cluster.user_groups.clear()
    server = cluster.app_servers.pop(app_server_name("0oaGIT"))
    assert owned_groups(cluster.actual(), ORG) == {"00gENG"}
    assert owned_apps(cluster.actual(), ORG) == {"0oaGIT"}
    del cluster.lists["0oaGIT"]
    assert owned_apps(cluster.actual(), ORG) == set()
    cluster.other_app_servers = (replace(server, host_id="a-former-host"), TeleportAppServer("x", "another-host"))
    assert owned_apps(cluster.actual(), ORG) == {"0oaGIT"}


def holders(people, *users):
    return holders_after(planned(people, users), known_users(users, ORG))


def test_users_who_stay_come_and_leave_are_distinguished():
    everybody = listing(person("00uADA", "ada"), person("00uNEW", "new"))
    found = holders(everybody, owned_user("00uADA", "ada"), owned_user("00uOLD", "old"))
    assert found.names == {"00uADA": "ada", "00uNEW": "new"}
    assert found.coming == {"new"}
    assert found.departing.keys() == {"old"}
    assert found.ids == {"ada": "00uADA", "new": "00uNEW", "old": "00uOLD"}


def test_users_without_a_person_are_strangers():
    unlabelled = owned_user("00uADA", "ada", labels={labels.OWNER: ORG})
    mystery = listing(person("00uADA", "ada", status="MYSTERY"), person("00uBOB", "bob"))
    found = holders(mystery, unlabelled, owned_user("00uBOB", "bob"), TeleportUser("local"))
    assert found.strangers == {"ada", "local"}


def test_a_user_who_is_taken_over_comes_and_is_no_stranger():
    found = holders(listing(person("00uADA", "ada")), TeleportUser("ada", {labels.ORIGIN: "okta"}))
    assert found.coming == {"ada"}
    assert not found.strangers


def test_a_repaired_user_is_not_a_coming_one():
    assert not holders(listing(person("00uADA", "ada")), owned_user("00uADA", "ada", roles=())).coming


def test_a_list_counts_for_its_imported_members_and_an_empty_one_for_one():
    cluster = synced(OKTA)
    cluster.add("00gENG", TeleportMember("cy"))
    lists = owned_objects(cluster.actual(), ORG)["access_list"]
    assert lists.people == len(cluster.imported("00gENG")) + len(cluster.imported("0oaGIT"))
    for name in ("00gENG", "0oaGIT"):
        cluster.members[name].clear()
    assert owned_objects(cluster.actual(), ORG)["access_list"].people == 2
    assert len(lists) == 2
