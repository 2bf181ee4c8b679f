"""Lists in lists: people who are in a list through another one, nested lists that end, and lists that are gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.desired.trust import Absences
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember
from teleport_okta.model.directory_reasons import NoGroupFilter
from teleport_okta.model.names import member_role
from teleport_okta.model.problems import ListHeld, Named
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.teleport import TeleportRole
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, ROLE
from worlds import NOW
from worlds_directory import (
    ADA,
    BOB,
    CY,
    Cluster,
    changes,
    group,
    held_back,
    imports,
    nested,
    organization,
    synced,
    unread,
    whole_plan,
)

ENG, ALL, TOP, PEAK = "00gENG", "00gALL", "00gTOP", "00gPEAK"


def company(*, engines=(ADA,), everybody=(BOB,), more=()):
    """Engines, and everybody, in which people have nested Engines."""
    return organization(group(ENG, members=engines), group(ALL, members=everybody), *more)


def nesting(okta=None, child=ENG, parent=ALL, **changes):
    cluster = synced(okta or company())
    cluster.add(parent, nested(child, **changes))
    return cluster


def test_a_person_in_a_nested_list_is_not_added_to_its_parent():
    assert not changes(whole_plan(company(everybody=(ADA, BOB)), nesting()))


def test_a_person_who_joins_both_is_added_to_the_nested_list_alone():
    plan = whole_plan(company(engines=(ADA, CY), everybody=(BOB, CY)), nesting())
    assert changes(plan) == ["create member 00gENG/cy"]


def test_a_member_from_before_the_nesting_stays():
    cluster = nesting(company(everybody=(ADA, BOB)))
    assert not changes(whole_plan(company(everybody=(ADA, BOB)), cluster))


def test_a_person_who_leaves_the_nested_list_is_added_to_the_parent_at_once():
    plan = whole_plan(company(engines=(CY,), everybody=(ADA, BOB)), nesting())
    assert changes(plan) == ["create member 00gENG/cy", "create member 00gALL/ada", "delete member 00gENG/ada"]


def test_a_member_of_the_nested_list_added_by_people_counts_until_the_end():
    cluster = nesting()
    cluster.add(ENG, TeleportMember("cy", expires=NOW + timedelta(hours=1)))
    okta = company(everybody=(BOB, CY))
    assert not changes(whole_plan(okta, cluster))
    assert changes(whole_plan(okta, cluster, now=NOW + timedelta(hours=2))) == ["create member 00gALL/cy"]


def test_an_import_that_people_let_end_in_the_nested_list_does_not_count():
    cluster = nesting()
    cluster.members[ENG]["ada"] = replace(cluster.members[ENG]["ada"], expires=NOW)
    assert changes(whole_plan(company(everybody=(ADA, BOB)), cluster)) == ["create member 00gALL/ada"]


def test_an_import_with_an_end_that_leaves_the_nested_list_does_not_count_any_more():
    cluster = nesting()
    cluster.members[ENG]["ada"] = replace(cluster.members[ENG]["ada"], expires=NOW + timedelta(days=1))
    plan = whole_plan(company(engines=(CY,), everybody=(ADA, BOB)), cluster)
    assert "create member 00gALL/ada" in changes(plan)


def test_a_nested_list_with_requirements_does_not_count():
    cluster = nesting()
    cluster.lists[ENG] = replace(cluster.lists[ENG], has_requirements=True)
    assert changes(whole_plan(company(everybody=(ADA, BOB)), cluster)) == ["create member 00gALL/ada"]


def test_a_nesting_that_has_ended_does_not_count():
    cluster = nesting(expires=NOW)
    assert changes(whole_plan(company(everybody=(ADA, BOB)), cluster)) == ["create member 00gALL/ada"]


def test_a_nested_list_that_cannot_be_read_counts_as_it_was_found():
    okta = organization(unread(group(ENG)), group(ALL, members=[ADA, BOB]))
    assert not changes(whole_plan(okta, nesting()), MEMBER)


def test_people_are_found_through_two_lists():
    okta = company(more=[group(TOP, members=[CY])])
    cluster = nesting(okta)
    cluster.add(TOP, nested(ALL))
    assert not changes(whole_plan(company(more=[group(TOP, members=[ADA, CY])]), cluster))


def test_a_list_of_others_with_the_name_of_a_group_counts_with_its_actual_members():
    """It is not ours, so Okta's people of that group are not in it."""
    theirs = TeleportAccessList(ENG, "Engines", owners=(ListOwner("olga"),))
    cluster = synced(company(), Cluster(lists={ENG: theirs}))
    cluster.add(ALL, nested(ENG))
    assert "create member 00gALL/ada" in changes(whole_plan(company(everybody=(ADA, BOB)), cluster))


def test_a_nested_list_that_gets_no_members_counts_with_its_actual_members():
    cluster = nesting()
    cluster.roles[member_role(ENG)] = TeleportRole(member_role(ENG))
    plan = whole_plan(company(engines=(ADA, CY), everybody=(ADA, BOB, CY)), cluster)
    assert changes(plan) == ["create member 00gALL/cy"]


def test_a_nested_list_that_is_filtered_out_leaves_its_parent_first():
    plan = whole_plan(company(everybody=(ADA, BOB)), nesting(), settings=imports(group_filters=["All"]))
    assert changes(plan, MEMBER, ACCESS_LIST) == [
        "create member 00gALL/ada",
        "delete member 00gALL/00gENG",
        "delete access_list 00gENG",
    ]
    assert len({one.harmed for one in plan.changes if one.harm}) == 1


