"""When passes run: at start, at the interval, sooner after a failure, and not after stop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.errors import ConfigError, InterruptedPassError, TeleportOktaError
from teleport_okta.model.harm import Harmed, held_digest
from teleport_okta.model.inheritance import Released
from teleport_okta.model.part_result import FailureKind, Holdings
from teleport_okta.plan.view import ChangeView, PlanView
from teleport_okta.state.store import Store
from teleport_okta.sync import engine as engine_module
from teleport_okta.sync.engine import Engine
from teleport_okta.sync.report import OutcomeView, PassReport
from teleport_okta.teleport.lease import StandbyError
from worlds import NOW, held_findings, leaver_lock

REPORT = PassReport("test", PlanView("d"), (), NOW, NOW)
CHANGE = ChangeView("create", "user", "ada@x.io", "ada@x.io", "00uADA", "assigned in Okta")


class Script:
    """A pass that follows the next line of a script, and records when it ran."""

    progress = None
    role_warnings = ()
    is_ousted = False

    def __init__(self, clock, lines):
        self.clock = clock
        self.lines = list(lines)
        self.ran = []
        self.engine = None
        self.is_applying = False
        self.drained = False
        self.cluster = None
        self.identities = ()
        self.holdings = Holdings()
        self.failed = []

    async def run(self, *, trigger, expected_digest="", progress=None):
        self.ran.append((trigger, (self.clock.now() - NOW).total_seconds()))
        line = self.lines.pop(0)
        if not self.lines:
            self.engine.stop()
        if isinstance(line, Exception):
            raise line
        return replace(line, trigger=trigger)

    async def note_failed(self, why):
        self.failed.append(why)

    def drain(self):
        self.drained = True

    async def release(self, name, *, by):
        return Released((leaver_lock("00uADA", name),))


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


def engine_of(store, *lines):
    clock = VirtualClock(NOW)
    script = Script(clock, lines)
    script.engine = Engine(full_pass=script, store=store, clock=clock, interval=timedelta(minutes=10))
    return script.engine, script


async def test_a_pass_runs_at_start_and_at_every_interval(store):
    engine, script = engine_of(store, REPORT, REPORT, REPORT)
    await engine.run()
    assert script.ran == [("start", 0), ("interval", 600), ("interval", 1200)]
    assert script.drained


async def test_after_a_failure_the_next_pass_comes_sooner_and_the_wait_doubles_up_to_the_interval(store):
    down = TeleportOktaError("the cluster is down")
    engine, script = engine_of(store, *[down] * 9)
    await engine.run()
    times = [time for _, time in script.ran]
    waits = [later - earlier for earlier, later in pairwise(times)]
    assert waits == [15, 30, 60, 120, 240, 480, 600, 600]
    status = await engine.status()
    assert (status.state, status.last_error) == ("failing", "the cluster is down")
    assert status.failure is FailureKind.OTHER
    assert script.failed == ["the cluster is down"] * 9


async def test_a_setting_that_cannot_be_used_is_distinguished_from_an_outage(store):
    engine, _ = engine_of(store, REPORT, ConfigError("okta.app_id is not set"))
    await engine.run()
    assert (await engine.status()).failure is FailureKind.CONFIGURATION


async def test_a_success_ends_the_failing(store):
    engine, script = engine_of(store, TeleportOktaError("x"), REPORT, REPORT)
    await engine.run()
    assert [time for _, time in script.ran] == [0, 15, 615]
    status = await engine.status()
    assert (status.state, status.failure) == ("idle", FailureKind.NONE)


async def test_a_change_that_was_not_applied_is_a_failure(store):
    partial = replace(REPORT, outcomes=(OutcomeView(CHANGE, "failed", "not allowed"),))
    engine, _ = engine_of(store, partial)
    await engine.run()
    assert (await engine.status()).last_error == "not allowed"


async def test_a_standby_asks_every_other_second_and_takes_over(store):
    other = StandbyError("00oACME", "the other one")
    engine, script = engine_of(store, other, other, REPORT, REPORT)
    await engine.run()
    assert [time for _, time in script.ran] == [0, 2, 4, 604]
    assert (await engine.status()).state == "idle"


async def test_a_standby_says_whom_it_stands_by_for_and_does_not_fail(store):
    engine, _ = engine_of(store, TeleportOktaError("x"), StandbyError("00oACME", "the other one"))
    await engine.run()
    status = await engine.status()
    assert status.state == "standby"
    assert "the other one" in status.last_error


async def test_a_configuration_that_cannot_work_ends_the_service(store):
    engine, _ = engine_of(store, ConfigError("no such role"), REPORT)
    with pytest.raises(ConfigError, match="no such role"):
        await engine.run()


async def test_stopping_cancels_a_pass_that_only_reads(store):
    engine, script = engine_of(store, REPORT)
    reading = asyncio.Event()

    async def read_for_ever(**_):
        reading.set()
        await asyncio.Event().wait()

    script.run = read_for_ever
    running = asyncio.ensure_future(engine.run())
    await reading.wait()
    engine.stop()
    await asyncio.wait_for(running, 5)


async def test_stopping_lets_a_plan_that_is_being_applied_drain(store):
    engine, script = engine_of(store, REPORT)
    applying, drain, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()
    script.drain = drain.set

    async def apply(**_):
        script.is_applying = True
        applying.set()
        await drain.wait()
        finished.set()
        return REPORT

    script.run = apply
    running = asyncio.ensure_future(engine.run())
    await applying.wait()
    engine.stop()
    await asyncio.wait_for(running, 5)
    assert finished.is_set()


async def test_a_command_runs_a_pass_of_its_own(store):
    engine, _ = engine_of(store, REPORT)
    report = await engine.apply("")
    assert report.trigger == "command"
    assert (await engine.status()).last_pass == report


async def test_an_error_that_nobody_expected_is_a_failed_pass_and_not_the_end(store):
    engine, script = engine_of(store, RuntimeError("a bug"), REPORT)
    await engine.run()
    assert len(script.ran) == 2


async def test_a_configuration_that_worked_once_is_tried_again(store):
    engine, script = engine_of(store, REPORT, ConfigError("the role is gone"), REPORT)
    await engine.run()
    assert len(script.ran) == 3


async def test_stopping_while_a_command_applies_waits_for_it_and_takes_no_other(store):
    engine, script = engine_of(store, REPORT, REPORT)
    applying, drain = asyncio.Event(), asyncio.Event()
    script.drain = drain.set
    running = asyncio.ensure_future(engine.run())
    while not script.ran:
        await asyncio.sleep(0)

    async def apply(**_):
        script.is_applying = True
        applying.set()
        await drain.wait()
        script.is_applying = False
        return REPORT

    script.run = apply
    command = asyncio.ensure_future(engine.apply(""))
    await applying.wait()
    engine.stop()
    await asyncio.wait_for(running, 5)
    assert await command == REPORT
    with pytest.raises(InterruptedPassError):
        await engine.apply("")


async def test_a_pass_continues_when_its_caller_is_cancelled(store):
    engine, script = engine_of(store, REPORT)
    began, go_on = asyncio.Event(), asyncio.Event()

    async def apply(**_):
        began.set()
        await go_on.wait()
        return REPORT

    script.run = apply
    command = asyncio.ensure_future(engine.apply(""))
    await began.wait()
    command.cancel()
    await asyncio.wait({command})
    go_on.set()
    while (await engine.status()).last_pass is None:
        await asyncio.sleep(0)
    assert command.cancelled()


async def test_a_command_that_succeeds_ends_the_failing(store):
    engine, script = engine_of(store, TeleportOktaError("down"), REPORT)
    with pytest.raises(TeleportOktaError):
        await engine.apply("")
    assert (await engine.status()).state == "failing"
    await engine.apply("")
    assert (await engine.status()).state == "idle"
    assert len(script.ran) == 2


class Suspending(VirtualClock):
    """A clock of a machine that is suspended for an hour during the first wait."""

    is_rested = False

    async def sleep(self, seconds):
        self.advance(0 if self.is_rested else 3600)
        self.is_rested = True
        await super().sleep(seconds)


async def test_a_pass_that_came_due_while_the_machine_was_suspended_runs_at_once(store):
    clock = Suspending(NOW)
    script = Script(clock, [REPORT, REPORT])
    script.engine = Engine(full_pass=script, store=store, clock=clock, interval=timedelta(minutes=10))
    await script.engine.run()
    assert script.ran == [("start", 0), ("interval", 3630)]


class NeverEnding(VirtualClock):
    """A clock on which no sleep ever ends."""

    async def sleep(self, seconds):
        await asyncio.Event().wait()


@pytest.mark.parametrize("command", ["approve", "release"])
async def test_an_approval_and_a_release_bring_the_next_pass_forward(store, command):
    clock = NeverEnding(NOW)
    script = Script(clock, [REPORT, REPORT])
    script.engine = Engine(full_pass=script, store=store, clock=clock, interval=timedelta(minutes=10))
    harmed = [Harmed("user", "ada@x.io", "00uADA")]
    await store.settle_findings(held_findings(*harmed), at=NOW)
    running = asyncio.ensure_future(script.engine.run())
    while not script.ran:
        await asyncio.sleep(0)
    if command == "approve":
        assert (await script.engine.approve(held_digest(harmed), by="ada")).harmed == set(harmed)
    else:
        assert [lock.user for lock in (await script.engine.release("ada@x.io", by="ada")).locks] == ["ada@x.io"]
    await asyncio.wait_for(running, 5)
    assert [trigger for trigger, _ in script.ran] == ["start", "command"]


class Reading:
    """A follower whose log continues from an earlier process; a test sets how changes arrive."""

    def __init__(self, *, reads_on=True, may_follow=True):
        self.reads_on, self.may_follow = reads_on, may_follow
        self.looks = False

    async def begun(self):
        pass

    def may_look(self):
        self.looks = True


HOUR = timedelta(hours=1)


def engine_that_follows(store, *lines, passed_ago=None, **follower):
    """An engine that can continue from a pass that ended so long ago, or fails to with an error."""
    engine, script = engine_of(store, *lines)
    engine._audit_interval = 4 * HOUR
    engine.follower = Reading(**follower)
    script.asked = []

    async def resume(*, within):
        script.asked.append(within)
        if isinstance(passed_ago, Exception):
            raise passed_ago
        return passed_ago

    script.resume = resume
    return engine, script


async def test_a_process_that_continues_makes_its_first_pass_when_that_is_due(store):
    engine, script = engine_that_follows(store, REPORT, REPORT, passed_ago=HOUR)
    await engine.run()
    assert script.ran == [("interval", 3 * 3600), ("interval", 7 * 3600)]
    assert script.asked == [4 * HOUR]
    assert engine.follower.looks


async def test_a_process_that_continues_and_then_cannot_follow_passes_as_without_the_log(store):
    engine, script = engine_that_follows(store, REPORT, passed_ago=timedelta(minutes=4))
    follower = engine.follower

    async def begun():
        follower.may_follow = False

    follower.begun = begun
    await engine.run()
    assert script.asked == [timedelta(minutes=10)]
    assert script.ran == [("interval", 360)]


@pytest.mark.parametrize(
    "why", [None, TeleportOktaError("the cluster is down"), StandbyError("00oACME", "x"), ZeroDivisionError()]
)
async def test_a_process_that_cannot_continue_passes_at_once_and_looks_all_the_same(store, why):
    engine, script = engine_that_follows(store, REPORT, passed_ago=why)
    await engine.run()
    assert script.ran == [("start", 0)]
    assert engine.follower.looks


async def test_a_process_whose_log_begins_only_now_does_not_continue(store):
    engine, script = engine_that_follows(store, REPORT, passed_ago=HOUR, reads_on=False)
    await engine.run()
    assert (script.ran, script.asked) == ([("start", 0)], [])


async def test_what_takes_too_long_to_compare_keeps_no_pass_waiting(store, monkeypatch):
    monkeypatch.setattr(engine_module, "RESUMED_WITHIN", 0.02)
    engine, script = engine_that_follows(store, REPORT)

    async def for_ever(**_):
        await asyncio.Event().wait()

    script.resume = for_ever
    async with asyncio.timeout(5):
        await engine.run()
    assert script.ran == [("start", 0)]
    assert engine.follower.looks
