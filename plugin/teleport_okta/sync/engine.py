"""The engine of a running service: a full pass at start and at an interval, and whenever somebody asks."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.plan.render import summary
from teleport_okta.sync.status import Status

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.store import Store
    from teleport_okta.sync.full_pass import FullPass
    from teleport_okta.sync.report import PassReport

_FIRST_RETRY: Final = timedelta(seconds=15)

_log = logging.getLogger(__name__)


class Engine:
    """Runs passes one at a time until it is stopped."""

    def __init__(self, *, full_pass: FullPass, store: Store, clock: Clock, interval: timedelta) -> None:
        self._pass = full_pass
        self._store = store
        self._clock = clock
        self._interval = interval
        self._one_at_a_time = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._failures = 0
        self._last_error = ""
        self._last_pass: PassReport | None = None
        self._next_pass: datetime | None = None

    async def run(self) -> None:
        """Run passes until `stop`; raises ConfigError, which no later pass could mend."""
        trigger = "start"
        while not self._stopping.is_set():
            await self._until_stopped(self._scheduled_pass(trigger))
            if self._stopping.is_set():
                break
            wait = self._wait()
            self._next_pass = self._clock.now() + wait
            await self._until_stopped(self._clock.sleep(wait.total_seconds()))
            trigger = "interval"

    def stop(self) -> None:
        """Finish the users in flight, then end `run`."""
        self._stopping.set()
        self._pass.drain()

    async def plan(self) -> Plan:
        """Plan now, after the pass that may be running; raises TeleportOktaError."""
        async with self._one_at_a_time:
            return await self._pass.plan()

    async def apply(self, digest: str) -> PassReport:
        """Run a pass now, after the one that may be running; with a digest only that plan. Raises TeleportOktaError."""
        return await self._run_pass("command", digest)

    async def status(self) -> Status:
        """Return what this process knows of itself; raises StateError."""
        state = "running" if self._one_at_a_time.locked() else "failing" if self._failures else "idle"
        return Status(
            version=__version__,
            state=state,
            last_success=await self._store.last_success(),
            quarantine=tuple(await self._store.quarantine()),
            next_pass=self._next_pass,
            last_error=self._last_error,
            cluster=self._pass.cluster,
            last_pass=self._last_pass,
        )

    async def _scheduled_pass(self, trigger: str) -> None:
        try:
            report = await self._run_pass(trigger)
        except ConfigError:
            raise
        except TeleportOktaError as error:
            self._failures += 1
            self._last_error = str(error)
            _log.error("the pass did not happen: %s", error)
            return
        if report.succeeded:
            self._failures = 0
            self._last_error = ""
        else:
            self._failures += 1
            self._last_error = report.error or next(
                (outcome.error for outcome in report.outcomes if outcome.error), "some changes were not applied"
            )

    async def _run_pass(self, trigger: str, digest: str = "") -> PassReport:
        async with self._one_at_a_time:
            report = await self._pass.run(trigger=trigger, expected_digest=digest)
            self._last_pass = report
        _report_in_log(report)
        return report

    def _wait(self) -> timedelta:
        """The interval; after a failure less, doubling up to it."""
        if not self._failures:
            return self._interval
        doublings = min(self._failures - 1, 16)
        return min(self._interval, _FIRST_RETRY * (1 << doublings))

    async def _until_stopped(self, work: Coroutine[object, object, None]) -> None:
        """Run some work; when the engine is stopped meanwhile, cancel it, unless a plan is being applied."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not self._pass.applying:
                working.cancel()
            await asyncio.wait({working})
        finally:
            working.cancel()
            stopping.cancel()
        if not working.cancelled():
            working.result()


def _report_in_log(report: PassReport) -> None:
    for warning in report.plan.warnings:
        _log.warning("%s", warning)
    for outcome in report.outcomes:
        if outcome.result != "done":
            change = outcome.change
            _log.warning(
                "%s %s of user %s: %s: %s", change.action, change.kind, change.subject, outcome.result, outcome.error
            )
    counts = ", ".join(f"{count} {result}" for result, count in sorted(report.counts().items())) or "nothing to apply"
    _log.info("pass (%s) planned %s; outcome: %s", report.trigger, summary(report.plan), counts)
