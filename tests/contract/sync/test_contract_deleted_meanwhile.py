"""Groups and apps that are deleted while a pass reads, and the names of those that could not be read."""

from __future__ import annotations

import pytest
from contract.sync.office import with_a_roomy_brake


def once_listed(office, kind, then):
    """Do something once, right after the listing of groups or apps was read."""
    reads = office.world.parts.okta.directory
    read = getattr(reads, kind)

    async def listing():
        listed = await read()
        setattr(reads, kind, read)
        then()
        return listed

    setattr(reads, kind, listing)


@with_a_roomy_brake
@pytest.mark.parametrize("kind", ["groups", "apps"])
async def test_what_is_deleted_while_a_pass_reads_is_noted_and_no_failure(office, kind):
    group = office.group("Looms", "ada@x.io")
    app = office.app("Figma", "ada@x.io", groups=[group])
    await office.settled()
    gone, title = (group, 'group "Looms"') if kind == "groups" else (app, 'app "Figma"')
    office.okta.add_member(group.id, office.person("bob@x.io").id)
    end = office.okta.delete_group if kind == "groups" else office.okta.delete_app
    once_listed(office, kind, lambda: end(gone.id))
    report = await office.next_pass()
    assert (report.succeeded, report.error) == (True, "")
    assert [warning for warning in report.plan.warnings if f"{title} ({gone.id})" in warning]
    assert gone.id in office.lists()
    assert not [row for row in report.plan.quarantined if row.okta_id == gone.id]
    assert (await office.next_pass()).succeeded
    assert gone.id not in office.lists()


async def test_what_could_not_be_read_is_named_with_the_remedy_in_a_plan_too(office):
    groups = [office.group(name, "ada@x.io") for name in ("Looms", "Sales")]
    for group in groups:
        office.okta.fail("unavailable", path=f"/api/v1/groups/{group.id}/users", count=100)
    plan = await office.world.parts.full_pass.plan()
    for group, name in zip(groups, ("Looms", "Sales"), strict=True):
        assert f'the members of group "{name}" ({group.id})' in plan.error
    assert "the next pass tries again" in plan.error
