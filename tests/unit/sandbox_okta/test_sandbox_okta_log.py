from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from teleport_okta.sandbox.okta import Edition, Settings
from unit.sandbox_okta.sandbox_okta_client import Client
from unit.sandbox_okta.sandbox_okta_log import LOGS, Poller, stamp, types
from unit.sandbox_okta.sandbox_okta_world import BASE, START, World, causes, links, profile, refused

DAY = 24 * 3600


def _raise(world: World, *names: str) -> None:
    for name in names:
        world.org.log.append_raw({"eventType": name})


def _walk(world: World, query: str) -> list[list[str]]:
    """Follow the next links of a bounded request and return the types of each page."""
    found, url = [], f"{LOGS}?{query}"
    while url:
        response = world.get(url)
        found.append(types(response.json()))
        url = links(response).get("next", "").removeprefix(BASE)
    return found


def test_a_new_organisation_has_an_empty_log(world: World) -> None:
    response = world.get(LOGS)
    assert (response.status, response.json(), set(links(response))) == (200, [], {"self", "next"})


def test_a_poll_shows_each_event_once(world: World) -> None:
    poller = Poller(world)
    _raise(world, "a", "b")
    world.now += 1
    _raise(world, "c")
    assert poller.types() == ["a", "b", "c"]
    assert poller.types() == []
    _raise(world, "d")
    assert poller.types() == ["d"]


def test_a_poll_begins_with_what_was_persisted_at_its_since(world: World) -> None:
    _raise(world, "before")
    world.now += 1
    since = stamp(world)
    _raise(world, "then")
    world.now += 1
    _raise(world, "after")
    assert types(world.get(f"{LOGS}?since={since}").json()) == ["then", "after"]


def test_a_poll_of_seven_days_is_the_default(world: World) -> None:
    _raise(world, "old")
    world.now += 7 * DAY + 1
    _raise(world, "new")
    assert types(world.get(LOGS).json()) == ["new"]


def test_a_drained_poll_answers_with_the_cursor_that_was_sent(world: World) -> None:
    poller = Poller(world)
    _raise(world, "a")
    poller.poll()
    drained = poller.url
    world.now += 3600
    assert (poller.poll(), poller.url) == ([], drained)


def test_the_next_link_is_a_whole_url_without_since(world: World) -> None:
    _raise(world, "a")
    since = stamp(world, -60)
    response = world.get(f"{LOGS}?since={since}&limit=7&filter=eventType+eq+%22a%22&q=a")
    query = parse_qs(urlsplit(links(response)["next"]).query)
    assert query == {"after": ["1767600000250_1"], "limit": ["7"], "filter": ['eventType eq "a"'], "q": ["a"]}


def test_a_poll_goes_page_by_page(world: World) -> None:
    poller = Poller(world, limit=2)
    _raise(world, "a", "b", "c")
    assert [poller.types() for _ in range(3)] == [["a", "b"], ["c"], []]


def test_a_filtered_poll_continues_after_the_events_that_it_omits(world: World) -> None:
    poller = Poller(world, text='eventType sw "x"', limit=2)
    _raise(world, "x1", "a", "x2", "b", "x3", "c")
    assert [poller.types() for _ in range(2)] == [["x1", "x2"], ["x3"]]


def test_an_event_with_an_old_date_still_reaches_a_poll(world: World) -> None:
    poller = Poller(world)
    _raise(world, "now")
    world.org.log.append_raw({"eventType": "late", "published": "2017-10-02T17:38:45+0000"})
    assert poller.types() == ["now", "late"]


def test_a_bounded_request_goes_by_the_dates_of_events(world: World) -> None:
    log, since = world.org.log, stamp(world)
    world.now += 10
    for name, seconds in (("third", 3), ("first", 1), ("second", 2), ("before", -1), ("after", 6)):
        log.append_raw({"eventType": name, "published": stamp(world, seconds - 10)})
    query = f"since={since}&until={stamp(world, -5)}"
    assert _walk(world, query) == [["first", "second", "third"]]
    assert _walk(world, f"{query}&limit=2") == [["first", "second"], ["third"]]
    assert _walk(world, f"{query}&limit=2&sortOrder=DESCENDING") == [["third", "second"], ["first"]]


