from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
from unit.sandbox_okta.sandbox_okta_world import BASE, START, World, profile, refused


def test_every_answer_carries_its_request_id_date_and_limits(world: World) -> None:
    for response in (world.get("/api/v1/users"), world.get("/nowhere"), world.get("/api/v1/users/00uNone")):
        assert {"X-Okta-Request-Id", "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining"} <= set(response.headers)
        assert parsedate_to_datetime(response.headers["Date"]).timestamp() == int(START)
    assert (
        world.get("/api/v1/org").headers["X-Okta-Request-Id"] != world.get("/api/v1/org").headers["X-Okta-Request-Id"]
    )


def test_json_is_declared_without_a_charset_and_a_204_declares_nothing(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    assert world.get("/api/v1/users").headers["Content-Type"] == "application/json"
    gone = world.delete(f"/api/v1/users/{ada.id}")
    assert (gone.status, gone.body, "Content-Type" in gone.headers) == (204, b"", False)


def test_the_organisation_s_id_needs_no_credentials(world: World) -> None:
    world.authorization = None
    body = world.get("/.well-known/okta-organization").json()
    assert list(body) == ["id", "cell", "_links", "pipeline", "settings"]
    assert body["id"] == world.org.id
    assert body["_links"] == {"organization": {"href": BASE}}
    assert refused(world.get("/api/v1/org")) == (403, "E0000005")


def test_the_organisation_s_settings_hold_its_id(world: World) -> None:
    body = world.get("/api/v1/org").json()
    assert (body["id"], body["subdomain"], body["status"]) == (world.org.id, "acme", "ACTIVE")
    assert body["id"].startswith("00o")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_write_without_a_length_gets_411(world: World, method: str) -> None:
    request = world.request(method, f"/api/v1/users/{world.org.admin}")
    del request.headers["Content-Length"]
    response = world.gateway.answer(request)
    assert response.status == 411
    assert response.headers["Content-Type"] == "text/html"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Content_Type": "text/plain"}, "E0000021"),
        ({"Content_Type": ""}, "E0000018"),
        ({"Accept": "text/html"}, "E0000019"),
    ],
)
def test_wrong_media_types_are_refused(world: World, headers: dict[str, str], code: str) -> None:
    assert refused(world.post("/api/v1/users", {"profile": profile("ada")}, **headers)) == (400, code)


@pytest.mark.parametrize("accept", ["*/*", "application/json;q=0.9, text/html", "application/*"])
def test_any_accept_that_allows_json_will_do(world: World, accept: str) -> None:
    assert world.get("/api/v1/users", Accept=accept).status == 200


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(world: World, body: bytes) -> None:
    request = world.request("POST", "/api/v1/users", {})
    response = world.gateway.answer(type(request)(request.method, request.target, request.headers, body, BASE))
    assert refused(response) == (400, "E0000003")


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/api/v1", "/api/v1/nonsense", "/api/v1/users/x/y/z", "/api/v2/users"]
)
def test_a_path_that_is_not_known_is_not_found_and_counted_by_name(world: World, path: str) -> None:
    response = world.get(f"{path}?limit=1")
    assert refused(response) == (404, "E0000008")
    assert response.json()["errorSummary"] == "The requested path was not found"
    assert world.org.calls.unknown == {f"GET {path}": 1}


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/api/v1/users"), ("PATCH", "/api/v1/groups/00gNone")])
def test_a_method_that_is_not_known_is_not_supported_and_counted_by_name(world: World, method: str, path: str) -> None:
    response = world.call(method, path)
    assert refused(response) == (405, "E0000022")
    assert response.json()["errorSummary"] == "The endpoint does not support the provided HTTP method"
    assert world.org.calls.unknown == {f"{method} {path}": 1}


def test_a_closing_slash_makes_no_other_path(world: World) -> None:
    assert world.ids("/api/v1/users/") == world.ids("/api/v1/users")
    assert world.org.calls.unknown == {}
