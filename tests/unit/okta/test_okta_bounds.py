"""Answers of Okta that would not end: too long, too deep, and listings that always name a next page."""

from __future__ import annotations

import tracemalloc
import zlib
from itertools import count
from typing import TYPE_CHECKING

import pytest
from teleport_okta.model.okta import MalformedRow
from teleport_okta.okta import facts
from teleport_okta.okta.collect import collect
from teleport_okta.okta.fields import demanded
from teleport_okta.okta.okta_errors import OktaAnswerTooLongError, OktaMalformedAnswerError
from teleport_okta.okta.progress import GRACE
from teleport_okta.okta.rate_headers import RateHeaders
from teleport_okta.okta.transport import MOST_BYTES
from unit.okta.scripted_okta import Script, ScriptedOkta, raw, says

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web
    from teleport_okta.model.directory import Listing

USERS = "/api/v1/users"
MIB = 1 << 20


def bomb(mib: int) -> Script:
    """Answer with a list of that many MiB of blanks, a thousandth of it on the wire."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join([packer.compress(b"["), *(packer.compress(b" " * MIB) for _ in range(mib))])
    return raw(packed + packer.compress(b"]") + packer.flush(), headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize("path", ["/api/v1/users/00u1", USERS])
async def test_an_answer_is_not_read_beyond_its_longest(okta: ScriptedOkta, path: str) -> None:
    okta.on(path, bomb(96))
    async with okta.client() as client:
        tracemalloc.start()
        try:
            with pytest.raises(OktaAnswerTooLongError, match="answered more than 8,388,608 bytes"):
                await (client.first_page(path, {}) if path == USERS else client.get(path))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 3 * MOST_BYTES
    assert okta.times_asked(path) == 1


async def test_a_page_that_is_too_long_is_asked_for_in_halves(okta: ScriptedOkta) -> None:
    okta.on(f"{USERS}?limit=200", bomb(9))
    okta.on(f"{USERS}?limit=100", says([{"id": "00u1"}]))
    assert (await listed(okta)).rows == ("00u1",)
    assert okta.times_asked(USERS) == 2


async def test_one_value_that_is_nested_too_deeply_does_not_hide_a_status() -> None:
    value: object = "deep"
    for _ in range(65):
        value = [value]
    row = {"id": "00u1", "status": "SUSPENDED", "profile": {"login": "ada@acme.example", "tree": value}}
    found = facts.person_of_user(row)
    assert isinstance(found, MalformedRow)
    assert (found.status, found.reason) == ("SUSPENDED", "profile.'tree' is nested more than 64 deep")
    assert not isinstance(facts.person_of_user({**row, "profile": {"tree": value[0]}}), MalformedRow)  # type: ignore[index]


def endless(okta: ScriptedOkta, rows: Callable[[int], list[object]], *, used_up: bool = False) -> Script:
    """Answer with a page, and the address of a next one that was never named before."""
    numbers = count()

    def answer(request: web.Request) -> web.StreamResponse:
        number = next(numbers)
        following = f"{okta.url}{request.path}?limit=200&after=c{number}"
        reset = int(okta.clock.now().timestamp()) + 30
        rate = RateHeaders(limit=50, remaining=0, reset=reset, resets_in=30) if used_up else None
        return says(rows(number), links={"next": following}, rate=rate)(request)

    return answer


async def listed(okta: ScriptedOkta) -> Listing[str]:
    async with okta.client() as client:
        return await collect(client, USERS, {"limit": "200"}, lambda row: demanded(row, "id"))


@pytest.mark.parametrize(
    "rows", [lambda _: [], lambda _: [{"id": "00u1"}], lambda _: [{"name": "x"}]], ids=["none", "old ones", "no ids"]
)
async def test_three_pages_without_a_new_id_end_a_listing_as_incomplete(
    okta: ScriptedOkta, rows: Callable[[int], list[object]]
) -> None:
    okta.on(USERS, endless(okta, rows))
    listing = await listed(okta)
    assert "does not advance: 3 pages in a row had no new rows" in (listing.incomplete or "")
    assert okta.times_asked(USERS) in {3, 4}


async def test_two_pages_without_a_new_id_are_ordinary(okta: ScriptedOkta) -> None:
    later: list[object] = [{"id": "00u2"}]
    okta.on(USERS, endless(okta, lambda number: later if number == 3 else [{"id": "00u1"}] if number < 3 else []))
    assert set((await listed(okta)).rows) == {"00u1", "00u2"}
    assert okta.times_asked(USERS) == 7


async def test_a_listing_that_brings_a_row_a_page_ends_by_its_forecast(okta: ScriptedOkta) -> None:
    okta.on(USERS, endless(okta, lambda number: [{"id": f"00u{number}"}], used_up=True))
    listing = await listed(okta)
    assert "does not end" in (listing.incomplete or "")
    assert GRACE < okta.clock.monotonic() < 2 * GRACE


@pytest.mark.parametrize("credentials", ["me:hunter2@", "me@", ":hunter2@"])
async def test_a_next_page_with_a_user_name_in_its_address_is_not_followed(
    okta: ScriptedOkta, credentials: str
) -> None:
    following = f"{okta.url}{USERS}?after=1".replace("http://", f"http://{credentials}")
    okta.on(USERS, says([{"id": "00u1"}], links={"next": following}))
    async with okta.client() as client:
        with pytest.raises(OktaMalformedAnswerError, match="with a user name in its address") as refused:
            _ = [page async for page in client.pages(USERS, {"limit": "200"})]
    assert "hunter2" not in str(refused.value)
    assert len(okta.asked) == 1
