from __future__ import annotations

import logging
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.okta.okta_clock import OktaClock, date_of
from teleport_okta.okta.okta_errors import OktaTokenRefusedError
from unit.okta.scripted_okta import Script, ScriptedOkta, says
from unit.okta.token_endpoint import (
    THING,
    TOKEN,
    Proof,
    ProofDemandingApp,
    assertion_claims,
    gives,
    refuses,
    service_app,
)

if TYPE_CHECKING:
    from aiohttp import web

HOURS = 3600.0


class Listener:
    """A machine's clock, and Okta's as it is heard by answers whose `Date` is so far off."""

    def __init__(self) -> None:
        self.machine = VirtualClock()
        self.machine.advance(0.9)
        self.okta = OktaClock(self.machine)

    def hears(self, skew: float, *, took: float = 0.0, **headers: str) -> None:
        sent = self.machine.now()
        self.machine.advance(took)
        date = formatdate(sent.timestamp() + took / 2 + skew, usegmt=True)
        self.okta.heard({"Date": date, **headers}, sent=sent, took=took)


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.mark.parametrize("took", [0, 3])
@pytest.mark.parametrize("skew", [0, 90, -90, 3 * HOURS, -3 * HOURS])
def test_the_skew_is_known_to_half_a_second_from_one_answer(listener: Listener, skew: float, took: float) -> None:
    assert listener.okta.skew is None
    listener.hears(skew, took=took)
    assert listener.okta.skew == pytest.approx(skew, abs=0.51)
    assert listener.okta.now().timestamp() == pytest.approx(listener.machine.now().timestamp() + skew, abs=0.51)


@pytest.mark.parametrize("odd", [{"skew": 900}, {"skew": 900, "Age": "900"}, {"skew": 0, "took": 60}])
def test_one_odd_answer_among_many_changes_nothing(listener: Listener, odd: dict[str, object]) -> None:
    for _ in range(4):
        listener.hears(10)
    listener.hears(**odd)  # type: ignore[arg-type]
    assert listener.okta.skew == pytest.approx(10, abs=1)


@pytest.mark.parametrize("odd", [{"skew": 900, "Age": "1"}, {"skew": 900, "took": 5.1}])
def test_an_answer_that_cannot_tell_the_time_is_passed_over(listener: Listener, odd: dict[str, object]) -> None:
    listener.hears(**odd)  # type: ignore[arg-type]
    assert listener.okta.skew is None


def test_a_clock_that_was_set_is_followed_after_three_answers(listener: Listener) -> None:
    for skew in (0, 0, 0, 0, 0, 600, 600, 600):
        listener.hears(skew)
    assert listener.okta.skew == pytest.approx(600, abs=1)


def test_the_skew_may_be_reduced_to_the_latest_answer(listener: Listener) -> None:
    for skew in (0, 0, 0, 600):
        listener.hears(skew)
    listener.okta.use_latest()
    assert listener.okta.skew == listener.okta.latest == pytest.approx(600, abs=1)


