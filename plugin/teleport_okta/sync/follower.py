"""Following changes between full passes: the System Log, questions by time beside it, and the looks they bring."""

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
from teleport_okta.sync.event_hints import Source
from teleport_okta.sync.hint_worker import HintWorker
from teleport_okta.sync.log_watcher import LogWatcher
from teleport_okta.sync.recent_changes import ASKED_BY_TIME, Changed

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

ASKED_EVERY: Final = timedelta(minutes=5)
"""How often it is asked by time what changed: two calls, for what emits no event (`docs/reference/okta.md` 5.5)."""

ASKED_AGAIN: Final = timedelta(seconds=5)
"""When it is asked instead if this process may not write then: the lease may just be late."""

BEGUN_WITHIN: Final = 30.0
"""Seconds for which a start waits for the log, and looks for what an earlier process knew; retries take minutes."""

TRIED_AT_ONCE: Final = 20
"""How many people in quarantine are tried again each time, one call for each."""

_log = logging.getLogger(__name__)


class Follower:
    """Brings changes to the engine until it is stopped.

    `reconcile` runs a full pass and says whether it succeeded.
    """

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
        self._changed = Changed(
            okta, full_pass.registry, store, clock, app_id, imports_directory=settings.sync.apps_and_groups
        )
        self.worker = HintWorker(
            full_pass=full_pass,
            hints=store.hints,
            directory=store.directory,
            changed=self._changed,
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
        """Whether the log is read on from where an earlier process left it."""

        self._organization_id = ""

    @property
    def health(self) -> FeedHealth:
        """How the log is being followed."""
        return self.watcher.health

    @property
    def may_follow(self) -> bool:
        """Whether changes arrive by the log, or nobody knows yet that they do not.

        While the log fails for less than the interval of full passes, none is made because of it: it is read on after
        that, and a pass may take half an hour.
        """
        if self.health.state == "starting":
            return self.reads_on
        last = self.health.polled_at or self._began
        failed_for = self._clock.now() - last
        return self.health.is_following or (self.health.state == "failing" and failed_for < self._patience)

    def following(self) -> Following:
        """Return how changes arrive at this moment."""
        return self.watcher.following(self.worker.waiting)

    async def begun(self) -> None:
        """Wait until the log has a position, or cannot be read; not for long, since leavers wait as well.

        A log that begins later is read from some minutes before.
        """
        await _soon(self._has_begun)

    def hold_looks(self) -> None:
        """See to no hints until `may_look`: an engine will say whether this process goes on from an earlier one."""
        self._may_look.clear()

    def may_look(self) -> None:
        """Let hints be seen to: it is known by now what an earlier process has left."""
        self._may_look.set()

    async def follow(self) -> None:
        """Follow the log until cancelled."""
        try:
            position = await self._hints.position()
            if position is not None:
                self._pass.note_earlier_process(position.polled_at)
                # What has come since an earlier process may be days of events: nobody waits for all of that to be read.
                self.reads_on = True
                self._has_begun.set()
            pause = await self.watcher.poll()
        finally:
            self._has_begun.set()
        while True:
            await self._clock.sleep(pause)
            # A standby leaves the log to the process that writes: both would use up the same limit.
            pause = await self.watcher.poll() if self._teleport.is_writer else _STANDBY_PAUSE

    async def watch(self) -> None:
        """Watch the cluster until cancelled, once the log has begun, while this process is the one that writes."""
        await self.begun()
        while not self._teleport.is_writer:
            await self._clock.sleep(_STANDBY_PAUSE)
        await self.cluster.follow()

    async def look(self) -> None:
        """See to hints until cancelled, once the log has begun, and nothing holds them."""
        await self.begun()
        await _soon(self._may_look)
        await self.worker.run()

    async def ask_now_and_then(self) -> None:
        """Ask by time, until cancelled, what changed, and what became of calls that nobody saw the answer of."""
        await self.begun()
        pause = ASKED_EVERY
        while True:
            await self._clock.sleep(pause.total_seconds())
            pause = ASKED_EVERY
            try:
                if not await self.ask():
                    pause = ASKED_AGAIN
            except TeleportOktaError as error:
                _log.warning("nothing was asked by time: %s", error)

    async def ask(self) -> bool:
        """Ask once, if this process is the one that writes, and return whether it is.

        Raises StateError or TeleportError.
        """
        if not self._teleport.is_writer:
            return False
        if self.health.is_following:
            await self._hints.add([*ASKED_BY_TIME, *await self._tried_again()], at=self._clock.now())
            self.worker.wake()
        await settle_open_records(self._store.journal, self._teleport, self._clock)
        return True

    async def _tried_again(self) -> list[Hint]:
        """Return hints of people in quarantine who are to be tried again: a name may be free by now."""
        now = self._clock.now()
        people = [
            entry.row.okta_id
            for entry in await self._store.quarantine()
            if entry.row.kind == USER and is_person_id(entry.row.okta_id) and entry.next_try <= now
        ]
        # Drawn anew each time, lest those of whom nothing can be read keep the others out.
        drawn = self._rng.sample(people, min(len(people), TRIED_AT_ONCE))
        return [Hint(HintKind.PERSON, okta_id, cause="tried again") for okta_id in drawn]

    async def _organization(self) -> str:
        """Return which organisation the log is of; it is asked once in the life of a process."""
        if not self._organization_id:
            self._organization_id = (await self._okta.people.organization()).id
        return self._organization_id


async def _soon(event: asyncio.Event) -> None:
    """Wait until something has come about, but not for long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(BEGUN_WITHIN):
            await event.wait()
