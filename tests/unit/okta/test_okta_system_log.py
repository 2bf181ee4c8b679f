"""Reading the System Log page by page: the query, the position, and pages that lead nowhere or elsewhere."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from teleport_okta.okta.okta_errors import OktaBadRequestError, OktaForbiddenError, OktaMalformedAnswerError
from teleport_okta.okta.system_log import EVENTS_A_PAGE, FILTER, LOGS, SystemLog
from teleport_okta.sync import event_alarms, event_hints
from unit.okta.scripted_okta import fails, says
from worlds import NOW


def event(number=0, **changes):
    """An event of a person."""
    row = {"uuid": f"u{number}", "eventType": "user.lifecycle.suspend", "published": "2026-01-05T09:00:00Z"}
    return row | {"target": [{"id": "00uADA", "type": "User"}]} | changes


def position(okta, name="1767603600000_1"):
    """The address of a page of this organisation."""
    return f"{okta.url}{LOGS}?after={name}&limit=1000"


@pytest.fixture
async def log(okta):
    async with okta.client() as client:
        yield SystemLog(client)


def query_of(asked):
    return {name: value for name, [value] in parse_qs(urlsplit(asked.path_qs).query).items()}


async def test_the_first_page_is_a_polling_query_from_a_moment_on(okta, log):
    okta.on(LOGS, says([event()], links={"next": position(okta)}))
    page = await log.since(NOW)
    assert query_of(okta.asked[0]) == {
        "since": "2026-01-05T09:00:00.000Z",
        "limit": "1000",
        "sortOrder": "ASCENDING",
        "filter": FILTER,
    }
    assert [one.uuid for one in page.events] == ["u0"]
    assert (page.next, page.is_full, page.unreadable) == (position(okta), False, ())


async def test_a_position_is_asked_for_as_it_stands(okta, log):
    strange = f"{okta.url}{LOGS}?after=a%2Fb%20c&filter=eventType%20sw%20%22user.%22&limit=1000"
    okta.on(LOGS, says([], links={"next": strange}))
    assert (await log.after(strange)).next == strange
    assert okta.asked[0].path_qs == strange.removeprefix(okta.url)


async def test_an_empty_page_has_a_next_one_too(okta, log):
    okta.on(LOGS, says([], links={"next": position(okta)}))
    page = await log.after(position(okta))
    assert (page.events, page.next, page.is_full) == ((), position(okta), False)


async def test_a_page_is_full_by_its_rows_readable_or_not(okta, log):
    rows = [event(number) for number in range(EVENTS_A_PAGE - 1)] + [None]
    okta.on(LOGS, says(rows, links={"next": position(okta)}))
    page = await log.since(NOW)
    assert page.is_full
    assert len(page.events) == EVENTS_A_PAGE - 1


async def test_a_page_that_takes_okta_too_long_is_smaller_and_the_next_is_whole_again(okta, log):
    half = f"{okta.url}{LOGS}?after=b&limit=500"
    okta.on(f"{LOGS}?after=a&limit=1000", fails(500, "E0000009"))
    okta.on(f"{LOGS}?after=a&limit=500", says([event(number) for number in range(500)], links={"next": half}))
    page = await log.after(position(okta, "a"))
    assert (len(page.events), page.is_full, page.next) == (500, True, position(okta, "b"))


async def test_what_cannot_be_read_of_a_page_is_named_and_the_rest_is_read(okta, log):
    rows = [event(1), "noise", event(2, eventType=None), event(3, uuid=None)]
    okta.on(LOGS, says(rows, links={"next": position(okta)}))
    page = await log.since(NOW)
    assert [one.uuid for one in page.events] == ["u1", ""]
    assert page.unreadable == ("a log event is not an object but str", "a log event has no type")


async def test_a_page_without_a_next_one_is_refused(okta, log):
    okta.on(LOGS, says([event()]))
    with pytest.raises(OktaMalformedAnswerError, match="no next page"):
        await log.since(NOW)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example.com/api/v1/logs?after=1", "//evil.example.com/x", "/api/v1/logs?after=1"]
)
async def test_a_next_page_that_leads_elsewhere_is_never_a_position(okta, log, elsewhere):
    okta.on(LOGS, says([event()], links={"next": elsewhere}))
    with pytest.raises(OktaMalformedAnswerError):
        await log.since(NOW)


async def test_a_next_page_with_a_user_name_in_its_address_is_never_a_position(okta, log):
    address = position(okta).replace("http://", "http://me:hunter2@")
    assert not log.leads_to_us(address)
    okta.on(LOGS, says([event()], links={"next": address}))
    with pytest.raises(OktaMalformedAnswerError, match="with a user name in its address") as refused:
        await log.since(NOW)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example.com/api/v1/logs", "http://[::1", "", "/api/v1/logs?after=1", "ftp://x"]
)
async def test_a_position_that_leads_elsewhere_is_known_before_it_is_asked_for(okta, log, elsewhere):
    assert not log.leads_to_us(elsewhere)
    assert log.leads_to_us(position(okta))


async def test_a_position_that_leads_elsewhere_never_gets_our_token(okta, log):
    with pytest.raises(OktaMalformedAnswerError):
        await log.after("https://evil.example.com/api/v1/logs?after=1")
    assert not okta.asked


@pytest.mark.parametrize("code", ["E0000029", "E0000030", "E0000031", "E0000053", "E0000001"])
async def test_a_position_that_is_refused_by_any_code_is_a_bad_request(okta, log, code):
    okta.on(LOGS, fails(400, code))
    with pytest.raises(OktaBadRequestError):
        await log.after(position(okta))


async def test_without_the_right_the_log_is_forbidden(okta, log):
    okta.on(LOGS, fails(403, "E0000006"))
    with pytest.raises(OktaForbiddenError):
        await log.since(NOW)


async def test_what_happened_between_two_moments_is_a_bounded_query(okta, log):
    okta.on(LOGS, says([event(1), None]))
    found = await log.between(NOW, NOW + timedelta(minutes=9))
    assert [one.uuid for one in found] == ["u1"]
    asked = query_of(okta.asked[0])
    assert (asked["since"], asked["until"]) == ("2026-01-05T09:00:00.000Z", "2026-01-05T09:09:00.000Z")


def test_okta_sends_every_type_that_has_a_meaning():
    prefixes = [clause.split('"')[1] for clause in FILTER.split(" or ")]
    meant = {*event_hints._RULES, *event_alarms.ALARMING}
    assert [kind for kind in sorted(meant) if not kind.startswith(tuple(prefixes))] == []
