"""The brake over groups, apps, lists, roles and memberships: each kind for itself, each roster for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.trust import Absences, doubted_app_rosters, doubted_rosters, without_doubted_grants
from teleport_okta.model.harm import Approval, Evidence, Harmed, Limits, PastHarm
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER_GROUP
from teleport_okta.plan.render import as_text
from teleport_okta.plan.view import view_of
from worlds import listing, person
from worlds_directory import (
    ADA,
    BOB,
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

STRICT = Limits(floor=1, absent=0.0, stated=0.0)


def groups(count, **how):
    return [group(f"00g{number:03}", f"Group {number}", [ADA], **how) for number in range(count)]


def braked(after, before, limits=None, **facts):
    cluster = synced(before)
    return held_back(whole_plan(after, cluster), cluster, after, limits or Limits(), **facts)


def test_an_empty_read_deletes_nothing():
    """Regression: an empty read deletes all."""
    before = organization(*groups(3, grants=["0oaGIT"]), app("0oaGIT", direct=[BOB]))
    plan = braked(organization(), before)
    assert not changes(plan)
    assert {row.kind for row in plan.held} == {USER_GROUP, APP_SERVER, ACCESS_LIST}


def test_a_listing_that_broke_off_ends_nothing_and_cannot_be_approved():
    rows = groups(3)
    plan = braked(organization(*rows[:2], groups={"incomplete": "page 2: 503"}), organization(*rows))
    assert not changes(plan)
    assert not any(row.approvable for row in plan.held)


def test_a_believed_listing_ends_what_it_lacks():
    rows = groups(3)
    plan = braked(organization(*rows[:2]), organization(*rows))
    assert "delete user_group 00g002" in changes(plan)
    assert "delete access_list 00g002" in changes(plan)
    assert not plan.held


def test_too_many_of_one_kind_are_held_and_other_kinds_go_on():
    rows = groups(2)
    plan = braked(organization(app("0oaNEW")), organization(*rows, app("0oaGIT")), STRICT, absences=believed())
    assert {row.kind for row in plan.held} == {USER_GROUP, ACCESS_LIST}
    assert [line for line in changes(plan) if line.startswith("delete")] == [f"delete app_server {name('0oaGIT')}"]


def believed():
    return {"groups": Absences(), "apps": Absences()}


def name(app_id):
    [server] = synced(organization(app(app_id))).app_servers
    return server


def test_a_list_with_all_of_its_end_is_one_harm_whatever_it_takes():
    rows = groups(2)
    plan = braked(organization(rows[0]), organization(*rows), STRICT)
    assert len([one for one in plan.changes if one.harmed == Harmed(ACCESS_LIST, "00g001", "00g001")]) == 3


def test_a_filter_that_ends_many_lists_lets_some_through_and_holds_the_rest():
    okta = organization(*groups(36))
    cluster = synced(okta)
    plan = whole_plan(okta, cluster, settings=imports(group_filters=["nothing"]))
    plan = held_back(plan, cluster, okta)
    assert len([line for line in changes(plan, ACCESS_LIST) if line.startswith("delete")]) == 10
    [hold] = plan.holds
    assert (hold.kind, hold.evidence, hold.count, hold.of, hold.limit) == (ACCESS_LIST, Evidence.STATED, 26, 36, 10)


def test_what_one_roster_lacks_is_held_alone():
    rows = groups(2, users_count=1)
    after = organization(rows[0], replace(rows[1], members=roster(())))
    plan = braked(after, organization(*rows))
    assert {(row.kind, row.name) for row in plan.held} == {(MEMBER, "00g001/ada"), (ACCESS_LIST, "00g001")}


def test_an_empty_roster_is_doubted_if_okta_counts_people_or_apps():
    lying = group("00gENG", users_count=1, apps_count=1)
    assert doubted_rosters(organization(lying)).keys() == {"members of 00gENG", "apps of 00gENG"}
    assert not doubted_rosters(organization(group("00gENG", users_count=0, apps_count=0), group("00gOPS")))
    assert not doubted_rosters(organization(unread(replace(lying, grants=roster(["0oaGIT"])))))


def test_rosters_that_differ_at_all_from_what_okta_counts_are_doubted():
    def listed(people):
        return organization(group("00gENG", members=[f"00u{number}" for number in range(people)], users_count=100))

    assert not doubted_rosters(listed(100))
    assert doubted_rosters(listed(99)).keys() == doubted_rosters(listed(101)).keys() == {"members of 00gENG"}


def people_of_app(direct, *, baselines=None, owned=0, **changes):
    okta = organization(app("0oaGIT", direct=direct))
    changes = {"listed": len(direct)} | changes
    okta = replace(okta, direct={"0oaGIT": replace(okta.direct["0oaGIT"], **changes)})
    return doubted_app_rosters(okta, baselines=baselines or {}, owned={"0oaGIT": owned}, limits=Limits())


def test_an_app_with_far_fewer_people_than_before_is_doubted():
    people = [f"00u{number}" for number in range(90)]
    assert not people_of_app(people, baselines={"0oaGIT": 100})
    assert people_of_app(people[1:], baselines={"0oaGIT": 100}).keys() == {"members of 0oaGIT"}
    assert people_of_app(people, baselines={"0oaGIT": 50}) == {}


def test_an_app_without_people_is_doubted_where_it_had_some():
    assert "where it had 1" in people_of_app([], baselines={"0oaGIT": 1})["members of 0oaGIT"].doubt
    assert not people_of_app([], baselines={"0oaGIT": 1}, listed=5), "it has people by its groups"
    assert not people_of_app([])


def test_without_a_memory_of_an_app_its_imported_members_stand_in():
    assert people_of_app(["00u1"], owned=3).keys() == {"members of 0oaGIT"}
    assert people_of_app([], baselines={"0oaGIT": 0}, owned=1).keys() == {"members of 0oaGIT"}


def test_an_app_whose_people_could_not_be_read_is_not_doubted_but_unread():
    assert not people_of_app([], baselines={"0oaGIT": 9}, problem="503")


def test_what_a_group_grants_is_unread_while_it_is_doubted():
    okta = organization(group("00gENG", apps_count=1))
    sure = without_doubted_grants(okta, doubted_rosters(okta))
    assert sure.grants["00gENG"].problem
    assert without_doubted_grants(okta, {}) == okta


def test_memberships_of_a_list_are_measured_by_all_that_were_imported():
    rows = groups(30)
    after = organization(*(replace(row, members=roster(())) for row in rows[:11]), *rows[11:])
    plan = braked(after, organization(*rows))
    [hold] = [one for one in plan.holds if one.kind == MEMBER]
    assert (hold.count, hold.of, hold.limit) == (11, 30, 10)
    assert not changes(plan, MEMBER, ACCESS_LIST, ROLE)


def test_what_was_done_within_the_hour_uses_up_the_limit_of_its_kind_alone():
    rows = groups(3)
    past = (PastHarm(Harmed(USER_GROUP, "00gOLD", "00gOLD"), Evidence.ABSENT, counted=True),)
    plan = braked(organization(*rows[:2]), organization(*rows), STRICT, past=past, absences=believed())
    assert {row.kind for row in plan.held} == {USER_GROUP}
    assert "delete access_list 00g002" in changes(plan)


def test_an_approval_admits_held_memberships_and_the_list_that_follows():
    [row] = groups(1, users_count=1)
    before, after = organization(row), organization(replace(row, members=roster(())))
    held = braked(after, before)
    harmed = frozenset(one.harmed for one in held.held)
    plan = braked(after, before, approvals=(Approval(held.findings.held_digest, harmed, None),))
    assert changes(plan, MEMBER, ACCESS_LIST) == ["delete member 00g000/ada", "delete access_list 00g000"]
    assert not plan.held
    assert "nothing but what is approved ends" in plan.warnings[0]


def test_what_is_only_harmless_is_never_held():
    okta = organization(
        *groups(50), app("0oaGIT", direct=[ADA]), groups={"untrusted": "odd"}, apps={"incomplete": "503"}
    )
    plan = braked(okta, organization(), Limits(floor=0, absent=0, stated=0))
    assert len(changes(plan, ACCESS_LIST)) == 51


def test_doubt_is_said_even_where_nothing_is_missing():
    row = group("00gENG", "Engines", users_count=1)
    assert any("members of 00gENG" in text for text in braked(organization(row), organization(row)).warnings)


def test_many_doubted_rosters_are_one_hold_and_none_is_warned_of_again():
    rows = groups(5, users_count=1)
    plan = braked(organization(*(replace(row, members=roster(())) for row in rows)), organization(*rows))
    assert sorted((hold.kind, hold.count) for hold in plan.holds) == [(ACCESS_LIST, 5), (MEMBER, 5)]
    assert all("(and so for 4 more)" in hold.why for hold in plan.holds)
    assert not plan.warnings


def test_many_doubted_rosters_that_hold_nothing_are_one_warning():
    rows = groups(5, users_count=1, apps_count=1)
    assert len(braked(organization(*rows), organization(*rows)).warnings) == 1


def test_a_person_reads_what_would_end_and_why_it_is_held():
    rows = groups(12, grants=["0oaGIT"])
    after = organization(*rows[:1], app("0oaGIT"), app("0oaNEW"))
    text = as_text(view_of(braked(after, organization(*rows, app("0oaGIT")))))
    assert "held: 11 of 12 user groups to go (absent)" in text
    assert 'held: access list "00g001" would end: "Group 1": it is no longer in Okta (absent)' in text


def test_a_suspended_person_is_locked_whatever_is_held_of_groups():
    cluster = synced(organization(*groups(2)))
    suspended = listing(person(ADA, "ada", status="SUSPENDED"))
    plan = held_back(whole_plan(organization(), cluster, people=suspended), cluster, organization())
    assert "lock lock ada" in changes(plan)


def crowd(prefix, count):
    """So many people, with whom a list can be filled."""
    return listing(*(person(f"00u{prefix}{number:03}", f"{prefix}{number:03}") for number in range(count)))


def ids(people):
    return [one.okta_id for one in people.people]


@pytest.mark.parametrize(("members", "held"), [(10, False), (11, True)])
def test_the_end_of_a_list_counts_its_members(members, held):
    everybody = crowd("a", members)
    before = organization(group("00gALL", members=ids(everybody)), group("00gOPS", members=ids(everybody)[:3]))
    after = organization(group("00gOPS", members=ids(everybody)[:3]))
    cluster = synced(before, people=everybody)
    plan = held_back(whole_plan(after, cluster, people=everybody), cluster, after, absences=believed())
    assert ("delete access_list 00gALL" not in changes(plan)) is held
    if held:
        [hold] = plan.holds
        assert (hold.kind, hold.count, hold.of, hold.limit) == (ACCESS_LIST, 11, 14, 4)
        assert "held: 11 of 14 memberships to go with their access lists (absent)" in as_text(view_of(plan))
        assert "role" not in {one.kind for one in plan.changes}


def test_one_small_list_may_end_however_few_there_are():
    everybody = crowd("a", 10)
    rows = [group(f"00g{number}", members=ids(everybody)) for number in range(2)]
    cluster = synced(organization(*rows), people=everybody)
    after = organization(rows[0])
    plan = held_back(whole_plan(after, cluster, people=everybody), cluster, after, absences=believed())
    assert "delete access_list 00g1" in changes(plan)
    limits = Limits(floor=9)
    plan = held_back(whole_plan(after, cluster, people=everybody), cluster, after, limits, absences=believed())
    assert [row.name for row in plan.held if row.kind == ACCESS_LIST] == ["00g1"]


def test_the_end_of_a_large_list_keeps_no_small_one():
    everybody = crowd("a", 30)
    rows = [group("00gA", members=ids(everybody)), group("00gB", members=ids(everybody)[:4])]
    okta = organization(*rows)
    cluster = synced(okta, people=everybody)
    plan = whole_plan(okta, cluster, people=everybody, settings=imports(group_filters=["nothing"]))
    plan = held_back(plan, cluster, okta)
    assert [one.label for one in plan.changes if one.kind == ACCESS_LIST] == ["00gB"]
    assert [row.name for row in plan.held] == ["00gA"]


def test_the_hour_counts_the_members_of_lists_that_ended():
    everybody = crowd("a", 60)
    okta = organization(group("00gA", members=ids(everybody)[:9]), group("00gB", "Big", members=ids(everybody)))
    cluster = synced(okta, people=everybody)
    whole = whole_plan(okta, cluster, people=everybody, settings=imports(group_filters=["Big"]))

    def ends(used):
        harmed = Harmed(ACCESS_LIST, "00gOLD", "00gOLD")
        past = PastHarm(harmed, Evidence.STATED, counted=True, people=used)
        return "delete access_list 00gA" in changes(held_back(whole, cluster, okta, past=(past,)))

    assert ends(11)
    assert not ends(12)


def test_leavers_count_as_leavers_and_not_with_the_list_that_ends():
    everybody = crowd("a", 12)
    okta = organization(group("00gA", members=ids(everybody)))
    cluster = synced(okta, people=everybody)
    stay = listing(*everybody.people[3:])
    whole = whole_plan(okta, cluster, people=stay, settings=imports(group_filters=["nothing"]))
    [end] = [one for one in whole.changes if one.kind == ACCESS_LIST]
    assert end.harm.people == 9


def test_the_end_of_an_emptied_list_counts_once_beside_its_members():
    everybody = crowd("a", 5)
    okta = organization(group("00gA", members=ids(everybody)))
    cluster = synced(okta, people=everybody)
    whole = whole_plan(organization(group("00gA", members=())), cluster, people=everybody)
    assert [one.harm.people for one in whole.changes if one.kind == ACCESS_LIST] == [1]
