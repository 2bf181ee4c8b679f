from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from teleport_okta.model.directory import BUILT_IN, EVERYONE, Listing, OktaGroup, Roster
from teleport_okta.model.okta import MalformedRow, OktaApp
from teleport_okta.okta.buckets import APPS, GROUPS
from teleport_okta.okta.call_forecast import Pace
from teleport_okta.okta.fetch_plan import OVERLAP, FetchPlan, Known, MembersRead, Side, Wanted, plan_fetch

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
STAMP = NOW - timedelta(days=1)
PACE = Pace({GROUPS: 250, APPS: 50}, share=0.8)


def group(name: str, users: int | None = 1, apps: int | None = 0, **more: object) -> OktaGroup:
    made = OktaGroup(f"00g{name}", "OKTA_GROUP", name, "", STAMP, users, apps)
    return replace(made, **more)  # type: ignore[arg-type]


def groups(*rows: OktaGroup) -> Listing[OktaGroup]:
    return Listing(rows, (), NOW)


def apps(number: int) -> Listing[OktaApp]:
    return Listing(tuple(OktaApp(f"0oa{index}", "", "", "ACTIVE", None) for index in range(number)), (), NOW)


def plan(
    listed: Listing[OktaGroup],
    of: Listing[OktaApp] | None = None,
    *,
    known: Known | None = None,
    pace: Pace = PACE,
    skew: float = 0,
) -> FetchPlan:
    """Plan with use for the members of every group, and the people of every app."""
    of = of or apps(0)
    wanted = Wanted(frozenset(row.id for row in listed.rows), frozenset(row.id for row in of.rows))
    return plan_fetch(listed, of, wanted, known or Known(), pace=pace, skew=timedelta(seconds=skew))


@pytest.mark.parametrize(("users", "calls"), [(1, 1), (1000, 1), (1001, 2), (None, 1)])
def test_the_members_of_a_group_cost_a_call_a_thousand(users: int | None, calls: int) -> None:
    assert plan(groups(group("a", users))).members == {"00ga": calls}


@pytest.mark.parametrize(("granted", "calls"), [(1, 1), (200, 1), (201, 2), (None, 1)])
def test_what_a_group_grants_costs_a_call_two_hundred(granted: int | None, calls: int) -> None:
    found = plan(groups(group("a", apps=granted)))
    assert (found.side, found.grants) == (Side.GROUP, {"00ga": calls})


def test_groups_that_are_counted_empty_are_not_asked() -> None:
    found = plan(groups(group("a", users=0, apps=0)))
    assert (found.members, found.grants, found.remembered) == ({}, {}, frozenset())


@pytest.mark.parametrize(("listed", "calls"), [({}, 1), ({"0oa0": 0}, 1), ({"0oa0": 501}, 2)])
def test_the_people_of_an_app_cost_what_they_did_last_time(listed: dict[str, int], calls: int) -> None:
    assert plan(groups(), apps(1), known=Known(listed=listed)).direct == {"0oa0": calls}


def test_people_of_an_app_that_were_read_already_are_not_read_again() -> None:
    read = Known(direct={"0oa0": Roster(frozenset(), NOW)})
    assert plan(groups(), apps(2), known=read).direct == {"0oa1": 1}


def test_only_what_is_wanted_is_read_but_grants_of_every_group() -> None:
    wanted = Wanted(frozenset({"00ga", "00gElsewhere"}), frozenset({"0oa1"}))
    found = plan_fetch(groups(group("a", apps=1), group("b", apps=1)), apps(2), wanted, Known(), pace=PACE)
    assert (set(found.members), set(found.grants), set(found.direct)) == ({"00ga"}, {"00ga", "00gb"}, {"0oa1"})


def remembered(**change: object) -> bool:
    """Plan for a group whose members were read two minutes after its last change; tell whether they are remembered."""
    changes = {"stamp": STAMP, "read_after": 120.0, "skew": 0.0, "row": group("a"), "hours": 12} | change
    read = MembersRead(changes["stamp"], STAMP + timedelta(seconds=changes["read_after"]), 1)  # type: ignore[arg-type]
    listed = replace(groups(changes["row"]), read_at=STAMP + timedelta(hours=changes["hours"]))  # type: ignore[arg-type]
    found = plan(listed, known=Known({"00ga": read}), skew=changes["skew"])  # type: ignore[arg-type]
    assert ("00ga" in found.members) is not ("00ga" in found.remembered)
    return "00ga" in found.remembered


def test_members_are_remembered_while_the_stamp_has_not_moved() -> None:
    assert remembered()
    assert not remembered(stamp=STAMP - timedelta(seconds=1))
    assert not remembered(stamp=STAMP + timedelta(seconds=1))


def test_members_are_read_again_where_okta_counts_another_number() -> None:
    assert not remembered(row=group("a", users=2))
    assert remembered(row=group("a", users=None))


def test_members_are_read_again_once_a_day() -> None:
    assert remembered(hours=18)
    assert not remembered(hours=25)


