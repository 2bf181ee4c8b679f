"""Reads of Okta that cannot be right: nobody loses access by them, and leavers are locked all the same."""

from __future__ import annotations

import sqlite3

import pytest
from hands import edit_user
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.store import FILE_NAME

HALF_A_CHARACTER = "\ud83d"


async def test_a_suspended_person_whose_profile_cannot_be_read_is_locked(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.import_profile(ada.id, nickName=HALF_A_CHARACTER)
    world.okta.suspend(ada.id)
    report = await world.run()
    assert set(world.locks()) == {"ada@x.io"}
    assert [row.okta_id for row in report.plan.quarantined] == [ada.id]
    world.okta.unsuspend(ada.id)
    await world.run()
    assert not world.locks()


async def test_a_revoked_person_whose_profile_cannot_be_read_leaves(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.import_profile(ada.id, nickName=HALF_A_CHARACTER)
    world.okta.set_assignment_status(world.okta_app.id, ada.id, "REVOKED")
    await world.run()
    assert set(world.locks()) == {"ada@x.io"}
    assert set(world.owned()) == {"bob@x.io"}


async def test_a_person_who_is_revoked_leaves_though_the_second_look_cannot_read_the_profile(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.set_assignment_status(world.okta_app.id, ada.id, "REVOKED")

    def deed():
        world.okta.import_profile(ada.id, nickName=HALF_A_CHARACTER)
        edit_user(world.teleport.administrator, "ada@x.io", roles=["access"])

    world.meddle_after_listing(deed)
    await world.run()
    assert set(world.owned()) == {"bob@x.io"}


async def test_a_suspended_person_is_locked_whatever_is_wrong_with_the_name(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.assignments.update(world.okta.app(world.okta_app.id), world.okta.user(ada.id), user_name="team/ada")
    world.okta.suspend(ada.id)
    await world.run()
    assert set(world.locks()) == {"ada@x.io"}


async def test_the_assignments_of_an_inactive_app_state_nothing(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.deactivate_app(world.okta_app.id)
    world.okta.set_assignment_status(world.okta_app.id, ada.id, "INACTIVE")
    assert not (await world.run()).plan.changes
    assert len(world.owned()) == 2


async def test_a_person_who_is_suspended_while_the_app_is_inactive_is_locked(world):
    (ada, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.deactivate_app(world.okta_app.id)
    world.okta.suspend(ada.id)
    await world.run()
    assert set(world.locks()) == {"ada@x.io"}


@pytest.mark.parametrize(("people", "shown"), [(11, 1), (12, 2), (20, 10)])
async def test_a_small_organisation_is_braked_too(world, people, shown):
    crowd = await world.hired(*[f"u{number:02}@x.io" for number in range(people)])
    world.okta.narrow_role(hide=[person.id for person in crowd[shown:]])
    report = await world.run()
    assert len(world.owned()) == people
    assert len(report.plan.findings.held) == people - shown


ADA, BOB, CY = "ada@x.io", "bob@x.io", "cy@x.io"


@pytest.mark.parametrize("fault", [{"kind": "empty"}, {"kind": "subset", "percent": 40}])
async def test_an_empty_or_much_shorter_listing_of_an_apps_people_ends_no_list(office, fault):
    names = {f"u{number:02}@x.io" for number in range(12)}
    app = office.app("Figma", *sorted(names))
    for group in ("One", "Two", "Three"):
        office.group(group, *sorted(names))
    await office.settled()
    office.okta.fail(**fault, path=f"/api/v1/apps/{app.id}/users")
    for _ in range(2):
        report = await office.next_pass()
        assert office.imported(app) == names, "ten of all the memberships may go in an hour"
        assert "Figma" in report.plan.findings.holds[0].why
    office.okta.recover()
    assert (await office.next_pass()).succeeded


async def test_people_who_really_lose_an_app_lose_it_when_that_is_approved(office):
    app = office.app("Figma", ADA, BOB, CY)
    await office.settled()
    for login in (ADA, BOB, CY):
        office.okta.unassign(app.id, office.person(login).id)
    report = await office.next_pass()
    assert office.imported(app) == {ADA, BOB, CY}
    await office.world.parts.store.approvals.approve(report.plan.findings.held_digest, at=office.world.clock.now())
    await office.next_pass()
    assert app.id not in office.lists()
    assert (await office.next_pass()).succeeded, "the number is settled"


async def test_one_of_a_few_people_may_lose_an_app(office):
    app = office.app("Figma", ADA, BOB, CY)
    await office.settled()
    office.okta.unassign(app.id, office.person(CY).id)
    await office.settled()
    assert office.imported(app) == {ADA, BOB}


async def test_a_group_of_which_okta_counts_more_than_it_lists_loses_nobody(office):
    names = [f"u{number:02}@x.io" for number in range(30)]
    group = office.group("Engineering", *names)
    await office.settled()
    office.okta.add_member(group.id, office.person("new@x.io").id)
    office.okta.fail("subset", path=f"/api/v1/groups/{group.id}/users", percent=95)
    report = await office.next_pass()
    assert office.imported(group) >= set(names)
    assert "where Okta counts 31" in report.plan.findings.holds[0].why


async def test_a_group_that_is_counted_empty_and_had_members_is_asked(office):
    group = office.group("Engineering", ADA, BOB)
    await office.settled()
    size = office.okta.groups.size
    office.okta.groups.size = lambda group_id: 0 if group_id == group.id else size(group_id)
    report = await office.next_pass()
    assert office.imported(group) == {ADA, BOB}
    assert not report.plan.changes


async def approve(world, report):
    await world.parts.store.approvals.approve(report.plan.findings.held_digest, at=world.clock.now())


def departments(world):
    return [name for name, user in world.users().items() if "okta/department" in user.Spec.Traits.Values]


@pytest.fixture
async def looms(world):
    """Twelve people of one department. A changed mapping removes it from all of them while their titles change."""
    people = [world.hire(f"u{number:02}@x.io", department="Looms") for number in range(12)]
    await world.run()
    for person in people:
        world.okta.import_profile(person.id, department=None, title="Weaver")
    return people


async def test_an_attribute_that_everybody_loses_stays_until_that_is_approved(world, looms):
    report = await world.run()
    assert len(departments(world)) == 12
    titles = {tuple(world.users()[person.login].Spec.Traits.Values["okta/title"].Values) for person in looms}
    assert titles == {("Weaver",)}
    assert {held.kind for held in report.plan.findings.held} == {"traits"}
    assert not (await world.run()).plan.changes
    await approve(world, report)
    assert (await world.run()).succeeded
    assert not departments(world)
    assert (await world.run()).succeeded


async def test_an_approved_loss_goes_through_beside_another_change_of_the_same_people(world, looms):
    await approve(world, await world.run())
    for person in looms:
        world.okta.import_profile(person.id, title="Dyer")
    await world.run()
    await world.run()
    assert not departments(world)


async def test_one_user_who_is_planned_again_keeps_what_everybody_loses(world, looms):
    world.meddle_after_listing(
        lambda: edit_user(world.teleport.administrator, "u03@x.io", roles=["okta-requester", "access"])
    )
    await world.run()
    assert len(departments(world)) == 12


async def test_a_loss_whose_record_a_crash_left_open_is_found_done(world, looms):
    await approve(world, await world.run())
    await world.run()
    await world.process.aclose()
    with sqlite3.connect(world.settings.storage.data_dir / FILE_NAME) as state:
        state.execute("UPDATE journal SET outcome = 'begun' WHERE harm = 'traits'")
    world.clock.advance(60)
    await world.restart()
    assert (await world.run()).succeeded
    entries = [entry for entry in await world.parts.store.journal.history(limit=99) if entry.harm == "traits"]
    assert {entry.outcome for entry in entries} == {Result.DONE}
    assert len(entries) == 12


async def test_one_person_who_loses_an_attribute_loses_it(world):
    (ada, _) = await world.hired(ADA, BOB)
    world.okta.import_profile(ada.id, firstName=None)
    assert (await world.run()).succeeded
    assert "okta/firstName" not in world.users()[ADA].Spec.Traits.Values
