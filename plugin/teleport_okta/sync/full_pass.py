"""One full pass: read both systems, compute, compare, plan; then apply, and plan again what somebody else changed."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.applier import Applier
from teleport_okta.apply.keys import Keys
from teleport_okta.apply.open_records import settle_open_records
from teleport_okta.apply.recall import recall_deletions
from teleport_okta.apply.release import release
from teleport_okta.desired.trust import GROUPS
from teleport_okta.errors import ConfigError, InterruptedPassError
from teleport_okta.model.cost import PassCost, ReadingProgress
from teleport_okta.model.part_result import FailureKind, Part, PartResult
from teleport_okta.observe.logs import WorkIds, working
from teleport_okta.plan.render import change_line
from teleport_okta.plan.view import change_view, view_of
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.completeness import problems_by_part, why_not_whole
from teleport_okta.sync.connector_warning import connector_warnings
from teleport_okta.sync.context import EngineContext
from teleport_okta.sync.harm_window import HarmWindow
from teleport_okta.sync.holdings import holdings
from teleport_okta.sync.key_reads import WHOLE
from teleport_okta.sync.pass_memory import PassMemory
from teleport_okta.sync.pass_run import PassRun
from teleport_okta.sync.preview import preview_of_last_seen, preview_of_reading, with_filters
from teleport_okta.sync.procedure import KeyProcedure
from teleport_okta.sync.reader import Reader
from teleport_okta.sync.registry import Registry
from teleport_okta.sync.report import OutcomeView, PassReport
from teleport_okta.sync.resume import Resuming
from teleport_okta.sync.scim_records import end_bindings
from teleport_okta.sync.sources import members_to_remember
from teleport_okta.sync.stale_plan import PlanChangedError, what_changed
from teleport_okta.teleport.wildcards import wildcard_roles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.clock import Clock
    from teleport_okta.desired.preview import FilterPreview
    from teleport_okta.model.inheritance import Released
    from teleport_okta.model.part_result import Holdings
    from teleport_okta.model.scope import Scope
    from teleport_okta.model.teleport import Cluster, IdentityState, TeleportRole
    from teleport_okta.observe.metrics import Metrics
    from teleport_okta.okta.call_forecast import CallForecast
    from teleport_okta.plan.plan import Plan
    from teleport_okta.plan.view import PlanView
    from teleport_okta.settings import Settings
    from teleport_okta.state.store import Store
    from teleport_okta.sync.key_reads import KeyReads
    from teleport_okta.sync.procedure import FollowUp, Settled
    from teleport_okta.sync.reader import OnPeople
    from teleport_okta.sync.reading import Reading
    from teleport_okta.sync.sources import OktaSource
    from teleport_okta.sync.terms import Terms
    from teleport_okta.teleport.cluster import Teleport

_PROGRESS_EVERY: Final = 30.0
"""Seconds between two lines of the log about a reading that takes long."""

BY_HAND: Final = "command"
"""The trigger of a pass that a person asked for."""

_log = logging.getLogger(__name__)


class FullPass:
    """Plans and applies one organisation against one cluster. Not for two tasks at once.

    `settings` is asked at the start of a unit of work (a pass, a plan, one scope), which keeps what it got to its end.
    """

    def __init__(
        self,
        *,
        okta: OktaSource,
        teleport: Teleport,
        store: Store,
        settings: Callable[[], Settings],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._store = store
        self._settings = settings
        self._clock = clock
        self.keys = Keys(clock)
        self._applier = Applier(teleport, store.journal, clock, self.keys, metrics.work.changed)
        self.registry = Registry()
        self._memory = PassMemory(store, self.registry, metrics, clock, self.keys)
        self.hour = HarmWindow(store, clock)
        self._reader = Reader(
            okta=okta,
            teleport=teleport,
            store=store,
            clock=clock,
            registry=self.registry,
            hour=self.hour,
            keys=self.keys,
        )
        self._context = EngineContext(
            okta=okta,
            teleport=teleport,
            store=store,
            clock=clock,
            keys=self.keys,
            applier=self._applier,
            registry=self.registry,
            hour=self.hour,
            become_writer=self._become_writer,
        )
        self._procedure = KeyProcedure(self._context, self._reader)
        self._resuming = Resuming(self._context, self._reader, self._memory)
        self._recalled = False
        self._work = WorkIds(clock)
        self._progress_said = clock.monotonic()
        self._owner = ""
        self.progress: ReadingProgress | None = None
        """How far the reading of Okta is, while there is one that has begun to count."""

        self.watch_reading: Callable[[int, int], None] | None = None
        """Is told how many of about how many calls a reading of Okta is through with."""

        self.role_warnings: tuple[str, ...] = ()
        """Which roles that are not ours grant everything that is imported."""

        self.applying = False
        """Whether a plan is being applied at this moment; cancelling a pass is harmless while it only reads."""

    @property
    def present_progress(self) -> ReadingProgress | None:
        """How far the reading of Okta is, and what it waits for at this moment."""
        return None if self.progress is None else replace(self.progress, waits=self._okta.directory.client.waits)

    @property
    def cluster(self) -> Cluster | None:
        """What the cluster last said of itself; None before the first pass."""
        return self._teleport.known_cluster

    @property
    def identities(self) -> tuple[IdentityState, ...]:
        """Our identities to the cluster, and what is wrong with them."""
        return self._teleport.identities(self._clock.now())

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self._settings()

    @property
    def owner(self) -> str:
        """The Okta organisation id on whose behalf we write; empty before the first pass."""
        return self._owner

    @property
    def holdings(self) -> Holdings:
        """How many objects of ours there are in Teleport, as far as is known."""
        return holdings(self.registry, self._owner)

    @property
    def imports_apps(self) -> bool:
        """Whether app servers are made at all: they are wanted, and the cluster lets us."""
        cluster = self.cluster
        return self._settings().sync.apps_and_groups and cluster is not None and cluster.may_have("app_servers")

    async def terms(self) -> Terms:
        """Return what single keys are settled by, asking both systems where this process has not done so yet.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        return self._reader.last_terms or await self._reader.rebuild(self._settings())

    def drain(self) -> None:
        """Let the users in flight finish and skip the rest of the plan that is being applied."""
        self._applier.drain()

    async def plan(self) -> PlanView:
        """Read both systems and return what a pass would do now; remembers what it read and showed, and nothing else.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        mark, settings = self._okta.people.calls, self._settings()
        reading = replace(await self._read(settings), by_hand=True)
        self.registry.fill(reading)
        plan = reading.plan(self._clock.now())
        lines = [change_line(change_view(change)) for change in plan.changes]
        await self._store.remember_plan(plan.digest, lines, at=self._clock.now())
        await self._memory.remember_findings(plan)
        cost = self._cost(reading, mark)
        await self._remember_reading(reading, cost)
        view = view_of(plan, cost, error="; ".join(why_not_whole(reading)))
        return replace(view, warnings=(*view.warnings, *await connector_warnings(self._teleport, settings)))

    async def preview_filters(
        self, group_filters: tuple[str, ...], app_filters: tuple[str, ...], *, live: bool
    ) -> FilterPreview:
        """Say what filters would do, by what was last seen or, `live`, by a reading of both systems.

        Raises NothingSeenError, or what `plan` raises.
        """
        settings = with_filters(self._settings(), group_filters, app_filters)
        if not live:
            return await preview_of_last_seen(self._store, settings)
        reading = await self._read(settings)
        if reading.directory is None:
            what = reading.facts.unread or "sync.apps_and_groups is false: no groups and apps are imported"
            raise ConfigError(what, remedy="then ask again" if reading.facts.unread else "set it to true")
        return preview_of_reading(reading.directory, reading.managed(self._clock.now()))

    async def run(
        self, *, trigger: str, expected_digest: str = "", progress: Callable[[int, int], None] | None = None
    ) -> PassReport:
        """Read, plan, apply and remember. Leavers are locked as soon as people are read.

        With an expected digest, raises PlanChangedError and changes nothing when the plan has another one. Raises
        StandbyError when another process has the lease to write, from the second time on before anything is read.
        """
        with working(self._work.next()):
            return await self._run(trigger=trigger, expected_digest=expected_digest, progress=progress)

    async def _run(
        self, *, trigger: str, expected_digest: str, progress: Callable[[int, int], None] | None
    ) -> PassReport:
        started = self._clock.now()
        settings = self._settings()
        mark = self._okta.people.calls
        if self._owner:
            await self._become_writer(self._owner)
        problems: list[str] = []
        await _kept(self._resuming.begin_pass(), problems)
        await _kept(settle_open_records(self._store.journal, self._teleport, self._clock), problems)
        run = self._start(settings, trigger=trigger, is_approved=bool(expected_digest), progress=progress)
        try:
            reading = await self._read(
                settings, on_people=None if expected_digest else partial(self._lock_leavers, run)
            )
            cost = self._cost(reading, mark)
            await _kept(self._remember_reading(reading, cost), problems)
            plan = await run.plan(reading)
            if expected_digest and plan.digest != expected_digest:
                remedy = "there is nothing left to do" if plan.is_empty else f"apply it with --plan {plan.digest}"
                raise PlanChangedError(await what_changed(self._store, expected_digest, plan), remedy=remedy)
            self.keys.learned_all(reading.at)
            await self._become_writer(reading.policy.owner)
            self.applying = True
            outcomes, plan = await run.apply(plan)
            try:
                plan = await self._memory.remember(reading, plan, outcomes, settings)
            except StateError as error:
                problems.append(_not_kept(error))
            await _kept(self._end_bindings(settings, reading), problems)
            report = self._report(
                reading=reading,
                plan=plan,
                outcomes=outcomes,
                trigger=trigger,
                started=started,
                mark=mark,
                cost=cost,
                problems=problems,
            )
            if report.succeeded:
                await self._store.remember_success(report.finished)
            await _kept(self._remember_parts(problems_by_part(reading, outcomes)), problems)
            await self._resuming.end_pass(report, plan, settings)
        finally:
            self.applying = False
            run.end()
        return report

    async def resume(self, *, within: timedelta) -> timedelta | None:
        """Go on from the last full pass of an earlier process (`sync/resume.py`); return how long ago that ended.

        None where another pass has to be made. Raises what `Resuming.resume` raises.
        """
        await self._recall_once()
        resumed = await self._resuming.resume(self._settings(), within=within)
        if resumed is None:
            return None
        self.role_warnings = self._warnings_of(resumed.roles)
        return resumed.passed_ago

    def note_earlier_process(self, ended: datetime) -> None:
        """Note when an earlier process last gave a sign of life: listings may lag behind what it wrote then."""
        self._reader.earlier_ended = ended

    async def settle(
        self,
        scope: Scope,
        *,
        trigger: str,
        reads: KeyReads = WHOLE,
        follow_up: FollowUp | None = None,
        by_hand: bool = False,
    ) -> Settled:
        """Bring what is in a scope to what Okta says now, by reads by id; may run beside a pass.

        `reads` says what of each key is read; `follow_up` takes down what follows, before this is remembered. What is
        asked for `by_hand` is not put off because it failed before.

        Raises OktaError, TeleportError, StateError or UnsettledError; StandbyError when another process writes.
        """
        with working(self._work.next()):
            await self._recall_once()
            settings = self._settings()
            settled = await self._procedure.settle(
                scope, settings, trigger=trigger, reads=reads, follow_up=follow_up, by_hand=by_hand
            )
            await self._end_bindings(settings, settled.reading)
            return settled

    async def release(self, name: str, *, by: str = "") -> Released:
        """Give a user name free, because an operator (`by`) says so; return what was released.

        Raises NotReleasableError when there is nothing to release, or a lock of it would be set again by the next pass;
        StandbyError when another process has the lease to write; OktaError, TeleportError or StateError.
        """
        organization = await self._okta.people.organization()
        await self._become_writer(organization.id)
        return await release(
            name,
            owner=organization.id,
            teleport=self._teleport,
            journal=self._store.journal,
            left=self._store.left,
            keys=self.keys,
            clock=self._clock,
            by=by,
        )

    async def _end_bindings(self, settings: Settings, reading: Reading) -> None:
        """See whether lists that pushed groups were bound to have ended. Raises StateError."""
        known = None if reading.directory is None else self.registry.directory
        if known is not None:
            is_believed = GROUPS in reading.absences and reading.absences[GROUPS].believed
            await end_bindings(self._store, settings, known, is_absence_believed=is_believed, now=self._clock.now())

    @property
    def is_ousted(self) -> bool:
        """Whether another process took the lease to write after this one had lost it."""
        return self._teleport.lease is not None and self._teleport.lease.is_ousted

    async def _become_writer(self, owner: str) -> None:
        self._owner = owner
        if self._teleport.lease is not None:
            await self._teleport.lease.obtain(owner)

    def _report(
        self,
        *,
        reading: Reading,
        plan: Plan,
        outcomes: Sequence[Outcome],
        trigger: str,
        started: datetime,
        mark: Mapping[str, int],
        cost: PassCost,
        problems: Sequence[str],
    ) -> PassReport:
        shown = view_of(plan, cost)
        stops = [str(outcome.stop) for outcome in outcomes if outcome.stop is not None]
        error = "; ".join([*why_not_whole(reading), *stops[:1], *problems])
        return PassReport(
            trigger=trigger,
            plan=shown,
            outcomes=_outcome_views(outcomes, plan, shown),
            started=started,
            finished=self._clock.now(),
            okta_calls=self._okta.people.calls_since(mark),
            error=error,
            failure=reading.facts.unread_kind or (FailureKind.OTHER if error else FailureKind.NONE),
            id=self._work.current,
        )

    def _start(
        self,
        settings: Settings,
        *,
        trigger: str,
        is_approved: bool,
        progress: Callable[[int, int], None] | None,
    ) -> PassRun:
        return PassRun(
            self._context,
            settings=settings,
            trigger=trigger,
            is_approved=is_approved,
            by_hand=trigger == BY_HAND,
            progress=progress,
        )

    async def _lock_leavers(self, run: PassRun, reading: Reading) -> None:
        """Lock those who left while the rest is still being read; raises InterruptedPassError if the run is drained."""
        self.applying = True
        try:
            await run.lock_leavers(reading)
        finally:
            self.applying = False
        if run.is_draining:
            what = "the pass ended after leavers were locked, because the service is stopping"
            raise InterruptedPassError(what, remedy="the next pass does the rest")

    async def _read(self, settings: Settings, *, on_people: OnPeople | None = None) -> Reading:
        await self._recall_once()
        self._progress_said = self._clock.monotonic()
        try:
            reading = await self._reader.everything(settings, on_people=on_people, progress=self._note_progress)
        finally:
            self.progress = None
        self.role_warnings = (
            () if reading.directory is None else self._warnings_of(reading.directory.actual.roles.values())
        )
        return reading

    async def _recall_once(self) -> None:
        """Remember what an earlier process has just deleted, before anything is read: listings may show it still."""
        if not self._recalled:
            await recall_deletions(self._store.journal, self._teleport, self._clock)
            self._recalled = True

    async def _remember_reading(self, reading: Reading, cost: PassCost) -> None:
        """Keep what was read of groups and apps, and what it cost. Raises StateError."""
        read = reading.facts.directory
        if read is not None:
            await self._store.directory.remember(read.directory, members_to_remember(read))
        await self._store.remember_cost(cost)

    async def note_failed(self, why: str) -> None:
        """Note that a pass did not happen: no part of it went well. Raises StateError."""
        await self._remember_parts(dict.fromkeys(Part, why))

    async def _remember_parts(self, problems: Mapping[Part, str]) -> None:
        """Note how each part went that is switched on. Raises StateError."""
        before = {result.part: result for result in await self._store.part_results()}
        now = self._clock.now()
        parts = Part if self._settings().sync.apps_and_groups else (Part.USERS,)
        await self._store.remember_part_results(
            [before.get(part, PartResult(part)).after(problems[part], now) for part in parts]
        )

    def _note_progress(self, done: int, forecast: CallForecast) -> None:
        """Keep how far a reading is, and say so in the log now and then."""
        self.progress = ReadingProgress(done, forecast.total_calls, forecast.total_seconds)
        if self.watch_reading is not None:
            self.watch_reading(done, forecast.total_calls)
        now = self._clock.monotonic()
        if now - self._progress_said >= _PROGRESS_EVERY:
            self._progress_said = now
            _log.info(
                "reading Okta: %d of about %d calls; the rate limits make the whole take %d s at least",
                done,
                forecast.total_calls,
                forecast.total_seconds,
            )

    def _warnings_of(self, roles: Iterable[TeleportRole]) -> tuple[str, ...]:
        """Name the roles that match everything, but for Teleport's own and those of the bot, which must."""
        bot = self._teleport.bot
        of_bot = () if bot is None else bot.identity.roles
        found = wildcard_roles(role for role in roles if role.name not in of_bot)
        return tuple(role.warning for role in found if not role.is_preset)

    def _cost(self, reading: Reading, mark: Mapping[str, int]) -> PassCost:
        """Return what the reading cost, and what the next one will if nothing changes."""
        made = self._okta.people.calls_since(mark)
        cost = PassCost(made=made)
        if reading.facts.directory is not None:
            read = reading.facts.directory
            forecast = read.plan.unchanged(self._okta.directory.client.pace, read.listed)
            cost = PassCost(made, forecast.calls, forecast.seconds)
        return cost


async def _kept(keeping: Awaitable[None], problems: list[str]) -> None:
    """Keep something in the state, or note why not: a pass goes on without, and is no success then."""
    try:
        await keeping
    except StateError as error:
        problems.append(_not_kept(error))


def _not_kept(error: StateError) -> str:
    return f"the state was not kept: {error}"


def _outcome_views(outcomes: Iterable[Outcome], plan: Plan, shown: PlanView) -> tuple[OutcomeView, ...]:
    """Put outcomes into words, with the words that the plan has for its changes already."""
    words = {id(change): view for change, view in zip(plan.changes, shown.changes, strict=True)}
    return tuple(
        OutcomeView(words.get(id(outcome.change)) or change_view(outcome.change), outcome.result.value, outcome.error)
        for outcome in outcomes
    )
