"""The order of a cleanup, its locks, and the digest by which a person approves it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.desired.policy import DEPROVISIONED_LOCK, LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember
from teleport_okta.model.names import lock_name, member_role, reviewer_role
from teleport_okta.model.teleport import ConnectorRef, TeleportLock, TeleportRole, TeleportUser
from teleport_okta.plan.changes import Action
from unit.cleanup.leaving import VENDOR, carried_out, office, owned_by_others, planned
from unit.cleanup.test_cleanup_inventory import EVE, WITH_VENDORS, with_leftovers, with_outer
from worlds import NOW, ORG, leaver_lock
from worlds_directory import nested


def changes(plan, *kinds):
    return [change for phase in plan.phases for change in phase if not kinds or change.kind in kinds]


def locks_of(plan):
    return {change.subject: change for change in changes(plan, "lock") if change.action is Action.LOCK}


def test_lists_go_first_then_roles_groups_and_apps_and_users_last():
    kinds = [{change.kind for change in phase} for phase in planned(office()).phases]
    assert kinds == [{"lock"}, {"access_list"}, {"role"}, {"user_group"}, {"app_server"}, {"user"}]


@pytest.mark.parametrize("options", [{}, {"detach": True}, {"claim": WITH_VENDORS}], ids=["", "detach", "vendor"])
def test_nothing_of_ours_is_left_but_locks_and_nothing_else_has_changed(options):
    cluster = with_leftovers()
    (server,), cluster.other_app_servers = cluster.other_app_servers, ()
    cluster.app_servers[server.name] = server  # the model of a cluster ends those of one host alone
    cluster.users["zoe"] = TeleportUser("zoe")
    cluster.users["eve"] = EVE
    before = owned_by_others(cluster)
    after = carried_out(cluster, planned(cluster, **options))
    assert not after.lists.keys() - {"vendor-list"}
    assert not after.user_groups.keys() - {"vendor-group"}
    assert not after.app_servers.keys() - {"vendor-app"}
    assert set(after.users) - {"vera"} == {"zoe", "eve"}
    assert {lock.user for lock in after.locks.values()} - {"vera"} == {"ada", "bob", "cy"}
    unchanged = {key: one for key, one in owned_by_others(after).items() if key != ("users", "eve")}
    assert unchanged.items() <= before.items()
    if "claim" not in options:
        assert unchanged == before


def test_every_removed_user_is_locked_first_for_longer_than_any_certificate_lives():
    plan = planned(office())
    assert {change.subject for change in plan.phases[0]} == {"ada", "bob", "cy"}
    assert {change.lock_for for change in plan.phases[0]} == {LEAVER_LOCK}
    for change in changes(plan, "user"):
        assert [(need.goal, need.name) for need in change.needs] == [("locked", change.name)]


def test_the_lock_of_a_suspension_gets_its_end():
    cluster = office()
    endless = leaver_lock("00uADA", "ada", ends_in=None)
    cluster.locks[endless.name] = endless
    after = carried_out(cluster, planned(cluster))
    assert after.locks[endless.name].expires == NOW + LEAVER_LOCK


def test_a_lock_that_lasts_longer_is_not_made_shorter():
    cluster = office()
    lock = leaver_lock("00uADA", "ada", ends_in=DEPROVISIONED_LOCK)
    cluster.locks[lock.name] = lock
    after = carried_out(cluster, planned(cluster))
    assert after.locks[lock.name].expires == NOW + DEPROVISIONED_LOCK


def test_a_user_who_is_locked_as_a_leaver_already_is_locked_for_the_whole_time_again():
    cluster = office()
    lock = leaver_lock("00uADA", "ada", ends_in=timedelta(minutes=5))
    cluster.locks[lock.name] = lock
    after = carried_out(cluster, planned(cluster))
    assert after.locks[lock.name].expires == NOW + LEAVER_LOCK


def test_a_user_of_the_vendor_is_locked_by_us_before_it_goes():
    cluster = office()
    cluster.users["vera"] = TeleportUser("vera", VENDOR)
    lock = locks_of(planned(cluster, claim=WITH_VENDORS))["vera"]
    assert lock.content.labels[labels.OWNER] == ORG
    assert lock.lock_for == LEAVER_LOCK


def test_a_user_who_is_given_back_is_not_locked_but_for_a_suspension_which_gets_an_end():
    cluster = office()
    cluster.users["eve"] = replace(EVE, connector=ConnectorRef("saml", "okta", "eve"))
    assert "eve" not in locks_of(planned(cluster))
    name = lock_name("eve", "00uEVE", of_okta=False)
    cluster.locks[name] = TeleportLock(name, "eve", {labels.OWNER: ORG, labels.OKTA_ID: "00uEVE"})
    plan = planned(cluster)
    assert locks_of(plan)["eve"].name == name
    after = carried_out(cluster, plan)
    assert after.locks[name].expires == NOW + LEAVER_LOCK
    assert labels.OWNER not in after.users["eve"].labels


def test_locks_come_off_last_when_that_is_asked_for():
    cluster = office()
    lock = leaver_lock("00uZOE", "zoe")
    cluster.locks[lock.name] = lock
    plan = planned(cluster, locks=True)
    assert [(change.action, change.name) for change in plan.phases[-1]] == [(Action.UNLOCK, lock.name)]
    assert any("1 locks are removed" in warning for warning in plan.warnings)
    assert {one.user for one in carried_out(cluster, plan).locks.values()} == {"ada", "bob", "cy"}


def test_a_list_is_taken_out_of_others_before_it_goes():
    cluster = with_outer(owners=(ListOwner("zoe"), ListOwner("00gOPS", is_list=True)))
    plan = planned(cluster, detach=True)
    detaching, deleting = plan.phases[1], plan.phases[2]
    assert {(one.kind, one.action, one.label) for one in detaching} == {
        ("member", Action.DELETE, "outer/00gENG"),
        ("access_list", Action.UPDATE, "outer"),
    }
    eng = next(one for one in deleting if one.name == "00gENG")
    assert [(need.goal, need.name) for need in eng.needs] == [("ended", "outer/00gENG")]
    after = carried_out(cluster, plan)
    assert set(after.lists) == {"outer"}
    assert after.lists["outer"].owners == (ListOwner("zoe"),)
    assert after.members["outer"] == {}


def test_an_outer_list_of_ours_goes_before_what_is_in_it():
    cluster = office()
    cluster.add("00gENG", nested("0oaGIT"))
    deletion = next(one for one in changes(planned(cluster), "access_list") if one.name == "0oaGIT")
    assert [(need.goal, need.name) for need in deletion.needs] == [("ended", "00gENG")]


def test_a_role_goes_only_after_the_lists_that_use_it_for_whomever():
    cluster = office()
    extra = member_role("0oaGIT")
    cluster.lists["00gENG"] = replace(cluster.lists["00gENG"], owner_grants=(reviewer_role("00gENG"), extra))
    demanded = {"00gOPS": frozenset({extra})}
    role = next(one for one in changes(planned(cluster, more={"demanded": demanded}), "role") if one.name == extra)
    assert {need.name for need in role.needs} == {"00gENG", "00gOPS", "0oaGIT"}


def test_a_role_that_a_user_has_who_goes_goes_after_the_user():
    cluster = office()
    cluster.users["ada"] = replace(cluster.users["ada"], roles=(member_role("00gENG"),))
    kinds = [(change.kind, change.name) for change in changes(planned(cluster))]
    assert kinds.index(("user", "ada")) < kinds.index(("role", member_role("00gENG")))
    assert kinds.index(("role", member_role("00gOPS"))) < kinds.index(("user", "ada"))


def test_every_change_is_harm_under_the_approval_and_uses_nothing_of_the_hour():
    cluster = with_outer(owners=(ListOwner("zoe"), ListOwner("00gOPS", is_list=True)))
    cluster.users["eve"] = EVE
    for change in changes(planned(cluster, detach=True, approval="0123456789abcdef")):
        assert change.harm is not None, change.label
        assert change.harm.approval == "0123456789abcdef"
        assert not change.harm.counted


@pytest.mark.parametrize("phases", range(7))
def test_after_any_phase_the_rest_is_a_part_of_what_was_shown(phases):
    cluster = with_outer()
    cluster.users["eve"] = EVE
    shown = planned(cluster, detach=True)
    halfway = carried_out(cluster, shown, phases)
    rest = planned(halfway, detach=True, now=NOW + timedelta(minutes=2))
    assert set(rest.seals) <= set(shown.seals)
    after = carried_out(halfway, rest)
    assert not planned(after, detach=True).items
    assert set(after.users) == {"eve"}


# The digest


def test_the_digest_is_that_of_the_same_things_whenever_they_are_looked_at():
    assert planned(office()).digest == planned(office(), now=NOW + timedelta(days=1)).digest


def renamed(cluster):
    cluster.lists["00gENG"] = replace(cluster.lists["00gENG"], title="Builders")


def joined(cluster):
    cluster.add("00gENG", TeleportMember("zoe"))


def promoted(cluster):
    cluster.users["ada"] = replace(cluster.users["ada"], roles=("editor",))


def another(cluster):
    cluster.roles["one-more"] = TeleportRole("one-more", {labels.OWNER: ORG, labels.ORIGIN: labels.ORIGIN_OKTA})


def given_a_rule(cluster):
    """People added a rule, which our view of a role does not show."""
    name = member_role("00gENG")
    cluster.roles[name] = replace(cluster.roles[name], revision="another")


def one_less(cluster):
    del cluster.user_groups["00gENG"]


@pytest.mark.parametrize("change", [renamed, joined, promoted, another, given_a_rule, one_less])
def test_another_content_of_what_goes_has_another_digest(change):
    cluster = office()
    change(cluster)
    assert planned(cluster).digest != planned(office()).digest


def test_kept_objects_and_the_locks_of_removed_users_are_not_in_the_digest():
    cluster = office()
    cluster.users["zoe"] = TeleportUser("zoe")
    cluster.lists["manual"] = TeleportAccessList("manual", "By hand", owners=(ListOwner("zoe"),))
    lock = leaver_lock("00uADA", "ada")
    cluster.locks[lock.name] = lock
    assert planned(cluster).digest == planned(office()).digest


def test_the_effect_on_access_is_shown_before():
    cluster = office()
    cluster.users["eve"] = EVE
    access, back, okta = planned(cluster).warnings
    assert "3 people lose access to Teleport at once: each user is locked for 30 h 15 min" in access
    assert "1 users made by logins or people are handed back" in back
    assert "nothing is written to Okta" in okta
