"""Runs a cleanup: previews the plan, and applies it under the digest of a preview."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.applier import WRITES_IN_FLIGHT
from teleport_okta.apply.keys import Keys
from teleport_okta.apply.open_records import settle_open_records
from teleport_okta.apply.run import Run
from teleport_okta.cleanup.blockers import Blocker, find_blockers
from teleport_okta.cleanup.calls import CleanupSteps
from teleport_okta.cleanup.inventory import take_inventory
from teleport_okta.cleanup.open_records import settle_cleanup_records
from teleport_okta.cleanup.plan import plan_cleanup
from teleport_okta.cleanup.reader import read_holdings
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model import labels
from teleport_okta.plan.changes import Action
from teleport_okta.plan.plan import Plan
from teleport_okta.state.journal_entry import Result
from teleport_okta.teleport.lease import StandbyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.cleanup.inventory import Inventory, Options
    from teleport_okta.cleanup.ownership import Claim
    from teleport_okta.cleanup.plan import CleanupPlan
    from teleport_okta.clock import Clock
    from teleport_okta.state.store import Store
    from teleport_okta.teleport.cluster import Teleport

LISTED_WITHIN: Final = 3.0
"""Seconds until a listing shows a write, with a margin (`docs/reference/teleport-observed.md` 1.4)."""

_DIFFERENCES_SHOWN: Final = 20
_INTERRUPTED: Final = "interrupted"


class CleanupChangedError(TeleportOktaError):
    """The plan has objects that no preview showed under this digest. Read them, then use the new digest."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The plan of a cleanup, and the obstacles to it. Only a person can resolve `doubts`."""

    plan: CleanupPlan
    blockers: tuple[Blocker, ...]
    doubts: tuple[str, ...]
    cluster: str