def test_groups_that_were_read_together_are_not_all_read_again_together() -> None:
    rows = [group(str(number)) for number in range(100)]
    known = Known({row.id: MembersRead(STAMP, STAMP + OVERLAP, 1) for row in rows})
    listed = replace(groups(*rows), read_at=STAMP + timedelta(hours=21))
    assert 30 < len(plan(listed, known=known).remembered) < 70


def test_members_that_were_read_too_soon_after_the_stamp_are_read_again() -> None:
    assert not remembered(read_after=119.0)


def test_a_stamp_and_a_reading_are_compared_on_oktas_clock() -> None:
    assert remembered(read_after=60.0, skew=60.0)
    assert not remembered(read_after=600.0, skew=-500.0)


def test_a_group_without_a_stamp_is_read() -> None:
    assert not remembered(row=group("a", membership_changed=None))


def test_the_members_of_everyone_are_never_remembered() -> None:
    assert not remembered(row=replace(group("a"), type=BUILT_IN, name=EVERYONE))


def test_a_remembered_group_that_is_empty_by_now_is_neither_read_nor_recalled() -> None:
    known = Known({"00ga": MembersRead(STAMP, NOW, 0)})
    found = plan(groups(group("a", users=0)), known=known)
    assert (found.members, found.remembered) == ({}, frozenset())


def test_a_group_that_is_counted_empty_and_had_members_is_asked() -> None:
    known = Known({"00ga": MembersRead(STAMP, NOW, 3)}, peopled=frozenset({"00ga"}))
    found = plan(groups(group("a", users=0), group("b", users=0)), known=known)
    assert (found.members, found.remembered) == ({"00ga": 1}, frozenset())


def test_the_forecast_counts_listings_rosters_and_what_was_spent_before() -> None:
    rows = groups(*(group(str(index), users=2500 if index < 10 else 0, apps=1) for index in range(201)))
    found = plan(rows, apps(3), known=Known(listed={"0oa0": 1200}, spent={APPS: 45, "/oauth2/v1": 1}))
    assert found.forecast.calls == {GROUPS: 2 + 10 * 3 + 201, APPS: 1 + 3 + 1 + 1 + 45, "/oauth2/v1": 1}
    assert found.forecast.total_seconds == 61


def test_an_unchanged_pass_is_foreseen_to_ask_for_members_of_built_in_groups_alone() -> None:
    everyone = replace(group("e", users=1500), type=BUILT_IN, name=EVERYONE)
    first = plan(groups(group("a", users=2500), everyone))
    assert first.forecast.calls == {GROUPS: 1 + 3 + 2, APPS: 1}
    assert first.unchanged(PACE, {}).calls == {GROUPS: 1 + 2, APPS: 1}


def test_groups_that_changed_a_moment_ago_are_foreseen_to_be_asked_again() -> None:
    fresh = replace(group("a", users=2500), membership_changed=NOW - timedelta(seconds=119))
    assert plan(groups(fresh)).unchanged(PACE, {}).calls == {GROUPS: 1 + 3, APPS: 1}
    settled = replace(fresh, membership_changed=NOW - timedelta(seconds=120))
    assert plan(groups(settled)).unchanged(PACE, {}).calls == {GROUPS: 1, APPS: 1}


def test_the_next_pass_is_foreseen_by_how_many_people_an_app_turned_out_to_have() -> None:
    first = plan(groups(), apps(2))
    assert first.forecast.calls == {GROUPS: 1, APPS: 1 + 1 + 1}
    assert first.unchanged(PACE, {"0oa0": 1200}).calls == {GROUPS: 1, APPS: 1 + 3 + 1}


def granting(number: int) -> Listing[OktaGroup]:
    return groups(*(group(str(index), users=0, apps=1) for index in range(number)))


@pytest.mark.parametrize(
    ("groups_that_grant", "number_of_apps", "side"),
    [
        (10, 2, Side.GROUP),
        (199, 19, Side.GROUP),
        (200, 19, Side.APP),
        (200, 20, Side.GROUP),
        (1000, 100, Side.GROUP),
        (1001, 19, Side.APP),
    ],
)
def test_grants_are_read_from_the_side_that_is_done_sooner(
    groups_that_grant: int, number_of_apps: int, side: Side
) -> None:
    found = plan(granting(groups_that_grant), apps(number_of_apps))
    assert found.side is side
    assert len(found.grants) == (number_of_apps if side is Side.APP else groups_that_grant)
    assert len(found.granting) == groups_that_grant


def test_calls_of_the_apps_bucket_that_are_spent_already_speak_for_the_groups() -> None:
    assert plan(granting(200), apps(19), known=Known(spent={APPS: 2})).side is Side.GROUP


@pytest.mark.parametrize(
    "flaw", [{"incomplete": "page 2"}, {"untrusted": "no id"}, {"malformed": (MalformedRow("0oaX", "no text"),)}]
)
def test_apps_are_not_asked_for_their_groups_where_some_may_be_missing(flaw: dict[str, object]) -> None:
    assert plan(granting(200), apps(18)).side is Side.APP
    assert plan(granting(200), replace(apps(18), **flaw)).side is Side.GROUP  # type: ignore[arg-type]
