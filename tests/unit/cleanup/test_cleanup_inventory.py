"""Which objects of a cluster a cleanup removes, which it keeps, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.cleanup.leftovers import leftovers
from teleport_okta.cleanup.ownership import BOT, Claim, host_of
from teleport_okta.model import labels
from teleport_okta.model.access import (
    ListOwner,
    TeleportAccessList,
    TeleportAppServer,
    TeleportMember,
    TeleportUserGroup,
)
from teleport_okta.model.findings import Leftover
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.teleport import ConnectorRef, TeleportLock, TeleportRole, TeleportUser
from unit.cleanup.leaving import (
    OURS,
    VENDOR,
    disowned,
    holdings,
    inventory,
    kept,
    office,
    owned_by_others,
    planned,
    removed,
)
from worlds import NOW, ORG, ORG_URL, leaver_lock, owned_user
from worlds_directory import nested

LISTS = {"00gENG", "00gOPS", "0oaGIT"}
ROLES = {role(name) for name in LISTS for role in (member_role, reviewer_role)}
WITH_VENDORS = replace(OURS, vendor=True)
ELSEWHERE = {**VENDOR, labels.OKTA_ORG: "https://other.okta.com"}
EVE = TeleportUser("eve", {labels.OWNER: ORG, labels.OKTA_ID: "00uEVE", labels.OKTA_ORG: ORG_URL, "team": "blue"})


def test_objects_with_our_label_are_removed_and_no_others():
    cluster = office()
    cluster.users["zoe"] = TeleportUser("zoe", {"team": "blue"})
    cluster.roles["access"] = TeleportRole("access", {labels.RESOURCE_TYPE: "preset"})
    cluster.lists["manual"] = TeleportAccessList("manual", "By hand", owners=(ListOwner("zoe"),))
    taken = inventory(cluster)
    assert removed(taken, "user") == {"ada", "bob", "cy"}
    assert removed(taken, "access_list") == LISTS
    assert removed(taken, "role") == ROLES
    assert removed(taken, "user_group") == {"00gENG", "00gOPS"}
    assert removed(taken, "app_server") == {app_server_name("0oaGIT"), app_server_name("0oaWIKI")}
    assert not taken.kept
    assert planned(cluster).leaves_nothing


def test_objects_of_another_organisation_stay_and_are_named():
    cluster = office()
    cluster.users["yuki"] = owned_user("00uYUKI", "yuki", labels={**VENDOR, labels.OWNER: "00oOTHER"})
    taken = inventory(cluster, claim=WITH_VENDORS)
    assert "yuki" not in removed(taken, "user")
    assert kept(taken, "user") == {"yuki": "it belongs to the organisation 00oOTHER"}
    assert planned(cluster).leaves_nothing


@pytest.mark.parametrize("claim", [OURS, WITH_VENDORS], ids=["ours", "vendor's too"])
def test_presets_of_teleport_stay_even_with_our_label(claim):
    cluster = office()
    preset = {labels.RESOURCE_TYPE: "system", labels.ORIGIN: labels.ORIGIN_OKTA, labels.OKTA_ORG: ORG_URL}
    cluster.roles["okta-requester"] = TeleportRole("okta-requester", preset)
    cluster.roles["okta-access"] = TeleportRole("okta-access", {**preset, labels.OWNER: ORG})
    taken = inventory(cluster, claim=claim)
    assert removed(taken, "role") == ROLES
    assert kept(taken, "role") == dict.fromkeys(["okta-requester", "okta-access"], "it is a preset of Teleport")


def with_leftovers():
    """An office, and something of each kind that the vendor's integration left."""
    cluster = office()
    cluster.users["vera"] = TeleportUser("vera", VENDOR)
    cluster.roles["vendor-role"] = TeleportRole("vendor-role", VENDOR)
    cluster.user_groups["vendor-group"] = TeleportUserGroup("vendor-group", VENDOR)
    cluster.other_app_servers = (TeleportAppServer("vendor-app", "host-of-theirs", VENDOR),)
    cluster.lists["vendor-list"] = TeleportAccessList("vendor-list", "Theirs", VENDOR, owners=(ListOwner("zoe"),))
    return cluster


THEIRS = {
    "user": "vera",
    "role": "vendor-role",
    "user_group": "vendor-group",
    "app_server": "vendor-app",
    "access_list": "vendor-list",
}


