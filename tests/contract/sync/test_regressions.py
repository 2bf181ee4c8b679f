"""Accidents of other tools, which must not happen here: each test is named after the accident.

Sources: `docs/reference/okta.md` 8 and the public threads that it names.
"""

from __future__ import annotations

import pytest
from cluster_world import built_world
from teleport_okta.model import labels
from teleport_okta.okta.okta_errors import OktaError

APP_USERS = "/api/v1/apps/*/users"


async def test_an_empty_page_deletes_all(world):
    """A narrowed role answers 200 and nothing (ssosync, authentik, firezone)."""
    await world.hired(*[f"u{number}@x.io" for number in range(30)])
    world.okta.fail("empty", path=APP_USERS)
    report = await world.run()
    assert len(world.owned()) == 30
    assert "lacks 20 people whom a read by id shows" in report.error
    assert len(report.plan.findings.held) == 10
    assert not report.plan.findings.held_digest
    assert not world.locks()


async def test_a_narrowed_role_hides_a_part_of_the_people(world):
    people = await world.hired(*[f"u{number:02}@x.io" for number in range(30)])
    world.okta.narrow_role(hide=[person.id for person in people[:11]])
    report = await world.run()
    assert len(world.owned()) == 30
    assert "narrowed admin role" in report.plan.findings.holds[0].why
    world.okta.restore_role()
    assert not (await world.run()).plan.findings.held


async def test_a_changed_default_filter_drops_most_people(tmp_path):
    """A release, or an administrator, changes the source (`okta.app_id` of another app)."""
    async with built_world(tmp_path) as world:
        await world.hired(*[f"u{number}@x.io" for number in range(30)])
        smaller = world.okta.create_app("Smaller")
        world.okta.assign(smaller.id, world.okta.user("u0@x.io").id)
        settings = world.parts.full_pass._settings
        world.parts.full_pass._settings = settings.model_copy(
            update={"okta": settings.okta.model_copy(update={"app_id": smaller.id})}
        )
        report = await world.run()
        assert len(world.owned()) == 30
        assert len(report.plan.findings.held) == 29


@pytest.mark.parametrize("kind", ["unavailable", "internal_error", "bad_gateway", "reset", "truncated"])
async def test_a_transient_error_is_taken_for_an_absence(world, kind):
    """gravitational/teleport#69409: assignments were deleted after a backend error."""
    await world.hired("ada@x.io", "bob@x.io")
    world.okta.fail(kind, path=APP_USERS)
    with pytest.raises(OktaError):
        await world.run()
    assert set(world.owned()) == {"ada@x.io", "bob@x.io"}


async def test_a_user_with_a_slash_in_the_name_stops_everybody(world):
    odd = world.okta.create_user({"firstName": "A", "lastName": "B", "login": "odd@x.io", "email": "odd@x.io"})
    world.okta.assign(world.okta_app.id, odd.id, user_name="team/odd@x.io")
    world.hire("ada@x.io")
    report = await world.run()
    assert report.applied
    assert set(world.owned()) == {"ada@x.io"}
    (entry,) = await world.parts.store.quarantine()
    assert (entry.row.name, entry.row.okta_id) == ("team/odd@x.io", odd.id)


@pytest.mark.parametrize("merge", [True, False])
async def test_adoption_wipes_mfa(world, merge):
    """Deleting and creating a user again loses the MFA devices; an update in place does not."""
    await world.hired("ada@x.io")
    administrator = world.teleport.administrator
    administrator.add_mfa_device("ada@x.io")
    administrator.sso_login("ada@x.io", roles=["access"], groups=["ops"], merge=merge)
    report = await world.run()
    assert [change.action for change in report.plan.changes] == ([] if merge else ["update"])
    assert not (await world.run()).plan.changes
    user = world.users()["ada@x.io"]
    assert administrator.mfa_devices("ada@x.io") == ["phone"]
    assert list(user.Spec.Roles) in (["okta-requester", "access"], ["access", "okta-requester"])
    assert user.Metadata.Labels[labels.OWNER] == world.okta.id
    assert not user.Metadata.HasField("Expires")


async def test_a_new_hire_unlocks_a_predecessor(world):
    """The login of a leaver is given to another person while old certificates are still valid."""
    (old, _) = await world.hired("ada@x.io", "bob@x.io")
    world.okta.unassign(world.okta_app.id, old.id)
    await world.run()
    lock = world.locks()["ada@x.io"]
    world.okta.update_profile(old.id, login="former@x.io")
    new = world.hire("ada@x.io")
    report = await world.run()
    assert "ada@x.io" not in world.owned()
    assert world.locks()["ada@x.io"] == lock
    assert [row.okta_id for row in report.plan.quarantined] == [new.id]
    world.clock.advance(31 * 3600)
    await world.run()
    assert world.owned()["ada@x.io"] == new.id


async def test_a_rename_onto_a_name_that_another_person_takes_meanwhile_leaves_no_user_at_all(world):
    (ada,) = await world.hired("ada@x.io")
    world.okta.update_profile(ada.id, login="fay@x.io")
    world.meddle_after_listing(lambda: world.teleport.administrator.create_user("fay@x.io", roles=["access"]))
    await world.run()
    assert set(world.owned()) == {"ada@x.io"}
    assert not world.locks()
