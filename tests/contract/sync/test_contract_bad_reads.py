"""What Okta says and cannot mean: nobody loses anything by it, and whoever must be locked is locked all the same."""

from __future__ import annotations

import pytest

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