@pytest.mark.parametrize("kind", THEIRS)
def test_leftovers_of_the_vendor_go_only_when_that_is_asked_for(kind):
    cluster = with_leftovers()
    usual, asked = inventory(cluster), inventory(cluster, claim=WITH_VENDORS)
    assert THEIRS[kind] not in removed(usual, kind)
    assert "leftover of the vendor's integration" in kept(usual, kind)[THEIRS[kind]]
    assert THEIRS[kind] in removed(asked, kind)
    assert not kept(asked, kind)


@pytest.mark.parametrize("kind", THEIRS)
def test_leftovers_of_the_vendor_can_be_removed_alone(kind):
    cluster = with_leftovers()
    ours, theirs = (
        leaver_lock("00uZOE", "zoe"),
        TeleportLock("theirs", "vera", VENDOR, expires=NOW + timedelta(hours=1)),
    )
    cluster.locks |= {ours.name: ours, theirs.name: theirs}
    taken = inventory(cluster, claim=replace(WITH_VENDORS, ours=False), locks=True)
    assert removed(taken, kind) == {THEIRS[kind]}
    assert removed(taken, "lock") == {"theirs"}
    assert not taken.kept


def test_leftovers_that_ours_still_use_stay_when_they_are_removed_alone():
    cluster = with_leftovers()
    cluster.users["ada"] = replace(cluster.users["ada"], roles=("vendor-role",))
    cluster.add("00gENG", nested("vendor-list"))
    taken = inventory(cluster, claim=replace(WITH_VENDORS, ours=False))
    assert not removed(taken, "role")
    assert not removed(taken, "access_list")


def test_leftovers_of_another_organisation_go_only_when_it_is_named():
    cluster = office()
    cluster.users["vera"] = TeleportUser("vera", ELSEWHERE)
    assert "vera" not in removed(inventory(cluster, claim=WITH_VENDORS), "user")
    named = replace(WITH_VENDORS, organizations=(ORG_URL, "https://OTHER.okta.com/"))
    assert "vera" in removed(inventory(cluster, claim=named), "user")


def test_leftovers_without_an_organisation_are_never_removed():
    cluster = office()
    cluster.users["vera"] = TeleportUser("vera", {labels.ORIGIN: labels.ORIGIN_OKTA})
    for organizations in ((ORG_URL,), ("",), ()):
        taken = inventory(cluster, claim=Claim(ORG, organizations, vendor=True))
        assert "vera" not in removed(taken, "user")
        assert "none that names the organisation" in kept(taken, "user")["vera"]


def test_a_user_made_by_people_or_a_login_is_not_removed_as_a_leftover():
    cluster = office()
    cluster.users["vera"] = TeleportUser("vera", {labels.OKTA_ORG: ORG_URL})
    taken = inventory(cluster, claim=WITH_VENDORS)
    assert "vera" not in removed(taken, "user")
    assert "vera" in kept(taken, "user")


def test_a_bot_never_goes():
    cluster = office()
    cluster.users["bot-1"] = TeleportUser("bot-1", {**VENDOR, BOT: "robot"})
    cluster.users["bot-2"] = owned_user("00uBOT", "bot-2", labels={**VENDOR, labels.OWNER: ORG, BOT: "robot"})
    taken = inventory(cluster, claim=WITH_VENDORS)
    assert removed(taken, "user") == {"ada", "bob", "cy"}
    assert set(kept(taken, "user")) == {"bot-1", "bot-2"}


def test_a_user_of_another_origin_is_given_back_without_what_is_ours():
    cluster = office()
    cluster.users["eve"] = replace(
        EVE,
        roles=("okta-requester", "dba"),
        traits={"okta/login": ("eve",), "groups": ("staff",)},
        connector=ConnectorRef("saml", "okta", "eve"),
    )
    (eve,) = [one for one in inventory(cluster).removals["user"] if one.name == "eve"]
    assert eve.becomes == replace(
        cluster.users["eve"],
        labels={"team": "blue"},
        roles=("dba",),
        traits={"groups": ("staff",)},
        expires=NOW + timedelta(hours=30, minutes=15),
    )


def test_a_user_without_a_connector_is_given_back_without_an_end():
    cluster = office()
    cluster.users["eve"] = EVE
    (eve,) = [one for one in inventory(cluster).removals["user"] if one.name == "eve"]
    assert eve.becomes.expires is None


