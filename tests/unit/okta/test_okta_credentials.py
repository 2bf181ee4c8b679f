from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from teleport_okta.clock import VirtualClock
from teleport_okta.errors import ConfigError
from teleport_okta.okta.credentials import ApiToken, TokenRequest
from teleport_okta.okta.okta_clock import OktaClock
from teleport_okta.okta.okta_errors import (
    CredentialError,
    OktaMalformedAnswerError,
    OktaTokenRefusedError,
    OktaUnauthorizedError,
    OktaUnavailableError,
)
from unit.okta.scripted_okta import Script, ScriptedOkta, fails, raw, says
from unit.okta.token_endpoint import KEY, THING, TOKEN, assertion_claims, gives, service_app
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web
    from teleport_okta.okta.client import OktaClient


@pytest.fixture
async def client(okta: ScriptedOkta) -> AsyncIterator[OktaClient]:
    """A client as service app, of an organisation that gives the tokens t1, t2, … and takes any."""
    okta.on(TOKEN, *(gives(f"t{number}") for number in range(1, 9)))
    okta.on(THING, says({"id": "0oaOne"}))
    async with okta.client(service_app()) as made:
        yield made


def takes(*tokens: str) -> Script:
    def answer(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"].removeprefix("Bearer ") in tokens:
            return says({"id": "0oaOne"})(request)
        return fails(401, "E0000011", "Invalid token provided")(request)

    return answer


def bearers(okta: ScriptedOkta) -> list[str]:
    return [asked.headers["Authorization"] for asked in okta.asked if asked.path_qs == THING]


class Tokens:
    """A token endpoint that gives t1, t2, …"""

    url = URL("https://acme.okta.com/oauth2/v1/token")

    def __init__(self) -> None:
        self.given = 0
        self.clock = OktaClock(VirtualClock())

    async def post(self, request: TokenRequest) -> dict[str, object]:
        assert request.form()["client_assertion"]
        self.given += 1
        return {"token_type": "Bearer", "expires_in": 3600, "access_token": f"t{self.given}"}


async def test_the_assertion_is_what_okta_asks_for(okta: ScriptedOkta, client: OktaClient) -> None:
    await client.get(THING)
    form = okta.asked[0].form
    assertion = jwt.decode(form.pop("client_assertion"), ECKey.import_key(KEY.public_key()), algorithms=["ES256"])
    assert form == {
        "grant_type": "client_credentials",
        "scope": "okta.users.read okta.apps.read",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert assertion.header == {"typ": "JWT", "alg": "ES256", "kid": "kid-1"}
    jti = assertion.claims.pop("jti")
    assert len(jti) == 32
    assert assertion.claims == {
        "iss": "0oaService",
        "sub": "0oaService",
        "aud": f"{okta.url}{TOKEN}",
        "exp": int(okta.clock.now().timestamp()) + 300,
    }
    assert "Authorization" not in okta.asked[0].headers


async def test_a_token_is_used_until_a_minute_before_its_end(okta: ScriptedOkta, client: OktaClient) -> None:
    await client.get(THING)
    okta.clock.advance(3539)
    await client.get(THING)
    okta.clock.advance(1)
    await client.get(THING)
    assert bearers(okta) == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_however_many_need_a_token_one_fetches_it(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on("/api/v1/users/1", says({}))
    okta.on("/api/v1/groups/1", says({}))
    async with asyncio.TaskGroup() as tasks:
        for path in (THING, "/api/v1/users/1", "/api/v1/groups/1"):
            tasks.create_task(client.get(path))
    assert okta.times_asked(TOKEN) == 1


async def test_a_refused_token_is_replaced_and_the_call_tried_once_more(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on(THING, takes("t2"))
    assert await client.get(THING) == {"id": "0oaOne"}
    assert bearers(okta) == ["Bearer t1", "Bearer t2"]


async def test_a_late_refusal_of_an_old_token_leaves_the_new_one_alone() -> None:
    app = service_app()
    tokens = Tokens()
    old = await app.sign("GET", tokens.url, tokens)
    assert app.refused(old)
    new = await app.sign("GET", tokens.url, tokens)
    assert app.refused(old)
    assert await app.sign("GET", tokens.url, tokens) == new != old


async def test_a_second_refusal_is_final(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on(THING, takes("t9"))
    with pytest.raises(OktaUnauthorizedError):
        await client.get(THING)
    assert bearers(okta) == ["Bearer t1", "Bearer t2"]


async def test_each_attempt_at_a_token_has_an_assertion_of_its_own(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on(TOKEN, fails(503, "E0000181"), gives("t1"))
    await client.get(THING)
    first, second = (assertion_claims(asked.form["client_assertion"]) for asked in okta.asked if asked.path_qs == TOKEN)
    assert first["jti"] != second["jti"]


async def test_a_token_endpoint_that_stays_down_is_not_asked_again_for_the_same_call(
    okta: ScriptedOkta, client: OktaClient
) -> None:
    okta.on(TOKEN, fails(503, "E0000181"))
    with pytest.raises(OktaUnavailableError, match=TOKEN):
        await client.get(THING)
    assert okta.times_asked(TOKEN) == 6


@pytest.mark.parametrize(
    ("status", "error", "remedy"),
    [
        (401, "invalid_client", "okta.private_key_id"),
        (400, "unauthorized_client", "API Services"),
        (403, "access_denied", "network zone"),
        (400, "something_new", "check okta.org_url"),
    ],
)
async def test_a_refused_service_app_is_told_what_to_check(
    okta: ScriptedOkta, client: OktaClient, status: int, error: str, remedy: str
) -> None:
    okta.on(TOKEN, says({"error": error, "error_description": "The reason."}, status=status))
    with pytest.raises(OktaTokenRefusedError) as raised:
        await client.get(THING)
    assert raised.value.failure.code == error
    assert f"gave no token: {status} {error}: The reason." in raised.value.what
    assert remedy in raised.value.remedy
    assert okta.asked[0].form["client_assertion"] not in f"{raised.value} {vars(raised.value)}"


async def test_a_refusal_without_a_reason_is_taken_for_one_that_was_cut_off(
    okta: ScriptedOkta, client: OktaClient
) -> None:
    okta.on(TOKEN, raw(b'{"error":"invalid_cl', status=401), gives("t1"))
    await client.get(THING)
    assert okta.times_asked(TOKEN) == 2


@pytest.mark.parametrize("answer", [{"token_type": "Bearer"}, {"access_token": "t", "expires_in": "x"}, {}])
async def test_an_answer_without_a_token_is_malformed(
    okta: ScriptedOkta, client: OktaClient, answer: dict[str, object]
) -> None:
    okta.on(TOKEN, says(answer))
    with pytest.raises(OktaMalformedAnswerError, match="no access token"):
        await client.get(THING)


async def test_a_token_of_an_unknown_type_is_not_used(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on(TOKEN, gives("t1", token_type="MAC"))
    with pytest.raises(OktaTokenRefusedError, match="neither Bearer nor DPoP"):
        await client.get(THING)
    assert okta.times_asked(THING) == 0


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "schlüssel", "tab\t"])
def test_a_text_that_is_no_token_is_refused_without_repeating_it(token: str) -> None:
    with pytest.raises(CredentialError, match=r"okta\.api_token") as refused:
        ApiToken(token)
    assert not token or token not in str(refused.value)


async def test_an_api_token_that_was_replaced_in_its_file_is_taken_when_the_old_one_is_refused(
    okta: ScriptedOkta,
) -> None:
    written = ["00old"]
    okta.on(THING, api_token_taken("00old"), api_token_taken("00new"), api_token_taken("00new"))
    async with okta.client(ApiToken("00old", read_again=lambda: written[0])) as client:
        await client.get(THING)
        written[0] = "00new"
        await client.get(THING)
    assert [asked.headers["Authorization"] for asked in okta.asked] == ["SSWS 00old", "SSWS 00old", "SSWS 00new"]


@pytest.mark.parametrize("now", ["00old", "", "two words", ConfigError("the file is gone")])
async def test_an_api_token_without_another_one_in_its_place_stays_refused(
    okta: ScriptedOkta, now: str | ConfigError
) -> None:
    def read() -> str:
        if isinstance(now, ConfigError):
            raise now
        return now

    okta.on(THING, api_token_taken("00new"))
    async with okta.client(ApiToken("00old", read_again=read)) as client:
        with pytest.raises(OktaUnauthorizedError):
            await client.get(THING)
    assert len(okta.asked) == 1


def api_token_taken(token: str) -> Script:
    def answer(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] == f"SSWS {token}":
            return says({"id": "0oaOne"})(request)
        return fails(401, "E0000011", "Invalid token provided")(request)

    return answer


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("", "it is empty"),
        ("00abc\n00def", "it has several lines"),
        ("00abc 00def", "it contains blanks"),
        ("00äbc", "it contains characters that are not ASCII"),
        ("00a\x00bc", "it contains control characters"),
        ('00"abc', "it contains quotation marks, backslashes or brackets"),
        ("${TOKEN}", "it contains quotation marks, backslashes or brackets"),
        ("<your-token>", "it contains quotation marks, backslashes or brackets"),
    ],
)
def test_a_text_that_is_no_token_is_refused_in_words_that_say_why(token: str, problem: str) -> None:
    with pytest.raises(CredentialError, match=f"not an API token: {problem}") as refused:
        ApiToken(token)
    assert token == "" or token not in str(refused.value)