@pytest.mark.parametrize(("skew", "words"), [(40, "behind Okta's"), (-40, "ahead of Okta's"), (20, None)])
def test_a_wrong_clock_is_warned_of_once(
    listener: Listener, caplog: pytest.LogCaptureFixture, skew: float, words: str | None
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            listener.hears(skew)
    assert [words in record.getMessage() for record in caplog.records if words] == [True] * bool(words)
    assert len(caplog.records) == bool(words)


@pytest.mark.parametrize("text", ["", "yesterday", "Mon, 99 Jan 2026 00:00:00 GMT", "2026-01-05T09:00:00Z"])
def test_an_invalid_date_gives_no_skew(text: str) -> None:
    assert date_of({"Date": text}) is None


def test_a_date_without_a_zone_is_utc() -> None:
    assert date_of({"Date": "Mon, 05 Jan 2026 09:00:00 -0000"}) == date_of({"Date": "Mon, 05 Jan 2026 09:00:00 GMT"})


def refuses_wrong_times(okta: ScriptedOkta) -> Script:
    """Give a token for an assertion that is valid by Okta's clock, as Okta does."""

    def answer(request: web.Request) -> web.StreamResponse:
        now = okta.clock.now().timestamp() + okta.ahead
        expires = assertion_claims(okta.asked[-1].form["client_assertion"])["exp"]
        if now < expires <= now + HOURS:
            return gives("t1")(request)
        return refuses("invalid_client", "The client_assertion token is expired.", status=401)(request)

    return answer


@pytest.mark.parametrize("ahead", [3 * HOURS, -3 * HOURS])
async def test_a_clock_that_is_hours_off_costs_one_more_request(okta: ScriptedOkta, ahead: float) -> None:
    okta.ahead = ahead
    okta.on(TOKEN, refuses_wrong_times(okta))
    okta.on(THING, says({}))
    async with okta.client(service_app()) as client:
        await client.get(THING)
        assert client.clock_skew == pytest.approx(ahead, abs=1)
        okta.clock.advance(HOURS)
        await client.get(THING)
    assert okta.times_asked(TOKEN) == 2 + 1


async def test_a_clock_that_is_set_between_two_tokens_is_followed_at_once(okta: ScriptedOkta) -> None:
    okta.on(TOKEN, refuses_wrong_times(okta))
    okta.on(THING, says({}))
    async with okta.client(service_app()) as client:
        for _ in range(6):
            await client.get(THING)
        okta.clock.advance(HOURS)
        okta.ahead = 3 * HOURS
        await client.get(THING)
    assert okta.times_asked(TOKEN) == 1 + 2


async def test_a_refusal_that_the_right_time_does_not_cure_is_final(okta: ScriptedOkta) -> None:
    okta.ahead = 3 * HOURS
    okta.on(TOKEN, refuses("invalid_client", status=401))
    async with okta.client(service_app()) as client:
        with pytest.raises(OktaTokenRefusedError, match="invalid_client"):
            await client.get(THING)
    assert okta.times_asked(TOKEN) == 2


async def test_a_refusal_by_okta_whose_clock_agrees_is_final_at_once(okta: ScriptedOkta) -> None:
    okta.on(TOKEN, refuses("invalid_client", status=401))
    async with okta.client(service_app()) as client:
        with pytest.raises(OktaTokenRefusedError):
            await client.get(THING)
    assert okta.times_asked(TOKEN) == 1


@pytest.mark.parametrize("ahead", [3 * HOURS, -3 * HOURS])
async def test_proofs_are_dated_by_oktas_clock(okta: ScriptedOkta, ahead: float) -> None:
    app = ProofDemandingApp(okta)
    okta.ahead = ahead
    okta.on(TOKEN, app.token)
    okta.on(THING, app.thing)
    async with okta.client(service_app()) as client:
        await client.get(THING)
    for proof in app.proofs:
        assert proof.claims["iat"] == pytest.approx(okta.clock.now().timestamp() + ahead, abs=2)


async def test_a_proof_that_the_api_finds_too_old_is_made_again_by_the_right_time(okta: ScriptedOkta) -> None:
    def thing(request: web.Request) -> web.StreamResponse:
        proof = Proof.of(request.headers["DPoP"])
        if abs(float(str(proof.claims["iat"])) - okta.clock.now().timestamp() - okta.ahead) > 300:
            return refuses("invalid_dpop_proof", "The DPoP proof JWT is too old.")(request)
        return says({})(request)

    def token(request: web.Request) -> web.StreamResponse:
        return thing(request) if thing(request).status != 200 else app.token(request)

    app = ProofDemandingApp(okta)
    okta.on(TOKEN, app.token, token)
    okta.on(THING, thing)
    async with okta.client(service_app()) as client:
        for _ in range(5):
            await client.get(THING)
        okta.ahead = 3 * HOURS
        await client.get(THING)
    assert okta.times_asked(THING) == 5 + 2


async def test_a_limit_without_a_date_is_waited_out_by_what_oktas_clock_was_heard_to_be(okta: ScriptedOkta) -> None:
    okta.ahead = 3 * HOURS
    reset = int(okta.clock.now().timestamp() + okta.ahead) + 30
    headers = {"X-Rate-Limit-Limit": "50", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(reset), "Date": "?"}
    okta.on(THING, says({}), says({}, status=429, headers=headers), says({}))
    async with okta.client() as client:
        await client.get(THING)
        await client.get(THING)
    assert okta.clock.monotonic() == pytest.approx(31.5, abs=1)
