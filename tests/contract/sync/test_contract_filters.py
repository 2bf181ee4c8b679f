"""The preview of filters, by what was last seen and by both systems as they are now."""

from __future__ import annotations

from datetime import timedelta

import pytest
from contract.sync.office import TEN_MINUTES
from teleport_okta.desired.preview import Verdict
from teleport_okta.errors import ConfigError
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.serve.admin_client import running_service
from teleport_okta.sync.engine import Engine
from teleport_okta.sync.preview import NothingSeenError


@pytest.fixture
async def staffed(office):
    """Two groups with people, an empty one, one of strangers, an app. Engineers pass the filters; a pass has run."""
    office.group("eng-core", "ada@x.io", "bob@x.io")
    office.group("ops", "ada@x.io")
    office.group("eng-empty")
    strangers = office.group("eng-strangers")
    outsider = office.okta.create_user({"firstName": "O", "lastName": "S", "login": "o@x.io", "email": "o@x.io"})
    office.okta.add_member(strangers.id, outsider.id)
    office.app("Figma", "ada@x.io")
    await office.reconfigure(access_lists={"group_filters": ("eng-*",), "app_filters": ("Figma",)})
    await office.settled()
    return office


async def preview(office, groups=(), apps=(), *, live=False):
    return await office.world.parts.full_pass.preview_filters(groups, apps, live=live)


def verdicts(found):
    return {match.name: match.verdict for match in found.matches}


def ending(found):
    return {one.present.title for one in found.ending}


@pytest.mark.parametrize("live", [False, True])
async def test_the_filters_of_the_settings_show_what_is_there(staffed, live):
    found = await preview(staffed, live=live)
    assert verdicts(found) == {
        "eng-core": Verdict.KEPT,
        "eng-empty": Verdict.EMPTY,
        "eng-strangers": Verdict.EMPTY,
        "Figma": Verdict.KEPT,
    }
    assert not found.ending
    assert (found.group_filters, found.app_filters) == (("eng-*",), ("Figma",))
    core = next(match for match in found.matches if match.name == "eng-core")
    assert (core.filter, core.people, core.members) == ("eng-*", 2, 2)
    strangers = next(match for match in found.matches if match.name == "eng-strangers")
    assert (strangers.people, strangers.members) == (1, 0)


async def test_other_filters_show_what_would_come_and_go(staffed):
    found = await preview(staffed, ("ops",), live=True)
    assert verdicts(found) == {"ops": Verdict.ADDED, "Figma": Verdict.KEPT}
    assert ending(found) == {"eng-core"}
    assert "group_filters" in found.ending[0].reason
    assert found.ending[0].present.imported == 2


async def test_of_what_was_never_read_the_number_is_known_and_the_rest_is_not(staffed):
    match = next(match for match in (await preview(staffed, ("ops",))).matches if match.name == "ops")
    assert (match.verdict, match.people, match.members) == (Verdict.UNKNOWN, 1, None)


async def test_what_was_last_seen_is_as_of_then_and_live_is_as_of_now(staffed):
    last_pass = staffed.world.clock.now() - timedelta(seconds=TEN_MINUTES)
    staffed.world.clock.advance(3600)
    staffed.group("eng-new", "cy@x.io")
    seen, live = await preview(staffed), await preview(staffed, live=True)
    assert "eng-new" not in verdicts(seen)
    assert abs(seen.seen_at - last_pass) < timedelta(seconds=1)
    assert verdicts(live)["eng-new"] is Verdict.ADDED
    assert live.seen_at > seen.seen_at + timedelta(hours=1)


async def test_what_is_previewed_is_what_then_happens(staffed):
    found = await preview(staffed, ("ops", "^eng-(empty|strangers)$"), ("*",), live=True)
    titles = {one.spec.title for one in staffed.lists().values()}
    expected = (titles | {match.name for match in found.matches if match.verdict is Verdict.ADDED}) - ending(found)
    await staffed.reconfigure(access_lists={"group_filters": ("ops", "^eng-(empty|strangers)$"), "app_filters": ("*",)})
    assert (await staffed.next_pass()).succeeded
    assert {one.spec.title for one in staffed.lists().values()} == expected
    assert "eng-core" not in expected
    assert {"ops", "Teleport", "Figma"} <= expected


@pytest.mark.parametrize("live", [False, True])
async def test_a_preview_writes_nothing_and_changes_no_plan(staffed, live):
    with staffed.recorded() as calls:
        await preview(staffed, ("nothing",), ("nothing",), live=live)
    assert not [call.rpc for call in calls if call.rpc.startswith(("Create", "Update", "Upsert", "Delete"))]
    assert not (await staffed.next_pass()).plan.changes


async def test_before_the_first_pass_there_is_nothing_to_go_by_but_live(office):
    office.group("Engineering", "ada@x.io")
    with pytest.raises(NothingSeenError):
        await preview(office)
    assert verdicts(await preview(office, live=True))["Engineering"] is Verdict.ADDED


async def test_lists_that_are_switched_off_can_be_previewed(staffed):
    await staffed.reconfigure(access_lists={"enabled": False, "default_owners": ()})
    assert verdicts(await preview(staffed, ("ops",), live=True))["ops"] is Verdict.ADDED


async def test_where_no_groups_and_apps_are_imported_live_says_so(staffed):
    await staffed.reconfigure(sync={"apps_and_groups": False})
    with pytest.raises(ConfigError, match="apps_and_groups"):
        await preview(staffed, live=True)


@pytest.mark.parametrize("live", [False, True])
async def test_a_filter_that_does_not_compile_is_named(staffed, live):
    with pytest.raises(ConfigError, match=r"\^\(\$"):
        await preview(staffed, ("^($",), live=live)


async def test_a_running_service_answers_previews_also_while_it_is_busy(staffed, tmp_path):
    parts, settings = staffed.world.parts, staffed.world.settings
    engine = Engine(full_pass=parts.full_pass, store=parts.store, clock=parts.clock, interval=settings.sync.interval)
    async with serving(AdminService(engine, parts.store), tmp_path), running_service(tmp_path) as service:
        for live in (False, True):
            assert await service.preview_filters((), (), live=live) == await preview(staffed, live=live)
        async with engine._one_at_a_time:
            assert ending(await service.preview_filters(("ops",), (), live=False)) == {"eng-core"}
