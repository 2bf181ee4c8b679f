from __future__ import annotations

import pytest
from teleport_okta.sandbox.okta import Edition, Settings
from unit.sandbox_okta.sandbox_okta_world import START, World, refused


def remaining(world: World, target: str) -> tuple[int, int]:
    headers = world.get(target).headers
    return int(headers["X-Rate-Limit-Limit"]), int(headers["X-Rate-Limit-Remaining"])


@pytest.mark.parametrize(
    ("method", "path", "workforce", "dev"),
    [
        ("GET", "/api/v1/apps", 100, 20),
        ("GET", "/api/v1/apps/0oaX/users", 100, 20),
        ("GET", "/api/v1/apps/0oaX", 500, 100),
        ("GET", "/api/v1/groups", 500, 100),
        ("GET", "/api/v1/groups/00gX/users", 500, 100),
        ("GET", "/api/v1/groups/00gX", 1000, 100),
        ("GET", "/api/v1/users", 600, 100),
        ("GET", "/api/v1/users/00uX/groups", 600, 100),
        ("GET", "/api/v1/users/00uX", 2000, 100),
        ("POST", "/api/v1/users/00uX", 600, 100),
        ("GET", "/api/v1/logs", 120, 20),
        ("GET", "/api/v1/org", 1200, 100),
        ("POST", "/oauth2/v1/token", 2000, 300),
    ],
)
def test_every_call_shows_its_bucket(method: str, path: str, workforce: int, dev: int) -> None:
    for edition, limit in ((Edition.WORKFORCE, workforce), (Edition.DEV, dev)):
        world = World(Settings(edition=edition, share=100))
        assert world.call(method, path).headers["X-Rate-Limit-Limit"] == str(limit)


def test_a_token_gets_its_share_of_a_bucket(world: World) -> None:
    assert remaining(world, "/api/v1/apps") == (50, 49)
    world.org.limiter.share = 80
    assert remaining(world, "/api/v1/apps") == (80, 78)


def test_the_call_above_the_limit_is_refused_without_retry_after(world: World) -> None:
    answers = [world.get("/api/v1/apps?limit=1") for _ in range(51)]
    assert [answer.status for answer in answers] == [200] * 50 + [429]
    assert refused(answers[-1]) == (429, "E0000047")
    assert answers[-1].headers["X-Rate-Limit-Remaining"] == "0"
    assert "Retry-After" not in answers[-1].headers


def test_a_window_lasts_sixty_seconds_from_its_first_call(world: World) -> None:
    for _ in range(50):
        answer = world.get("/api/v1/apps")
    assert answer.headers["X-Rate-Limit-Reset"] == str(int(START) + 61)
    world.now = START + 59.9
    assert world.get("/api/v1/apps").status == 429
    world.now = START + 60
    assert world.get("/api/v1/apps").status == 200


def test_buckets_have_windows_of_their_own(world: World) -> None:
    world.get("/api/v1/apps")
    world.now += 30
    assert world.get("/api/v1/groups").headers["X-Rate-Limit-Reset"] == str(int(START) + 91)


def test_all_principals_together_cannot_exceed_the_organisation_s_limit(world: World) -> None:
    tokens = [world.org.tokens.create_ssws(world.org.admin, world.org.role) for _ in range(3)]
    statuses = []
    for token in tokens:
        world.authorization = f"SSWS {token}"
        statuses += [world.get("/api/v1/apps").status for _ in range(40)]
    assert statuses.count(200) == 100
    assert statuses[-20:] == [429] * 20


def test_too_many_calls_in_flight_show_zeros() -> None:
    world = World(Settings(edition=Edition.DEV))
    request = world.request("GET", "/api/v1/users")
    flights = [world.gateway.serve(request) for _ in range(18)]
    answers = [flight.__enter__() for flight in flights]
    assert [answer.status for answer in answers] == [200] * 17 + [429]
    assert answers[-1].headers["X-Rate-Limit-Limit"] == answers[-1].headers["X-Rate-Limit-Remaining"] == "0"
    for flight in flights:
        flight.__exit__(None, None, None)
    assert world.get("/api/v1/users").status == 200


def test_calls_are_counted_by_bucket_endpoint_and_status_since_a_mark(world: World) -> None:
    world.get("/api/v1/users")
    mark = world.org.mark()
    world.get("/api/v1/apps")
    world.get("/api/v1/apps/0oaNone/users")
    calls = world.org.calls_since(mark)
    assert calls.buckets == {"/api/v1/apps": 2}
    assert calls.endpoints == {"GET /api/v1/apps": 1, "GET /api/v1/apps/{id}/users": 1}
    assert calls.statuses == {200: 1, 404: 1}


@pytest.mark.parametrize(
    ("path", "bucket"),
    [
        ("/api/v1/groups?limit=200&expand=stats", "/api/v1/groups"),
        ("/api/v1/groups/{group}", "/api/v1/groups/{id}"),
        ("/api/v1/groups/{group}/users?limit=1000", "/api/v1/groups"),
        ("/api/v1/groups/{group}/apps?limit=200", "/api/v1/groups"),
        ("/api/v1/apps?limit=200", "/api/v1/apps"),
        ("/api/v1/apps/{app}", "/api/v1/apps/{id}"),
        ("/api/v1/apps/{app}/users?limit=500", "/api/v1/apps"),
        ("/api/v1/apps/{app}/users/{user}", "/api/v1/apps"),
        ("/api/v1/apps/{app}/groups?limit=200", "/api/v1/apps"),
        ("/api/v1/apps/{app}/groups/{group}", "/api/v1/apps"),
    ],
)
def test_reads_of_groups_and_apps_count_in_their_bucket(world: World, path: str, bucket: str) -> None:
    app, group = world.org.create_app("Wiki").id, world.org.create_group("Red").id
    world.org.assign_group(app, group)
    world.org.assign(app, world.org.admin)
    assert world.get(path.format(app=app, group=group, user=world.org.admin)).status == 200
    assert world.org.calls.buckets == {bucket: 1}
