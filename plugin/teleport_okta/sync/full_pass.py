"""A full pass: read both systems, plan, apply, remember. Also the other work of one organisation on one cluster.

`FullPass.run` has the steps of a pass in their order. Single keys are settled (`settle`) by the same parts, beside a
pass or between two of them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.open_records import settle_open_records
from teleport_okta.apply.recall import recall_deletions
from teleport_okta.apply.release import release
from teleport_okta.errors import ConfigError, InterruptedPassError
from teleport_okta.model.part_result import Part
from teleport_okta.observe.logs import WorkIds, working
from teleport_okta.plan.render import change_line
from teleport_okta.plan.view import change_view, view_of
from teleport_okta.sync.completeness import problems_by_part, why_not_whole
from teleport_okta.sync.connector_warning import connector_warnings
from teleport_okta.sync.context import EngineContext
from teleport_okta.sync.holdings import holdings
from teleport_okta.sync.key_reads import WHOLE
from teleport_okta.sync.pass_memory import PassMemory
from teleport_okta.sync.pass_run import PassRun
from teleport_okta.sync.preview import preview_of_last_seen, preview_of_reading, with_filters
from teleport_okta.sync.procedure import KeyProcedure
from teleport_okta.sync.reader import Reader
from teleport_okta.sync.reading_progress import ProgressOfReading, cost_of
from teleport_okta.sync.report import PassNotes
from teleport_okta.sync.resume import Resuming
from teleport_okta.sync.role_warnings import role_warnings
from teleport_okta.sync.scim_records import end_bindings
from teleport_okta.sync.stale_plan import refuse_other_plan
from teleport_okta.sync.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime, timedelta

    from teleport_okta.apply.keys import Keys
    from teleport_okta.clock import Clock
    from teleport_okta.desired.preview import FilterPreview
    from teleport_okta.model.cost import PassCost, ReadingProgress
    from teleport_okta.model.inheritance import Released
    from teleport_okta.model.part_result import Holdings
    from teleport_okta.model.scope import Scope
    from teleport_okta.model.teleport import Cluster, IdentityState
    from teleport_okta.observe.metrics import Metrics
    from teleport_okta.plan.plan import Plan
    from teleport_okta.plan.view import PlanView
    from teleport_okta.settings import Settings
    from teleport_okta.state.store import Store
    from teleport_okta.sync.key_reads import KeyReads
    from teleport_okta.sync.procedure import FollowUp, Settled
    from teleport_okta.sync.reader import OnPeople
    from teleport_okta.sync.reading import Reading
    from teleport_okta.sync.reading_progress import OnReading
    from teleport_okta.sync.registry import Registry
    from teleport_okta.sync.report import PassReport
    from teleport_okta.sync.sources import OktaSource
    from teleport_okta.sync.terms import Terms
    from teleport_okta.teleport.cluster import Teleport

BY_HAND: Final = "command"
"""The trigger of a pass that a person asked for."""


class FullPass:
    """Plans and applies one organisation against one cluster, by settings that do not change.

    `run`, `plan`, `preview_filters` and `resume` must not run at the same time; `settle` may run beside each of them.
    """

    def __init__(
        self,
        *,
        okta: OktaSource,
        teleport: Teleport,
        store: Store,
        settings: Settings,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._store = store
        self._settings = settings
        self._clock = clock
        self._writer = Writer(teleport)
        self._context = EngineContext.of(
            okta=okta, teleport=teleport, store=store, clock=clock, metrics=metrics, become_writer=self._writer.become
        )
        self._memory = PassMemory(self._context, metrics)
        self._reader = Reader(self._context)
        self._procedure = KeyProcedure(self._context, self._reader)
        self._resuming = Resuming(self._context, self._reader, self._memory)
        self._progress = ProgressOfReading(okta.directory, clock)
        self._work = WorkIds(clock)
        self._is_recalled = False
        self._is_applying = False
        self._role_warnings: tuple[str, ...] = ()

    async def run(
        self,
        *,
        trigger: str,
        expected_digest: str = "",
        progress: Callable[[int, int], None] | None = None,
        on_reading: OnReading | None = None,
    ) -> PassReport:
        """Read, plan, apply and remember. Leavers are locked as soon as people are read.

        `on_reading` follows the calls of the reading, and `progress` the changes that are applied: how many are done,
        of how many.

        If the plan does not have the expected digest, raises PlanChangedError and changes nothing. Raises StandbyError
        if another process holds the lease; from the second pass on before anything is read.
        """
        with working(self._work.next()):
            notes = PassNotes(trigger, self._work.current, self._clock.now(), self._okta.people.calls)
            if self._writer.owner:
                # A standby that read Okta would use up the rate limits of the process that writes.
                await self._writer.become(self._writer.owner)
            # Before anything is written: if the process dies in this pass, the next one must not continue from the last
            # whole one.
            await notes.stored(self._resuming.begin_pass())
            # Before the brake counts: an earlier process may have died between the record of a harm and the answer to
            # its call.
            await notes.stored(settle_open_records(self._store.journal, self._teleport, self._clock))
            run = self._start(trigger=trigger, is_approved=bool(expected_digest), progress=progress)
            try:
                # Under an approved digest no lock is set early: nothing is written before the digests are compared.
                on_people = None if expected_digest else partial(self._lock_leavers, run)
                reading = await self._read(self._settings, on_people=on_people, on_reading=on_reading)
                cost = self._cost(reading, notes.calls_before)
                await notes.stored(self._memory.remember_reading(reading, cost))
                # The leavers that were locked during the reading are planned again here, with their deletions.
                plan = await run.plan(reading)
                await refuse_other_plan(self._store, expected_digest, plan)
                # From here on, a change planned from facts older than this reading is dropped, in other tasks too.
                self._context.keys.learned_all(reading.at)
                # The lease may have expired while Okta was read, which can take half an hour.
                await self._writer.become(reading.policy.owner)
                with self._applying():
                    return await self._apply(run, reading, plan, notes, cost)
            finally:
                run.end()

    async def _apply(self, run: PassRun, reading: Reading, plan: Plan, notes: PassNotes, cost: PassCost) -> PassReport:
        """Apply the plan of a pass, and store what follows from it. Raises StateError."""
        outcomes, plan = await run.apply(plan)
        remembered = await notes.stored(self._memory.remember(reading, plan, outcomes, self._settings))
        plan = plan if remembered is None else remembered
        await notes.stored(self._end_bindings(reading))
        report = notes.report(
            reading,
            plan,
            outcomes,
            cost=cost,
            okta_calls=self._okta.people.calls_since(notes.calls_before),
            finished=self._clock.now(),
        )
        await notes.stored(self._memory.remember_parts(problems_by_part(reading, outcomes), self._settings))
        # Last of all: a process that ends before this makes a whole pass again, and reports no success.
        await self._resuming.end_pass(report, plan, self._settings)
        return report

    async def _lock_leavers(self, run: PassRun, reading: Reading) -> None:
        """Lock leavers while groups and apps are still being read; raises InterruptedPassError if the run drains."""
        with self._applying():
            await run.lock_leavers(reading)
        if run.is_draining:
            what = "the pass ended after leavers were locked, because the service is stopping"
            raise InterruptedPassError(what, remedy="the next pass does the rest")

    async def _read(
        self, settings: Settings, *, on_people: OnPeople | None = None, on_reading: OnReading | None = None
    ) -> Reading:
        await self._recall_once()
        with self._progress.of_reading(on_reading) as progress:
            reading = await self._reader.everything(settings, on_people=on_people, progress=progress)
        roles = () if reading.directory is None else reading.directory.actual.roles.values()
        self._role_warnings = role_warnings(roles, self._teleport)
        return reading

    def _start(self, *, trigger: str, is_approved: bool, progress: Callable[[int, int], None] | None) -> PassRun:
        return PassRun(
            self._context,
            settings=self._settings,
            trigger=trigger,
            is_approved=is_approved,
            by_hand=trigger == BY_HAND,
            progress=progress,
        )

    @contextmanager
    def _applying(self) -> Iterator[None]:
        self._is_applying = True
        try:
            yield
        finally:
            self._is_applying = False

    async def _recall_once(self) -> None:
        """Hide users whom an earlier process has just deleted: for a few seconds, listings may still show them."""
        if not self._is_recalled:
            await recall_deletions(self._store.journal, self._teleport, self._clock)
            self._is_recalled = True

    async def _end_bindings(self, reading: Reading) -> None:
        """End bindings of pushed groups to lists of Okta groups that list sync keeps no more. Raises StateError."""
        known = None if reading.directory is None else self._context.registry.directory
        if known is not None:
            await end_bindings(self._store, self._settings, known, reading.absences, self._clock.now())

    def _cost(self, reading: Reading, calls_before: Mapping[str, int]) -> PassCost:
        return cost_of(reading, self._okta.people.calls_since(calls_before), self._okta.directory)

    async def plan(self, *, on_reading: OnReading | None = None) -> PlanView:
        """Read both systems and return what a pass would do now. Stores what it read and showed, and nothing else.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        calls_before = self._okta.people.calls
        reading = replace(await self._read(self._settings, on_reading=on_reading), by_hand=True)
        self._context.registry.fill(reading)
        plan = reading.plan(self._clock.now())
        lines = [change_line(change_view(change)) for change in plan.changes]
        await self._store.remember_plan(plan.digest, lines, at=self._clock.now())
        await self._memory.remember_findings(plan)
        cost = self._cost(reading, calls_before)
        await self._memory.remember_reading(reading, cost)
        view = view_of(plan, cost, error="; ".join(why_not_whole(reading)))
        return replace(view, warnings=(*view.warnings, *await connector_warnings(self._teleport, self._settings)))

    async def preview_filters(
        self,
        group_filters: tuple[str, ...],
        app_filters: tuple[str, ...],
        *,
        live: bool,
        on_reading: OnReading | None = None,
    ) -> FilterPreview:
        """Return what filters would do, by what was last seen or, `live`, by a reading of both systems.

        Raises NothingSeenError, or what `plan` raises.
        """
        settings = with_filters(self._settings, group_filters, app_filters)
        if not live:
            return await preview_of_last_seen(self._store, settings)
        reading = await self._read(settings, on_reading=on_reading)
        if reading.directory is None:
            what = reading.facts.unread or "sync.apps_and_groups is false: no groups and apps are imported"
            raise ConfigError(what, remedy="then ask again" if reading.facts.unread else "set it to true")
        return preview_of_reading(reading.directory, reading.managed(self._clock.now()))

    async def resume(self, *, within: timedelta) -> timedelta | None:
        """Continue from the last full pass of an earlier process (`sync/resume.py`); return how long ago it ended.

        None if a new pass is needed. Raises what `Resuming.resume` raises.
        """
        await self._recall_once()
        resumed = await self._resuming.resume(self._settings, within=within)
        if resumed is None:
            return None
        self._role_warnings = role_warnings(resumed.roles, self._teleport)
        return resumed.passed_ago

    def note_earlier_process(self, ended: datetime) -> None:
        """Note when an earlier process was last known to run: listings may lag behind what it wrote then."""
        self._reader.note_earlier_process(ended)

    async def note_failed(self, why: str) -> None:
        """Store that a pass failed, and with it each of its parts. Raises StateError."""
        await self._memory.remember_parts(dict.fromkeys(Part, why), self._settings)

    def drain(self) -> None:
        """Finish the keys that are being applied, and skip the rest of the plan."""
        self._context.applier.drain()

    async def terms(self) -> Terms:
        """Return the terms by which single keys are settled; asks both systems if this process has not done so yet.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        return self._reader.last_terms or await self._reader.rebuild(self._settings)

    async def settle(
        self,
        scope: Scope,
        *,
        trigger: str,
        reads: KeyReads = WHOLE,
        follow_up: FollowUp | None = None,
        by_hand: bool = False,
    ) -> Settled:
        """Settle the keys of a scope by reads by id (`sync/procedure.py`); may run beside a pass.

        `reads` says which parts of each key are read; `follow_up` stores what follows, before the result is stored.
        A change that a person asks for (`by_hand`) is not put off because it failed before.

        Raises OktaError, TeleportError, StateError or UnsettledError; StandbyError if another process writes.
        """
        with working(self._work.next()):
            await self._recall_once()
            settled = await self._procedure.settle(
                scope, self._settings, trigger=trigger, reads=reads, follow_up=follow_up, by_hand=by_hand
            )
            await self._end_bindings(settled.reading)
            return settled

    async def release(self, name: str, *, by: str = "") -> Released:
        """Release a user name, as an operator (`by`) decided; return what was released.

        Raises NotReleasableError if there is nothing to release, or the next pass would set a lock of it again;
        StandbyError if another process writes; OktaError, TeleportError or StateError.
        """
        # Asked from Okta, because a command releases names in a process that has made no pass.
        organization = await self._okta.people.organization()
        await self._writer.become(organization.id)
        return await release(
            name,
            owner=organization.id,
            teleport=self._teleport,
            journal=self._store.journal,
            left=self._store.left,
            keys=self._context.keys,
            clock=self._clock,
            by=by,
        )

    @property
    def registry(self) -> Registry:
        """The facts that this process keeps between units of work."""
        return self._context.registry

    @property
    def keys(self) -> Keys:
        """The locks of the keys, and the times of their newest facts."""
        return self._context.keys

    @property
    def settings(self) -> Settings:
        """The settings of every pass."""
        return self._settings

    @property
    def is_applying(self) -> bool:
        """Whether changes are being applied. A pass that is not applying can be cancelled without harm."""
        return self._is_applying

    @property
    def progress(self) -> ReadingProgress | None:
        """How far the reading of Okta is, and what it waits for now; None while nothing is read."""
        return self._progress.now

    @property
    def role_warnings(self) -> tuple[str, ...]:
        """Warnings of roles that match everything that is imported, as they were last listed."""
        return self._role_warnings

    @property
    def cluster(self) -> Cluster | None:
        """The last answer of the cluster about itself; None before the first pass."""
        return self._teleport.known_cluster

    @property
    def identities(self) -> tuple[IdentityState, ...]:
        """Our identities to the cluster, each with its problem."""
        return self._teleport.identities(self._clock.now())

    @property
    def owner(self) -> str:
        """The id of the Okta organisation for which we write; empty before the first pass."""
        return self._writer.owner

    @property
    def holdings(self) -> Holdings:
        """How many objects in Teleport are ours, as far as the registry has them."""
        return holdings(self._context.registry, self._writer.owner)

    @property
    def imports_apps(self) -> bool:
        """Whether app servers are made: the settings want them, and the cluster may have them."""
        cluster = self.cluster
        return self._settings.sync.apps_and_groups and cluster is not None and cluster.may_have("app_servers")

    @property
    def is_ousted(self) -> bool:
        """Whether another process took the lease after this one had lost it."""
        return self._writer.is_ousted
