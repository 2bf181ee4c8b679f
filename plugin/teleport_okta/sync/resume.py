"""Continuing from an earlier process without another full pass, if its last pass was whole and had the same terms.

Changes since then come from three sources: the System Log, which is read from its position; Teleport, where everything
is listed and compared with its fingerprints; and Okta's listings of recent changes, for changes without an event.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from teleport_okta.apply.open_records import settle_open_records
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.state.store import WholePass
from teleport_okta.sync.compare import with_their_lists
from teleport_okta.sync.recent_changes import ASKED, ASKED_BY_TIME

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.model.teleport import TeleportRole
    from teleport_okta.plan.plan import Plan
    from teleport_okta.settings import Settings
    from teleport_okta.sync.context import EngineContext
    from teleport_okta.sync.pass_memory import PassMemory
    from teleport_okta.sync.reader import Reader
    from teleport_okta.sync.report import PassReport

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Resumed:
    """The result of continuing: how long ago the last full pass ended, and the roles of the cluster."""

    passed_ago: timedelta
    roles: tuple[TeleportRole, ...]


class Resuming:
    """Stores whether a process can continue from the last full pass, and continues from it."""

    def __init__(self, context: EngineContext, reader: Reader, memory: PassMemory) -> None:
        self._store = context.store
        self._context = context
        self._reader = reader
        self._memory = memory
        self._is_followed = False

    async def begin_pass(self) -> None:
        """Note that a full pass begins: until it ends whole, no process can continue from it. Raises StateError."""
        self._is_followed = False
        await self._store.forget_whole_pass()
        # The changes after a pass are known only if the log had a position before it.
        self._is_followed = await self._store.hints.position() is not None

    async def end_pass(self, report: PassReport, plan: Plan, settings: Settings) -> None:
        """Store whether a full pass had no failure, and whether a process can continue from it. Raises StateError.

        A process can continue from a pass that was whole, if the log was followed meanwhile.
        """
        terms, whole = self._reader.last_terms, None
        if report.applied and self._is_followed and terms is not None:
            lost = plan.lost_traits
            traits, doubt = ((), "") if lost is None else (tuple(sorted(lost.names)), lost.doubt)
            whole = WholePass(report.started, report.finished, terms.digest(settings), traits, doubt)
        success = report.finished if report.succeeded else None
        await self._store.remember_pass_end(success=success, whole=whole, asked=ASKED)

    async def resume(self, settings: Settings, *, within: timedelta) -> Resumed | None:
        """Continue from the last full pass, if it was whole, had the same terms, and ended less than `within` ago.

        Returns None if a new pass is needed. Raises StandbyError, OktaError, TeleportError, ConfigError or StateError.
        """
        context, now = self._context, self._context.clock.now()
        last = await self._store.whole_pass()
        # A pass that ended in the future means that the clock was set back: then its age is not known.
        if last is None or not timedelta() <= now - last.finished < within or await self._is_approved(now):
            return None
        await settle_open_records(self._store.journal, context.teleport, context.clock)
        terms = await self._reader.rebuild(settings)
        await context.become_writer(terms.policy.owner)
        rebuilt = self._reader.rebuilt
        if rebuilt is None or rebuilt.whole is None:
            return None
        hints = with_their_lists(rebuilt.hints, context.registry)
        # Lists that still have a member whose user an earlier process has deleted.
        for list_name in context.registry.lists_with(context.registry.left.keys()):
            hints.append(Hint(HintKind.OBJECT, list_name, cause="a person in it has left"))
        await self._store.hints.add([*hints, *ASKED_BY_TIME], at=now)
        await self._memory.show()
        _log.info(
            "continuing from the full pass of %s; %d objects were changed in Teleport since",
            last.finished.isoformat(timespec="seconds"),
            len(rebuilt.hints),
        )
        return Resumed(now - last.finished, rebuilt.roles)

    async def _is_approved(self, now: datetime) -> bool:
        """Whether an operator has approved harm that is still held: then a pass must apply it. Raises StateError."""
        held = {one.harmed for one in (await self._store.findings()).held}
        return any(not held.isdisjoint(one.harmed) for one in await self._store.approvals.in_force(now))
