"""Fingerprints: what of an object counts as changed by somebody else, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model import labels
from teleport_okta.model.access import (
    ImportMapping,
    ImportMatch,
    ImportRule,
    ListMembers,
    ListOwner,
    TeleportAccessList,
    TeleportAppServer,
    TeleportMember,
    TeleportUserGroup,
)
from teleport_okta.model.names import app_server_name, member_role
from teleport_okta.model.teleport import RoleAllow, TeleportRole
from teleport_okta.plan import fingerprints
from teleport_okta.plan.actual import ActualDirectory
from teleport_okta.plan.changes import ACCESS_LIST, LOCK, USER, USER_GROUP
from worlds import NOW, ORG, leaver_lock, owned_user

ADA = "00uADA"
ENG, GIT = "00gENG", "0oaGIT"
OURS = {labels.OWNER: ORG}


def directory(**changes):
    """A group with a role and a list of one, and an app server."""
    role, server = member_role(ENG), app_server_name(GIT)
    actual = ActualDirectory(
        roles={role: TeleportRole(role, OURS, RoleAllow()), "access": TeleportRole("access")},
        user_groups={ENG: TeleportUserGroup(ENG, OURS)},
        app_servers={server: TeleportAppServer(server, "host", OURS | {labels.OKTA_ID: GIT})},
        access_lists={ENG: TeleportAccessList(ENG, "Engineering", OURS, grants=(role,))},
        members={ENG: ListMembers(frozenset({"ada"}))},
    )
    return replace(actual, **changes)


def prints(actual):
    return list(fingerprints.of_directory(actual))


def differing(known, found, *, kinds=(USER, LOCK, ACCESS_LIST, USER_GROUP, "role", "app_server"), now=NOW):
    return [(one.kind, one.name) for one in fingerprints.differing(known, found, kinds=kinds, now=now)]


def test_every_object_of_a_group_and_an_app_has_one_and_others_have_none():
    found = prints(directory())
    assert {(one.kind, one.okta_id) for one in found} >= {("role", ENG), (USER_GROUP, ENG), (ACCESS_LIST, ENG)}
    assert "access" not in {one.name for one in found}


def test_what_is_as_it_was_differs_in_nothing():
    assert differing(prints(directory()), prints(directory())) == []


LIST = directory().access_lists[ENG]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"members": {ENG: ListMembers(frozenset({"ada", "bob"}))}}, ACCESS_LIST),
        ({"members": {}}, ACCESS_LIST),
        ({"access_lists": {ENG: replace(LIST, grants=())}}, ACCESS_LIST),
        ({"access_lists": {ENG: replace(LIST, owner_grants=("x",))}}, ACCESS_LIST),
        ({"access_lists": {ENG: replace(LIST, labels={})}}, ACCESS_LIST),
        ({"access_lists": {}}, ACCESS_LIST),
        ({"user_groups": {ENG: TeleportUserGroup(ENG, OURS, ("app",))}}, USER_GROUP),
        ({"roles": {member_role(ENG): TeleportRole(member_role(ENG), OURS, RoleAllow(review=("x",)))}}, "role"),
        ({"app_servers": {}}, "app_server"),
    ],
)
def test_what_is_ours_to_keep_is_missed(changes, kind):
    assert {one for one, _ in differing(prints(directory()), prints(directory(**changes)))} == {kind}


@pytest.mark.parametrize(
    "changes",
    [
        {"access_lists": {ENG: replace(LIST, title="Builders", owners=(ListOwner("boss"),), revision="r2")}},
        {"members": {ENG: ListMembers(frozenset({"ada"}), {"guest": TeleportMember("guest")})}},
    ],
)
def test_what_people_may_change_is_not(changes):
    assert differing(prints(directory()), prints(directory(**changes))) == []


def test_those_of_some_objects_are_those_of_the_whole():
    only = [one for one in prints(directory()) if one.okta_id == ENG]
    assert sorted(fingerprints.of_objects(directory(), {ENG}), key=str) == sorted(only, key=str)


def users(*found, replaced=None):
    return list(fingerprints.of_users(found, ORG, replaced or {}))


def test_a_user_of_ours_has_one_and_a_stranger_has_none():
    stranger = replace(owned_user("", "guest"), labels={})
    assert [one.okta_id for one in users(owned_user(ADA, "ada"), stranger)] == [ADA]


def test_a_user_whose_label_a_login_took_away_is_known_by_whom_it_stood_for():
    replaced = replace(owned_user(ADA, "ada"), labels={})
    assert differing(users(owned_user(ADA, "ada")), users(replaced, replaced={"ada": ADA})) == [(USER, "ada")]


def test_another_revision_is_no_change_and_another_role_is():
    before = users(owned_user(ADA, "ada"))
    assert differing(before, users(owned_user(ADA, "ada", revision="r9"))) == []
    assert differing(before, users(owned_user(ADA, "ada", roles=("root",)))) == [(USER, "ada")]


def test_a_lock_is_missed_until_it_ends():
    known = list(fingerprints.of_locks([leaver_lock(ADA, "ada")], ORG))
    assert differing(known, []) == [(LOCK, known[0].name)]
    assert differing(known, [], now=NOW + timedelta(hours=30)) == []


def test_what_was_not_read_now_is_not_missed():
    known = prints(directory())
    assert differing(known, [], kinds=()) == []
    unread = directory(unread={"member": "503"})
    # Of kind member are the roles that stand on users, which the listing of users tells.
    assert fingerprints.kinds_read(unread) == {"role", USER_GROUP, "app_server", "okta_import_rule", "member"}


def test_an_import_rule_has_no_okta_id():
    mapping = ImportMapping((ImportMatch(group_names=("x",)),), {"env": "dev"})
    rule = ImportRule("rule", 1, (mapping,))
    other = replace(rule, mappings=(replace(mapping, labels={"env": "prod"}),))
    [one], [two] = fingerprints.of_rules([rule]), fingerprints.of_rules([other])
    assert one.okta_id == ""
    assert one.digest != two.digest
