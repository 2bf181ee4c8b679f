"""Changes: how they are sent, and which of them are sent again."""

from __future__ import annotations

import aiohttp
import pytest
from teleport_okta.okta.answers import Answer
from teleport_okta.okta.okta_errors import (
    OktaBadRequestError,
    OktaError,
    OktaMalformedAnswerError,
    OktaOutcomeUnknownError,
    OktaRateLimitedError,
    OktaUnauthorizedError,
    OktaUnavailableError,
)
from unit.okta.scripted_okta import (
    Script,
    ScriptedOkta,
    breaks_off,
    fails,
    promises_more_than_it_sends,
    raw,
    says,
)

THINGS = "/api/v1/apps"
DONE = says({"id": "0oaOne"})


async def write(okta: ScriptedOkta, *, repeatable: bool, timeouts: aiohttp.ClientTimeout | None = None) -> object:
    async with okta.client(timeouts=timeouts) as client:
        return await client.write(
            "POST", THINGS, Answer.json_object, query={"activate": "true"}, body={"label": "Ä"}, repeatable=repeatable
        )


async def test_a_body_is_sent_as_json(okta: ScriptedOkta) -> None:
    okta.on(THINGS, DONE)
    assert await write(okta, repeatable=False) == {"id": "0oaOne"}
    [asked] = okta.asked
    assert (asked.method, asked.path_qs, asked.body) == ("POST", f"{THINGS}?activate=true", '{"label": "\\u00c4"}')
    assert asked.headers["Content-Type"] == asked.headers["Accept"] == "application/json"


async def test_a_write_without_a_body_tells_its_length_and_okta_s_type(okta: ScriptedOkta) -> None:
    okta.on(THINGS, DONE)
    async with okta.client() as client:
        await client.write("POST", THINGS, Answer.json_object)
    [asked] = okta.asked
    assert (asked.headers["Content-Length"], asked.headers["Content-Type"]) == ("0", "application/json")


@pytest.mark.parametrize(
    "trouble",
    [
        breaks_off,
        promises_more_than_it_sends,
        fails(500, "E0000009"),
        raw(b"<html>", status=502, content_type="text/html"),
        raw(b"<html>", status=503, content_type="text/html"),
        raw(b"<html>", content_type="text/html"),
        raw(b'{"id": "0oaO'),
        says(["no object"]),
    ],
)
async def test_what_must_not_be_done_twice_is_not_sent_again_if_it_may_have_been_done(
    okta: ScriptedOkta, trouble: Script
) -> None:
    okta.on(THINGS, trouble, DONE)
    with pytest.raises(OktaOutcomeUnknownError, match="POST /api/v1/apps may have been done") as raised:
        await write(okta, repeatable=False)
    assert okta.times_asked(THINGS) == 1
    assert isinstance(raised.value.__cause__, OktaError)
    assert "00aToken" not in f"{raised.value} {raised.value.__cause__!r}"


async def test_an_answer_that_does_not_come_in_time_leaves_it_open(okta: ScriptedOkta) -> None:
    okta.on(THINGS, DONE)
    okta.answering.clear()
    with pytest.raises(OktaOutcomeUnknownError):
        await write(okta, repeatable=False, timeouts=aiohttp.ClientTimeout(total=0.05))
    okta.answering.set()


@pytest.mark.parametrize(
    "refusal",
    [
        fails(429, "E0000047"),
        raw(b"<html>", status=429, content_type="text/html"),
        fails(503, "E0000010"),
    ],
)
async def test_what_was_certainly_not_done_is_sent_again(okta: ScriptedOkta, refusal: Script) -> None:
    okta.on(THINGS, refusal, DONE)
    assert await write(okta, repeatable=False) == {"id": "0oaOne"}
    assert okta.times_asked(THINGS) == 2


async def test_an_unclear_end_of_a_second_attempt_counts_like_one_of_the_first(okta: ScriptedOkta) -> None:
    okta.on(THINGS, fails(429, "E0000047"), breaks_off, DONE)
    with pytest.raises(OktaOutcomeUnknownError):
        await write(okta, repeatable=False)
    assert okta.times_asked(THINGS) == 2


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (fails(400, "E0000001"), OktaBadRequestError),
        (fails(401, "E0000011"), OktaUnauthorizedError),
        (fails(429, "E0000047"), OktaRateLimitedError),
        (fails(503, "E0000010"), OktaUnavailableError),
        (says({}, status=302, headers={"Location": "https://sso.example"}), OktaMalformedAnswerError),
    ],
)
async def test_a_refusal_that_stays_is_raised_as_what_it_is(
    okta: ScriptedOkta, refusal: Script, error: type[OktaError]
) -> None:
    okta.on(THINGS, refusal)
    with pytest.raises(error):
        await write(okta, repeatable=False)


@pytest.mark.parametrize("trouble", [breaks_off, promises_more_than_it_sends, fails(500, "E0000009")])
async def test_what_may_be_done_twice_is_sent_again(okta: ScriptedOkta, trouble: Script) -> None:
    okta.on(THINGS, trouble, DONE)
    assert await write(okta, repeatable=True) == {"id": "0oaOne"}


async def test_a_client_limited_to_scopes_shares_calls_and_pace_with_the_other(okta: ScriptedOkta) -> None:
    okta.on(THINGS, DONE)
    async with okta.client() as client:
        limited = client.limited_to(("okta.apps.manage",))
        await limited.get(THINGS)
        await client.get(THINGS)
        assert client.calls == limited.calls == {THINGS: 2}