def test_a_bounded_request_has_no_next_link_on_its_last_page(world: World) -> None:
    _raise(world, "a", "b")
    response = world.get(f"{LOGS}?since={stamp(world, -60)}&until={stamp(world, 60)}&limit=2")
    assert (len(response.json()), set(links(response))) == (2, {"self"})


def test_a_bounded_cursor_identifies_the_whole_request(world: World) -> None:
    _raise(world, "a", "b")
    response = world.get(f"{LOGS}?since={stamp(world, -60)}&until={stamp(world, 60)}&limit=1")
    query = parse_qs(urlsplit(links(response)["next"]).query)
    assert set(query) == {"after", "limit"}
    assert [len(part) for part in query["after"][0].split("-")] == [8, 4, 4, 4, 12]


def test_the_latest_events_can_be_asked_for_first(world: World) -> None:
    _raise(world, "a")
    world.now += 1
    _raise(world, "b")
    assert _walk(world, "sortOrder=DESCENDING&limit=1") == [["b"], ["a"]]


def test_an_event_that_is_persisted_late_is_missed_by_a_bounded_request_and_not_by_a_poll(world: World) -> None:
    poller, since = Poller(world), stamp(world)
    world.org.log.delay(30, "group.", count=1)
    world.org.create_group("Red")
    world.now += 1
    world.org.create_group("Blue")
    bounded = f"since={since}&until={stamp(world, 1)}"
    assert _walk(world, bounded) == [["group.lifecycle.create"]]
    poller.poll()
    world.now += 60
    [late] = poller.poll()
    assert (late["target"][0]["displayName"], late["published"]) == ("Red", since)
    assert _walk(world, bounded) == [["group.lifecycle.create"] * 2]


@pytest.mark.parametrize("limit", [0, 1, 1000])
def test_a_limit_from_nothing_to_a_thousand_is_taken(world: World, limit: int) -> None:
    _raise(world, *(["a"] * 1001))
    response = world.get(f"{LOGS}?limit={limit}")
    assert (len(response.json()), "next" in links(response)) == (limit, True)


def test_a_page_has_a_hundred_events_by_default(world: World) -> None:
    _raise(world, *(["a"] * 101))
    assert len(world.get(LOGS).json()) == 100


def test_a_limit_above_the_maximum_is_cut(world: World) -> None:
    _raise(world, *(["a"] * 1001))
    response = world.get(f"{LOGS}?limit=5000")
    assert len(response.json()) == 1000
    assert parse_qs(urlsplit(links(response)["self"]).query)["limit"] == ["1000"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=-1", "E0000029"),
        ("limit=many", "E0000029"),
        ("since=yesterday", "E0000030"),
        ("since=2026-01-01", "E0000030"),
        ("since=2026-13-01T00:00:00Z", "E0000030"),
        ("until=2026-01-01T00:00:00", "E0000030"),
        ("since=2025-07-01T00:00:00Z", "E0000053"),
        ("sortOrder=SIDEWAYS", "E0000001"),
        ("after=nonsense", "E0000031"),
        ("after=1767600000250_1&since=2026-01-01T00:00:00Z", "E0000001"),
        ("after=1767600000250_1&until=2026-01-01T00:00:00Z", "E0000001"),
    ],
)
def test_a_bad_request_is_refused(world: World, query: str, code: str) -> None:
    assert refused(world.get(f"{LOGS}?{query}")) == (400, code)


def test_events_older_than_ninety_days_are_silently_absent(world: World) -> None:
    since = stamp(world)
    _raise(world, "old")
    world.now += 89 * DAY
    _raise(world, "new")
    world.org.ssws_token = world.org.tokens.create_ssws(world.org.admin, world.org.role)
    world.authorization = f"SSWS {world.org.ssws_token}"
    assert types(world.get(f"{LOGS}?since={since}").json()) == ["old", "new"]
    assert _walk(world, f"since={since}&until={stamp(world, 1)}") == [["old", "new"]]
    world.now += 2 * DAY
    assert types(world.get(f"{LOGS}?since={since}").json()) == ["new"]
    assert _walk(world, f"since={since}&until={stamp(world, 1)}") == [["new"]]


