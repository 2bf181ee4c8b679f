from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientTimeout, web
from teleport_okta.okta.okta_errors import (
    OktaBadRequestError,
    OktaCursorRefusedError,
    OktaMalformedAnswerError,
    OktaUnavailableError,
)
from unit.okta.scripted_okta import Script, ScriptedOkta, fails, raw, says

if TYPE_CHECKING:
    from teleport_okta.okta.client import OktaClient

USERS = "/api/v1/users"


async def rows_of(client: OktaClient, limit: int = 200) -> list[object]:
    return [row async for page in client.pages(USERS, {"limit": str(limit)}) for row in page.rows]


async def test_a_listing_is_followed_verbatim_to_its_last_page(okta: ScriptedOkta) -> None:
    cursor = f"{USERS}?limit=2&after=00u%2F2%20b&x=a+b,c"
    okta.on(f"{USERS}?limit=200", says([1, 2], links={"self": f"{okta.url}{USERS}", "next": f"{okta.url}{cursor}"}))
    okta.on(cursor, says([3]))
    async with okta.client() as client:
        assert await rows_of(client) == [1, 2, 3]
    assert [asked.path_qs for asked in okta.asked] == [f"{USERS}?limit=200", cursor]


async def test_an_empty_page_in_the_middle_does_not_end_a_listing(okta: ScriptedOkta) -> None:
    okta.on(f"{USERS}?limit=200", says([], links={"next": f"{okta.url}{USERS}?after=1"}))
    okta.on(f"{USERS}?after=1", says([1]))
    async with okta.client() as client:
        assert await rows_of(client) == [1]


@pytest.mark.parametrize("loop", [f"{USERS}?limit=200", f"{USERS}?after=1"])
async def test_a_listing_that_does_not_advance_is_an_error(okta: ScriptedOkta, loop: str) -> None:
    okta.on(f"{USERS}?limit=200", says([1], links={"next": f"{okta.url}{USERS}?after=1"}))
    okta.on(f"{USERS}?after=1", says([2], links={"next": f"{okta.url}{loop}"}))
    async with okta.client() as client:
        with pytest.raises(OktaMalformedAnswerError, match="does not advance"):
            await rows_of(client)


@pytest.mark.parametrize(
    "link", ["https://evil.example/api/v1/users", "/api/v1/users?after=1", "http://[::1", "x", "http://a b/"]
)
async def test_a_listing_that_leads_elsewhere_is_not_followed(okta: ScriptedOkta, link: str) -> None:
    okta.on(USERS, says([1], links={"next": link}))
    async with okta.client() as client:
        with pytest.raises(OktaMalformedAnswerError):
            await rows_of(client)
    assert len(okta.asked) == 1


async def test_an_answer_that_is_no_list_is_an_error(okta: ScriptedOkta) -> None:
    okta.on(USERS, says({"id": "00u1"}))
    async with okta.client() as client:
        with pytest.raises(OktaMalformedAnswerError, match="a dict instead of a list"):
            await rows_of(client)


async def test_a_refused_cursor_restarts_the_listing_once(okta: ScriptedOkta) -> None:
    bad_cursor = fails(400, "E0000029", "Invalid paging request.", "Invalid cursor.")
    okta.on(f"{USERS}?limit=200", says([1], links={"next": f"{okta.url}{USERS}?after=1"}))
    okta.on(f"{USERS}?after=1", bad_cursor, says([2]))
    async with okta.client() as client:
        pages = [page async for page in client.pages(USERS, {"limit": "200"})]
        assert [(page.rows, page.restarted) for page in pages] == [([1], False), ([1], True), ([2], False)]
        okta.on(f"{USERS}?after=1", bad_cursor)
        with pytest.raises(OktaCursorRefusedError):
            await rows_of(client)
    assert okta.times_asked(USERS) == 4 + 4


@pytest.mark.parametrize(
    ("code", "cause", "restarts"), [("E0000031", "Invalid cursor.", True), ("E0000031", "Invalid filter", False)]
)
async def test_a_search_error_counts_as_a_refused_cursor_by_its_cause(
    okta: ScriptedOkta, code: str, cause: str, restarts: bool
) -> None:
    okta.on(USERS, fails(400, code, "Invalid search criteria.", cause))
    async with okta.client() as client:
        with pytest.raises(OktaBadRequestError) as raised:
            await rows_of(client)
    assert isinstance(raised.value, OktaCursorRefusedError) is restarts


def hangs(_: web.Request) -> web.StreamResponse:
    """Send the head of an answer, and nothing more."""
    return web.StreamResponse(headers={"Content-Length": "9", "Content-Type": "application/json"})


def is_html(status: int) -> Script:
    return raw(b"<html></html>", status=status, content_type="text/html")


@pytest.mark.parametrize(
    "answer",
    [fails(500, "E0000009"), fails(500, "E0000999"), is_html(500), is_html(504), raw(b"", status=504), hangs],
    ids=["its own time-out", "another 500", "HTML 500", "HTML 504", "empty 504", "silence"],
)
async def test_a_page_that_takes_okta_too_long_is_asked_for_in_halves(okta: ScriptedOkta, answer: Script) -> None:
    okta.on(f"{USERS}?limit=200", says([1], links={"next": f"{okta.url}{USERS}?after=1&limit=200"}))
    okta.on(f"{USERS}?after=1&limit=200", answer)
    okta.on(f"{USERS}?after=1&limit=100", answer)
    okta.on(f"{USERS}?after=1&limit=50", says([2], links={"next": f"{okta.url}{USERS}?after=2&limit=50"}))
    okta.on(f"{USERS}?after=2&limit=50", says([3]))
    # A short timeout only for the answer that never comes: on a busy machine the others may take longer.
    timeouts = ClientTimeout(sock_read=0.5) if answer is hangs else None
    async with okta.client(timeouts=timeouts) as client:
        assert await rows_of(client) == [1, 2, 3]
    assert len(okta.asked) == 1 + 2 + 2 + 1 + 1


async def test_a_listing_that_stays_too_slow_is_given_up(okta: ScriptedOkta) -> None:
    okta.on(USERS, fails(500, "E0000009"))
    async with okta.client() as client:
        with pytest.raises(OktaUnavailableError):
            await rows_of(client, limit=40)
    asked = [asked.path_qs.partition("limit=")[2] for asked in okta.asked]
    assert asked == ["40", "40", "20", "20", "10", "10"]


async def test_the_first_page_alone_becomes_smaller_too(okta: ScriptedOkta) -> None:
    okta.on(f"{USERS}?limit=200", fails(500, "E0000009"))
    okta.on(f"{USERS}?limit=100", says([1]))
    async with okta.client() as client:
        page = await client.first_page(USERS, {"limit": "200"})
    assert (page.rows, page.limit) == ([1], 100)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_passing_server_error_is_retried_without_smaller_pages(okta: ScriptedOkta, status: int) -> None:
    okta.on(USERS, is_html(status), says([1]))
    async with okta.client() as client:
        assert await rows_of(client) == [1]
    assert {asked.path_qs for asked in okta.asked} == {f"{USERS}?limit=200"}
