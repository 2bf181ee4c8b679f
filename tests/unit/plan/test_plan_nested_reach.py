"""How far nesting reaches: the same as by following every way down, in time that grows with the nesting alone."""

from __future__ import annotations

import time
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers, TeleportAccessList, TeleportMember
from teleport_okta.plan.nesting import DEEPEST, Nesting
from worlds import NOW

NAMES = [f"list-{number}" for number in range(5)]
PEOPLE = ["ada", "bob", "cy", "dee"]
IMPORTED = {labels.GRANT: labels.GRANT_IMPORTED}
ENDS = st.sampled_from([None, NOW - timedelta(hours=1), NOW + timedelta(hours=1)])


def by_every_way(name, lists, members, direct, ending, depth=DEEPEST):
    """The definition: the people in a nested list, and in the lists nested in it, down to so many layers."""

    def lasts(member):
        return member.expires is None or member.expires > NOW

    def people_of(child):
        found = members.get(child, ListMembers())
        people = set(direct.get(child, found.imported))
        for other in found.others.values():
            if not lasts(other):
                people.discard(other.name)
            elif not other.is_list and (child not in direct or not other.is_imported):
                people.add(other.name)
        return people

    found = members.get(name)
    reached = set()
    for other in found.others.values() if found and depth else ():
        child = other.name
        if not other.is_list or not lasts(other) or child in ending:
            continue
        if child in lists and not lists[child].has_requirements:
            reached |= people_of(child) | by_every_way(child, lists, members, direct, ending, depth - 1)
    return reached


@st.composite
def nestings(draw):
    """A few lists in any nesting, cycles and lists that are gone among it, with people of every kind."""
    lists = {
        name: TeleportAccessList(name, name, has_requirements=draw(st.booleans()))
        for name in draw(st.sets(st.sampled_from(NAMES), min_size=1))
    }
    members = {}
    for name in draw(st.sets(st.sampled_from(NAMES))):
        others = {
            child: TeleportMember(child, is_list=True, expires=draw(ENDS))
            for child in draw(st.sets(st.sampled_from(NAMES)))
        }
        for person in draw(st.sets(st.sampled_from(PEOPLE))):
            others[person] = TeleportMember(person, labels=draw(st.sampled_from([{}, IMPORTED])), expires=draw(ENDS))
        imported = draw(st.frozensets(st.sampled_from(PEOPLE))) - others.keys()
        members[name] = ListMembers(imported, others)
    direct = draw(st.dictionaries(st.sampled_from(NAMES), st.frozensets(st.sampled_from(PEOPLE))))
    return lists, members, direct, draw(st.sets(st.sampled_from(NAMES), max_size=2))


@given(nestings(), st.sampled_from(NAMES))
def test_it_reaches_the_people_of_every_path_down(nesting, name):
    lists, members, direct, ending = nesting
    reached = Nesting(lists, members, NOW).through_others(name, direct, ending)
    assert reached == by_every_way(name, lists, members, direct, ending)


def chain(length):
    """Lists nested one in the other, a person in each: `0` is the outermost."""
    lists = {str(number): TeleportAccessList(str(number), "") for number in range(length + 1)}
    members = {
        str(number): ListMembers(
            frozenset({f"person-{number}"}),
            {str(number + 1): TeleportMember(str(number + 1), is_list=True)} if number < length else {},
        )
        for number in range(length + 1)
    }
    return Nesting(lists, members, NOW)


def test_it_ends_at_the_deepest_layer_that_a_server_allows():
    reached = chain(DEEPEST + 2).through_others("0", {}, set())
    assert reached == {f"person-{number}" for number in range(1, DEEPEST + 1)}


def test_a_list_that_is_in_itself_is_looked_at_once():
    lists = {name: TeleportAccessList(name, name) for name in ("a", "b")}
    members = {
        "a": ListMembers(frozenset({"ada"}), {"b": TeleportMember("b", is_list=True)}),
        "b": ListMembers(frozenset({"bob"}), {"a": TeleportMember("a", is_list=True)}),
    }
    assert Nesting(lists, members, NOW).through_others("a", {}, set()) == {"ada", "bob"}


def test_a_hundred_lists_in_ten_layers_take_milliseconds():
    """Finding P29: a list of one layer was looked at once for each way to it, 10^9 times here."""
    layers = [[f"list-{layer}-{number}" for number in range(10)] for layer in range(10)]
    lists = {name: TeleportAccessList(name, name) for layer in layers for name in layer}
    members = {
        name: ListMembers(frozenset({f"person of {name}"}), {one: TeleportMember(one, is_list=True) for one in below})
        for layer, below in zip(layers, [*layers[1:], []], strict=True)
        for name in layer
    }
    nesting = Nesting(lists, members, NOW)
    begun = time.process_time()
    reached = nesting.through_others("list-0-0", {}, set())
    assert len(reached) == 90
    assert time.process_time() - begun < 0.05
