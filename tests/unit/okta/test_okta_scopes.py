from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

import pytest
from teleport_okta.okta.access_token import access_token
from teleport_okta.okta.okta_errors import Failure, OktaScopeError
from unit.okta.scripted_okta import fails, says
from unit.okta.token_endpoint import THING, TOKEN, gives, refuses, service_app

if TYPE_CHECKING:
    from teleport_okta.okta.service_app import ServiceApp
    from unit.okta.scripted_okta import ScriptedOkta


@pytest.fixture
def app() -> ServiceApp:
    return service_app()


def carrying(scopes: list[str]) -> str:
    """Return a token of the form that Okta's have, which says what it is for."""
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, {"scp": scopes}))


@pytest.mark.parametrize(
    ("token", "scope", "granted"),
    [
        ("t1", "okta.apps.read okta.users.read extra", {"okta.users.read", "okta.apps.read", "extra"}),
        (carrying(["okta.users.read", "okta.apps.read"]), None, {"okta.users.read", "okta.apps.read"}),
        (carrying(["okta.users.read", "okta.apps.read"]), " ", {"okta.users.read", "okta.apps.read"}),
        ("t1", None, None),
        ("t1.!!!.x", None, None),
    ],
)
def test_what_was_granted_is_read_from_the_answer_or_else_from_the_token(
    token: str, scope: str | None, granted: set[str] | None
) -> None:
    answer = {"access_token": token, "expires_in": 3600, "token_type": "Bearer", "scope": scope}
    assert access_token(answer, Failure("POST", "/oauth2/v1/token"), asked_at=0.0).scopes == granted


async def test_a_token_that_lacks_a_scope_is_an_error_with_what_it_is_for_and_where_to_grant_it(
    okta: ScriptedOkta, app: ServiceApp
) -> None:
    okta.on(TOKEN, gives("t1", scope="okta.users.read"))
    async with okta.client(app) as client:
        with pytest.raises(OktaScopeError, match=r"okta\.apps\.read \(to read the app.*Okta API Scopes") as raised:
            await client.get(THING)
    assert raised.value.missing == ("okta.apps.read",)
    assert "okta.users.read" not in str(raised.value)
    assert okta.times_asked(THING) == 0


@pytest.mark.parametrize(
    ("says_okta", "missing"),
    [
        ("One or more scopes are not granted.", ()),
        ("The scope 'okta.apps.read' is not allowed for this client.", ("okta.apps.read",)),
        ("Unknown: okta.groups.read", ()),
    ],
)
async def test_a_refusal_names_the_scopes_asked_for_and_the_missing_ones_if_okta_does(
    okta: ScriptedOkta, app: ServiceApp, says_okta: str, missing: tuple[str, ...]
) -> None:
    okta.on(TOKEN, refuses("invalid_scope", says_okta))
    async with okta.client(app) as client:
        with pytest.raises(OktaScopeError, match=r"okta\.users\.read \(to.*okta\.apps\.read \(to") as raised:
            await client.get(THING)
    assert (raised.value.asked, raised.value.missing) == (("okta.users.read", "okta.apps.read"), missing)
    assert raised.value.remedy.startswith(f"grant {' and '.join(missing or raised.value.asked)} on the 'Okta API")
    assert okta.times_asked(TOKEN) == 1


async def test_calls_with_a_scope_of_their_own_share_one_token(okta: ScriptedOkta, app: ServiceApp) -> None:
    okta.on(TOKEN, gives("logs", scope="okta.logs.read"), gives("users", scope="okta.users.read"))
    okta.on(THING, says({}))
    async with okta.client(app) as client:
        for scope in ("okta.logs.read", "okta.users.read", "okta.logs.read", "okta.users.read"):
            await client.get(THING, scope=scope)
    sent = [asked.headers["Authorization"] for asked in okta.asked if asked.path_qs == THING]
    assert sent == ["Bearer logs", "Bearer users"] * 2
    assert okta.times_asked(TOKEN) == 2


async def test_a_refused_token_of_a_scope_of_its_own_is_replaced(okta: ScriptedOkta, app: ServiceApp) -> None:
    okta.on(TOKEN, gives("first", scope="okta.logs.read"), gives("second", scope="okta.logs.read"))
    okta.on(THING, says({}), fails(401, "E0000011"), says({}))
    async with okta.client(app) as client:
        for _ in range(2):
            await client.get(THING, scope="okta.logs.read")
    sent = [asked.headers["Authorization"] for asked in okta.asked if asked.path_qs == THING]
    assert sent == ["Bearer first", "Bearer first", "Bearer second"]
