from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
from teleport_okta.sandbox.okta.gateway import ENDPOINTS
from teleport_okta.sandbox.okta.oauth import PATH
from teleport_okta.sandbox.okta.tokens import SCOPES
from unit.sandbox_okta.sandbox_okta_client import Client
from unit.sandbox_okta.sandbox_okta_world import BASE, START, World, profile, refused

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.endpoints import Endpoint

NOW = int(START)


@pytest.fixture
def client(world: World) -> Client:
    return Client(world)


def test_a_token_answer_has_okta_s_fields(client: Client) -> None:
    status, answer = client.ask()
    assert status == 200
    assert {name: answer[name] for name in ("token_type", "expires_in", "scope")} == {
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "okta.users.read",
    }
    header, claims, _ = (part + "=" * (-len(part) % 4) for part in str(answer["access_token"]).split("."))
    assert json.loads(base64.urlsafe_b64decode(header))["typ"] == "application/okta-internal-at+jwt"
    decoded = json.loads(base64.urlsafe_b64decode(claims))
    assert (decoded["iss"], decoded["aud"], decoded["cid"]) == (BASE, BASE, client.client.id)
    assert (decoded["exp"] - decoded["iat"], decoded["scp"]) == (3600, ["okta.users.read"])


def test_an_elliptic_key_signs_as_well(client: Client) -> None:
    assert client.ask(client.assertion("e"))[0] == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": BASE},
        {"aud": f"{BASE}{PATH}/"},
        {"exp": NOW},
        {"exp": NOW + 3700},
        {"exp": None},
        {"iat": NOW + 30},
        {"sub": "somebody"},
        {"iss": "somebody"},
    ],
)
def test_a_bad_claim_makes_an_invalid_client(client: Client, claims: dict[str, object]) -> None:
    status, answer = client.ask(client.assertion(**claims))
    assert (status, answer["error"]) == (401, "invalid_client")
    assert set(answer) == {"error", "error_description"}


def test_a_bad_signature_or_unknown_key_makes_an_invalid_client(client: Client) -> None:
    head, claims, signature = client.assertion().split(".")
    forged = f"{head}.{claims}.{signature[:-8]}AAAAAAAA"
    del client.client.keys["e"]
    for assertion in (forged, client.assertion("e"), "nonsense", ""):
        status, answer = client.ask(assertion)
        assert (status, answer["error"]) == (401, "invalid_client")


def test_a_client_secret_is_refused(client: Client) -> None:
    status, answer = client.ask("", client_id=client.client.id, client_secret="invented")
    assert (status, answer["error"]) == (401, "invalid_client")


def test_an_assertion_with_a_jti_is_good_once(client: Client) -> None:
    once = client.assertion(jti="one")
    assert [client.ask(once)[0], client.ask(once)[0]] == [200, 401]
    again = client.assertion()
    assert [client.ask(again)[0], client.ask(again)[0]] == [200, 200]


@pytest.mark.parametrize("scope", ["", "okta.nonsense.read", "okta.users.read okta.groups.read"])
def test_a_scope_that_is_unknown_or_not_granted_is_invalid(client: Client, scope: str) -> None:
    client.client.grant(["okta.users.read"])
    status, answer = client.ask(scope=scope)
    assert (status, answer["error"]) == (400, "invalid_scope")


def test_a_scope_that_does_not_exist_cannot_be_granted(world: World, client: Client) -> None:
    with pytest.raises(ValueError, match=r"okta\.nonsense"):
        world.org.configure_client(client.client.id, scopes=["okta.nonsense"])


def test_another_grant_is_not_for_service_apps(client: Client) -> None:
    status, answer = client.ask(grant_type="password")
    assert (status, answer["error"]) == (400, "unauthorized_client")


def test_an_access_token_lives_for_an_hour(world: World, client: Client) -> None:
    client.use("okta.users.read")
    world.now = NOW + 3599
    assert world.get("/api/v1/users").status == 200
    world.now = NOW + 3600
    assert refused(world.get("/api/v1/users")) == (401, "E0000011")


GUARDED = [endpoint for endpoint in ENDPOINTS if endpoint.template.startswith("/api/v1/")]


def _needed(endpoint: Endpoint) -> str:
    """Return the scope that `docs/reference/okta.md` 1.3 asks for."""
    kind = endpoint.template.split("/")[3]
    kind = {"org": "orgs", "iam": "roles", "api-tokens": "apiTokens"}.get(kind, kind)
    if endpoint.template.endswith("/roles"):
        kind = "roles"
    return f"okta.{kind}.{'read' if endpoint.method == 'GET' else 'manage'}"