def test_without_a_bot_what_only_it_may_change_stays_and_the_rest_goes():
    cluster = office()
    cluster.users["eve"] = EVE
    cluster.lists["00gENG"] = replace(cluster.lists["00gENG"], labels={labels.OWNER: ORG})
    taken = inventory(cluster, has_bot=False)
    assert removed(taken, "user") == {"ada", "bob", "cy"}
    assert removed(taken, "access_list") == LISTS - {"00gENG"}
    assert "only the bot's identity" in kept(taken, "user")["eve"]
    assert set(kept(taken, "role")) == {member_role("00gENG"), reviewer_role("00gENG")}
    assert not planned(cluster, has_bot=False).leaves_nothing


# Lists in lists


def with_outer(**changes):
    """An office whose list 00gENG is a member of a list that people made."""
    cluster = office()
    fields = {"owners": (ListOwner("zoe"),), "grants": ("dba",)} | changes
    cluster.roles["dba"] = TeleportRole("dba")
    cluster.lists["outer"] = TeleportAccessList("outer", "Outer", **fields)
    cluster.add("outer", nested("00gENG"))
    return cluster


def test_a_list_that_is_in_a_list_of_people_stays_with_its_roles():
    taken = inventory(with_outer())
    assert removed(taken, "access_list") == LISTS - {"00gENG"}
    assert removed(taken, "role") == ROLES - {member_role("00gENG"), reviewer_role("00gENG")}
    assert kept(taken, "access_list") == {"00gENG": "it is a member of the list Outer (outer), which is kept"}
    assert not taken.detachments
    assert not planned(with_outer()).leaves_nothing


def test_it_is_taken_out_and_goes_when_that_is_asked_for():
    taken = inventory(with_outer(), detach=True)
    assert removed(taken, "access_list") == LISTS
    assert [(one.parent.name, one.children, one.as_member) for one in taken.detachments] == [
        ("outer", ("00gENG",), True)
    ]


def test_a_list_is_not_taken_out_of_one_that_only_the_bot_may_change_without_a_bot():
    taken = inventory(with_outer(), detach=True, has_bot=False)
    assert "00gENG" not in removed(taken, "access_list")
    of_okta = inventory(with_outer(labels=VENDOR), detach=True, has_bot=False)
    assert "00gENG" in removed(of_okta, "access_list")


def owning(*owners):
    """An office with a list that people made, which these own."""
    cluster = office()
    cluster.lists["outer"] = TeleportAccessList("outer", "Outer", owners=owners)
    return cluster


def test_a_list_that_owns_another_stays_unless_it_is_taken_out_of_the_owners():
    cluster = owning(ListOwner("zoe"), ListOwner("00gENG", is_list=True))
    assert "an owner of the list Outer" in kept(inventory(cluster), "access_list")["00gENG"]
    taken = inventory(cluster, detach=True)
    assert "00gENG" in removed(taken, "access_list")
    assert [(one.parent.name, one.children, one.as_member) for one in taken.detachments] == [
        ("outer", ("00gENG",), False)
    ]


def test_lists_that_are_the_only_owners_of_another_stay():
    cluster = owning(ListOwner("00gENG", is_list=True), ListOwner("00gOPS", is_list=True))
    taken = inventory(cluster, detach=True)
    assert removed(taken, "access_list") == {"0oaGIT"}
    assert "has no other owner" in kept(taken, "access_list")["00gENG"]
    assert not taken.detachments


def test_a_user_of_the_name_of_a_list_owns_nothing_in_its_place():
    taken = inventory(owning(ListOwner("00gENG")), detach=True)
    assert "00gENG" in removed(taken, "access_list")
    assert not taken.detachments


def test_a_list_in_one_of_ours_that_stays_stays_too_and_in_one_that_goes_goes_after_it():
    cluster = with_outer()
    cluster.add("00gENG", nested("00gOPS"))
    assert removed(inventory(cluster), "access_list") == {"0oaGIT"}
    taken = inventory(cluster, detach=True)
    assert removed(taken, "access_list") == LISTS
    assert taken.outer_lists["00gOPS"] == ("00gENG",)


def test_a_list_of_which_the_server_alone_says_that_it_is_nested_stays():
    cluster = office()
    cluster.lists["outer"] = TeleportAccessList("outer", "Outer", owners=(ListOwner("zoe"),))
    cluster.member_of["00gENG"].add("outer")
    assert "which does not name it" in kept(inventory(cluster, detach=True), "access_list")["00gENG"]


def test_a_list_of_people_in_one_of_ours_is_no_obstacle_and_is_named():
    cluster = office()
    cluster.lists["inner"] = TeleportAccessList("inner", "Inner", owners=(ListOwner("zoe"),))
    cluster.add("00gENG", nested("inner"))
    cluster.add("00gENG", TeleportMember("zoe"))
    (eng,) = [one for one in inventory(cluster).removals["access_list"] if one.name == "00gENG"]
    assert eng.note == "Eng; imported members: 2; members added by people: 1; nested lists: inner"


