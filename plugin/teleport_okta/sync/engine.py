"""The engine of a running service: full passes at the start, at an interval, and when a person or a hint asks."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__
from teleport_okta.errors import ConfigError, InterruptedPassError, TeleportOktaError
from teleport_okta.observe.logs import working
from teleport_okta.observe.metrics import Metrics
from teleport_okta.observe.work_metrics import FAILED, HELD, SUCCEEDED
from teleport_okta.plan.render import hold_line, put_off_line, summary
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.explain import explained
from teleport_okta.sync.failure_kinds import kind_of
from teleport_okta.sync.pass_history import PassHistory
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

_LOOKED_AT_EVERY: Final = timedelta(seconds=30)
"""How often the time of the next pass is computed anew: it depends on how changes arrive, and on the lease."""

RESUMED_WITHIN: Final = 60.0
"""Seconds that may be spent on continuing from an earlier process. A full pass would have locked leavers by then."""

_log = logging.getLogger(__name__)


class Engine:
    """Runs passes one at a time until it is stopped.

    If the first pass fails because of the settings, the engine ends, unless it `is_patient`: then the settings may
    change while it runs. `metrics` count the passes.
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
        """Follows changes between passes; None if passes alone find them."""

        self._store = store
        self._clock = clock
        self._interval = interval
        self._one_at_a_time = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._hinted = asyncio.Event()
        self._commands: set[asyncio.Future[PassReport]] = set()
        self._history = PassHistory()
        self._next_pass: datetime | None = None
        self._passed_ago: timedelta | None = None
        """How long ago the full pass of the earlier process ended from which this one continues."""

    async def run(self, trigger: str = "start") -> None:
        """Run passes until `stop`; `trigger` is the cause of the first.

        Raises the ConfigError of a first pass: these settings have never worked.
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
        """Run a full pass soon, because of a change that no single read shows; return whether it was applied."""
        _log.info("a full pass follows: %s", cause)
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._reconciles.append(waiting)
        self._hinted.set()
        return await waiting

    def stop(self) -> None:
        """End `run` after the keys that are being applied."""
        self._stopping.set()
        self._pass.drain()

    async def plan(self) -> PlanView:
        """Plan now, or after the pass that is running; raises TeleportOktaError."""
        async with self._one_at_a_time:
            self._refuse_when_stopping()
            return await self._pass.plan()

    async def apply(self, digest: str) -> PassReport:
        """Run a pass now, or after the one that is running; with a digest only that plan. Raises TeleportOktaError.

        The pass continues if the caller is cancelled.
        """
        command = asyncio.ensure_future(self._run_pass("command", digest))
        self._commands.add(command)
        command.add_done_callback(self._forget_command)
        return await asyncio.shield(command)

    async def approve(self, digest: str, *, by: str) -> Approval:
        """Approve a set of held harm for 24 hours, record who approved it (`by`), and run a pass soon.

        Raises NothingHeldError or StateError.
        """
        approval = await self._store.approvals.approve(digest, at=self._clock.now(), by=by, boot=self._clock.boot())
        until = approval.expires.isoformat()
        _log.info("approved %s by %s: %d held, until %s", approval.digest, by, len(approval.harmed), until)
        self._hinted.set()
        return approval

    async def release(self, name: str, *, by: str) -> Released:
        """Release a user name, after the pass that is running, record who decided it (`by`), and run a pass soon.

        Raises NotReleasableError, or another TeleportOktaError.
        """
        async with self._one_at_a_time:
            self._refuse_when_stopping()
            released = await self._pass.release(name, by=by)
        locks, memberships = len(released.locks), len(released.memberships)
        _log.info(
            "released %s by %s: %d locks removed, %d memberships left for the next holder of the name",
            name,
            by,
            locks,
            memberships,
        )
        self._hinted.set()
        return released

    async def preview_filters(
        self, group_filters: tuple[str, ...], app_filters: tuple[str, ...], *, live: bool
    ) -> FilterPreview:
        """Return what filters would do; `live` waits for the pass that is running. Raises TeleportOktaError."""
        if not live:
            return await self._pass.preview_filters(group_filters, app_filters, live=False)
        async with self._one_at_a_time:
            self._refuse_when_stopping()
            return await self._pass.preview_filters(group_filters, app_filters, live=True)

    async def explain(self, of: str, asked: str) -> Explanation:
        """Explain why the object called `asked` is as it is, by the facts of this process. Raises StateError."""
        settings, registry = self._pass.settings, self._pass.registry
        return await explained(self._store, settings, registry, of=of, asked=asked, now=self._clock.now())

    async def status(self) -> Status:
        """Return the status of this process; raises StateError."""
        return Status(
            version=__version__,
            state=self._state(),
            last_success=await self._store.last_success(),
            quarantine=tuple(await self._store.quarantine()),
            findings=await self._store.findings(),
            next_pass=self._next_pass,
            last_error=self._history.error,
            failure=self._history.failure,
            parts=await self._store.part_results(),
            holdings=self._pass.holdings,
            cluster=self._pass.cluster,
            last_pass=self._history.last,
            identities=self._pass.identities,
            cost=await self._store.cost(),
            progress=self._pass.progress,
            warnings=self._pass.role_warnings,
            following=None if self.follower is None else self.follower.following(),
        )

    @property
    def standing(self) -> tuple[str, str]:
        """The state, and why passes fail or this process is a standby; empty if neither."""
        return self._state(), self._history.trouble

    def _state(self) -> str:
        if self._history.is_standby:
            return "standby"
        return "running" if self._one_at_a_time.locked() else "failing" if self._history.failures else "idle"

    async def _until_followed(self) -> None:
        """Wait until the log has a position, so that no event falls between it and the listings of a pass."""
        if self.follower is not None:
            await self.follower.begun()

    async def _resume(self) -> None:
        """Continue from the last full pass of an earlier process, if all changes after it are known."""
        follower = self.follower
        if follower is None:
            return
        try:
            if follower.reads_on:
                async with asyncio.timeout(RESUMED_WITHIN):
                    self._passed_ago = await self._pass.resume(within=self._between_passes())
        except TimeoutError:
            _log.info("comparing Teleport with the state of the earlier process took too long; a full pass follows")
        except StandbyError as error:
            self._history.note_standby(error)
        except TeleportOktaError as error:
            _log.info("cannot continue from the earlier process: %s; a full pass follows", error)
        except Exception:  # noqa: BLE001 - the root of the service: a full pass does not need it
            _log.exception("continuing from the earlier process failed unexpectedly; a full pass follows")
        finally:
            follower.may_look()
        if self._passed_ago is not None:
            self._history.has_worked = True

    async def _until_next_pass(self) -> None:
        """Wait for the next pass. How long that is may change meanwhile, with the way in which changes arrive."""
        passed_ago, self._passed_ago = self._passed_ago or timedelta(), None
        began = self._clock.monotonic()
        while not self._hinted.is_set():
            # By the clock and not by a sum of the waits, because the machine may have been suspended between them.
            wait = self._wait() - passed_ago - timedelta(seconds=self._clock.monotonic() - began)
            self._next_pass = self._clock.now() + wait
            # An ousted process becomes a standby by a pass; a standby asks for the lease every few seconds.
            if wait <= timedelta() or (self._pass.is_ousted and not self._history.is_standby):
                return
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
            if not self._history.has_worked and not self._is_patient:
                raise
        except TeleportOktaError:
            return  # noted and logged in _run_pass
        except Exception as error:  # noqa: BLE001 - the root of the service: one bad pass must not end it
            self._history.note_failure(f"{type(error).__name__}: {error}")
            self._count(trigger, FAILED, began)
            _log.exception("a pass failed unexpectedly; the next one tries again")
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
                self._history.note_standby(error)
                raise
            except TeleportOktaError as error:
                with suppress(StateError):  # before the failure is noted, so that no status shows it without its parts
                    await self._pass.note_failed(str(error))
                self._history.note_failure(str(error), kind_of(error))
                self._count(trigger, FAILED, began)
                _log.error("the pass (%s) failed: %s", trigger, error)
                raise
            self._history.note_report(report)
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
            raise InterruptedPassError(what, remedy="ask again after it has started again")

    def _only_reads(self) -> bool:
        return not self._pass.is_applying

    def _forget_command(self, command: asyncio.Future[PassReport]) -> None:
        """Drop the pass of a command, and mark its exception as retrieved: the caller may have been cancelled."""
        self._commands.discard(command)
        if not command.cancelled():
            command.exception()

    async def _until_hinted(self, wait: timedelta) -> None:
        """Return when the wait is over, or a pass is wanted earlier."""
        sleeping = asyncio.ensure_future(self._clock.sleep(wait.total_seconds()))
        hinted = asyncio.ensure_future(self._hinted.wait())
        try:
            await asyncio.wait({sleeping, hinted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            hinted.cancel()

    def _wait(self) -> timedelta:
        return self._history.wait(self._interval, self._between_passes())

    def _between_passes(self) -> timedelta:
        """The interval; or while changes arrive by the log that of audits, but at least three times the last pass."""
        if self.follower is None or not self.follower.may_follow:
            return self._interval
        # Then passes take at most a quarter of the time, and leave most of the rate limits to single keys.
        return max(self._audit_interval, 3 * self._history.took)

    async def _until_stopped(self, work: Coroutine[object, object, None], *, interruptible: Callable[[], bool]) -> None:
        """Run some work to its end; cancel it if the engine is stopped meanwhile and the work is interruptible then."""
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