def _call(world: World, endpoint: Endpoint) -> tuple[int, bytes]:
    path = endpoint.template.replace("{id}", "00uNobody").replace("{user}", "00uNobody").replace("{group}", "00gNone")
    response = world.call(endpoint.method, path, {}, Accept=endpoint.media_type)
    return response.status, response.body


@pytest.mark.parametrize("endpoint", GUARDED, ids=lambda endpoint: endpoint.name)
def test_each_endpoint_needs_its_scope_and_no_other(world: World, client: Client, endpoint: Endpoint) -> None:
    needed = _needed(endpoint)
    client.use(" ".join(SCOPES - {needed, needed.replace(".read", ".manage")}))
    status, body = _call(world, endpoint)
    assert (status, json.loads(body)["errorCode"]) == (403, "E0000006")
    client.use(needed)
    assert _call(world, endpoint)[0] != 403


def test_managing_includes_reading(world: World, client: Client) -> None:
    client.use("okta.groups.manage")
    assert world.get("/api/v1/groups").status == 200


def test_a_service_app_is_no_user(world: World, client: Client) -> None:
    client.use("okta.users.read")
    assert refused(world.get("/api/v1/users/me")) == (404, "E0000007")


@pytest.mark.parametrize("header", ["SSWS nonsense", "Bearer nonsense", "SSWS"])
def test_bad_credentials_are_refused(world: World, header: str) -> None:
    world.authorization = header
    assert refused(world.get("/api/v1/users")) == (401, "E0000011")


def test_an_api_token_needs_no_space_after_its_scheme(world: World) -> None:
    world.authorization = f"SSWS{world.org.ssws_token}"
    assert world.get("/api/v1/users").status == 200


@pytest.mark.parametrize("header", [None, "Basic abc"])
def test_without_a_token_there_is_no_session(world: World, header: str | None) -> None:
    world.authorization = header
    assert refused(world.get("/api/v1/users")) == (403, "E0000005")


def test_a_revoked_token_is_refused(world: World, client: Client) -> None:
    world.org.revoke_token(world.org.ssws_token)
    assert refused(world.get("/api/v1/users")) == (401, "E0000011")
    client.use("okta.users.read")
    world.org.revoke_token()
    assert refused(world.get("/api/v1/users")) == (401, "E0000011")


def test_a_token_dies_with_its_owner_and_of_disuse(world: World) -> None:
    world.now += 29 * 24 * 3600
    assert world.get("/api/v1/users").status == 200
    world.now += 31 * 24 * 3600
    assert world.get("/api/v1/users").status == 401
    world.authorization = f"SSWS {world.org.tokens.create_ssws(world.org.admin, world.org.role)}"
    assert world.get("/api/v1/users").status == 200
    world.org.deactivate(world.org.admin)
    assert world.get("/api/v1/users").status == 401


def test_a_permission_taken_away_gives_403(world: World) -> None:
    world.org.narrow_role(without=["okta.apps.read", "okta.users.manage"])
    assert refused(world.get("/api/v1/apps")) == (403, "E0000006")
    assert refused(world.post("/api/v1/users", {"profile": profile("ada")})) == (403, "E0000006")
    assert world.get("/api/v1/users").status == 200
    world.org.restore_role()
    assert world.get("/api/v1/apps").status == 200
    with pytest.raises(ValueError, match=r"okta\.nonsense"):
        world.org.narrow_role(without=["okta.nonsense"])


def test_a_resource_set_hides_objects_without_a_word(world: World) -> None:
    app = world.org.create_app("Wiki").id
    ada, bob = (world.org.create_user(profile(name)).id for name in ("ada", "bob"))
    group = world.org.create_group("Red").id
    for user in (ada, bob):
        world.org.assign(app, user)
        world.org.add_member(group, user)
    world.org.narrow_role(hide=[ada])
    assert ada not in world.ids("/api/v1/users")
    assert world.ids(f"/api/v1/apps/{app}/users") == [bob]
    assert world.ids(f"/api/v1/groups/{group}/users") == [bob]
    assert refused(world.get(f"/api/v1/users/{ada}")) == (403, "E0000006")


def test_a_resource_set_of_some_apps_does_not_limit_other_kinds(world: World) -> None:
    kept = world.org.create_app("Wiki").id
    world.org.narrow_role(only=[kept])
    assert world.ids("/api/v1/apps") == [kept]
    assert world.ids("/api/v1/users") == [world.org.admin]
