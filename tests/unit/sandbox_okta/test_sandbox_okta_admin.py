"""Paths for other clients, of which the product reads little: roles, resource sets, tokens, devices."""

from __future__ import annotations

import pytest
from unit.sandbox_okta.sandbox_okta_world import World, causes, profile, refused


def test_a_group_with_an_admin_role_shows_it_as_recorded(world: World) -> None:
    group = world.org.create_group("Helpers")
    path = f"/api/v1/groups/{group.id}/roles"
    assert world.get(path).json() == []
    world.org.make_administrative(group.id)
    (role,) = world.get(path).json()
    assert list(role) == [
        *("id", "label", "type", "status", "created", "lastUpdated", "assignmentType", "_links"),
    ]
    assert (role["type"], role["assignmentType"]) == ("READ_ONLY_ADMIN", "GROUP")
    assert role["_links"]["assignee"]["href"].endswith(f"/api/v1/groups/{group.id}")


def test_no_user_has_direct_roles_or_devices(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    for under in ("roles", "devices"):
        assert world.get(f"/api/v1/users/{ada.id}/{under}").json() == []
        assert refused(world.get(f"/api/v1/users/00uNobody/{under}")) == (404, "E0000007")


@pytest.mark.parametrize(
    ("path", "rows"),
    [("iam/roles", "roles"), ("iam/resource-sets", "resource-sets"), ("iam/assignees/users", "value")],
)
def test_empty_listings_have_their_rows_under_a_name(world: World, path: str, rows: str) -> None:
    assert world.get(f"/api/v1/{path}").json() == {rows: [], "_links": {}}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("iam/roles/cr0qeufik1K9u9Ssg5d7", "cr0qeufik1K9u9Ssg5d7 (CustomRole)"),
        ("iam/roles/cr0qeufik1K9u9Ssg5d7/permissions", "cr0qeufik1K9u9Ssg5d7 (CustomRole)"),
        ("iam/resource-sets/irs000000000000000000", "irs000000000000000000 (IAMPolicy)"),
        ("iam/resource-sets/irs000000000000000000/bindings", "irs000000000000000000 (IAMPolicy)"),
        ("iam/resource-sets/irs000000000000000000/resources", "irs000000000000000000 (IAMPolicy)"),
        ("devices/non-existent-device-id", "non-existent-device-id (Device)"),
        ("api-tokens/00Tinvalid1234567890", "00Tinvalid1234567890 (Token)"),
    ],
)
def test_a_missing_object_is_refused_with_okta_s_text(world: World, path: str, words: str) -> None:
    answer = world.get(f"/api/v1/{path}")
    assert refused(answer) == (404, "E0000007")
    assert answer.json()["errorSummary"] == f"Not found: Resource not found: {words}"


def test_devices_are_listed_and_a_cursor_is_never_good(world: World) -> None:
    assert world.get("/api/v1/devices?limit=2").json() == []
    answer = world.get("/api/v1/devices?after=mock_cursor_for_testing&limit=2")
    assert (refused(answer), causes(answer)) == ((400, "E0000031"), ["Invalid cursor."])


def test_api_tokens_are_listed_without_their_secrets(world: World) -> None:
    (token,) = world.get("/api/v1/api-tokens").json()
    assert token["id"].startswith("00T")
    assert (token["tokenWindow"], token["clientName"]) == ("P30D", "Okta API")
    assert world.get(f"/api/v1/api-tokens/{token['id']}").json() == token
    assert not any(str(value).startswith("00") and len(str(value)) > 20 for value in token.values())
