"""DPoP as at Okta: the retry with a nonce at the token endpoint, and a proof with every call (RFC 9449)."""

from __future__ import annotations

import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey
from teleport_okta.sandbox.okta.dpop import PROOF_TOLERANCE
from unit.sandbox_okta.sandbox_okta_client import PROOF_KEY, Client, ath, claims_of
from unit.sandbox_okta.sandbox_okta_world import BASE, World, profile, refused

DAY = 24 * 3600
OTHER_KEY = ECKey.generate_key("P-256", private=True)
USERS = "/api/v1/users"


@pytest.fixture
def client(world: World) -> Client:
    client = Client(world)
    world.org.configure_client(client.client.id, require_dpop=True)
    return client


def test_a_client_that_must_prove_possession_gets_that_error(client: Client) -> None:
    assert client.ask() == (
        400,
        {"error": "invalid_dpop_proof", "error_description": "The DPoP proof JWT header is missing."},
    )


def test_the_service_app_s_settings_say_so_as_well(world: World, client: Client) -> None:
    settings = world.get(f"/api/v1/apps/{client.client.id}").json()["settings"]["oauthClient"]
    assert (settings["application_type"], settings["dpop_bound_access_tokens"]) == ("service", True)


def test_a_proof_without_a_nonce_gets_one_to_try_again_with(client: Client) -> None:
    response = client.request(proof=client.proof())
    assert (response.status, response.json()["error"]) == (400, "use_dpop_nonce")
    status, answer = client.ask(proof=client.proof(nonce=response.headers["dpop-nonce"]))
    assert (status, answer["token_type"], answer["expires_in"]) == (200, "DPoP", 3600)
    assert claims_of(str(answer["access_token"]))["cnf"] == {"jkt": PROOF_KEY.thumbprint()}


def test_each_attempt_uses_up_its_assertion(client: Client) -> None:
    once = client.assertion(jti="one")
    nonce = client.request(once, proof=client.proof()).headers["dpop-nonce"]
    status, answer = client.ask(once, proof=client.proof(nonce=nonce))
    assert (status, answer["error"]) == (401, "invalid_client")


def test_an_invented_nonce_is_answered_with_a_good_one(client: Client) -> None:
    response = client.request(proof=client.proof(nonce="invented"))
    assert (response.json()["error"], response.headers["dpop-nonce"]) == ("use_dpop_nonce", client.nonce())


def test_nonces_change_every_day_and_last_for_three(world: World, client: Client) -> None:
    first = client.nonce()
    world.now += DAY - 1
    assert client.nonce() == first
    world.now += 1
    assert client.nonce() != first
    world.now += 2 * DAY - 1
    assert client.ask(proof=client.proof(nonce=first))[0] == 200
    world.now += 1
    assert client.ask(proof=client.proof(nonce=first))[1]["error"] == "use_dpop_nonce"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("htm", "GET"),
        ("htu", f"{BASE}/oauth2/v1/authorize"),
        ("htu", f"{BASE}/oauth2/v1/token?a=b"),
        ("htu", "https://elsewhere.test/oauth2/v1/token"),
        ("htu", "http://[acme"),
        ("iat", None),
        ("jti", None),
        ("jti", ""),
    ],
)
def test_a_proof_for_another_call_is_refused_by_its_claim(client: Client, claim: str, value: object) -> None:
    status, answer = client.ask(proof=client.proof(nonce=client.nonce(), **{claim: value}))
    assert (status, answer["error"]) == (400, "invalid_dpop_proof")
    assert answer["error_description"] == f"'{claim}' claim in the DPoP proof JWT is invalid."


@pytest.mark.parametrize("off", [-PROOF_TOLERANCE - 1, PROOF_TOLERANCE + 1])
def test_a_proof_of_another_time_is_refused(client: Client, off: int) -> None:
    nonce = client.nonce()
    status, answer = client.ask(proof=client.proof(nonce=nonce, iat=client.now + off))
    assert (status, answer["error_description"]) == (400, "'iat' claim in the DPoP proof JWT is invalid.")
    within = off - 1 if off > 0 else off + 2
    assert client.ask(proof=client.proof(nonce=nonce, iat=client.now + within))[0] == 200


def _signed(header: dict[str, object], key: object, client: Client) -> str:
    claims = {"htm": "POST", "htu": f"{BASE}/oauth2/v1/token", "iat": client.now, "jti": "x", "nonce": client.nonce()}
    algorithms = [str(header["alg"])]
    return jws.serialize_compact(header, json.dumps(claims), key, algorithms=algorithms)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"typ": "JWT"}, "'typ' header in the DPoP proof JWT is invalid."),
        ({"jwk": PROOF_KEY.as_dict(private=True)}, "'jwk' header in the DPoP proof JWT is invalid."),
        ({"jwk": {"kty": "EC"}}, "'jwk' header in the DPoP proof JWT is invalid."),
        (
            {"jwk": PROOF_KEY.as_dict(private=False) | {"crv": "P-1"}},
            "'jwk' header in the DPoP proof JWT is invalid.",
        ),
        ({"jwk": OTHER_KEY.as_dict(private=False)}, "The DPoP proof JWT signature is invalid."),
    ],
)
def test_a_proof_s_header_is_checked(client: Client, changes: dict[str, object], what: str) -> None:
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": PROOF_KEY.as_dict(private=False)}
    status, answer = client.ask(proof=_signed(header | changes, PROOF_KEY, client))
    assert (status, answer["error_description"]) == (400, what)


