from __future__ import annotations

import json
from email.utils import parsedate_to_datetime

import pytest
from teleport_okta.sandbox.okta import FaultKind
from unit.sandbox_okta.sandbox_okta_world import START, World, links, profile, refused


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (FaultKind.INTERNAL_ERROR, (500, "E0000009")),
        (FaultKind.RATE_LIMIT, (429, "E0000047")),
        (FaultKind.CONCURRENCY, (429, "E0000047")),
        (FaultKind.REVOKED, (401, "E0000011")),
    ],
)
def test_a_fault_answers_as_okta_would(world: World, kind: FaultKind, answer: tuple[int, str]) -> None:
    world.org.fail(kind)
    assert refused(world.get("/api/v1/users")) == answer


def test_a_limit_of_the_front_end_has_no_rate_limit_headers(world: World) -> None:
    world.org.fail("edge_limit")
    assert not any(name.startswith("X-Rate-Limit") for name in world.get("/api/v1/apps").headers)


def test_the_two_kinds_of_429_differ_in_their_headers(world: World) -> None:
    world.org.fail("rate_limit", count=1)
    world.org.fail("concurrency", after=1, count=1)
    exhausted, crowded = world.get("/api/v1/apps").headers, world.get("/api/v1/apps").headers
    assert (exhausted["X-Rate-Limit-Limit"], exhausted["X-Rate-Limit-Remaining"]) == ("50", "0")
    assert int(exhausted["X-Rate-Limit-Reset"]) == int(START) + 61
    assert (crowded["X-Rate-Limit-Limit"], crowded["X-Rate-Limit-Remaining"]) == ("0", "0")


@pytest.mark.parametrize(
    ("kind", "status"), [("edge_limit", 429), ("error_page", 500), ("bad_gateway", 502), ("unavailable", 503)]
)
def test_a_proxy_in_front_answers_with_a_page(world: World, kind: str, status: int) -> None:
    world.org.fail(kind)
    response = world.get("/api/v1/users")
    assert (response.status, response.headers["Content-Type"]) == (status, "text/html")
    assert response.body.startswith(b"<html>")


def test_a_call_can_be_forbidden(world: World) -> None:
    world.org.fail("forbidden")
    assert refused(world.get("/api/v1/users")) == (403, "E0000006")


def test_read_only_mode_refuses_writes_and_answers_reads(world: World) -> None:
    world.org.fail("read_only")
    assert refused(world.post("/api/v1/users", {"profile": profile("ada")})) == (503, "E0000010")
    assert world.get("/api/v1/users").status == 200


def test_a_revoked_token_stays_revoked(world: World) -> None:
    world.org.fail("revoked", after=1, count=1)
    assert [world.get("/api/v1/users").status for _ in range(3)] == [200, 401, 401]


def test_a_truncated_answer_is_no_json(world: World) -> None:
    world.org.fail("truncated")
    response = world.get("/api/v1/users")
    assert response.status == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_an_empty_listing_looks_complete(world: World) -> None:
    world.org.create_user(profile("ada"))
    world.org.fail("empty", path="/api/v1/users")
    response = world.get("/api/v1/users?limit=1")
    assert (response.status, response.json(), set(links(response))) == (200, [], {"self"})


def test_a_subset_is_the_same_each_time(world: World) -> None:
    users = {world.org.create_user(profile(f"user{number}")).id for number in range(40)}
    fault = world.org.fail("subset", path="/api/v1/users", percent=50)
    first, second = world.ids("/api/v1/users"), world.ids("/api/v1/users")
    assert first == second
    assert 5 < len(users & set(first)) < 35
    world.org.faults.remove(fault)
    assert users < set(world.ids("/api/v1/users"))


def test_a_skew_fault_changes_only_the_date_header(world: World) -> None:
    world.org.fail("skew", seconds=-300)
    response = world.get("/api/v1/users")
    assert parsedate_to_datetime(response.headers["Date"]).timestamp() == int(START) - 300
    assert int(response.headers["X-Rate-Limit-Reset"]) == int(START) + 61


def test_a_fault_affects_matching_calls_as_often_as_its_count(world: World) -> None:
    fault = world.org.fail("internal_error", method="GET", path="/api/v1/apps/*/users", after=1, count=2)
    app = world.org.create_app("Wiki").id
    target = f"/api/v1/apps/{app}/users?limit=5"
    assert world.get(f"/api/v1/apps/{app}").status == 200
    assert [world.get(target).status for _ in range(5)] == [200, 500, 500, 200, 200]
    assert (fault.hits, fault.used_up) == (2, True)


def test_a_fault_can_hit_by_chance(world: World) -> None:
    world.org.fail("internal_error", probability=0.5)
    statuses = [world.get("/api/v1/users").status for _ in range(60)]
    assert 15 < statuses.count(500) < 45


def test_recovery_ends_every_fault(world: World) -> None:
    world.org.fail("internal_error")
    world.org.recover()
    assert world.get("/api/v1/users").status == 200


def test_a_user_can_have_an_unknown_status(world: World) -> None:
    ada = world.org.create_user(profile("ada"))
    world.org.set_status(ada.id, "HIBERNATING")
    assert world.get(f"/api/v1/users/{ada.id}").json()["status"] == "HIBERNATING"
