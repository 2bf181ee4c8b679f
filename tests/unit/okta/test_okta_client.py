from __future__ import annotations

import asyncio

import aiohttp
import pytest
from aiohttp import web
from teleport_okta.clock import VirtualClock
from teleport_okta.okta.answers import Answer
from teleport_okta.okta.okta_errors import (
    OktaBadRequestError,
    OktaBusyError,
    OktaError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaNotFoundError,
    OktaRateLimitedError,
    OktaUnauthorizedError,
    OktaUnavailableError,
    OktaUnreachableError,
)
from teleport_okta.okta.rate_headers import RateHeaders
from teleport_okta.okta.throttle import Pacer, urgently
from unit.okta.scripted_okta import (
    REQUEST_ID,
    Script,
    ScriptedOkta,
    breaks_off,
    fails,
    promises_more_than_it_sends,
    raw,
    says,
)

THING = "/api/v1/apps/0oaOne"
FINE = says({"id": "0oaOne"})


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (fails(401, "E0000011", "Invalid token provided"), OktaUnauthorizedError, "okta.api_token"),
        (fails(401, "E0000015", "Feature"), OktaForbiddenError, "does not have"),
        (fails(403, "E0000006", "No permission"), OktaForbiddenError, "okta.apps.read"),
        (fails(404, "E0000007", "Not found: 0oaOne (AppInstance)"), OktaNotFoundError, "(AppInstance)"),
        (fails(400, "E0000001", "Api validation failed", "label: too long"), OktaBadRequestError, "label: too long"),
        (
            says({}, status=302, headers={"Location": "https://sso.example"}),
            OktaMalformedAnswerError,
            "sso.example",
        ),
        (raw(b"<html>hi</html>", content_type="text/html"), OktaMalformedAnswerError, "HTML"),
        (says(["a list"]), OktaMalformedAnswerError, "a list instead of an object"),
    ],
)
async def test_an_error_that_will_come_again_is_raised_at_once_by_its_type(
    okta: ScriptedOkta, answer: Script, error: type[OktaError], words: str
) -> None:
    okta.on(THING, answer)
    async with okta.client() as client:
        with pytest.raises(error, match="GET /api/v1/apps/0oaOne") as raised:
            await client.get(THING, {"secret": "q"})
    assert words in str(raised.value)
    assert len(okta.asked) == 1


async def test_an_error_carries_what_oktas_support_asks_for(okta: ScriptedOkta) -> None:
    okta.on(THING, fails(403, "E0000006", "No permission"))
    async with okta.client() as client:
        with pytest.raises(OktaForbiddenError) as raised:
            await client.get(THING)
    failure = raised.value.failure
    assert (failure.status, failure.code, failure.summary) == (403, "E0000006", "No permission")
    assert (failure.request_id, failure.error_id) == (REQUEST_ID, "oaeErrorId0123456789")
    assert f"403 E0000006: No permission [request id {REQUEST_ID}, error id oaeErrorId0123456789]" in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        {"errorCode": "E0000006", "errorSummary": "No", "errorCauses": {"errorSummary": "one cause, no list"}},
        {"errorCode": "E0000006", "errorSummary": None, "errorCauses": [None, {"reason": "x"}]},
        {"errorCode": 6},
        [],
    ],
)
async def test_an_error_body_of_another_form_is_read_as_far_as_it_goes(okta: ScriptedOkta, body: object) -> None:
    okta.on(THING, says(body, status=403))
    async with okta.client() as client:
        with pytest.raises(OktaForbiddenError):
            await client.get(THING)


@pytest.mark.parametrize(
    "fault",
    [
        fails(500, "E0000009"),
        fails(503, "E0000010"),
        raw(b"<html>Bad gateway</html>", status=502, content_type="text/html"),
        raw(b"", status=504),
        raw(b'{"id": "0oa'),
        raw(b"\xff\xfe"),
        raw(b"[" * 100_000),
        breaks_off,
        promises_more_than_it_sends,
    ],
)
async def test_a_passing_fault_is_retried_until_the_answer_is_whole(okta: ScriptedOkta, fault: Script) -> None:
    okta.on(THING, fault, fault, FINE)
    async with okta.client() as client:
        assert await client.get(THING) == {"id": "0oaOne"}
    assert len(okta.asked) == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (fails(503, "E0000181"), OktaUnavailableError),
        (fails(429, "E0000047"), OktaRateLimitedError),
        (raw(b'{"id": "0oa'), OktaMalformedAnswerError),
        (breaks_off, OktaUnavailableError),
    ],
)
async def test_a_fault_that_stays_is_raised_after_five_retries(
    okta: ScriptedOkta, fault: Script, error: type[OktaError]
) -> None:
    okta.on(THING, fault)
    async with okta.client() as client:
        with pytest.raises(error):
            await client.get(THING)
        assert client.calls == {"/api/v1/apps/{id}": 6}