def test_the_oldest_go_when_there_are_too_many() -> None:
    world = World(Settings(most_events=10))
    _raise(world, *(str(number) for number in range(100)))
    assert types(world.get(LOGS).json()) == [str(number) for number in range(90, 100)]
    assert len(world.org.log.since(0)) < 20


@pytest.mark.parametrize("code", ["E0000031", "E0000029", "E0000001"])
def test_all_cursors_so_far_can_be_ended(world: World, code: str) -> None:
    poller = Poller(world)
    _raise(world, "a", "b")
    bounded = links(world.get(f"{LOGS}?until={stamp(world, 1)}&limit=1"))["next"].removeprefix(BASE)
    world.org.log.invalidate_cursors(code)
    for url in (poller.url, bounded):
        answer = world.get(url)
        assert refused(answer) == (400, code)
        assert causes(answer) == ["after: Invalid cursor."]
    fresh = Poller(world)
    _raise(world, "c")
    assert fresh.types() == ["c"]
    assert world.get(poller.url).status == 400


def test_wide_ranges_can_take_too_long(world: World) -> None:
    world.org.log.fail_wide_ranges(3600)
    wide = [f"since={stamp(world, -7200)}", f"since={stamp(world, -7200)}&until={stamp(world)}"]
    assert [refused(world.get(f"{LOGS}?{query}")) for query in wide] == [(500, "E0000009")] * 2
    assert world.get(f"{LOGS}?since={stamp(world, -1800)}").status == 200
    world.org.log.recover()
    assert world.get(f"{LOGS}?{wide[0]}").status == 200


def test_reading_the_log_needs_scope_and_permission(world: World) -> None:
    client = Client(world)
    client.use("okta.users.read")
    assert refused(world.get(LOGS)) == (403, "E0000006")
    client.use("okta.logs.read")
    assert world.get(LOGS).status == 200
    world.org.narrow_role(without=["okta.logs.read"])
    assert refused(world.get(LOGS)) == (403, "E0000006")


@pytest.mark.parametrize(
    ("edition", "limit"), [(Edition.WORKFORCE, "60"), (Edition.ENTERPRISE, "25"), (Edition.DEV, "10")]
)
def test_the_log_has_a_bucket_of_its_own(edition: Edition, limit: str) -> None:
    world = World(Settings(edition=edition))
    assert world.get(LOGS).headers["X-Rate-Limit-Limit"] == limit
    assert world.org.calls.buckets == {"/api/v1/logs": 1}


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_a_skewed_clock_dates_events_and_judges_queries(skew: float) -> None:
    world = World(Settings(clock_skew=skew))
    poller = Poller(world)
    world.org.create_group("Red")
    [event] = poller.poll()
    assert event["published"] == stamp(world)
    assert world.org.timeline.now() == START + skew


def test_a_clock_that_is_set_back_loses_no_event(world: World) -> None:
    poller = Poller(world)
    _raise(world, "a")
    world.org.skew_clock(-3600)
    _raise(world, "b")
    assert poller.types() == ["a", "b"]
    world.org.skew_clock(-7200)
    _raise(world, "c")
    assert poller.types() == ["c"]


def test_a_poll_of_an_empty_log_survives_a_clock_that_is_set_back(world: World) -> None:
    poller = Poller(world)
    world.org.skew_clock(-3600)
    _raise(world, "a")
    assert poller.types() == ["a"]


def test_a_test_can_read_the_log_since_a_mark(world: World) -> None:
    world.org.create_group("Red")
    mark = world.org.log.mark()
    world.org.create_user(profile("ada"))
    assert types(world.org.log.since(mark)) == ["user.lifecycle.create", "user.lifecycle.activate"]
