"""Groups, apps and lists while Teleport's listings lag behind writes, with passes one right after the other."""

from __future__ import annotations

import pytest
from contract.sync.office import ROOMY, built_office
from teleport_okta.sandbox.teleport.cluster import ListingLag


@pytest.fixture
async def slow(tmp_path):
    async with built_office(tmp_path, settings=ROOMY, lag=ListingLag.observed()) as office:
        yield office


async def test_what_was_made_a_moment_ago_is_not_made_again(slow):
    group = slow.group("Engineering", "ada@x.io", "bob@x.io")
    slow.app("Figma", "ada@x.io", groups=[group])
    assert (await slow.world.run()).succeeded
    assert not (await slow.world.run()).plan.changes
    assert not (await slow.next_pass(after=5)).plan.changes


async def test_what_was_changed_a_moment_ago_is_not_changed_back(slow):
    group = slow.group("Engineering", "ada@x.io", "bob@x.io")
    app = slow.app("Figma", "ada@x.io")
    await slow.settled()
    slow.okta.update_group(group.id, name="Builders")
    slow.okta.update_app(app.id, label="Penpot")
    slow.okta.assign_group(app.id, group.id)
    slow.okta.remove_member(group.id, slow.person("bob@x.io").id)
    slow.okta.add_member(group.id, slow.person("cy@x.io").id)
    slow.world.clock.advance(200)
    assert (await slow.world.run()).succeeded
    assert not (await slow.world.run()).plan.changes
    assert slow.imported(group) == {"ada@x.io", "cy@x.io"}
    slow.okta.remove_member(group.id, slow.person("cy@x.io").id)
    slow.okta.add_member(group.id, slow.person("bob@x.io").id)
    slow.world.clock.advance(200)
    assert (await slow.world.run()).succeeded
    assert not (await slow.world.run()).plan.changes
    assert slow.imported(group) == {"ada@x.io", "bob@x.io"}


async def test_what_ended_a_moment_ago_does_not_end_twice(slow):
    group, app = slow.group("Engineering", "ada@x.io"), slow.app("Figma", "ada@x.io")
    await slow.settled()
    slow.okta.delete_group(group.id)
    slow.okta.delete_app(app.id)
    assert (await slow.world.run()).succeeded
    assert not (await slow.world.run()).plan.changes
    await slow.world.restart()
    assert (await slow.next_pass()).succeeded
    assert not {group.id, app.id} & slow.lists().keys()


async def test_another_process_that_starts_at_once_makes_nothing_twice_and_ends_nothing_twice(slow):
    group, gone = slow.group("Engineering", "ada@x.io"), slow.group("Looms", "ada@x.io")
    await slow.settled()
    slow.okta.delete_group(gone.id)
    later = slow.group("Later", "ada@x.io")
    assert (await slow.world.run()).succeeded
    await slow.world.restart()
    report = await slow.world.run()
    assert not [outcome for outcome in report.outcomes if outcome.result == "failed"]
    assert (await slow.next_pass()).succeeded
    assert slow.imported(group) == slow.imported(later) == {"ada@x.io"}
    assert gone.id not in slow.lists()
    assert not (await slow.next_pass()).plan.changes
