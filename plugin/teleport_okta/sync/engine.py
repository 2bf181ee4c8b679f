"""The engine of a running service: a full pass at start and at an interval, and whenever somebody asks."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__
from teleport_okta.errors import ConfigError, InterruptedPassError, TeleportOktaError
from teleport_okta.model.part_result import FailureKind
from teleport_okta.observe.logs import working
from teleport_okta.observe.metrics import Metrics
from teleport_okta.observe.work_metrics import FAILED, HELD, SUCCEEDED
from teleport_okta.plan.render import hold_line, put_off_line, summary
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.explain import explained
from teleport_okta.sync.failure_kinds import kind_of
from teleport_okta.sync.stale_plan import PlanChangedError
from teleport_okta.sync.status import Status
from teleport_okta.teleport.lease import StandbyError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.desired.preview import FilterPreview
    from teleport_okta.model.harm import Approval
    from teleport_okta.model.inheritance import Released
    from teleport_okta.plan.view import PlanView
    from teleport_okta.state.store import Store
    from teleport_okta.sync.explanation import Explanation
    from teleport_okta.sync.follower import Follower
    from teleport_okta.sync.full_pass import FullPass
    from teleport_okta.sync.report import PassReport

_FIRST_RETRY: Final = timedelta(seconds=15)

_LOOKED_AT_EVERY: Final = timedelta(seconds=30)
"""How often it is looked at whether the next pass should come sooner than was thought."""

RESUMED_WITHIN: Final = 60.0
"""Seconds after which a full pass begins all the same: it locks leavers before it lists groups and apps."""

_STANDBY_PAUSE: Final = timedelta(seconds=2)
"""How long a standby waits before it asks again for the lease to write: a rolling update hands over within seconds."""

_log = logging.getLogger(__name__)


class Engine:
    """Runs passes one at a time until it is stopped.

    A first pass that fails because of the settings ends it, unless it `is_patient`: then somebody may change them.
    `metrics` count the passes.
    """

    def __init__(
        self,
        *,
        full_pass: FullPass,
        store: Store,
        clock: Clock,
        interval: timedelta,
        audit_interval: timedelta | None = None,
        is_patient: bool = False,
        metrics: Metrics | None = None,
    ) -> None:
        self._pass = full_pass
        self._metrics = metrics or Metrics()
        self._is_patient = is_patient
        self._audit_interval = audit_interval or interval
        self._reconciles: list[asyncio.Future[bool]] = []
        self.follower: Follower | None = None
        """What brings changes between passes, where something does."""

        self._store = store
        self._clock = clock
        self._interval = interval
        self._one_at_a_time = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._hinted = asyncio.Event()
        self._commands: set[asyncio.Future[PassReport]] = set()
        self._has_worked = False
        self._failures = 0
        self._is_standby = False
        self._last_error = ""
        self._failure = FailureKind.NONE
        self._last_pass: PassReport | None = None
        self._next_pass: datetime | None = None
        self._passed_ago: timedelta | None = None
        """How long ago the full pass ended from which this process goes on, while it has made none itself."""

    async def run(self, trigger: str = "start") -> None:
        """Run passes until `stop`, the first because of `trigger`.

        Raises the ConfigError of a first pass, which can never have worked.
        """
        await self._until_stopped(self._until_followed(), interruptible=lambda: True)
        await self._until_stopped(self._resume(), interruptible=lambda: True)
        while not self._stopping.is_set():
            if self._passed_ago is None:
                await self._until_stopped(self._scheduled_pass(trigger), interruptible=self._only_reads)
            if self._stopping.is_set():
                break
            await self._until_stopped(self._until_next_pass(), interruptible=lambda: True)
            trigger = self._why_now()
        if self._commands:
            await asyncio.wait(self._commands)

    async def reconcile(self, cause: str) -> bool:
        """Run a full pass soon because of something that no single read shows; return whether it succeeded."""
        _log.info("a full pass follows: %s", cause)
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._reconciles.append(waiting)
        self._hinted.set()
        return await waiting

    def stop(self) -> None:
        """Finish the users in flight, then end `run`."""
        self._stopping.set()
        self._pass.drain()

    async def plan(self) -> PlanView:
        """Plan now, after the pass that may be running; raises TeleportOktaError."""
        async with self._one_at_a_time:
            self._refuse_when_stopping()
            return await self._pass.plan()

    async def apply(self, digest: str) -> PassReport:
        """Run a pass now, after the one that may be running; with a digest only that plan. Raises TeleportOktaError.

        The pass is the engine's: it goes on when whoever asked has gone away.
        """
        command = asyncio.ensure_future(self._run_pass("command", digest))
        self._commands.add(command)
        command.add_done_callback(self._forget_command)
        return await asyncio.shield(command)

    async def approve(self, digest: str, *, by: str) -> Approval:
        """Approve what is held for 24 h, on record as `by` whom, and run a pass soon.

        Raises NothingHeldError or StateError.
        """
        approval = await self._store.approvals.approve(digest, at=self._clock.now(), by=by, boot=self._clock.boot())
        until = approval.expires.isoformat()
        _log.info("approved %s by %s: %d held, until %s", approval.digest, by, len(approval.harmed), until)
        self._hinted.set()
        return approval

    async def release(self, name: str, *, by: str) -> Released:
        """Give a user name free, on record as `by` whom, after the pass that may be running, and run one soon.

        Raises NotReleasableError, or another TeleportOktaError.
        """
        async with self._one_at_a_time:
            self._refuse_when_stopping()
            released = await self._pass.release(name, by=by)
        locks, memberships = len(released.locks), len(released.memberships)
        _log.info("released %s by %s: %d locks taken off, %d memberships for who is next", name, by, locks, memberships)
        self._hinted.set()
        return released

    async def preview_filters(
        self, group_filters: tuple[str, ...], app_filters: tuple[str, ...], *, live: bool
    ) -> FilterPreview:
        """Say what filters would do; `live` after the pass that may be running. Raises TeleportOktaError."""
        if not live:
            return await self._pass.preview_filters(group_filters, app_filters, live=False)
        async with self._one_at_a_time:
            self._refuse_when_stopping()
            return await self._pass.preview_filters(group_filters, app_filters, live=True)

    async def explain(self, of: str, asked: str) -> Explanation:
        """Say why what is called `asked` is as it is, by what this process knows. Raises StateError."""
        settings, registry = self._pass.settings, self._pass.registry
        return await explained(self._store, settings, registry, of=of, asked=asked, now=self._clock.now())

    async def status(self) -> Status:
        """Return what this process knows of itself; raises StateError."""
        return Status(
            version=__version__,
            state=self._state(),
            last_success=await self._store.last_success(),
            quarantine=tuple(await self._store.quarantine()),
            findings=await self._store.findings(),
            next_pass=self._next_pass,
            last_error=self._last_error,
            failure=self._failure,
            parts=await self._store.part_results(),
            holdings=self._pass.holdings,
            cluster=self._pass.cluster,
            last_pass=self._last_pass,
            identities=self._pass.identities,
            cost=await self._store.cost(),
            progress=self._pass.progress,
            warnings=self._pass.role_warnings,
            following=None if self.follower is None else self.follower.following(),
        )

    @property
    def standing(self) -> tuple[str, str]:
        """The state, and why passes fail or this process is a standby; empty if neither."""
        return self._state(), self._last_error if self._failures or self._is_standby else ""

    def _state(self) -> str:
        if self._is_standby:
            return "standby"
        return "running" if self._one_at_a_time.locked() else "failing" if self._failures else "idle"

    async def _until_followed(self) -> None:
        """Let the log have a position before people are listed, so that nothing falls between the two."""
        if self.follower is not None:
            await self.follower.begun()

    async def _resume(self) -> None:
        """Go on from the last full pass of an earlier process, where what came after it is known."""
        follower = self.follower
        if follower is None:
            return
        try:
            if follower.reads_on:
                async with asyncio.timeout(RESUMED_WITHIN):
                    self._passed_ago = await self._pass.resume(within=self._between_passes())
        except TimeoutError:
            _log.info("what an earlier process knew took too long to compare; a full pass follows")
        except StandbyError as error:
            self._note_standby(error)
        except TeleportOktaError as error:
            _log.info("what an earlier process knew is of no use: %s; a full pass follows", error)
        except Exception:  # noqa: BLE001 - the root of the service: a full pass can do without
            _log.exception("going on from an earlier process failed in a way that it should not; a full pass follows")
        finally:
            follower.may_look()
        if self._passed_ago is not None:
            self._has_worked = True

    async def _until_next_pass(self) -> None:
        """Wait for the next pass; how long may change meanwhile, with how changes arrive."""
        passed_ago, self._passed_ago = self._passed_ago or timedelta(), None
        began = self._clock.monotonic()
        while not self._hinted.is_set():
            # By the clock, not by the waits: those say nothing of the time for which the machine was suspended.
            wait = self._wait() - passed_ago - timedelta(seconds=self._clock.monotonic() - began)
            self._next_pass = self._clock.now() + wait
            if wait <= timedelta() or (self._pass.is_ousted and not self._is_standby):
                return  # as a standby, passes ask for the lease to write every few seconds
            await self._until_hinted(min(wait, _LOOKED_AT_EVERY))

    def _why_now(self) -> str:
        if not self._hinted.is_set():
            return "interval"
        self._hinted.clear()
        return "hint" if self._reconciles else "command"

    async def _scheduled_pass(self, trigger: str) -> None:
        waiting, self._reconciles = self._reconciles, []
        began, succeeded = self._clock.monotonic(), False
        try:
            succeeded = (await self._run_pass(trigger)).applied
        except ConfigError:
            if not self._has_worked and not self._is_patient:
                raise
        except TeleportOktaError:
            return  # noted and logged where it happened
        except Exception as error:  # noqa: BLE001 - the root of the service: one bad pass must not end it
            self._note_failure(f"{type(error).__name__}: {error}")
            self._count(trigger, FAILED, began)
            _log.exception("a pass failed in a way that it should not; the next one tries again")
        finally:
            for one in waiting:
                if not one.done():
                    one.set_result(succeeded)

    async def _run_pass(self, trigger: str, digest: str = "") -> PassReport:
        async with self._one_at_a_time:
            self._refuse_when_stopping()
            began = self._clock.monotonic()
            try:
                report = await self._pass.run(trigger=trigger, expected_digest=digest)
            except PlanChangedError:
                raise
            except StandbyError as error:
                self._note_standby(error)
                raise
            except TeleportOktaError as error:
                with suppress(StateError):  # first, so that no status has the failure without its parts
                    await self._pass.note_failed(str(error))
                self._note_failure(str(error), kind_of(error))
                self._count(trigger, FAILED, began)
                _log.error("the pass (%s) did not happen: %s", trigger, error)
                raise
            self._is_standby = False
            self._last_pass = report
            self._has_worked = True
            self._note_result(report)
            self._count(trigger, _result_of(report), began)
        with working(report.id):
            _report_in_log(report)
        return report

    def _count(self, trigger: str, result: str, began: float) -> None:
        seconds = self._clock.monotonic() - began
        self._metrics.work.passed(trigger, result, seconds=seconds, at=self._clock.now())

    def _refuse_when_stopping(self) -> None:
        if self._stopping.is_set():
            what = "the service is stopping"
            raise InterruptedPassError(what, remedy="ask again when it has been started again")

    def _note_standby(self, error: StandbyError) -> None:
        if not self._is_standby:
            _log.info("standing by: %s", error)
        self._is_standby = True
        self._has_worked = True
        self._failures = 0
        self._last_error = str(error)
        self._failure = FailureKind.NONE

    def _note_failure(self, error: str, kind: FailureKind = FailureKind.OTHER) -> None:
        self._is_standby = False
        self._failures += 1
        self._last_error = error
        self._failure = kind

    def _note_result(self, report: PassReport) -> None:
        if report.applied:
            self._failures = 0
            self._last_error = ""
            self._failure = FailureKind.NONE
            return
        errors = (outcome.error for outcome in report.outcomes if outcome.result != Result.DONE and outcome.error)
        error = report.error or next(errors, "some changes were not applied")
        self._note_failure(error, report.failure or FailureKind.OTHER)

    def _only_reads(self) -> bool:
        return not self._pass.is_applying

    def _forget_command(self, command: asyncio.Future[PassReport]) -> None:
        """Drop a command's pass; its error was raised to whoever asked, if they still listened."""
        self._commands.discard(command)
        if not command.cancelled():
            command.exception()

    async def _until_hinted(self, wait: timedelta) -> None:
        """Return when the wait is over, or something happened because of which a pass should not wait."""
        sleeping = asyncio.ensure_future(self._clock.sleep(wait.total_seconds()))
        hinted = asyncio.ensure_future(self._hinted.wait())
        try:
            await asyncio.wait({sleeping, hinted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            hinted.cancel()

    def _wait(self) -> timedelta:
        """The interval; after a failure less, doubling up to it; as a standby a moment."""
        if self._is_standby:
            return min(self._interval, _STANDBY_PAUSE)
        if not self._failures:
            return self._between_passes()
        doublings = min(self._failures - 1, 16)
        return min(self._interval, _FIRST_RETRY * (1 << doublings))

    def _between_passes(self) -> timedelta:
        """The interval; while changes arrive by the log that of audits, so that passes take a quarter of the time."""
        if self.follower is None or not self.follower.may_follow:
            return self._interval
        last = self._last_pass
        took = timedelta() if last is None else last.finished - last.started
        return max(self._audit_interval, 3 * took)

    async def _until_stopped(self, work: Coroutine[object, object, None], *, interruptible: Callable[[], bool]) -> None:
        """Run some work to its end; when the engine is stopped meanwhile and it may be interrupted, cancel it."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and interruptible():
                working.cancel()
            await asyncio.wait({working})
        finally:
            working.cancel()
            stopping.cancel()
        if not working.cancelled():
            working.result()


def _result_of(report: PassReport) -> str:
    if not report.applied:
        return FAILED
    return SUCCEEDED if report.succeeded else HELD


def _report_in_log(report: PassReport) -> None:
    for warning in report.plan.warnings:
        _log.warning("%s", warning)
    for hold in report.plan.findings.holds:
        _log.warning("%s", hold_line(hold, report.plan.findings.held_digest))
    for one in report.plan.put_off:
        _log.info("%s", put_off_line(one))
    for outcome in report.outcomes:
        if outcome.result in {Result.FAILED, Result.CONFLICT}:
            change = outcome.change
            _log.warning("%s %s %s: %s: %s", change.action, change.kind, change.subject, outcome.result, outcome.error)
    if report.error:
        _log.warning("%s", report.error)
    counts = ", ".join(f"{count} {result}" for result, count in sorted(report.counts().items())) or "nothing to apply"
    _log.info("pass (%s) planned %s; outcome: %s", report.trigger, summary(report.plan), counts)