@pytest.mark.parametrize(
    ("fault", "retries"),
    [(fails(503, "E0000181"), 0), (raw(b"busy", status=429, headers={"Retry-After": "17"}), 5)],
    ids=["short pauses", "long pauses"],
)
async def test_the_log_shows_retries_after_long_pauses_only(
    okta: ScriptedOkta, fault: Script, retries: int, caplog: pytest.LogCaptureFixture
) -> None:
    okta.on(THING, fault)
    caplog.set_level("INFO", logger="teleport_okta")
    async with okta.client() as client:
        with pytest.raises(OktaError):
            await client.get(THING)
    assert caplog.text.count("; retry ") == retries
    assert okta.times_asked(THING) == 6


async def test_a_retry_tells_which_request_it_repeats(okta: ScriptedOkta) -> None:
    okta.on(THING, fails(503, "E0000181"), FINE)
    async with okta.client() as client:
        await client.get(THING)
    first, second = okta.asked
    assert "X-Okta-Retry-For" not in first.headers
    assert (second.headers["X-Okta-Retry-For"], second.headers["X-Okta-Retry-Count"]) == (REQUEST_ID, "1")


async def test_a_server_that_does_not_answer_is_unavailable(okta: ScriptedOkta) -> None:
    okta.on(THING, FINE)
    okta.answering.clear()
    async with okta.client(timeouts=aiohttp.ClientTimeout(sock_read=0.01)) as client:
        with pytest.raises(OktaUnavailableError, match="no answer in time"):
            await client.get(THING)
        okta.answering.set()


async def test_a_host_that_is_not_there_is_unreachable(okta: ScriptedOkta, unused_tcp_port: int) -> None:
    okta.url = f"http://127.0.0.1:{unused_tcp_port}"
    async with okta.client() as client:
        with pytest.raises(OktaUnreachableError, match="did not reach"):
            await client.get(THING)


@pytest.mark.parametrize(
    ("status", "code"),
    [(423, "E0000239"), (423, ""), (409, "E0000268"), (409, "E0000145"), (409, "E0000195"), (409, "E0000112")],
)
async def test_what_okta_is_changing_is_asked_for_again(okta: ScriptedOkta, status: int, code: str) -> None:
    okta.on(THING, fails(status, code), FINE)
    async with okta.client() as client:
        assert await client.write("POST", THING, Answer.json_object, repeatable=False) == {"id": "0oaOne"}
        okta.on(THING, fails(status, code))
        with pytest.raises(OktaBusyError, match="Okta is changing the same object"):
            await client.get(THING)
    assert okta.times_asked(THING) == 2 + 6


@pytest.mark.parametrize("code", ["E0000055", "E0000062"])
async def test_a_conflict_that_stays_is_not_asked_for_again(okta: ScriptedOkta, code: str) -> None:
    okta.on(THING, fails(409, code))
    async with okta.client() as client:
        with pytest.raises(OktaBadRequestError):
            await client.get(THING)
    assert okta.times_asked(THING) == 1


@pytest.mark.parametrize(
    ("headers", "wait"), [({"Retry-After": "17"}, 17), ({}, 60), ({"Retry-After": "86400"}, 300)], ids=str
)
async def test_a_refusal_by_something_before_okta_is_waited_out(
    okta: ScriptedOkta, headers: dict[str, str], wait: float
) -> None:
    okta.on(THING, raw(b"busy", status=429, content_type="text/plain", headers=headers), FINE)
    async with okta.client() as client:
        await client.get(THING)
    assert wait + 1 <= okta.clock.monotonic() <= wait + 2


async def test_a_refusal_by_something_before_okta_holds_every_call_of_the_bucket() -> None:
    clock = VirtualClock()
    pacer = Pacer(clock, share=0.8)
    async with pacer.turn("apps") as turn:
        turn.refused, turn.closed_for = True, 17
    async with pacer.turn("groups"):
        assert clock.monotonic() == 0
    with urgently():
        async with pacer.turn("apps"):
            assert clock.monotonic() == 17


