"""Harm counts people: the end of a list counts as much as its memberships."""

from __future__ import annotations

import pytest


@pytest.fixture
async def everybody(office):
    """A settled office of sixty, all of them in one group, three of them in another."""
    names = [f"u{number:03}@x.io" for number in range(60)]
    found = office.group("All employees", *names)
    office.group("Other", *names[:3])
    await office.settled()
    return found


async def test_the_list_of_a_hidden_group_of_sixty_is_held(office, everybody):
    office.okta.narrow_role(hide=[everybody.id])
    report = await office.next_pass()
    [hold] = [one for one in report.plan.findings.holds if one.kind == "access_list"]
    assert hold.count == 60
    assert everybody.id in office.lists()
    assert len(office.imported(everybody)) == 60
    assert all(office.roles(everybody))


async def test_a_small_list_ends_and_what_it_took_is_used_of_the_hour(office, everybody):
    small = [office.group(name, "u001@x.io", "u002@x.io", "u003@x.io", "u004@x.io") for name in ("a", "b", "c", "d")]
    await office.settled()
    for group in small[:2]:
        office.okta.delete_group(group.id)
    await office.next_pass()
    assert not {group.id for group in small[:2]} & office.lists().keys()
    for group in small[2:]:
        office.okta.delete_group(group.id)
    report = await office.next_pass()
    [hold] = [one for one in report.plan.findings.holds if one.kind == "access_list"]
    assert (hold.count, hold.used) == (8, 8)
    assert {group.id for group in small[2:]} <= office.lists().keys()


async def test_a_held_list_of_many_ends_when_a_person_approves_it(office, everybody):
    office.okta.delete_group(everybody.id)
    report = await office.next_pass()
    assert everybody.id in office.lists()
    approvals = office.world.parts.store.approvals
    await approvals.approve(report.plan.findings.held_digest, at=office.world.clock.now())
    assert (await office.next_pass()).succeeded
    assert everybody.id not in office.lists()