def test_a_nested_list_that_goes_keeps_no_list_for_its_sake():
    cluster = nesting()
    del cluster.members[ALL]["bob"]
    okta = company(engines=(), everybody=())
    assert changes(whole_plan(okta, cluster), ACCESS_LIST) == ["delete access_list 00gENG", "delete access_list 00gALL"]
    assert cluster.apply(whole_plan(okta, cluster)).lists == {}


@pytest.mark.parametrize("names", [(ENG, ALL, TOP), ("00gC", "00gB", "00gA"), ("00gA", "00gB", "00gC")])
def test_lists_that_were_only_kept_by_each_other_go_at_once_whatever_their_names(names):
    inner, middle, outer = names
    before = organization(group(inner, members=[ADA]), group(middle, members=[BOB]), group(outer, members=[CY]))
    cluster = synced(before)
    cluster.add(middle, nested(inner))
    cluster.add(outer, nested(middle))
    after = organization(*(group(name) for name in names))
    assert cluster.apply(whole_plan(after, cluster)).lists == {}


def test_while_the_end_of_a_nested_list_is_held_so_are_those_that_follow():
    cluster = nesting(company(more=[group(TOP, members=[CY]), group(PEAK, members=[CY])]))
    cluster.add(TOP, nested(ALL))
    cluster.add(PEAK, nested(TOP))
    emptied = organization(*(group(name) for name in (ENG, ALL, TOP, PEAK)))
    doubt = {f"members of {ENG}": Absences(Verbatim("odd"))}
    plan = held_back(whole_plan(emptied, cluster), cluster, emptied, absences=doubt)
    assert not changes(plan, ACCESS_LIST, ROLE)
    assert cluster.apply(plan).imported(ENG) == {"ada"}


def test_a_nested_list_that_is_gone_is_dropped_from_its_parent_without_harm():
    cluster = nesting()
    cluster.member_of.clear()
    cluster.delete_by_hand(ENG)
    plan = whole_plan(organization(group(ALL, members=[BOB])), cluster)
    [dropping] = [one for one in plan.changes if one.kind == MEMBER]
    assert changes(plan, MEMBER) == ["delete member 00gALL/00gENG"]
    assert dropping.harm is None


def test_a_nested_list_that_is_gone_keeps_no_list_for_its_sake():
    cluster = nesting()
    cluster.member_of.clear()
    cluster.delete_by_hand(ENG)
    del cluster.members[ALL]["bob"]
    plan = whole_plan(organization(group(ALL)), cluster)
    assert changes(plan, MEMBER, ACCESS_LIST) == ["delete member 00gALL/00gENG", "delete access_list 00gALL"]


def held_on_to(okta=None, child=ENG, **how):
    theirs = TeleportAccessList("manual", "By hand", owners=(ListOwner("olga"),), grants=("access",))
    cluster = synced(okta or company(), Cluster(lists={"manual": theirs}))
    cluster.add("manual", nested(child, **how))
    return cluster


def test_a_list_nested_in_a_list_of_others_is_emptied_and_reported():
    cluster = held_on_to()
    cluster.add(ENG, TeleportMember("cy"))
    okta = company()
    plan = whole_plan(okta, cluster, settings=imports(group_filters=["All"]))
    assert changes(plan, MEMBER, ACCESS_LIST, ROLE) == ["delete member 00gENG/ada"]
    assert plan.quarantined[0].cause == ListHeld(NoGroupFilter(), (Named("By hand", "manual"),))
    assert not changes(whole_plan(okta, cluster.apply(plan), settings=imports(group_filters=["All"])))


def test_people_who_were_only_in_the_emptied_list_join_its_parent_of_ours():
    cluster = held_on_to()
    cluster.add(ALL, nested(ENG))
    okta = company(everybody=(ADA, BOB))
    plan = whole_plan(okta, cluster, settings=imports(group_filters=["All"]))
    assert changes(plan, MEMBER) == ["create member 00gALL/ada", "delete member 00gENG/ada"]


@pytest.mark.parametrize("row", [unread(group(ALL)), group(ALL, "Other")])
def test_a_nested_list_that_is_gone_is_dropped_from_lists_that_only_stay_as_they_are(row):
    cluster = held_on_to(child=ALL)
    cluster.add(ALL, nested("00gGONE"))
    plan = whole_plan(
        organization(group(ENG, members=[ADA]), row), cluster, settings=imports(group_filters=["Eng", "All"])
    )
    assert "delete member 00gALL/00gGONE" in changes(plan, MEMBER)


def test_an_empty_list_nested_in_a_list_of_others_stays_with_its_roles():
    cluster = held_on_to()
    plan = whole_plan(company(engines=()), cluster)
    assert changes(plan) == ["delete member 00gENG/ada"]
    assert [row.name for row in plan.quarantined] == [ENG]


def test_a_list_that_owns_another_is_held_on_to_even_where_that_one_is_ours():
    cluster = synced(company())
    cluster.lists[ALL] = replace(cluster.lists[ALL], owners=(ListOwner(ENG, is_list=True),))
    plan = whole_plan(company(engines=()), cluster)
    assert not changes(plan, ACCESS_LIST)
    assert [row.name for row in plan.quarantined] == [ENG]


def test_a_list_that_no_other_list_holds_any_more_ends():
    cluster = held_on_to()
    settings = imports(group_filters=["All"])
    cluster.apply(whole_plan(company(), cluster, settings=settings))
    del cluster.members["manual"][ENG]
    cluster.member_of.clear()
    assert ENG not in cluster.apply(whole_plan(company(), cluster, settings=settings)).lists
