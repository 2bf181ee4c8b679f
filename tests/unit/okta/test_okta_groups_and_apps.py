from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.model.okta import MalformedRow
from teleport_okta.okta.credentials import ApiToken
from teleport_okta.okta.groups_and_apps import NOT_FOUND, DirectoryReads
from teleport_okta.okta.okta_errors import (
    OktaRateLimitedError,
    OktaUnauthorizedError,
    OktaUnreachableError,
)
from unit.okta.scripted_okta import Script, ScriptedOkta, breaks_off, fails, raw, says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from teleport_okta.model.directory import Roster

GROUPS = "/api/v1/groups"
APPS = "/api/v1/apps"
MEMBERS = "/api/v1/groups/00gOne/users"
PEOPLE = "/api/v1/apps/0oaOne/users"


def group(name: str) -> dict[str, object]:
    return {"id": f"00g{name}", "type": "OKTA_GROUP", "profile": {"name": name}}


@pytest.fixture
async def reads(okta: ScriptedOkta) -> AsyncIterator[DirectoryReads]:
    async with okta.client() as client:
        yield DirectoryReads(client)


async def test_groups_are_listed_with_their_counts_two_hundred_a_page(
    okta: ScriptedOkta, reads: DirectoryReads
) -> None:
    okta.on(f"{GROUPS}?limit=200&expand=stats", says([group("a")], links={"next": f"{okta.url}{GROUPS}?after=1"}))
    okta.on(f"{GROUPS}?after=1", says([group("b")]))
    listing = await reads.groups()
    assert [row.name for row in listing.rows] == ["a", "b"]
    assert (listing.incomplete, listing.untrusted, listing.malformed) == (None, None, ())


async def test_apps_are_listed_two_hundred_a_page(okta: ScriptedOkta, reads: DirectoryReads) -> None:
    okta.on(f"{APPS}?limit=200", says([{"id": "0oa1", "label": "Mail", "status": "INACTIVE"}]))
    assert [(app.label, app.is_active) for app in (await reads.apps()).rows] == [("Mail", False)]


async def test_one_bad_row_is_set_aside_and_one_without_an_id_makes_absences_untrusted(
    okta: ScriptedOkta, reads: DirectoryReads
) -> None:
    okta.on(GROUPS, says([group("a"), {"id": "00gb"}, group("c") | {"id": None}]))
    listing = await reads.groups()
    assert [row.name for row in listing.rows] == ["a"]
    assert listing.malformed == (MalformedRow(None, "there is no id"), MalformedRow("00gb", "there is no name"))
    assert listing.untrusted == "1 rows of the listing have no id: there is no id"


async def test_a_listing_that_restarts_forgets_the_rows_before(okta: ScriptedOkta, reads: DirectoryReads) -> None:
    following = {"next": f"{okta.url}{GROUPS}?after=1"}
    first = f"{GROUPS}?limit=200&expand=stats"
    okta.on(first, says([group("a")], links=following), says([group("b")], links=following))
    okta.on(f"{GROUPS}?after=1", fails(400, "E0000029", "Invalid paging request."), says([group("c")]))
    assert [row.name for row in (await reads.groups()).rows] == ["b", "c"]


def rosters(reads: DirectoryReads) -> dict[str, Callable[[], Awaitable[Roster]]]:
    """All kinds, by the path and query of the first page."""
    return {
        "/api/v1/groups/a%2Fb/users?limit=1000": lambda: reads.members("a/b"),
        "/api/v1/groups/a%2Fb/apps?limit=200": lambda: reads.grants("a/b"),
        "/api/v1/apps/a%2Fb/groups?limit=200": lambda: reads.groups_of_app("a/b"),
        "/api/v1/apps/a%2Fb/users?limit=500": lambda: reads.direct("a/b"),
    }


async def test_every_roster_is_read_to_its_end_in_pages_as_large_as_there_are(
    okta: ScriptedOkta, reads: DirectoryReads
) -> None:
    for first, read in rosters(reads).items():
        row = {"scope": "USER", "status": "ACTIVE"}
        path = first.partition("?")[0]
        okta.on(first, says([row | {"id": "1"}, row | {"id": "2"}], links={"next": f"{okta.url}{path}?after=2"}))
        okta.on(f"{path}?after=2", says([row | {"id": "2"}, row | {"id": "3"}]))
        asked_at = okta.clock.now()
        roster = await read()
        assert (roster.ids, roster.listed, roster.problem) == ({"1", "2", "3"}, 3, "")
        assert (roster.read_at, roster.remembered, roster.refused) == (asked_at, False, False)