def rate(limit: int, remaining: int) -> RateHeaders:
    return RateHeaders(limit, remaining, reset=1_700_000_000, resets_in=30)


async def test_a_used_up_limit_is_waited_out_by_the_servers_clock(okta: ScriptedOkta) -> None:
    okta.on(THING, fails(429, "E0000047", rate=rate(50, 0)), FINE)
    async with okta.client() as client:
        await client.get(THING)
    assert 31 <= okta.clock.monotonic() <= 32


async def test_too_many_calls_at_once_pause_this_call_but_not_its_bucket(okta: ScriptedOkta) -> None:
    okta.on(THING, fails(429, "E0000047", rate=rate(0, 0)), FINE)
    async with okta.client() as client:
        await client.get(THING)
    assert 0.5 <= okta.clock.monotonic() <= 2


async def test_the_reserve_of_a_bucket_is_left_and_other_buckets_go_on(okta: ScriptedOkta) -> None:
    okta.on(THING, says({}, rate=rate(10, 2)), FINE)
    okta.on("/api/v1/groups/00g1", FINE)
    async with okta.client(share=0.8) as client:
        await client.get(THING)
        await client.get("/api/v1/groups/00g1")
        assert okta.clock.monotonic() == 0
        await client.get(THING)
    assert okta.clock.monotonic() == 31


async def test_no_more_than_eight_requests_are_ever_in_flight(okta: ScriptedOkta) -> None:
    paths = [f"/api/v1/{kind}/{number}" for kind in ("apps", "groups") for number in range(20)]
    for path in paths:
        okta.on(path, says({}, rate=rate(600, 500)))
    async with okta.client() as client, asyncio.TaskGroup() as tasks:
        for path in (paths[0], paths[-1]):
            await client.get(path)
        okta.answering.clear()
        for path in paths:
            tasks.create_task(client.get(path))
        await okta.concurrent_reaches(8)
        okta.answering.set()
    assert okta.most_concurrent == 8


async def test_a_bucket_whose_limit_is_not_known_yet_starts_with_two_calls(okta: ScriptedOkta) -> None:
    okta.on(THING, says({}, rate=rate(600, 500)))
    okta.answering.clear()
    async with okta.client() as client, asyncio.TaskGroup() as tasks:
        for _ in range(6):
            tasks.create_task(client.get(THING))
        await okta.concurrent_reaches(2)
        assert len(okta.asked) == 2
        okta.answering.set()
    assert len(okta.asked) == 6


async def test_calls_are_counted_by_bucket_since_a_mark(okta: ScriptedOkta) -> None:
    okta.on(THING, FINE)
    okta.on("/api/v1/users/00u1", fails(503, "E0000181"), FINE)
    async with okta.client() as client:
        await client.get(THING)
        mark = client.calls
        await client.get(THING)
        await client.get("/api/v1/users/00u1")
        assert client.calls_since(mark) == {"/api/v1/apps/{id}": 1, "GET /api/v1/users/{id}": 2}


async def test_the_deadline_ends_retries_that_would_go_on(okta: ScriptedOkta) -> None:
    def slow(request: web.Request) -> web.StreamResponse:
        okta.clock.advance(200)
        return fails(503, "E0000181")(request)

    okta.on(THING, slow)
    async with okta.client() as client:
        with pytest.raises(OktaUnavailableError):
            await client.get(THING)
    assert len(okta.asked) == 2


async def test_a_refusal_empties_the_bucket_for_the_other_calls_too(okta: ScriptedOkta) -> None:
    def late(request: web.Request) -> web.StreamResponse:
        okta.clock.advance(400)
        return fails(429, "E0000047", rate=rate(50, 40))(request)

    okta.on(THING, late, FINE)
    async with okta.client() as client:
        with pytest.raises(OktaRateLimitedError):
            await client.get(THING)
        await client.get(THING)
    assert okta.clock.monotonic() == 400 + 31


async def test_a_token_goes_to_okta_and_into_no_error(okta: ScriptedOkta) -> None:
    okta.on(THING, fails(401, "E0000011", "Invalid token provided"))
    async with okta.client() as client:
        with pytest.raises(OktaUnauthorizedError) as raised:
            await client.get(THING)
    assert okta.asked[0].headers["Authorization"] == "SSWS 00aToken"
    assert "00aToken" not in f"{raised.value} {raised.value!r} {vars(raised.value)} {raised.value.__cause__}"
