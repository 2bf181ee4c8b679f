"""The calls to Okta of a pass over groups and apps: their number, the forecast, and the progress of a long one."""

from __future__ import annotations

import logging

import pytest
from contract.sync.office import TEN_MINUTES, built_office

MEMBERS = "GET /api/v1/groups/{id}/users"
GROUPS, APPS = "/api/v1/groups", "/api/v1/apps"


@pytest.fixture
async def staffed(office):
    """Five groups, one of them empty, four apps, two of them granted by groups; two passes have run."""
    groups = [office.group(f"g{number}", "ada@x.io", "bob@x.io") for number in range(4)]
    office.group("empty")
    for number in range(4):
        office.app(f"a{number}", "ada@x.io", groups=groups[:number])
    await office.settled()
    return office


async def test_the_next_unchanged_pass_makes_the_calls_that_were_forecast(staffed):
    await staffed.next_pass()
    forecast = (await staffed.next_pass()).plan.cost
    assert (await staffed.next_pass()).okta_calls == forecast.next_calls
    assert forecast.takes == 0


async def test_the_forecast_says_what_a_change_will_not_cost_again(staffed):
    group = next(group for group in staffed.okta.groups.all if group.profile["name"] == "g1")
    staffed.okta.add_member(group.id, staffed.person("cy@x.io").id)
    staffed.world.clock.advance(TEN_MINUTES)
    report = await staffed.next_pass()
    assert sum(report.okta_calls.values()) == sum(report.plan.cost.next_calls.values()) + 1
    assert (await staffed.next_pass()).okta_calls == report.plan.cost.next_calls


async def test_members_are_read_of_no_group_whose_stamp_stands_still(staffed):
    mark = staffed.okta.mark()
    assert not (await staffed.next_pass()).plan.changes
    calls = staffed.okta.calls_since(mark).endpoints
    assert calls[MEMBERS] == 1  # Okta Administrators, in which people are by nature
    group = next(group for group in staffed.okta.groups.all if group.profile["name"] == "g1")
    staffed.okta.add_member(group.id, staffed.person("cy@x.io").id)
    staffed.world.clock.advance(TEN_MINUTES)
    mark = staffed.okta.mark()
    assert len((await staffed.next_pass()).plan.changes) > 0
    assert staffed.okta.calls_since(mark).endpoints[MEMBERS] == 2


async def test_changes_that_follow_each_other_faster_than_the_stamp_are_all_found(staffed):
    """The stamp of a group lags behind its members by seconds (`docs/reference/okta.md` 3.2)."""
    group = next(group for group in staffed.okta.groups.all if group.profile["name"] == "g1")
    staffed.okta.add_member(group.id, staffed.person("cy@x.io").id)
    staffed.world.clock.advance(5)
    await staffed.world.run()
    staffed.okta.remove_member(group.id, staffed.person("cy@x.io").id)
    staffed.okta.add_member(group.id, staffed.person("dee@x.io").id)
    assert (await staffed.next_pass()).succeeded
    assert staffed.imported(group) == {"ada@x.io", "bob@x.io", "dee@x.io"}


async def test_members_that_were_hidden_from_us_are_read_again_although_the_stamp_stands_still(staffed):
    """People whom the role hides are missing in a listing, but not in Okta's own count."""
    group = next(group for group in staffed.okta.groups.all if group.profile["name"] == "g1")
    staffed.okta.add_member(group.id, staffed.person("cy@x.io").id)
    staffed.world.clock.advance(TEN_MINUTES)
    staffed.okta.fail("subset", path=f"/api/v1/groups/{group.id}/users", percent=50)
    await staffed.next_pass()
    staffed.okta.recover()
    assert (await staffed.next_pass()).succeeded
    assert staffed.imported(group) == {"ada@x.io", "bob@x.io", "cy@x.io"}


async def test_a_plan_says_what_its_reading_cost_and_status_keeps_it(staffed):
    full_pass = staffed.world.parts.full_pass
    staffed.world.clock.advance(TEN_MINUTES)
    mark = staffed.okta.mark()
    view = await full_pass.plan()
    made = staffed.okta.calls_since(mark).buckets
    assert {bucket: view.cost.made[bucket] for bucket in (GROUPS, APPS)} == {
        bucket: made[bucket] for bucket in (GROUPS, APPS)
    }
    assert sum(view.cost.made.values()) == made.total()
    assert await staffed.world.parts.store.cost() == view.cost
    assert view.as_json()["cost"]["next_calls"] == view.cost.next_calls


async def test_a_reading_that_the_rate_limits_stretch_says_how_far_it_is(tmp_path, caplog):
    async with built_office(tmp_path, settings={"okta": {"rate_limit_share": 0.02}}) as office:
        for number in range(30):
            office.group(f"g{number}", "ada@x.io")
        office.world.clock.advance(TEN_MINUTES)
        full_pass, seen = office.world.parts.full_pass, []
        began = office.world.clock.monotonic()
        with caplog.at_level(logging.INFO, logger="teleport_okta.sync.reading_progress"):
            report = await full_pass.run(trigger="test", on_reading=lambda *_: seen.append(full_pass.progress))
        took = office.world.clock.monotonic() - began
        assert report.succeeded
        assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
        assert seen[-1].done == seen[-1].of
        assert took >= 0.8 * seen[-1].takes > 120
        assert caplog.text.count("reading Okta: ") >= 2
        assert "in all, because of the rate limits" in caplog.text
        assert "at least 0 s" not in caplog.text
        assert full_pass.progress is None
