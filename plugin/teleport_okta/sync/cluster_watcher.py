"""Following changes in Teleport: an object of ours that another client changes is read and repaired within seconds.

A watch cannot be resumed, so after each end of it everything is listed and compared with what is known. The watch shows
our own writes too, once each and in their order, so as many events are ignored as we made writes.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.names import MEMBER_ROLE_PREFIX, REVIEWER_ROLE_PREFIX
from teleport_okta.model.provisioned import is_person_id
from teleport_okta.plan.changes import (
    ACCESS_LIST,
    APP_SERVER,
    LOCK,
    MEMBER,
    USER,
    USER_GROUP,
    Action,
    key_of,
)
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.compare import CAUSE, RULES_SETTLE, hints_of_differences, with_their_lists
from teleport_okta.sync.own_writes import OwnWrites, key_of_seen
from teleport_okta.sync.sources import read_actual_directory, read_users
from teleport_okta.teleport.teleport_errors import TeleportError
from teleport_okta.teleport.watch import WatchEndedError

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from teleport_okta.clock import Clock
    from teleport_okta.plan.changes import Change
    from teleport_okta.state.fingerprints import Fingerprints
    from teleport_okta.state.hints import Hints
    from teleport_okta.sync.full_pass import FullPass
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.convert_watch import Seen
    from teleport_okta.teleport.watch import Watch

_LISTED_WITHIN: Final = 1.5
"""Seconds until a listing shows a write that a watch has shown (`docs/reference/teleport-observed.md` 1.4)."""

_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
"""Seconds before a watch is begun again: doubled with each failure, and random, as other clients reconnect too."""

_BOT_ASKED_EVERY: Final = 60.0
"""Seconds between two checks if the bot may watch, while only the host does."""

_log = logging.getLogger(__name__)


class ClusterWatcher:
    """Follows one cluster, and stores hints of the objects that other clients change there."""

    def __init__(
        self,
        *,
        teleport: Teleport,
        full_pass: FullPass,
        hints: Hints,
        memory: Fingerprints,
        clock: Clock,
        rng: random.Random,
        hinted: Callable[[], None],
    ) -> None:
        self._teleport = teleport
        self._pass = full_pass
        self._hints = hints
        self._memory = memory
        self._clock = clock
        self._rng = rng
        self._hinted = hinted
        self._locks: dict[str, str] = {}
        self._own_writes = OwnWrites(clock)
        self._applied: list[Change] | None = None
        self._failures = 0
        self._judging: set[asyncio.Future[None]] = set()
        self.problem = "it has not begun"
        """Why the cluster is not watched; empty while it is."""

        self.kinds: frozenset[str] = frozenset()
        full_pass.registry.observe(self._expect)

    async def follow(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self._watch()
            except TeleportError as error:
                if not self.problem:
                    _log.info("%s", error)
                self.problem = str(error)
                self._failures += 1
            pause = min(_LONGEST_PAUSE, _SHORTEST_PAUSE * (1 << min(self._failures - 1, 8)))
            await self._clock.sleep(pause * (0.5 + self._rng.random()))

    async def _watch(self) -> None:
        """Watch until the watch ends. Raises TeleportError."""
        async with await self._teleport.watch() as watch, self._giving_way_to_the_bot(watch):
            # A new watch shows only writes after its beginning.
            self._own_writes.forget()
            self.kinds, self.problem = watch.kinds, ""
            # After the watch has begun, so that no change falls between the listing and the watch.
            await self._compare()
            self._failures = 0
            while True:
                try:
                    seen = await anext(watch)
                except WatchEndedError:
                    # A watch that worked before it ended is begun again after the shortest pause.
                    self._failures = 1
                    raise
                if self._own_writes.was_expected(key_of_seen(seen)):
                    self._note_lock(seen)
                else:
                    # In a task, because it waits for a key, and the watch must be read meanwhile.
                    task = asyncio.ensure_future(self._judge(seen))
                    self._judging.add(task)
                    task.add_done_callback(self._judging.discard)

    @asynccontextmanager
    async def _giving_way_to_the_bot(self, watch: Watch) -> AsyncIterator[None]:
        """End a watch that does not show members as soon as the bot may watch them.

        The bot's file may be written later than this process starts, its lock may be removed, its role corrected.
        """
        looking = asyncio.ensure_future(self._until_the_bot_may(watch))
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _until_the_bot_may(self, watch: Watch) -> None:
        if MEMBER not in watch.missing:
            return
        await self._clock.sleep(_BOT_ASKED_EVERY)
        while not await self._teleport.bot_may_watch_members():
            await self._clock.sleep(_BOT_ASKED_EVERY)
        _log.info("the bot may now watch the cluster, with the members of access lists")
        await watch.aclose()

    async def _judge(self, seen: Seen) -> None:
        """Store the hints of a write, unless it is ours: our reply may arrive after the watch has shown the write.

        A task of ours that writes holds the key until the reply is noted. So when we get the key, the write is noted if
        it is ours.
        """
        okta_id = self._note_lock(seen)
        async with AsyncExitStack() as stack:
            for key in self._held_for(seen, okta_id):
                await stack.enter_async_context(self._pass.keys.hold(key))
            is_of_others = self._own_writes.is_of_others(key_of_seen(seen))
        if not is_of_others:
            return
        # Our memory of our own recent writes must not overrule a listing that shows the other client's content.
        self._teleport.overwritten(seen)
        if seen.kind == LOCK:
            hints = [Hint(HintKind.PERSON, okta_id, cause=f"lock {seen.name} {CAUSE}")] if okta_id else []
        else:
            hints = [*self._hints_of(seen)]
        try:
            # The look lists some kinds of objects, and a listing shows the change a moment after the watch.
            await self._take([hint.put_off(_LISTED_WITHIN) for hint in hints])
        except StateError as error:
            _log.warning("a change in Teleport could not be stored, and waits for the next full pass: %s", error)

    async def _take(self, hints: list[Hint]) -> None:
        if hints:
            await self._hints.add(hints, at=self._clock.now())
            self._hinted()

    def _expect(self, change: Change) -> None:
        if self._applied is not None:
            self._applied.append(change)
        # The watch shows the deletion of each member of a deleted list, although we made one call.
        directory = self._pass.registry.directory if change.action is Action.DELETE else None
        members: Iterable[str] = ()
        if directory is not None and change.kind == ACCESS_LIST:
            found = directory.actual.members.get(change.name)
            members = () if found is None else (*found.imported, *found.others)
        self._own_writes.expect(change, members)

    def _hints_of(self, seen: Seen) -> Iterator[Hint]:
        """Return the hints of a write of another client."""
        registry = self._pass.registry
        match seen.kind:
            case "user":
                for okta_id in self._people_of(seen):
                    yield Hint(HintKind.PERSON, okta_id, cause=f"user {seen.name} {CAUSE}")
            case "role":
                okta_id = seen.name.removeprefix(MEMBER_ROLE_PREFIX).removeprefix(REVIEWER_ROLE_PREFIX)
                if okta_id != seen.name:
                    yield from self._of_object(okta_id, f"role {seen.name}")
            case "user_group":
                registry.doubt_written(USER_GROUP, seen.name)
                yield from self._of_object(seen.name, f"user group {seen.name}", is_listed=True)
            case "app_server" if seen.is_deleted and seen.host_id == self._teleport.app_servers.host_id:
                okta_id = self._app_of(seen.name)
                registry.doubt_written(APP_SERVER, seen.name)
                yield from self._of_object(okta_id, f"app server {seen.name}")
            case "access_list":
                yield from self._of_object(seen.name, f"access list {seen.name}")
            case "member":
                yield from self._of_object(seen.list_name, f"member {seen.name} of access list {seen.list_name}")
            case "okta_import_rule":
                yield Hint(HintKind.ALL, cause=f"import rule {seen.name} {CAUSE}", delay=RULES_SETTLE)

    def _people_of(self, seen: Seen) -> set[str]:
        """Return the Okta ids of the people for whom a user stands, stood, or may stand."""
        registry = self._pass.registry
        ids = {registry.users.owned.get(seen.name, ""), registry.names().get(seen.name, "")}
        ids.add(labels.okta_id_of(seen.labels) or "")
        ids.update(registry.rivals(seen.name))
        return {okta_id for okta_id in ids if is_person_id(okta_id)}

    def _held_for(self, seen: Seen, okta_id: str) -> list[str]:
        """Return the keys that a task of ours holds while it writes an object."""
        if seen.kind == LOCK:
            return sorted(self._pass.registry.names_of(okta_id))
        if seen.kind == USER:
            # A task that gives a user a direct role, or removes it, holds the key of the list of the group or app.
            lists = self._pass.registry.with_roles_of(seen.name)
            return sorted({seen.name, *(key_of(ACCESS_LIST, one) for one in lists)})
        return [key_of(ACCESS_LIST, seen.list_name) if seen.kind == MEMBER else key_of(seen.kind, seen.name)]

    def _note_lock(self, seen: Seen) -> str:
        """Keep the Okta ids of locks, because the deletion of a lock shows only its name; return the id of this one."""
        if seen.kind != LOCK:
            return ""
        okta_id = labels.okta_id_of(seen.labels) or self._locks.get(seen.name, "")
        if seen.is_deleted:
            self._locks.pop(seen.name, None)
        elif okta_id:
            self._locks[seen.name] = okta_id
        return okta_id if is_person_id(okta_id) else ""

    def _of_object(self, okta_id: str, what: str, *, is_listed: bool = False) -> Iterator[Hint]:
        """Return a hint of a group or an app, if the registry has it."""
        directory = self._pass.registry.directory
        if directory is None or not okta_id:
            return
        okta, actual = directory.okta, directory.actual
        is_known = okta_id in okta.members or okta_id in okta.direct or okta_id in okta.grants
        is_known = is_known or any(row.id == okta_id for row in okta.groups.rows)
        is_known = is_known or any(row.id == okta_id for row in okta.apps.rows)
        if is_known or (not is_listed and okta_id in actual.access_lists):
            yield Hint(HintKind.OBJECT, okta_id, cause=f"{what} {CAUSE}")

    def _app_of(self, server_name: str) -> str:
        directory = self._pass.registry.directory
        if directory is None:
            return ""
        server = directory.actual.app_servers.get(server_name)
        return (labels.okta_id_of(server.labels) or "") if server else directory.app_id_of(server_name)

    async def _compare(self) -> None:
        """List everything, and store hints of the objects that other clients changed while there was no watch.

        Not before a first full pass, which lists everything itself. Raises TeleportError.
        """
        registry = self._pass.registry
        known = registry.directory
        if not self._pass.owner or (not registry.users.owned and known is None):
            return
        # Changes that are applied while everything is listed are put over the listing: it may be older.
        applied: list[Change] = []
        self._applied = applied
        try:
            users = await read_users(self._teleport)
            listed = None
            if known is not None:
                listed = await read_actual_directory(self._teleport, known.imports, users.users.values())
            if listed is not None:
                registry.record_listed(listed, applied)
        finally:
            self._applied = None
        self._locks = {
            lock.name: okta_id for lock in users.locks.values() if (okta_id := labels.okta_id_of(lock.labels))
        }
        now = self._clock.now()
        hints = await hints_of_differences(
            self._memory,
            users,
            listed,
            owner=self._pass.owner,
            replaced=registry.replaced(users, self._pass.owner, now),
            now=now,
        )
        await self._take(with_their_lists(hints, registry))
