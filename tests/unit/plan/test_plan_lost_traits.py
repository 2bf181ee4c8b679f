"""Attributes that many people lose at once: their removal is held, and everything else of those users goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.desired.trust import Absences
from teleport_okta.model.harm import Approval, Evidence, Limits, held_digest
from teleport_okta.plan.brake import BrakeFacts, brake
from teleport_okta.plan.changes import TRAITS, USER
from teleport_okta.plan.lost_traits import ATTRIBUTES, NOTHING_LOST, lost_traits, removals_apart
from teleport_okta.plan.render import as_text
from teleport_okta.plan.view import view_of
from worlds import NOW, ORG, listing, owned_user, person, planned


def crowd(number, losing, **profile):
    """So many users of ours, of whom the first lose their department; `profile` is what else changes in Okta."""
    users, people = [], []
    for index in range(number):
        okta_id, name = f"00u{index:03}", f"u{index:03}"
        users.append(owned_user(okta_id, name))
        kept = {} if index < losing else {"department": "Engines"}
        people.append(person(okta_id, name, profile={"login": name, **kept, **profile}))
    return people, users


def apart(people, users, **facts):
    """The plan as a pass makes it, and what the brake leaves of it."""
    plan = planned(listing(*people), users)
    lost = lost_traits(plan.changes, users, ORG, Limits())
    plan = replace(plan, changes=removals_apart(plan.changes, lost, ORG), lost_traits=lost)
    owned = {USER: frozenset(user.name for user in users)}
    return plan, brake(plan, BrakeFacts(owned=owned, absences={ATTRIBUTES: Absences(lost.cause)}, **facts))


@pytest.mark.parametrize(("of", "losing", "many"), [(1, 1, False), (2, 2, True), (30, 10, False), (30, 11, True)])
def test_losing_an_attribute_is_harm_where_more_lose_it_than_may_leave(of, losing, many):
    people, users = crowd(of, losing)
    lost = lost_traits(planned(listing(*people), users).changes, users, ORG, Limits())
    assert lost.names == ({"okta/department"} if many else set())


def test_those_who_never_had_it_do_not_count():
    people, users = crowd(12, 5)
    others = [owned_user(f"00uX{n}", f"x{n}", traits={}) for n in range(100)]
    assert lost_traits(planned(listing(*people), users).changes, [*users, *others], ORG, Limits()).names


def test_a_few_who_lose_an_attribute_are_ordinary_repairs():
    plan, held = apart(*crowd(30, 3))
    assert plan == held
    assert plan.lost_traits == NOTHING_LOST
    assert len(plan.changes) == 3
    assert not any(change.harm for change in plan.changes)


def test_the_removal_is_held_and_other_changes_are_made():
    people, users = crowd(12, 12, title="Engineer")
    _, held = apart(people, users)
    assert len(held.changes) == 12
    for change in held.changes:
        assert change.content.traits["okta/department"] == ("Engines",)
        assert change.content.traits["okta/title"] == ("Engineer",)
    assert {(row.kind, row.evidence) for row in held.held} == {(TRAITS, Evidence.ABSENT)}
    text = as_text(view_of(held))
    assert "held: 12 of 12 users to lose attributes (absent): many people lose the same attribute at once" in text
    assert '"department" (12 of 12)' in text
    assert 'user "u000" (00u000) would lose attributes: no longer has in Okta: "department"' in text


def test_a_user_who_changes_in_nothing_else_is_not_written():
    _, held = apart(*crowd(12, 12))
    assert not held.changes
    assert len(held.held) == 12


def test_an_attribute_that_only_one_loses_goes_beside_one_that_all_lose():
    people, users = crowd(12, 12)
    users[0] = replace(users[0], traits={**users[0].traits, "okta/nickName": ("Addie",)})
    _, held = apart(people, users)
    [change] = held.changes
    assert "okta/nickName" not in change.content.traits
    assert "okta/department" in change.content.traits


def test_a_removal_goes_through_when_it_is_approved():
    people, users = crowd(12, 12)
    _, held = apart(people, users)
    harmed = frozenset(row.harmed for row in held.held)
    plan, approved = apart(people, users, approvals=(Approval(held_digest(harmed), harmed, NOW),))
    assert not approved.held
    assert len(approved.changes) == len(plan.changes) == 12
    assert not any("okta/department" in change.content.traits for change in approved.changes)


def test_users_who_are_not_ours_are_not_counted():
    people, users = crowd(12, 12)
    plan = planned(listing(*people), users)
    assert lost_traits(plan.changes, users, "00oOTHER", Limits()) == NOTHING_LOST