async def test_members_are_members_whatever_their_status(okta: ScriptedOkta, reads: DirectoryReads) -> None:
    okta.on(MEMBERS, says([{"id": "00uAda", "status": "ACTIVE"}, {"id": "00uBob", "status": "DEPROVISIONED"}]))
    assert (await reads.members("00gOne")).ids == {"00uAda", "00uBob"}


async def test_of_an_apps_people_those_who_have_it_directly_and_still_are_on_the_roster(
    okta: ScriptedOkta, reads: DirectoryReads
) -> None:
    rows = [("Ada", "USER", "ACTIVE"), ("Bob", "GROUP", "ACTIVE"), ("Cyd", "USER", "DEPROVISIONED")]
    okta.on(PEOPLE, says([{"id": name, "scope": scope, "status": status} for name, scope, status in rows]))
    roster = await reads.direct("0oaOne")
    assert (roster.ids, roster.listed) == ({"Ada"}, 3)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"status": "ACTIVE"}, "there is no id"),
        (None, "not an object"),
        ({"id": "00uBob", "scope": 7}, "scope is not a text"),
    ],
)
async def test_a_row_that_cannot_be_read_is_the_rosters_problem(
    okta: ScriptedOkta, reads: DirectoryReads, row: object, reason: str
) -> None:
    okta.on(PEOPLE, says([{"id": "00uAda", "scope": "USER"}, row]))
    assert reason in (await reads.direct("0oaOne")).problem


@pytest.mark.parametrize(
    ("answer", "problem", "refused"),
    [
        (fails(403, "E0000006", "You do not have permission"), "You do not have permission", True),
        (fails(403, "E0000006"), "permission to view roles, resources, and admin assignments", True),
        (fails(404, "E0000007", "Not found"), NOT_FOUND, False),
        (fails(503, "E0000181"), "failed inside Okta", False),
        (fails(500, "E0000009"), "failed inside Okta", False),
        (fails(400, "E0000001", "Api validation failed"), "Api validation failed", False),
        (raw(b"[{"), "not complete JSON", False),
        (says({}), "instead of a list", False),
        (breaks_off, "did not reach", False),
    ],
)
async def test_an_error_about_one_object_is_the_problem_of_its_roster(
    okta: ScriptedOkta, reads: DirectoryReads, answer: Script, problem: str, refused: bool
) -> None:
    okta.on(MEMBERS, answer)
    roster = await reads.members("00gOne")
    assert problem in roster.problem
    assert (roster.ids, roster.refused) == (frozenset(), refused)


@pytest.mark.parametrize(
    ("answer", "error"),
    [(fails(401, "E0000011"), OktaUnauthorizedError), (fails(429, "E0000047"), OktaRateLimitedError)],
)
async def test_what_every_other_roster_would_meet_too_is_an_error(
    okta: ScriptedOkta, reads: DirectoryReads, answer: Script, error: type[Exception]
) -> None:
    okta.on(MEMBERS, answer)
    with pytest.raises(error):
        await reads.members("00gOne")


async def test_an_okta_that_is_not_there_is_an_error(okta: ScriptedOkta, unused_tcp_port: int) -> None:
    okta.url = f"http://127.0.0.1:{unused_tcp_port}"
    async with okta.client(ApiToken("00aToken")) as client:
        with pytest.raises(OktaUnreachableError):
            await DirectoryReads(client).members("00gOne")


async def test_the_same_person_in_two_rosters_is_one_text_in_memory(okta: ScriptedOkta, reads: DirectoryReads) -> None:
    okta.on(MEMBERS, says([{"id": "00uAda"}]))
    okta.on("/api/v1/groups/00gTwo/users", says([{"id": "00uAda"}]))
    [one], [two] = (await reads.members("00gOne")).ids, (await reads.members("00gTwo")).ids
    assert one is two
