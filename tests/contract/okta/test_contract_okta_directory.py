"""Groups, apps and rosters read from an organisation in miniature: what is read, and what it costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.okta.directory_world import (
    APP_PEOPLE,
    APPS,
    GROUP_APPS,
    GROUP_MEMBERS,
    GROUPS,
    Offices,
    everything,
    learnt,
)
from contract.okta.okta_world import serving
from cryptography.hazmat.primitives.asymmetric import ec
from teleport_okta.model.directory import Roster
from teleport_okta.okta.directory_reader import read_directory
from teleport_okta.okta.fetch_plan import Known, Side
from teleport_okta.okta.groups_and_apps import NOT_FOUND, DirectoryReads
from teleport_okta.okta.needs import read_scopes
from teleport_okta.okta.okta_errors import OktaForbiddenError, OktaUnauthorizedError
from teleport_okta.sandbox.okta.faults import FaultKind
from teleport_okta.sandbox.okta.settings import Edition, Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from teleport_okta.model.directory import Directory
    from teleport_okta.okta.call_forecast import CallForecast
    from teleport_okta.sandbox.okta.rate_limits import Reading


def ids(rosters: Mapping[str, Roster]) -> dict[str, set[str]]:
    """Return who is on the rosters that are not empty."""
    return {key: set(roster.ids) for key, roster in rosters.items() if roster.ids}


def filled(noted: Mapping[str, set[str]]) -> dict[str, set[str]]:
    return {key: set(value) for key, value in noted.items() if value}


def problems(directory: Directory) -> dict[str, str]:
    kinds = (directory.members, directory.grants, directory.direct)
    return {key: roster.problem for rosters in kinds for key, roster in rosters.items() if roster.problem}


@pytest.fixture
async def offices(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Offices]:
    """Two pages of people, a group of them all but one, some small groups, an empty one, and apps of every origin."""
    world = Offices(members_a_page=100, app_users_a_page=50)
    for module in ("groups_and_apps", "fetch_plan"):
        monkeypatch.setattr(f"teleport_okta.okta.{module}.MEMBERS_A_PAGE", world.members_a_page)
        monkeypatch.setattr(f"teleport_okta.okta.{module}.APP_USERS_A_PAGE", world.app_users_a_page)
    world.populate(125)
    people = world.people
    world.engines = world.group("Engines", people[:3])
    world.most = world.group("Most", people[1:])
    world.group("Nobody")
    world.wiki = world.app("Wiki", people=people[:2], groups=[world.engines, world.most])
    world.app("Mail", groups=[world.everyone])
    world.build = world.app("Build", people=people[5:9])
    world.app("Unused")
    world.age()
    async with serving(world) as served:
        yield served


async def test_everything_is_read_as_it_is(offices: Offices) -> None:
    directory = (await offices.read()).directory
    assert ids(directory.members) == filled(offices.members)
    assert ids(directory.grants) == filled(offices.grants)
    assert ids(directory.direct) == filled(offices.direct)
    assert problems(directory) == {}
    assert {group.name for group in directory.groups.rows} >= {"Everyone", "Engines", "Most", "Nobody"}
    assert {app.label for app in directory.apps.rows} >= {"Wiki", "Mail", "Build", "Unused"}


async def test_a_first_reading_costs_what_it_must_and_was_foreseen_but_for_apps_of_many_people(
    offices: Offices,
) -> None:
    reading = await offices.read()
    floor = offices.floor()
    assert reading.calls == floor == offices.org.calls.buckets
    pages_that_nobody_knew_of = 2 + 2
    assert reading.plan.forecast.calls == {GROUPS: floor[GROUPS], APPS: floor[APPS] - pages_that_nobody_knew_of}
    assert set(reading.members_read) == set(filled(offices.members))


async def test_an_unchanged_reading_asks_for_no_members_but_of_built_in_groups(offices: Offices) -> None:
    known, recall = learnt(await offices.read())
    mark = offices.org.mark()
    again = await offices.read(known, recall=recall)
    assert again.calls == offices.floor(unchanged=True) == again.plan.forecast.calls
    assert offices.org.calls_since(mark).endpoints["GET /api/v1/groups/{id}/users"] == 2 + 1
    assert ids(again.directory.members) == filled(offices.members)
    assert {group for group, roster in again.directory.members.items() if roster.remembered} == {
        offices.engines,
        offices.most,
    }


async def test_a_group_whose_members_changed_is_read_again_alone(offices: Offices) -> None:
    known, recall = learnt(await offices.read())
    offices.org.remove_member(offices.engines, offices.people[0])
    offices.clock.advance(600)
    again = await offices.read(known, recall=recall)
    assert offices.engines in again.plan.members
    assert again.plan.remembered == {offices.most}
    assert set(again.directory.members[offices.engines].ids) == set(offices.people[1:3])


async def test_a_change_whose_stamp_lags_is_found_by_the_reading_after_it(offices: Offices) -> None:
    known, recall = learnt(await offices.read())
    offices.org.add_member(offices.engines, offices.people[7])
    offices.org.remove_member(offices.engines, offices.people[0])
    before_the_stamp = await offices.read(known, recall=recall)
    assert offices.engines in before_the_stamp.plan.remembered
    offices.clock.advance(600)
    after_it = await offices.read(known, recall=recall)
    assert offices.people[7] in after_it.directory.members[offices.engines].ids


async def test_a_change_of_the_number_is_found_at_once(offices: Offices) -> None:
    known, recall = learnt(await offices.read())
    offices.org.add_member(offices.engines, offices.people[7])
    again = await offices.read(known, recall=recall)
    assert offices.people[7] in again.directory.members[offices.engines].ids


@pytest.mark.parametrize("under", ["users", "apps"])
async def test_a_roster_that_contradicts_the_count_is_read_once_more(offices: Offices, under: str) -> None:
    offices.org.fail(FaultKind.EMPTY, path=f"/api/v1/groups/{offices.engines}/{under}", count=1)
    mark = offices.org.mark()
    reading = await offices.read()
    assert ids(reading.directory.members) == filled(offices.members)
    assert ids(reading.directory.grants) == filled(offices.grants)
    assert sum(offices.org.calls_since(mark).buckets.values()) == sum(offices.floor().values()) + 1


async def test_a_roster_that_contradicts_the_count_twice_stays_as_it_was_read(offices: Offices) -> None:
    offices.org.fail(FaultKind.EMPTY, path=f"/api/v1/groups/{offices.engines}/users")
    reading = await offices.read()
    assert not reading.directory.members[offices.engines].ids
    assert not reading.directory.members[offices.engines].problem


@pytest.mark.parametrize(("seconds", "vouched_for"), [(119, False), (120, True)])
async def test_members_read_soon_after_their_stamp_are_read_once_more(
    offices: Offices, seconds: int, vouched_for: bool
) -> None:
    offices.org.add_member(offices.engines, offices.people[7])
    offices.clock.advance(seconds)
    known, recall = learnt(await offices.read())
    offices.clock.advance(600)
    again = await offices.read(known, recall=recall)
    assert (offices.engines in again.plan.remembered) is vouched_for


async def test_members_that_cannot_be_recalled_are_read(offices: Offices) -> None:
    reading = await offices.read()
    known, _ = learnt(reading)

    async def forgetful(group_ids: frozenset[str]) -> Mapping[str, Iterable[str]]:
        return {group: reading.directory.members[group].ids for group in group_ids - {offices.engines}}

    again = await offices.read(known, recall=forgetful)
    assert (offices.engines in again.plan.members, again.plan.remembered) == (True, {offices.most})
    assert ids(again.directory.members) == filled(offices.members)


async def test_people_of_an_app_that_were_read_elsewhere_are_taken_as_they_are(offices: Offices) -> None:
    roster = Roster(frozenset({"00uElsewhere"}), offices.clock.now())
    reading = await offices.read(Known(direct={offices.build: roster}, spent={APPS: 3}))
    assert reading.directory.direct[offices.build] is roster
    assert reading.calls[APPS] == offices.floor()[APPS] - 1
    assert ids(reading.directory.direct) == filled(offices.direct) | {offices.build: {"00uElsewhere"}}


async def test_a_group_whose_members_are_kept_from_us_stops_nothing_else(offices: Offices) -> None:
    offices.org.make_administrative(offices.engines)
    offices.org.narrow_role(without=["okta.iam.read"])
    directory = (await offices.read()).directory
    refused = {group for group, roster in directory.members.items() if roster.refused}
    assert refused == {group.id for group in directory.groups.rows if group.is_administrative}
    assert refused == {offices.engines, offices.org.groups.administrators}
    assert directory.members[offices.most].ids == offices.members[offices.most]
    assert directory.grants[offices.engines].ids == {offices.wiki}


async def test_a_page_of_one_group_that_fails_for_good_stops_nothing_else(offices: Offices) -> None:
    offices.org.fail(FaultKind.UNAVAILABLE, path=f"/api/v1/groups/{offices.most}/users", after=1)
    reading = await offices.read()
    assert set(problems(reading.directory)) == {offices.most}
    assert offices.most not in reading.members_read
    assert ids(reading.directory.direct) == filled(offices.direct)


async def test_a_group_that_goes_while_we_read_is_its_own_problem(offices: Offices) -> None:
    async with offices.client() as client:
        reads = DirectoryReads(client)
        listed = await reads.groups()
        offices.org.delete_group(offices.engines)
        assert (await reads.members(offices.engines)).problem == NOT_FOUND
    assert offices.engines in {group.id for group in listed.rows}


@pytest.mark.parametrize("path", [GROUPS, APPS])
async def test_a_listing_whose_later_page_fails_is_incomplete_and_what_it_had_is_read(path: str) -> None:
    world = Offices()
    for index in range(220):
        world.group(f"Group {index}")
        world.app(f"App {index}")
    world.org.fail(FaultKind.UNAVAILABLE, path=path, after=1)
    async with serving(world):
        directory = (await world.read()).directory
    broken, whole = (directory.groups, directory.apps)[:: 1 if path == GROUPS else -1]
    assert (len(broken.rows), "503" in (broken.incomplete or ""), whole.incomplete) == (200, True, None)
    assert len(directory.direct) == len(directory.apps.rows)


@pytest.mark.parametrize("path", [GROUPS, APPS])
async def test_a_listing_that_may_not_be_read_is_one_error(offices: Offices, path: str) -> None:
    offices.org.narrow_role(without=[f"okta.{path.rpartition('/')[2]}.read"])
    with pytest.raises(OktaForbiddenError):
        await offices.read()


@pytest.mark.parametrize("path", [GROUP_MEMBERS, GROUP_APPS, APP_PEOPLE])
async def test_a_credential_that_dies_on_the_way_is_one_error(offices: Offices, path: str) -> None:
    offices.org.fail(FaultKind.REVOKED, path=path, after=1, count=1)
    with pytest.raises(OktaUnauthorizedError):
        await offices.read()


@pytest.mark.parametrize("path", [GROUPS, APPS, GROUP_MEMBERS, GROUP_APPS, APP_PEOPLE])
async def test_a_fault_that_passes_costs_a_retry_and_nothing_else(offices: Offices, path: str) -> None:
    offices.org.fail(FaultKind.TRUNCATED, path=path, count=1)
    reading = await offices.read()
    assert ids(reading.directory.members) == filled(offices.members)
    assert ids(reading.directory.grants) == filled(offices.grants)
    assert problems(reading.directory) == {}
    assert sum(reading.calls.values()) == sum(offices.floor().values()) + 1


@pytest.fixture
async def many_groups() -> AsyncIterator[Offices]:
    """More groups that grant than a window has calls for, and few apps: the apps are asked who grants them."""
    world = Offices(Settings(edition=Edition.DEV, share=100))
    world.populate(3)
    granting = [world.group(f"Group {index}") for index in range(90)]
    world.app("Wiki", people=world.people[:1], groups=granting)
    world.app("Mail", groups=granting[::2])
    world.age()
    async with serving(world) as served:
        yield served


async def test_both_sides_tell_the_same_grants(many_groups: Offices) -> None:
    from_apps = await many_groups.read()
    async with many_groups.client() as client:
        reads = DirectoryReads(client)
        from_groups = {group: (await reads.grants(group)).ids for group in many_groups.grants}
    assert from_apps.plan.side is Side.APP
    assert many_groups.org.calls.endpoints["GET /api/v1/groups/{id}/apps"] == len(from_groups)
    assert ids(from_apps.directory.grants) == filled(many_groups.grants) == from_groups


async def test_groups_are_asked_whose_number_the_apps_contradict(many_groups: Offices) -> None:
    [wiki] = [app.id for app in many_groups.org.apps.all if app.label == "Wiki"]
    many_groups.org.fail(FaultKind.EMPTY, path=f"/api/v1/apps/{wiki}/groups")
    reading = await many_groups.read()
    assert ids(reading.directory.grants) == filled(many_groups.grants)


@pytest.mark.parametrize("kind", [FaultKind.UNAVAILABLE, FaultKind.TRUNCATED])
async def test_where_one_app_cannot_say_who_grants_it_the_groups_are_asked_after_all(
    many_groups: Offices, kind: FaultKind
) -> None:
    [wiki] = [app.id for app in many_groups.org.apps.all if app.label == "Wiki"]
    many_groups.org.fail(kind, path=f"/api/v1/apps/{wiki}/groups")
    seen: list[tuple[int, int]] = []
    reading = await many_groups.read(progress=lambda done, of: seen.append((done, of.total_calls)))
    assert ids(reading.directory.grants) == filled(many_groups.grants)
    assert problems(reading.directory) == {}
    assert seen[-1][0] == seen[-1][1] == reading.plan.forecast.total_calls + len(many_groups.grants)


async def test_progress_never_goes_back_and_ends_with_every_call_that_was_foreseen(offices: Offices) -> None:
    seen: list[tuple[int, CallForecast]] = []
    reading = await offices.read(progress=lambda done, forecast: seen.append((done, forecast)))
    done = [number for number, _ in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (1 + 1, reading.plan.forecast.total_calls)
    assert {id(forecast) for _, forecast in seen} == {id(reading.plan.forecast)}


@pytest.mark.parametrize("percent", [50, 100])
async def test_never_more_than_our_share_of_a_window_is_used_and_no_call_refused(
    percent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Offices(Settings(edition=Edition.DEV, share=percent))
    world.populate(3)
    for index in range(60):
        world.app(f"App {index}", groups=[world.group(f"Group {index}", world.people)])
    left: list[tuple[float, Reading]] = []
    take = world.org.limiter.take

    def noted(bucket: str, principal: str | None) -> Reading:
        reading = take(bucket, principal)
        left.append((reading.remaining / reading.limit, reading))
        return reading

    monkeypatch.setattr(world.org.limiter, "take", noted)
    async with serving(world):
        reading = await world.read()
    assert set(world.org.calls.statuses) == {200}
    assert min(part for part, _ in left) >= 0.2
    assert reading.plan.forecast.total_seconds <= world.clock.monotonic() <= reading.plan.forecast.total_seconds + 62


async def test_a_service_app_needs_no_scopes_but_those_it_asks_for(offices: Offices, tmp_path: Path) -> None:
    scopes = read_scopes(apps_and_groups=True)
    app = offices.service_app(ec.generate_private_key(ec.SECP256R1()), tmp_path, scopes=scopes)
    [client_side] = offices.org.tokens.clients.values()
    client_side.scopes = set(scopes)
    async with offices.client(app) as client:
        reading = await read_directory(DirectoryReads(client), everything)
    assert problems(reading.directory) == {}
    assert scopes == ("okta.users.read", "okta.apps.read", "okta.groups.read")


async def test_what_is_remembered_is_dated_by_when_it_was_read(offices: Offices) -> None:
    reading = await offices.read()
    known, recall = learnt(reading)
    read_at = reading.members_read[offices.engines].read_at
    offices.clock.advance(3600)
    again = await offices.read(known, recall=recall)
    roster = again.directory.members[offices.engines]
    assert (roster.read_at, roster.remembered) == (read_at, True)
    assert again.directory.groups.read_at > read_at