def test_while_members_cannot_be_read_lists_and_their_roles_stay():
    cluster = office()
    taken = inventory(cluster, more={"members": {}, "unread": {"member": "503"}})
    assert not removed(taken, "access_list")
    assert not removed(taken, "role")
    assert removed(taken, "user") == {"ada", "bob", "cy"}
    assert not planned(cluster, more={"members": {}, "unread": {"member": "503"}}).leaves_nothing


# Roles


def used_by_a_user(cluster):
    cluster.users["zoe"] = TeleportUser("zoe", roles=(member_role("00gENG"),))


def used_by_a_list(cluster):
    cluster.lists["manual"] = TeleportAccessList("manual", "By hand", grants=(member_role("00gENG"),))


def used_by_owners_of_a_list(cluster):
    cluster.lists["manual"] = TeleportAccessList("manual", "By hand", owner_grants=(member_role("00gENG"),))


def used_by_a_user_who_is_given_back(cluster):
    cluster.users["eve"] = replace(EVE, roles=(member_role("00gENG"), "okta-requester"))


@pytest.mark.parametrize(
    "use", [used_by_a_user, used_by_a_list, used_by_owners_of_a_list, used_by_a_user_who_is_given_back]
)
def test_a_role_of_a_user_who_stays_is_kept(use):
    cluster = office()
    use(cluster)
    taken = inventory(cluster)
    assert removed(taken, "role") == ROLES - {member_role("00gENG")}
    assert "it is in use by" in kept(taken, "role")[member_role("00gENG")]


@pytest.mark.parametrize(
    "more",
    [
        {"demanded": {"manual": frozenset({member_role("00gENG")})}},
        {"named": {"role helpdesk": frozenset({member_role("00gENG")})}},
        {"named": {"SAML connector okta": frozenset({member_role("00gENG")})}},
    ],
    ids=["demanded by a list", "named by a role", "given by a connector"],
)
def test_a_role_that_is_named_elsewhere_stays(more):
    cluster = office()
    cluster.lists["manual"] = TeleportAccessList("manual", "By hand", owners=(ListOwner("zoe"),))
    assert removed(inventory(cluster, more=more), "role") == ROLES - {member_role("00gENG")}


def test_a_role_that_only_removed_objects_use_is_removed():
    cluster = office()
    cluster.users["ada"] = replace(cluster.users["ada"], roles=(member_role("00gENG"),))
    named = {f"role {reviewer_role('00gENG')}": frozenset({member_role("00gENG")})}
    demanded = {"00gOPS": frozenset({member_role("00gENG")})}
    assert removed(inventory(cluster, more={"named": named, "demanded": demanded}), "role") == ROLES


@pytest.mark.parametrize("kind", ["user", "access_list", "saml"])
def test_while_uses_of_roles_are_unknown_they_stay(kind):
    taken = inventory(office(), more={"unread": {kind: "503"}})
    assert not removed(taken, "role")
    assert set(kept(taken, "role")) == ROLES


def test_while_locks_cannot_be_read_no_user_is_removed():
    taken = inventory(office(), more={"locks": {}, "unread": {"lock": "503"}})
    assert not removed(taken, "user")
    assert set(kept(taken, "user")) == {"ada", "bob", "cy"}
    assert removed(taken, "access_list") == LISTS


# User groups, app servers, locks


def test_user_groups_stay_on_versions_where_touching_one_can_end_the_server():
    gated = {"gated": {"user_group": "upgrade"}}
    taken = inventory(office(), more=gated)
    assert not removed(taken, "user_group")
    assert kept(taken, "user_group") == dict.fromkeys(["00gENG", "00gOPS"], "upgrade")
    assert not planned(office(), more=gated).leaves_nothing


def test_app_servers_of_an_earlier_host_of_ours_are_removed_and_distinguished():
    cluster = office()
    git = cluster.app_servers[app_server_name("0oaGIT")]
    cluster.other_app_servers = (replace(git, host_id="host-before"), disowned(replace(git, host_id="host-of-others")))
    names = {(one.name, one.label) for one in inventory(cluster).removals["app_server"]}
    assert names >= {(git.name, git.name), (git.name, f"host-before/{git.name}")}
    assert len(names) == 3


