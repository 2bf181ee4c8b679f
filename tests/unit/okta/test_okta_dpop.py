from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.okta.okta_errors import OktaTokenRefusedError, OktaUnauthorizedError
from unit.okta.scripted_okta import Script, ScriptedOkta, fails, raw, says
from unit.okta.token_endpoint import THING, TOKEN, ProofDemandingApp, gives, refuses, service_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.okta.client import OktaClient


@pytest.fixture
async def client(okta: ScriptedOkta) -> AsyncIterator[OktaClient]:
    async with okta.client(service_app()) as made:
        yield made


@pytest.fixture
def strict(okta: ScriptedOkta) -> ProofDemandingApp:
    """An organisation whose service app has 'Require DPoP' switched on."""
    app = ProofDemandingApp(okta)
    okta.on(TOKEN, app.token)
    okta.on(THING, app.thing)
    return app


async def test_the_first_request_has_no_proof_and_a_refusal_leads_to_one_with_the_nonce(
    okta: ScriptedOkta, client: OktaClient, strict: ProofDemandingApp
) -> None:
    assert await client.get(THING) == {"id": "0oaOne"}
    asked = [asked for asked in okta.asked if asked.path_qs == TOKEN]
    assert ["DPoP" in one.headers for one in asked] == [False, True, True]
    assert [proof.claims.get("nonce") for proof in strict.proofs] == [None, "n1", None]


async def test_a_proof_says_what_rfc_9449_asks_for(
    okta: ScriptedOkta, client: OktaClient, strict: ProofDemandingApp
) -> None:
    await client.get(THING, {"expand": "user"})
    proof = strict.proofs[-1]
    jwk = proof.header.pop("jwk")
    assert isinstance(jwk, dict)
    assert (set(jwk), jwk["crv"]) == ({"kty", "crv", "x", "y"}, "P-256")
    assert proof.header == {"typ": "dpop+jwt", "alg": "ES256"}
    assert set(proof.claims) == {"htm", "htu", "iat", "jti", "ath"}
    assert proof.claims["htu"] == f"{okta.url}{THING}"
    assert proof.claims["iat"] == pytest.approx(okta.clock.now().timestamp(), abs=1)


async def test_a_nonce_that_comes_with_a_token_is_the_next_one(okta: ScriptedOkta, client: OktaClient) -> None:
    app = ProofDemandingApp(okta)
    okta.on(TOKEN, app.token, app.token, says_with_nonce("n7"), app.token)
    okta.on(THING, says({}))
    await client.get(THING)
    app.nonce = "n7"
    okta.clock.advance(3600)
    await client.get(THING)
    assert okta.times_asked(TOKEN) == 4


async def test_a_nonce_that_is_never_right_is_given_up(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on(TOKEN, refuses("use_dpop_nonce", nonce="n1"))
    with pytest.raises(OktaTokenRefusedError, match="DPoP-Nonce") as raised:
        await client.get(THING)
    assert raised.value.failure.code == "use_dpop_nonce"
    assert okta.times_asked(TOKEN) == 1 + 1 + 2


async def test_a_nonce_that_is_wanted_but_not_told_is_given_up(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on(TOKEN, refuses("use_dpop_nonce"))
    with pytest.raises(OktaTokenRefusedError, match="DPoP-Nonce"):
        await client.get(THING)
    assert okta.times_asked(TOKEN) == 2


async def test_a_proof_that_is_refused_for_good_says_what_to_check(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on(TOKEN, refuses("invalid_dpop_proof", "The DPoP proof JWT is bad."))
    with pytest.raises(OktaTokenRefusedError, match=r"proof JWT is bad.*clock") as raised:
        await client.get(THING)
    assert okta.asked[-1].headers["DPoP"] not in f"{raised.value} {vars(raised.value)}"
    assert okta.times_asked(TOKEN) == 2


async def test_a_bound_token_that_is_refused_is_replaced_once(
    okta: ScriptedOkta, client: OktaClient, strict: ProofDemandingApp
) -> None:
    okta.on(THING, fails(401, "E0000011"))
    with pytest.raises(OktaUnauthorizedError):
        await client.get(THING)
    assert [asked.headers["Authorization"] for asked in okta.asked if asked.path_qs == THING] == ["DPoP t1", "DPoP t2"]


async def test_a_proof_that_a_challenge_alone_refuses_is_made_again_with_a_new_token(
    okta: ScriptedOkta, client: OktaClient, strict: ProofDemandingApp
) -> None:
    challenge = 'DPoP realm="x", error="invalid_dpop_proof", error_description="Bad iat.", scope="okta.apps.read"'
    okta.on(THING, raw(b"", status=400, headers={"WWW-Authenticate": challenge}))
    with pytest.raises(
        OktaUnauthorizedError, match=r"proof of possession is not valid: 400 invalid_dpop_proof: Bad iat\."
    ):
        await client.get(THING)
    assert (okta.times_asked(THING), strict.given) == (2, 2)


async def test_a_bearer_token_for_a_proof_is_used_as_one(okta: ScriptedOkta, client: OktaClient) -> None:
    okta.on(TOKEN, refuses("invalid_dpop_proof"), gives("t1"))
    okta.on(THING, says({}))
    await client.get(THING)
    assert okta.asked[-1].headers["Authorization"] == "Bearer t1"
    assert "DPoP" not in okta.asked[-1].headers


async def test_a_bound_token_that_came_without_a_proof_is_requested_again_with_one(
    okta: ScriptedOkta, client: OktaClient
) -> None:
    okta.on(TOKEN, gives("t1", token_type="DPoP"), gives("t2", token_type="dpop"))
    okta.on(THING, says({}))
    await client.get(THING)
    assert okta.asked[-1].headers["Authorization"] == "DPoP t2"
    assert "DPoP" in okta.asked[1].headers


def says_with_nonce(nonce: str) -> Script:
    body = {"token_type": "DPoP", "expires_in": 3600, "access_token": "t0", "scope": "okta.users.read okta.apps.read"}
    return says(body, headers={"DPoP-Nonce": nonce})
