"""Following changes between full passes: the System Log, the watch of Teleport, and questions about recent changes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.open_records import settle_open_records
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.provisioned import is_person_id
from teleport_okta.plan.changes import USER
from teleport_okta.sync.cluster_watcher import ClusterWatcher
from teleport_okta.sync.event_alarms import Source
from teleport_okta.sync.hint_worker import HintWorker
from teleport_okta.sync.log_watcher import LogWatcher
from teleport_okta.sync.recent_changes import ASKED_BY_TIME, RecentChanges

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from teleport_okta.clock import Clock
    from teleport_okta.model.follow_status import Following
    from teleport_okta.okta.system_log import SystemLog
    from teleport_okta.settings import Settings
    from teleport_okta.state.store import Store
    from teleport_okta.sync.full_pass import FullPass
    from teleport_okta.sync.log_watcher import FeedHealth
    from teleport_okta.sync.sources import OktaSource
    from teleport_okta.teleport.cluster import Teleport

_STANDBY_PAUSE: Final = 2.0
"""Seconds after which a standby checks again if it has become the writer."""

ASKED_EVERY: Final = timedelta(minutes=5)
"""How often Okta is asked for recent changes: some have no event (`docs/reference/okta.md` 5.5). It takes two calls."""

ASKED_AGAIN: Final = timedelta(seconds=5)
"""The pause instead while this process is not the writer: the lease may come a moment later."""

BEGUN_WITHIN: Final = 30.0
"""Seconds for which a start waits for the log and for continuing from an earlier process. Retries may take minutes."""

TRIED_AT_ONCE: Final = 20
"""How many people in quarantine are tried again each time. Each takes a call."""

_log = logging.getLogger(__name__)


class Follower:
    """Brings changes to the engine until it is stopped; `reconcile` runs a full pass and returns if it was applied."""

    def __init__(
        self,
        *,
        system_log: SystemLog,
        okta: OktaSource,
        full_pass: FullPass,
        store: Store,
        settings: Settings,
        clock: Clock,
        reconcile: Callable[[str], Awaitable[bool]],
        teleport: Teleport,
        rng: random.Random,
    ) -> None:
        self._teleport = teleport
        app_id = settings.okta.app_id or "" if settings.sync.source == "saml_app" else ""
        self._clock = clock
        self._pass = full_pass
        self._hints = store.hints
        self._store = store
        self._rng = rng
        self._okta = okta
        self._changes = RecentChanges(
            okta, full_pass.registry, store, clock, app_id, imports_directory=settings.sync.apps_and_groups
        )
        self.worker = HintWorker(
            full_pass=full_pass,
            hints=store.hints,
            directory=store.directory,
            changes=self._changes,
            clock=clock,
            reconcile=reconcile,
        )
        self.cluster = ClusterWatcher(
            teleport=teleport,
            full_pass=full_pass,
            hints=store.hints,
            memory=store.fingerprints,
            clock=clock,
            rng=rng,
            hinted=self.worker.wake,
        )
        self.watcher = LogWatcher(
            system_log=system_log,
            hints=store.hints,
            clock=clock,
            source=Source(app_id, settings.okta.client_id or ""),
            organization=self._organization,
            hinted=self.worker.wake,
            settle_now=self.worker.settle_now,
        )
        self._patience = settings.sync.interval
        self._began = clock.now()
        self._has_begun = asyncio.Event()
        self._may_look = asyncio.Event()
        self._may_look.set()
        self.reads_on = False
        """Whether the log is read from the position of an earlier process."""

        self._organization_id = ""

    @property
    def health(self) -> FeedHealth:
        """How the log is being followed."""
        return self.watcher.health

    @property
    def may_follow(self) -> bool:
        """Whether changes arrive by the log, or will as soon as it answers again.

        A log that fails for less than the interval of full passes is no reason for one: it is read from its position
        afterwards, and a pass may take half an hour.
        """
        if self.health.state == "starting":
            return self.reads_on
        last = self.health.polled_at or self._began
        failed_for = self._clock.now() - last
        return self.health.is_following or (self.health.state == "failing" and failed_for < self._patience)

    def following(self) -> Following:
        """Return how changes arrive now."""
        return self.watcher.following(self.worker.waiting)

    async def begun(self) -> None:
        """Wait until the log has a position or cannot be read, but not for long: leavers wait meanwhile.

        A log that begins later is read from a few minutes before.
        """
        await _soon(self._has_begun)

    def hold_looks(self) -> None:
        """Handle no hints until `may_look`: the engine decides first if this process continues from an earlier one."""
        self._may_look.clear()

    def may_look(self) -> None:
        """Allow hints to be handled: the engine has decided."""
        self._may_look.set()

    async def follow(self) -> None:
        """Follow the log until cancelled."""
        try:
            position = await self._hints.position()
            if position is not None:
                self._pass.note_earlier_process(position.polled_at)
                # The events since the earlier process may be those of days: a start does not wait until all are read.
                self.reads_on = True
                self._has_begun.set()
            pause = await self.watcher.poll()
        finally:
            self._has_begun.set()
        while True:
            await self._clock.sleep(pause)
            # A standby leaves the log to the process that writes: both share one rate limit.
            pause = await self.watcher.poll() if self._teleport.is_writer else _STANDBY_PAUSE

    async def watch(self) -> None:
        """Watch the cluster until cancelled, after the log has begun and this process has become the writer."""
        await self.begun()
        while not self._teleport.is_writer:
            await self._clock.sleep(_STANDBY_PAUSE)
        await self.cluster.follow()

    async def look(self) -> None:
        """Handle hints until cancelled, after the log has begun and `may_look`."""
        await self.begun()
        await _soon(self._may_look)
        await self.worker.run()

    async def ask_now_and_then(self) -> None:
        """Ask for recent changes, and for the result of calls whose answer was lost, now and then until cancelled."""
        await self.begun()
        pause = ASKED_EVERY
        while True:
            await self._clock.sleep(pause.total_seconds())
            pause = ASKED_EVERY
            try:
                if not await self.ask():
                    pause = ASKED_AGAIN
            except TeleportOktaError as error:
                _log.warning("Okta could not be asked for recent changes: %s", error)

    async def ask(self) -> bool:
        """Ask once, if this process is the writer; return whether it is.

        Raises StateError or TeleportError.
        """
        if not self._teleport.is_writer:
            return False
        if self.health.is_following:
            await self._hints.add([*ASKED_BY_TIME, *await self._tried_again()], at=self._clock.now())
            self.worker.wake()
        # Here too, so that a lost answer is found out within minutes and not by the next pass.
        await settle_open_records(self._store.journal, self._teleport, self._clock)
        return True

    async def _tried_again(self) -> list[Hint]:
        """Return hints of people in quarantine whose time has come: a name may be free now."""
        now = self._clock.now()
        people = [
            entry.row.okta_id
            for entry in await self._store.quarantine()
            if entry.row.kind == USER and is_person_id(entry.row.okta_id) and entry.next_try <= now
        ]
        # A new sample each time: people who cannot be read must not keep the others from being tried.
        drawn = self._rng.sample(people, min(len(people), TRIED_AT_ONCE))
        return [Hint(HintKind.PERSON, okta_id, cause="tried again") for okta_id in drawn]

    async def _organization(self) -> str:
        """Return the id of the organisation, which is read once in the life of a process."""
        if not self._organization_id:
            self._organization_id = (await self._okta.people.organization()).id
        return self._organization_id


async def _soon(event: asyncio.Event) -> None:
    """Wait for an event, at most `BEGUN_WITHIN`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(BEGUN_WITHIN):
            await event.wait()