def test_the_lock_of_a_leaver_stays_until_its_end():
    cluster = office()
    lock = leaver_lock("00uZOE", "zoe")
    cluster.locks[lock.name] = lock
    taken = inventory(cluster)
    assert not removed(taken, "lock")
    assert "ends by itself" in kept(taken, "lock")["zoe"]
    assert planned(cluster).leaves_nothing
    assert removed(inventory(cluster, locks=True), "lock") == {lock.name}


def test_a_lock_without_an_end_is_left_over():
    cluster = office()
    lock = leaver_lock("00uZOE", "zoe", ends_in=None)
    cluster.locks[lock.name] = lock
    assert not planned(cluster).leaves_nothing
    assert planned(cluster, locks=True).leaves_nothing


def test_locks_that_are_not_ours_always_stay():
    cluster = office()
    ours = leaver_lock("00uZOE", "zoe")
    for owned in ({}, {labels.OWNER: "00oOTHER"}, {labels.ORIGIN: labels.ORIGIN_OKTA}):
        name = f"lock-{len(cluster.locks)}"
        cluster.locks[name] = replace(ours, name=name, labels=owned)
    assert not removed(inventory(cluster, claim=WITH_VENDORS, locks=True), "lock")


def test_the_lock_of_a_user_who_goes_now_is_not_taken_off():
    cluster = office()
    lock = leaver_lock("00uADA", "ada")
    cluster.locks[lock.name] = lock
    taken = inventory(cluster, locks=True)
    assert "ada" in removed(taken, "user")
    assert not removed(taken, "lock")


def test_a_lock_about_a_former_holder_of_the_name_stays_too():
    cluster = office()
    lock = leaver_lock("00uBEFORE", "ada")
    cluster.locks[lock.name] = lock
    assert "ada" in kept(inventory(cluster), "lock")


def test_a_lock_of_the_vendor_on_a_user_who_goes_stays_unless_asked_for():
    cluster = office()
    cluster.users["vera"] = TeleportUser("vera", VENDOR)
    cluster.locks["theirs"] = TeleportLock("theirs", "vera", VENDOR, expires=NOW + timedelta(hours=1))
    assert "vera" in kept(inventory(cluster, claim=WITH_VENDORS), "lock")
    assert removed(inventory(cluster, claim=WITH_VENDORS, locks=True), "lock") == {"theirs"}


# What a person should know, and what doctor lists


def test_lists_that_stay_and_name_users_who_go_are_a_warning():
    cluster = office()
    cluster.lists["manual"] = TeleportAccessList("manual", "By hand", owners=(ListOwner("ada"),))
    cluster.add("manual", TeleportMember("bob"))
    cluster.add("manual", TeleportMember("zoe"))
    (warning,) = inventory(cluster).warnings
    assert "By hand (manual) is kept and names 2 of the deleted users" in warning


def test_leftovers_are_listed_by_kind_without_what_is_ours_wanted_or_teleports_own():
    cluster = with_leftovers()
    cluster.users["yuki"] = TeleportUser("yuki", ELSEWHERE)
    cluster.roles["okta-requester"] = TeleportRole("okta-requester", {**VENDOR, labels.RESOURCE_TYPE: "system"})
    cluster.locks["theirs"] = TeleportLock("theirs", "x", {labels.ORIGIN: labels.ORIGIN_OKTA})
    found = leftovers(holdings(cluster), wanted={"vera"})
    assert list(found) == ["access_list", "role", "user_group", "app_server", "user", "lock"]
    assert found["user"] == (Leftover("user", "yuki", "https://other.okta.com"),)
    assert found["role"] == (Leftover("role", "vendor-role", ORG_URL),)
    assert found["lock"] == (Leftover("lock", "theirs", ""),)
    assert leftovers(holdings(office())) == {}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://example.okta.com", "https://EXAMPLE.okta.com/", True),
        ("https://example.okta.com:443", "example.okta.com", True),
        ("https://example.okta.com", "https://example.okta.com.evil.test", False),
        ("", "", True),
    ],
)
def test_an_organisation_is_identified_by_its_host(one, other, same):
    assert (host_of(one) == host_of(other)) is same


def test_an_empty_address_covers_nothing():
    assert not Claim(ORG, ("",)).covers("")


def test_nothing_of_others_is_in_any_plan():
    cluster = with_leftovers()
    cluster.lists["manual"] = TeleportAccessList("manual", "By hand", owners=(ListOwner("zoe"),))
    cluster.members["manual"] = {}
    named = {change.name for phase in planned(cluster, detach=True, locks=True).phases for change in phase}
    assert not named & {name for _, name in owned_by_others(cluster)}