@dataclass(frozen=True, slots=True)
class Report:
    """The changes of a cleanup until it `ended`. `stop` is why it ended early, else empty."""

    plan: CleanupPlan
    outcomes: tuple[Outcome, ...]
    ended: datetime
    stop: str
    cluster: str

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The changes that were not made."""
        return tuple(one for one in self.outcomes if one.result is not Result.DONE)

    @property
    def locked_until(self) -> datetime | None:
        """When the last lock ends that this cleanup set, at the latest; None if it set none."""
        locked = [one.change for one in self.outcomes if one.change.action is Action.LOCK and one.result is Result.DONE]
        return max((self.ended + change.lock_for for change in locked if change.lock_for is not None), default=None)

    @property
    def left_nothing(self) -> bool:
        """Whether everything is removed that a cleanup should remove."""
        return not self.stop and not self.failed and self.plan.leaves_nothing


class Cleanup:
    """Removes the objects of a claim from one cluster.

    `default_roles` are the roles of every user of ours. `who` is the person who gave the command, for the journal.
    """

    def __init__(
        self,
        *,
        teleport: Teleport,
        store: Store,
        clock: Clock,
        claim: Claim,
        options: Options,
        default_roles: Iterable[str],
        who: str = "",
    ) -> None:
        self._teleport = teleport
        self._store = store
        self._clock = clock
        self._claim = claim
        self._options = options
        self._default_roles = tuple(default_roles)
        self._who = who
        self._draining = asyncio.Event()

    def drain(self) -> None:
        """Start no further change; those in flight are finished."""
        self._draining.set()

    async def preview(self) -> Preview:
        """Return what `apply` would do now, and remember it under its digest. Changes nothing in the cluster.

        Raises TeleportError or StateError.
        """
        plan, inventory, cluster = await self._plan()
        found = await find_blockers(self._teleport, self._claim_with(inventory), self._clock.now())
        await self._store.remember_plan(plan.digest, plan.seals, at=self._clock.now())
        return Preview(plan, found.blockers, found.doubts, cluster)

    async def apply(self, digest: str, *, progress: Callable[[int, int], None] | None = None) -> Report:
        """Apply the plan that was previewed under a digest, or the rest of it.

        If a change fails, the others are still made; the report names the failure. `progress` gets the number of
        changes that are done, and of all. Raises SyncActiveError or CleanupChangedError before anything is changed,
        TeleportError or StateError.
        """
        keys = Keys(self._clock)
        read_at = keys.time()
        await self._obtain_lease()
        plan, inventory, cluster = await self._plan(approval=digest)
        found = await find_blockers(self._teleport, self._claim_with(inventory), self._clock.now())
        for blocker in found.blockers:
            raise blocker.error
        await self._check_digest(digest, plan)
        # A service that starts later must not resume from the last full pass: its objects are gone.
        await self._store.forget_whole_pass()
        await settle_cleanup_records(self._store.journal, self._teleport, self._clock)
        await settle_open_records(self._store.journal, self._teleport, self._clock)
        run = self._run(keys, read_at)
        done, total = 0, sum(map(len, plan.phases))
        for phase in plan.phases:
            await run.take(Plan(changes=phase))
            done += len(phase)
            if progress is not None:
                progress(done, total)
        outcomes = run.outcomes(Plan(changes=tuple(chain.from_iterable(plan.phases))))
        return self._report(plan, outcomes, cluster)

    def _run(self, keys: Keys, read_at: datetime) -> Run:
        steps = CleanupSteps(teleport=self._teleport, journal=self._store.journal, clock=self._clock, who=self._who)
        return Run(
            steps=steps,
            teleport=self._teleport,
            journal=self._store.journal,
            keys=keys,
            clock=self._clock,
            draining=self._draining,
            workers=WRITES_IN_FLIGHT,
            facts_at=lambda _kind: read_at,
            replan=None,
            applied=None,
            held=frozenset(),
            progress=None,
        )

    async def _plan(self, approval: str = "") -> tuple[CleanupPlan, Inventory, str]:
        await self._until_listed()
        cluster = await self._teleport.cluster()
        owner, now = self._claim.owner, self._clock.now()
        holdings = await read_holdings(self._teleport, owner, version=cluster.version)
        inventory = take_inventory(
            holdings,
            self._claim,
            self._options,
            default_roles=self._default_roles,
            host_id=self._teleport.app_servers.host_id,
            has_bot=self._teleport.bot is not None,
            now=now,
        )
        plan = plan_cleanup(inventory, holdings, owner=owner, now=now, approval=approval)
        return plan, inventory, cluster.name

    async def _until_listed(self) -> None:
        """Wait until listings show what a process of this data directory wrote last, if that was a moment ago."""
        for entry in await self._store.journal.history(limit=1):
            age = entry.age(self._clock.now(), self._clock.boot()).total_seconds()
            if 0 <= age < LISTED_WITHIN:
                await self._clock.sleep(LISTED_WITHIN - age)

    def _claim_with(self, inventory: Inventory) -> Claim:
        """Return the claim with the organisations that the removed objects name: none of them may be synced."""
        removals = chain.from_iterable(inventory.removals.values())
        named = {one.content.labels.get(labels.OKTA_ORG, "") for one in removals}
        return replace(self._claim, organizations=(*self._claim.organizations, *sorted(filter(None, named))))

    async def _obtain_lease(self) -> None:
        if self._teleport.lease is None:
            return
        try:
            await self._teleport.lease.obtain(self._claim.owner)
        except StandbyError as error:
            raise Blocker(error.what, "stop that process").error from error

    async def _check_digest(self, digest: str, plan: CleanupPlan) -> None:
        """Raise CleanupChangedError unless every item of the plan was previewed under the digest, as it is now."""
        if digest == plan.digest:
            return
        previewed = await self._store.remembered_plan(digest)
        if previewed is not None and set(plan.seals) <= set(previewed):
            return
        remedy = f"check the present plan; --plan {plan.digest} applies it"
        raise CleanupChangedError(_what_changed(digest, previewed, plan), remedy=remedy)

    def _report(self, plan: CleanupPlan, outcomes: Sequence[Outcome], cluster: str) -> Report:
        is_drained = self._draining.is_set()
        shown = tuple(
            replace(one, error=_INTERRUPTED) if is_drained and one.result is Result.SKIPPED else one for one in outcomes
        )
        stops = [str(one.stop) for one in outcomes if one.stop is not None]
        stop = stops[0] if stops else _INTERRUPTED if is_drained else ""
        return Report(plan, shown, self._clock.now(), stop, cluster)


def _what_changed(digest: str, previewed: Sequence[str] | None, plan: CleanupPlan) -> str:
    if previewed is None:
        return f"no preview of a cleanup with the digest {digest} is known; the digest is now {plan.digest}"
    now, before = set(plan.seals), set(previewed)
    gone = [f"  no longer: {seal}" for seal in sorted(before - now)]
    lines = gone + [f"  new: {seal}" for seal in sorted(now - before)]
    if len(lines) > _DIFFERENCES_SHOWN:
        lines = [*lines[:_DIFFERENCES_SHOWN], f"  and {len(lines) - _DIFFERENCES_SHOWN} more"]
    return "\n".join([f"the digest is now {plan.digest}, not {digest}:", *lines])