def test_a_symmetric_key_proves_nothing(client: Client) -> None:
    shared = OctKey.generate_key(256)
    header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": shared.as_dict(private=True)}
    status, answer = client.ask(proof=_signed(header, shared, client))
    assert (status, answer["error_description"]) == (400, "'alg' header in the DPoP proof JWT is invalid.")


def test_a_proof_that_is_no_jwt_is_refused(client: Client) -> None:
    status, answer = client.ask(proof="nonsense")
    assert (status, answer["error"]) == (400, "invalid_dpop_proof")


def test_a_proof_is_good_once(client: Client) -> None:
    proof = client.proof(nonce=client.nonce())
    assert client.ask(proof=proof)[0] == 200
    assert client.ask(proof=proof)[1]["error_description"] == "The DPoP proof JWT has already been used."


def test_an_rsa_key_proves_possession_as_well(client: Client) -> None:
    key = RSAKey.generate_key(2048, private=True)
    assert client.ask(proof=client.proof(key=key, nonce=client.nonce()))[0] == 200


def test_a_client_that_sends_a_proof_gets_a_bound_token(world: World, client: Client) -> None:
    world.org.configure_client(client.client.id, require_dpop=False)
    assert client.ask()[1]["token_type"] == "Bearer"
    assert client.bound_token()


def test_a_bound_token_opens_with_a_proof_for_each_call(client: Client) -> None:
    token = client.bound_token()
    assert client.get(f"{USERS}?limit=1", token).status == 200
    assert client.get(USERS, token).status == 200


def _refusal(client: Client, path: str, token: str, proof: str) -> str:
    """Call with a wrong proof, check the refusal, and return its text."""
    response = client.get(path, token, proof)
    assert (response.status, response.body) == (400, b"")
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith('DPoP algs="RS256 RS384 RS512 ES256 ES384 ES512", ')
    assert f'realm="{BASE}", scope="okta.users.read", error="invalid_dpop_proof", ' in challenge
    assert challenge.endswith(f'resource="{path}"')
    return challenge.split('error_description="')[1].partition('"')[0]


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"ath": None}, "ath"),
        ({"ath": ath("another")}, "ath"),
        ({"htm": "POST"}, "htm"),
        ({"htu": f"{BASE}/api/v1/groups"}, "htu"),
        ({"htu": f"{BASE}{USERS}?limit=1"}, "htu"),
    ],
)
def test_a_call_with_a_wrong_proof_is_refused_only_in_a_header(
    client: Client, changes: dict[str, object], claim: str
) -> None:
    token = client.bound_token()
    proof = client.proof("GET", USERS, **({"ath": ath(token)} | changes))
    assert _refusal(client, USERS, token, proof) == f"'{claim}' claim in the DPoP proof JWT is invalid."


def test_a_call_without_a_proof_is_refused(client: Client) -> None:
    assert _refusal(client, USERS, client.bound_token(), "") == "The DPoP proof JWT header is missing."


def test_a_stolen_token_is_of_no_use_to_another_key(client: Client) -> None:
    token = client.bound_token()
    assert "not signed with the key" in _refusal(
        client, USERS, token, client.proof("GET", USERS, key=OTHER_KEY, ath=ath(token))
    )


def test_a_call_that_was_put_off_has_used_up_its_proof(world: World, client: Client) -> None:
    token = client.bound_token()
    proof = client.proof("GET", USERS, ath=ath(token))
    world.org.fail("rate_limit", path=USERS, count=1)
    assert client.get(USERS, token, proof).status == 429
    assert _refusal(client, USERS, token, proof) == "The DPoP proof JWT has already been used."


def test_okta_decodes_the_path_that_the_proof_is_for(world: World, client: Client) -> None:
    world.org.create_user(profile("ada"))
    token = client.bound_token()
    path = f"{USERS}/ada%40example.com"
    decoded = client.proof("GET", f"{USERS}/ada@example.com", ath=ath(token))
    assert client.get(path, token, decoded).status == 200
    assert _refusal(client, path, token, client.proof("GET", path, ath=ath(token))).startswith("'htu'")


def test_a_bound_token_is_no_bearer_token_and_the_other_way_round(world: World, client: Client) -> None:
    bound = client.bound_token()
    assert refused(client.get(USERS, bound, "", scheme="Bearer")) == (401, "E0000011")
    world.org.configure_client(client.client.id, require_dpop=False)
    bearer = str(client.ask()[1]["access_token"])
    assert refused(client.get(USERS, bearer)) == (401, "E0000011")


def test_a_bound_token_expires_like_any_other(world: World, client: Client) -> None:
    token = client.bound_token()
    world.now += 3600
    assert refused(client.get(USERS, token)) == (401, "E0000011")
