"""Following the log: pages, positions that are lost, rights that are missing, a feed that is stuck, alarms that age."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.log_event import APP, USER, LogEvent, Target
from teleport_okta.okta.okta_errors import (
    Failure,
    OktaBadRequestError,
    OktaCursorRefusedError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaScopeError,
    OktaUnavailableError,
)
from teleport_okta.okta.system_log import FILTER, LOGS, LogPage
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import Store
from teleport_okta.sync.event_alarms import Source
from teleport_okta.sync.log_watcher import LogWatcher
from worlds import NOW

FAILURE = Failure("GET", LOGS, 400)
REFUSED = OktaCursorRefusedError(FAILURE, "was refused")
DOWN = OktaUnavailableError(FAILURE, "failed inside Okta")
FORBIDDEN = OktaForbiddenError(FAILURE, "was not permitted")
NO_SCOPE = OktaScopeError(FAILURE, "gave no token", asked=("okta.logs.read",), missing=("okta.logs.read",), remedy="")
TWO_SECONDS = 2.0
TEN_MINUTES = 600.0
LOST = "the position in the System Log was lost"


def address(name):
    return f"https://x.okta.com/logs?after={name}"


def event(uuid="u1", kind="user.account.update_profile", of="00uADA", target=USER, published=NOW, **more):
    """An event about a person."""
    targets = (Target(target, of),) if of else ()
    return LogEvent(uuid, kind, published, "SUCCESS", targets, **more)


def page(*events, to="end", full=False, unreadable=()):
    return LogPage(events, address(to), full, unreadable)


class ScriptedLog:
    """A scripted System Log: a page or an error for the beginning and for each position."""

    def __init__(self):
        self.begins = page()
        self.pages = {address("end"): page()}
        self.bounded = ()
        self.asked = []
        self.limits = {}
        self.ours = "https://x.okta.com/"

    def leads_to_us(self, position):
        return position.startswith(self.ours)

    async def since(self, moment):
        self.asked.append(("since", moment))
        return _given(self.begins)

    async def after(self, position):
        self.asked.append(("after", position.rpartition("=")[2]))
        return _given(self.pages[position])

    async def between(self, begin, end):
        self.asked.append(("between", begin, end))
        return _given(self.bounded)


class EveryPosition:
    """Pages of a log that has one at every position."""

    def __init__(self, next_page):
        self._next_page = next_page

    def __getitem__(self, position):
        return self._next_page()


def _given(scripted):
    if isinstance(scripted, list):
        scripted = scripted.pop(0) if len(scripted) > 1 else scripted[0]
    if isinstance(scripted, Exception):
        raise scripted
    return scripted


class Watched:
    """A watcher of a scripted log, on a real state and a virtual clock."""

    def __init__(self, store, clock=None, organization="00oORG", source=None):
        self.log = ScriptedLog()
        self.store = store
        self.clock = clock or VirtualClock(NOW)
        self.organization = organization
        self.hinted = 0
        self.settled_now = []
        self.watcher = LogWatcher(
            system_log=self.log,
            hints=store.hints,
            clock=self.clock,
            source=source or Source("0oaSAML", "0oaCLIENT"),
            organization=self._organization,
            hinted=self._hinted,
            settle_now=self._settle_now,
        )
        self.poll = self.watcher.poll

    async def _organization(self):
        return _given(self.organization)

    def _hinted(self):
        self.hinted += 1

    async def _settle_now(self, hints):
        self.settled_now += [hint.of for hint in hints]

    @property
    def health(self):
        return self.watcher.health

    async def hints(self):
        """The hints that wait, with those that are delayed."""
        return await self.store.hints.due(NOW + timedelta(days=365), most=9999, latest=timedelta(hours=1))

    async def about(self):
        return [hint.of for hint in await self.hints()]

    async def reconciles(self):
        """Why a full pass is hinted."""
        return [hint.cause for hint in await self.hints() if hint.kind is HintKind.ALL]

    async def read_on_from(self):
        found = await self.store.hints.position()
        return None if found is None else found.url.rpartition("=")[2]


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def watched(store):
    """A watcher that has a position, at the end of the log."""
    watched = Watched(store)
    await watched.poll()
    watched.log.asked.clear()
    return watched


async def test_the_log_is_begun_a_few_minutes_back(store):
    watched = Watched(store)
    watched.log.begins = page(event(), to="p1")
    assert await watched.poll() == TWO_SECONDS
    assert watched.log.asked == [("since", NOW - timedelta(minutes=5))]
    assert await watched.about() == ["00uADA"]
    assert await watched.read_on_from() == "p1"
    assert watched.hinted == 1


async def test_it_is_read_on_page_by_page_until_one_is_not_full(watched):
    watched.log.pages[address("end")] = page(event("u1", of="00uA"), to="p2", full=True)
    watched.log.pages[address("p2")] = page(event("u2", of="00uB"), to="p3", full=True)
    watched.log.pages[address("p3")] = page(event("u3", of="00uC"), to="p4")
    await watched.poll()
    assert watched.log.asked == [("after", "end"), ("after", "p2"), ("after", "p3")]
    assert await watched.about() == ["00uA", "00uB", "00uC"]
    assert await watched.read_on_from() == "p4"
    assert (watched.health.pages_behind, watched.health.events) == (2, 3)


async def test_a_quiet_log_costs_one_call_a_poll_and_leaves_the_position(watched):
    for _ in range(3):
        await watched.poll()
    assert watched.log.asked == [("after", "end")] * 3
    assert await watched.read_on_from() == "end"
    assert watched.hinted == 0


async def test_each_page_is_stored_before_the_next_one_is_read(watched):
    watched.log.pages[address("end")] = page(event(), to="p2", full=True)
    watched.log.pages[address("p2")] = DOWN
    await watched.poll()
    assert await watched.about() == ["00uADA"]
    assert await watched.read_on_from() == "p2"
    assert watched.health.state == "failing"


async def test_a_restart_reads_on_where_the_last_process_ended(store, watched):
    another = Watched(store)
    await another.poll()
    assert another.log.asked == [("after", "end")]
    assert await another.reconciles() == []


async def test_an_event_that_comes_twice_is_hinted_once(watched):
    watched.log.pages[address("end")] = [page(event(), to="end"), page(event(), event("u2"), to="end")]
    await watched.poll()
    await watched.store.hints.finish(await watched.hints())
    await watched.poll()
    [hint] = await watched.hints()
    assert hint.cause == "user.account.update_profile u2"
    assert watched.health.events == 2


async def test_events_without_a_uuid_are_never_taken_for_one_that_came_before(watched):
    watched.log.pages[address("end")] = page(event("", of="00uA"), event("", of="00uB"))
    await watched.poll()
    assert await watched.about() == ["00uA", "00uB"]
    await watched.store.hints.finish(await watched.hints())
    await watched.poll()
    assert await watched.about() == ["00uA", "00uB"]
    assert watched.health.events == 4


async def test_an_event_whose_page_could_not_be_stored_is_read_again(watched, monkeypatch):
    watched.log.pages[address("end")] = page(event(), to="p2")
    take = watched.store.hints.take

    async def fails(*_):
        raise StateError("the disk is full")

    monkeypatch.setattr(watched.store.hints, "take", fails)
    assert await watched.poll() == 5
    assert watched.health.state == "failing"
    monkeypatch.setattr(watched.store.hints, "take", take)
    await watched.poll()
    assert await watched.about() == ["00uADA"]


@pytest.mark.parametrize("refusal", [REFUSED, OktaBadRequestError(FAILURE, "was refused")])
async def test_a_refused_position_is_given_up_for_a_full_pass_and_going_on(watched, refusal):
    watched.log.pages[address("end")] = refusal
    watched.log.begins = page(event(), to="p9")
    watched.clock.advance(60)
    assert await watched.poll() == TWO_SECONDS
    assert watched.log.asked[1] == ("since", watched.clock.now() - timedelta(minutes=5))
    assert await watched.reconciles() == [LOST]
    assert await watched.read_on_from() == "p9"
    assert watched.health.is_following
    watched.log.pages[address("p9")] = page(to="p9")
    await watched.poll()
    assert len(await watched.reconciles()) == 1


async def test_a_position_that_is_refused_further_on_is_given_up_by_the_next_poll(watched):
    watched.log.pages[address("end")] = page(event(), to="p2", full=True)
    watched.log.pages[address("p2")] = REFUSED
    assert await watched.poll() == 5
    assert await watched.reconciles() == []
    await watched.poll()
    assert await watched.reconciles() == [LOST]
    assert await watched.read_on_from() == "end"


async def test_a_refused_beginning_backs_off_and_the_full_pass_is_hinted_with_its_first_page(watched):
    watched.log.pages[address("end")] = watched.log.begins = REFUSED
    assert [await watched.poll() for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    assert watched.health.state == "failing"
    assert await watched.reconciles() == []
    watched.log.begins = page(to="p9")
    assert await watched.poll() == TWO_SECONDS
    assert await watched.reconciles() == [LOST]
    assert await watched.read_on_from() == "p9"


async def test_a_lost_position_is_remembered_until_a_page_is_stored(watched, monkeypatch):
    watched.log.pages[address("end")] = REFUSED
    watched.log.begins = page(to="p9")
    take = watched.store.hints.take

    async def fails(*_):
        raise StateError("the disk is full")

    monkeypatch.setattr(watched.store.hints, "take", fails)
    assert await watched.poll() == 5
    assert await watched.reconciles() == []
    monkeypatch.setattr(watched.store.hints, "take", take)
    assert await watched.poll() == TWO_SECONDS
    assert await watched.reconciles() == [LOST]


async def test_a_position_that_is_too_old_is_not_tried(watched):
    watched.clock.advance(80 * 86400 + 60)
    await watched.poll()
    assert watched.log.asked[0][0] == "since"
    assert await watched.reconciles() == [LOST]


async def test_a_position_of_another_address_is_never_asked_for(watched):
    watched.log.ours = "https://other.okta.com/"
    await watched.poll()
    assert watched.log.asked[0][0] == "since"
    assert await watched.reconciles() == [LOST]


@pytest.mark.parametrize(
    ("changed", "value"),
    [
        ("organization", "00oOTHER"),
        ("source", Source("0oaANOTHER", "0oaCLIENT")),
        ("FILTER", f'{FILTER} or eventType sw "device."'),
        ("MEANING", 2),
    ],
)
async def test_a_position_of_another_organisation_app_filter_or_meaning_is_given_up(store, watched, changed, value):
    with pytest.MonkeyPatch.context() as patch:
        if changed.isupper():
            patch.setattr(f"teleport_okta.sync.log_watcher.{changed}", value)
            another = Watched(store)
        else:
            another = Watched(store, **{changed: value})
        await another.poll()
    assert another.log.asked[0][0] == "since"
    assert await another.reconciles() == [LOST]
    assert another.health.is_following


@pytest.mark.parametrize("error", [FORBIDDEN, NO_SCOPE])
async def test_without_the_right_it_is_asked_again_every_ten_minutes(watched, error):
    watched.log.pages[address("end")] = [error, error, page()]
    assert await watched.poll() == TEN_MINUTES
    assert (watched.health.state, watched.health.is_following) == ("not permitted", False)
    assert await watched.poll() == TEN_MINUTES
    assert await watched.poll() == TWO_SECONDS
    assert watched.health.is_following
    assert await watched.reconciles() == []


@pytest.mark.parametrize("error", [FORBIDDEN, DOWN])
async def test_a_log_that_is_begun_after_it_could_not_be_read_means_a_full_pass(store, error):
    watched = Watched(store)
    watched.log.begins = [error, page()]
    await watched.poll()
    assert await watched.reconciles() == []
    watched.clock.advance(TEN_MINUTES)
    await watched.poll()
    assert watched.health.is_following
    assert await watched.reconciles() == ["the System Log could not be read until now"]


async def test_a_lost_position_means_a_full_pass_after_the_log_is_begun_anew(watched):
    watched.log.pages[address("end")] = REFUSED
    watched.log.begins = [DOWN, page()]
    await watched.poll()
    assert await watched.reconciles() == []
    watched.clock.advance(3600)
    await watched.poll()
    assert watched.health.is_following
    assert await watched.reconciles() == [LOST]


async def test_what_fails_is_tried_again_after_growing_pauses_up_to_a_minute(watched):
    watched.log.pages[address("end")] = [DOWN] * 6 + [page()]
    assert [await watched.poll() for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    assert watched.health.state == "failing"
    assert await watched.poll() == TWO_SECONDS
    watched.log.pages[address("end")] = DOWN
    assert await watched.poll() == 5


async def test_a_log_that_fails_is_logged_once_and_failing_since_the_first_error(watched, caplog):
    for number in range(3):
        watched.log.pages[address("end")] = OktaUnavailableError(
            Failure("GET", LOGS, 503, request_id=f"C{number}"), "no"
        )
        await watched.poll()
        watched.clock.advance(60)
        assert (watched.health.since, f"request id C{number}" in watched.health.reason) == (NOW, True)
    assert caplog.text.count("the System Log is not followed") == 1
    watched.log.pages[address("end")] = page()
    await watched.poll()
    assert watched.health.since == NOW + timedelta(minutes=3)


async def test_an_organisation_that_cannot_be_asked_is_a_failure_like_another(store):
    watched = Watched(store, organization=DOWN)
    assert await watched.poll() == 5
    assert watched.health.state == "failing"


@pytest.mark.parametrize(("limit", "seconds"), [(None, 2), (120, 2), (60, 2), (50, 2.4), (20, 6), (10, 12)])
async def test_half_of_the_limit_is_left_to_other_readers_of_the_log(watched, limit, seconds):
    watched.log.limits = {} if limit is None else {LOGS: limit}
    assert await watched.poll() == seconds


async def test_unknown_events_are_counted_by_type_and_hint_at_nothing(watched):
    unknown = [event("u1", "user.new.thing"), event("u2", "user.new.thing"), event("u3", "", legacy_type="old.thing")]
    watched.log.pages[address("end")] = page(*unknown)
    await watched.poll()
    assert watched.health.unknown == {"user.new.thing": 2, "old.thing": 1}
    assert await watched.hints() == []
    assert watched.hinted == 0


async def test_a_handled_event_that_names_nobody_schedules_one_full_pass_a_while_later(watched):
    nameless = [event(f"u{number}", "group.user_membership.add", of="") for number in range(3)]
    watched.log.pages[address("end")] = page(*nameless)
    await watched.poll()
    assert await watched.reconciles() == ["group.user_membership.add u2"]
    assert await watched.store.hints.next_due() == NOW + timedelta(seconds=60)


async def test_an_unreadable_event_is_counted_and_stops_nothing(watched):
    watched.log.pages[address("end")] = page(event(), unreadable=("a log event has no type",))
    await watched.poll()
    assert watched.health.unreadable == 1
    assert await watched.reconciles() == ["unreadable event"]
    assert "00uADA" in await watched.about()


async def test_what_a_page_tells_of_time_is_kept(watched):
    watched.clock.advance(30)
    watched.log.pages[address("end")] = page(
        event("u1", published=NOW + timedelta(seconds=10)), event("u2", published=None), event("u3", published=NOW)
    )
    await watched.poll()
    position = await watched.store.hints.position()
    assert position.published == watched.health.published == NOW + timedelta(seconds=10)
    assert watched.health.lag == 20
    assert position.polled_at == watched.health.polled_at == watched.clock.now()


async def test_a_quiet_feed_is_checked_once_an_hour(watched):
    watched.clock.advance(3590)
    await watched.poll()
    assert len(watched.log.asked) == 1
    watched.clock.advance(20)
    now = watched.clock.now()
    await watched.poll()
    assert watched.log.asked[-1] == ("between", now - timedelta(minutes=10), now - timedelta(minutes=1))
    assert await watched.reconciles() == []
    watched.clock.advance(60)
    await watched.poll()
    assert watched.log.asked[-1] == ("after", "end")


async def test_a_feed_that_hands_out_nothing_is_given_up(watched):
    watched.clock.advance(3601)
    watched.log.bounded = (event("u7"),)
    await watched.poll()
    assert await watched.read_on_from() is None
    assert await watched.reconciles() == []
    watched.log.begins = page(event("u7"), to="p8")
    await watched.poll()
    assert await watched.reconciles() == [LOST]
    assert watched.hinted == 1
    assert "00uADA" in await watched.about()
    assert await watched.read_on_from() == "p8"


async def test_events_that_were_read_already_make_no_feed_stuck(watched):
    watched.log.pages[address("end")] = [page(event("u7")), page()]
    await watched.poll()
    watched.clock.advance(3601)
    watched.log.bounded = (event("u7"),)
    await watched.poll()
    assert await watched.reconciles() == []


async def test_an_alarm_is_kept_for_a_day_after_its_last_event(watched):
    alarms = [event(f"u{number}", "app.keys.rotate", "0oaSAML", APP) for number in range(2)]
    watched.log.pages[address("end")] = [page(alarms[0]), page(alarms[1]), page()]
    await watched.poll()
    [alarm] = watched.health.alarms.values()
    assert (alarm.at, alarm.cause) == (NOW, "app.keys.rotate u0")
    watched.clock.advance(23 * 3600)
    await watched.poll()
    watched.clock.advance(23 * 3600)
    await watched.poll()
    assert [one.cause for one in watched.health.alarms.values()] == ["app.keys.rotate u1"]
    watched.clock.advance(3601)
    await watched.poll()
    assert watched.health.alarms == {}


async def test_alarms_age_while_the_log_cannot_be_read_too(watched):
    watched.log.pages[address("end")] = [page(event("u1", "app.keys.rotate", "0oaSAML", APP)), DOWN]
    await watched.poll()
    watched.clock.advance(24 * 3600 + 1)
    await watched.poll()
    assert watched.health.alarms == {}


async def test_full_pages_that_lead_back_to_themselves_come_to_an_end(watched):
    watched.log.pages[address("end")] = page(event(), to="end", full=True)
    after = watched.log.after

    async def slowly(position):
        await asyncio.sleep(0.01)
        return await after(position)

    watched.log.after = slowly
    async with asyncio.timeout(0.3):
        await watched.poll()


@pytest.mark.parametrize("repeated", [event("u1"), event("")], ids=["the same event", "one without a uuid"])
async def test_full_pages_without_a_new_event_end_the_read_as_a_failure(watched, repeated):
    pages = iter(range(1000))
    watched.log.pages = EveryPosition(lambda: page(repeated, to=f"p{next(pages)}", full=True))
    assert await watched.poll() == 5.0
    assert (watched.health.state, await watched.read_on_from()) == ("failing", "p3")
    assert "3 full pages in a row had no new events" in watched.health.reason
    watched.log.pages = {address("p3"): page(event("u2", of="00uB"))}
    await watched.poll()
    assert watched.health.state == "following"
    assert "00uB" in await watched.about()


async def test_full_pages_of_the_overlap_are_progress(watched):
    again = [page(event(f"u{number}"), to=f"p{number}", full=True) for number in range(5)]
    watched.log.pages[address("end")] = [again[0], REFUSED]
    watched.log.pages |= {address(f"p{number}"): again[number + 1] for number in range(4)}
    watched.log.pages[address("p4")] = [page(to="end"), page(event("u9", of="00uB"))]
    await watched.poll()
    watched.log.begins = again[0]
    await watched.poll()
    assert watched.health.state == "following"
    assert "00uB" in await watched.about()


async def test_a_page_that_makes_no_sense_is_a_failure_and_the_position_stays(watched):
    watched.log.pages[address("end")] = OktaMalformedAnswerError(FAILURE, "names no next page")
    await watched.poll()
    assert watched.health.state == "failing"
    assert await watched.read_on_from() == "end"
    assert await watched.reconciles() == []


async def test_the_clock_that_is_set_back_loses_no_position(watched):
    watched.clock.set_time_of_day(NOW - timedelta(days=2))
    watched.log.pages[address("end")] = page(event())
    await watched.poll()
    assert watched.log.asked == [("after", "end")]
    assert watched.health.lag == 0
    assert await watched.about() == ["00uADA"]


async def test_hints_of_others_are_left_as_they_are(watched):
    await watched.store.hints.add([Hint(HintKind.OBJECT, "00gENG")], at=NOW)
    watched.log.pages[address("end")] = page(event(), to="p2")
    await watched.poll()
    assert sorted(await watched.about()) == ["00gENG", "00uADA"]
