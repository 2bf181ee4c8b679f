"""Handling hints: those that are due are combined into looks with the fewest reads, and each look is settled.

Looks that may lock a person go first, and never wait for other looks. A look that fails is retried with growing pauses;
its hints stay in the state until it succeeds.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.hint import Claim, Hint, HintKind
from teleport_okta.model.scope import named
from teleport_okta.okta.facts import is_assigned_directly
from teleport_okta.okta.throttle import urgently
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.contradictions import contradicts
from teleport_okta.sync.rereads import LOOKS, WIDE_KINDS, claims_that_count, looks_of, wide_looks_of
from teleport_okta.teleport.lease import StandbyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence

    from teleport_okta.clock import Clock
    from teleport_okta.model.okta import PersonFacts
    from teleport_okta.state.groups_and_apps import DirectoryMemory
    from teleport_okta.state.hints import Hints
    from teleport_okta.sync.full_pass import FullPass
    from teleport_okta.sync.procedure import Settled
    from teleport_okta.sync.recent_changes import RecentChanges
    from teleport_okta.sync.rereads import Look

_AT_ONCE: Final = 4
"""Looks at once that are not urgent: as many as the writes that are in flight to a cluster."""

_URGENT_AT_ONCE: Final = 8
"""More than the writes in flight: an urgent look mostly waits for Okta."""

_TAKEN_AT_ONCE: Final = 1000
"""Hints that are combined into looks at once: of a job with thousands of events, enough to see that a group is better
listed than read by person."""

_FIRST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 900.0
"""Seconds before a look that failed is retried: the first pause doubles with each try, up to the longest."""

_STANDBY_PAUSE: Final = 5.0
_BEFORE_A_FIRST_PASS: Final = 10.0
"""Seconds after which hints of groups and apps are tried again while the first pass has not read those yet."""

_LATEST: Final = timedelta(hours=1)
"""No hint is put off for longer. One that seems to be is due, because the system's clock was set back."""

_TRIES_FOR_OTHERS: Final = 5
"""How often a look is retried because its steps need something of another look: over two minutes in all."""

_PUT_OFF: Final = frozenset({Result.FAILED, Result.CONFLICT, Result.SKIPPED})

_log = logging.getLogger(__name__)


class HintWorker:
    """Handles the hints of one process. `reconcile` runs a full pass and returns whether it was applied."""

    def __init__(
        self,
        *,
        full_pass: FullPass,
        hints: Hints,
        directory: DirectoryMemory,
        changes: RecentChanges,
        clock: Clock,
        reconcile: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._pass = full_pass
        self._hints = hints
        self._directory = directory
        self._changes = changes
        self._clock = clock
        self._reconcile = reconcile
        self._woken = asyncio.Event()
        self.waiting = 0
        """How many hints waited when they were last counted."""

        self._under_way: dict[asyncio.Task[None], Look] = {}

    def wake(self) -> None:
        """Look for hints now."""
        self._woken.set()

    async def run(self) -> None:
        """Handle hints until cancelled. The hints of looks that are cancelled stay, and are handled again."""
        try:
            while True:
                self._woken.clear()
                await self._begin()
                await self._until_something_happens()
        finally:
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)

    async def handle_all(self) -> None:
        """Handle the hints that are due, and those that arrive meanwhile, until none is due."""
        while True:
            self._woken.clear()
            await self._begin()
            if not self._under_way:
                return
            await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)

    async def settle_now(self, hints: Sequence[Hint]) -> None:
        """Settle people whose hints cannot be stored (the disk is full), one look after the other; log errors."""
        for look in looks_of(hints, self._sizes(), self._changes.app_id):
            cause = look.hints[0].cause
            try:
                with urgently():
                    await self._pass.settle(look.scope, trigger=cause, reads=look.reads)
            except TeleportOktaError as error:
                _log.warning(
                    "%s: the hint cannot be stored, and the person is not settled completely: %s", cause, error
                )

    async def _begin(self) -> None:
        """Start as many looks as are allowed at once."""
        self._forget_done()
        self.waiting = await self._hints.count()
        # A hint stays in the state until its look ends, so the hints of running looks are due all the time.
        busy = {hint.key for look in self._under_way.values() for hint in look.hints}
        hints = await self._hints.due(self._clock.now(), most=_TAKEN_AT_ONCE + len(busy), latest=_LATEST)
        hints = [hint for hint in hints if hint.key not in busy]
        for look in (*looks_of(hints, self._sizes(), self._changes.app_id), *wide_looks_of(hints)):
            if self._has_room(look):
                self._under_way[asyncio.ensure_future(self._handle(look))] = look

    def _has_room(self, look: Look) -> bool:
        others = sum(not other.is_urgent for other in self._under_way.values())
        if look.is_urgent:
            return len(self._under_way) - others < _URGENT_AT_ONCE
        return others < _AT_ONCE

    def _forget_done(self) -> None:
        for task in [task for task in self._under_way if task.done()]:
            del self._under_way[task]

    async def _until_something_happens(self) -> None:
        room = sum(not look.is_urgent for look in self._under_way.values()) < _AT_ONCE
        # While there is no room for more looks, only an urgent hint is worth waking up for.
        due = await self._hints.next_due(urgent_alone=not room)
        waits: set[asyncio.Future[Any]] = {asyncio.ensure_future(self._woken.wait())}
        if due is not None:
            # With a minimum, because the hints of running looks are due now: without it this would be a busy loop.
            seconds = max((due - self._clock.now()).total_seconds(), 1.0 if self._under_way else 0.05)
            waits.add(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait({*waits, *self._under_way}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _sizes(self) -> dict[str, int]:
        directory = self._pass.registry.directory
        if directory is None:
            return {}
        rosters = {**directory.okta.members, **directory.okta.direct}
        return {okta_id: max(roster.listed, len(roster.ids)) for okta_id, roster in rosters.items()}

    async def _handle(self, look: Look) -> None:
        try:
            await self._look(look)
        except StateError as error:
            # The failure cannot be stored either, so the hints stay due: without a pause they would be retried at once.
            _log.warning("%s: the state cannot be written: %s", look.hints[0].cause or look.hints[0].kind, error)
            await self._clock.sleep(_FIRST_PAUSE)
        except Exception:  # noqa: BLE001 - the root of a task: one look must not end the others
            _log.exception("a look at a change failed unexpectedly; it is retried")

    async def _look(self, look: Look) -> None:
        """Settle a look, or handle a wide hint; put the hints off if that fails. Raises StateError."""
        try:
            if look.is_urgent:
                with urgently():
                    await self._settle(look)
            elif look.hints[0].kind in WIDE_KINDS:
                await self._handle_wide(look.hints[0])
            else:
                await self._settle(look)
        except StandbyError:
            await self._put_off(look.hints, _STANDBY_PAUSE)
        except TeleportOktaError as error:
            await self._try_again(look.hints, str(error))
        except Exception as error:
            await self._try_again(look.hints, f"{type(error).__name__}: {error}")
            raise

    async def _settle(self, look: Look) -> None:
        """Settle the scope of a look, and finish its hints if the reads do not contradict them."""
        _log.debug("looking at %s", ", ".join(f"{hint.kind} {hint.of} ({hint.cause})" for hint in look.hints))
        of_directory = bool(named(look.scope.groups) or named(look.scope.apps))
        if of_directory and self._pass.registry.directory is None:
            if not self._imports_directory:
                await self._hints.finish(look.hints)
            else:
                # The groups and apps are known after the first full pass. It reads this object too.
                await self._put_off(look.hints, _BEFORE_A_FIRST_PASS)
            return
        # The hints that follow are stored first: after a failure, or a crash, they would be lost.
        behind = self._behind(look)
        await self._hints.add(behind, at=self._clock.now())
        registry = self._pass.registry
        before = {okta_id: registry.names_of(okta_id) for okta_id in named(look.scope.users)}
        moves = registry.moves

        async def follow_up(settled: Settled | None = None) -> None:
            read = () if settled is None else settled.reading.facts.people.people
            of_lists = self._of_lists(look, before, {person.okta_id: person for person in read})
            of_lists += self._of_moves(look, registry.moved_since(moves))
            # A read of one person has changed the roster of this app, and the state still has the listed one.
            if any(hint.of == self._changes.app_id for hint in of_lists):
                await self._directory.doubt(self._changes.app_id)
            # Stored again, because another look may have handled them before this one was applied.
            await self._hints.add([*behind, *of_lists], at=self._clock.now())

        trigger = look.hints[0].cause or "hint"
        try:
            settled = await self._pass.settle(look.scope, trigger=trigger, reads=look.reads, follow_up=follow_up)
        # Also if the look is cancelled: some changes may have been applied.
        except BaseException:
            await follow_up()
            raise
        failed = _failure(settled, min(hint.tries for hint in look.hints))
        if failed:
            await self._try_again(look.hints, failed)
            return
        if settled.plan.put_off:
            until = min(one.until for one in settled.plan.put_off)
            wait = (until - self._clock.now()).total_seconds()
            # Well below `_LATEST`: a hint that is put off for longer would count as due at once.
            await self._put_off(look.hints, max(1.0, min(wait, _LATEST.total_seconds() / 2)))
            return
        await self._finish(look, settled)

    async def _finish(self, look: Look, settled: Settled) -> None:
        """Finish the hints of a look. Those whose claim the read contradicts are put off, and read again."""
        of_people = [hint for hint in look.hints if hint.kind in {HintKind.PERSON, HintKind.STATUS}]
        by_person: defaultdict[str, list[Hint]] = defaultdict(list)
        for hint in of_people:
            by_person[hint.of].append(hint)
        # Only the latest claims count: every read would contradict an earlier one that a later one has replaced.
        counting = [hint for some in by_person.values() for hint in claims_that_count(some)]
        counting += [hint for hint in look.hints if hint not in of_people]
        contradicted = [hint for hint in counting if hint.looks < len(LOOKS) and contradicts(hint, settled.reading)]
        for hint in contradicted:
            _log.info(
                "%s: Okta's answer does not show it yet; it is read again in %.0f s", hint.cause, LOOKS[hint.looks]
            )
            await self._put_off([replace(hint, looks=hint.looks + 1)], LOOKS[hint.looks])
        await self._hints.finish(hint for hint in look.hints if hint not in contradicted)

    @property
    def _imports_directory(self) -> bool:
        """Whether groups and apps are imported at all."""
        return self._changes.imports_directory

    def _behind(self, look: Look) -> list[Hint]:
        """Return hints that follow from the end of groups and apps.

        People of a group lose the apps that the group granted, and a group that granted an app loses it.
        """
        directory = self._pass.registry.directory
        if directory is None:
            return []
        cause = look.hints[0].cause
        deleted = {hint.of: hint.kind for hint in look.hints if hint.claim is Claim.DELETED}
        apps: set[str] = set()
        groups: set[str] = set()
        for group_id, grants in directory.okta.grants.items():
            if deleted.get(group_id) is HintKind.GROUP:
                apps |= grants.ids
            elif any(deleted.get(app_id) is HintKind.APP for app_id in grants.ids):
                groups.add(group_id)
        people = [self._changes.hint_of_people(app_id, cause) for app_id in sorted(apps)]
        return people + [Hint(HintKind.OBJECT, group_id, cause=cause) for group_id in sorted(groups)]

    def _of_lists(
        self, look: Look, before: Mapping[str, frozenset[str]], people: Mapping[str, PersonFacts]
    ) -> list[Hint]:
        """Return hints of lists whose members change with a new user, another name, or the app that people come from.

        They include the lists that have lost their last member: they may end. Nothing is read from Okta for them,
        because the rosters are known.
        """
        registry, app_id = self._pass.registry, self._changes.app_id
        lists: set[str] = set()
        for okta_id, names in before.items():
            person = people.get(okta_id)
            if app_id and (person is not None or (people and not registry.names_of(okta_id))):
                is_direct = person is not None and is_assigned_directly(person)
                if registry.record_assignment(app_id, okta_id, is_direct=is_direct):
                    lists.add(app_id)
            left = names - registry.names_of(okta_id)
            if registry.names_of(okta_id) not in {names, frozenset()}:
                lists.update(registry.rosters_with(okta_id))
            # Another look may have added a person to a list who left meanwhile.
            lists.update(registry.lists_with(left))
            lists.update(registry.wrong_roles_of(okta_id))
            if not registry.names_of(okta_id):
                lists.update(registry.emptied(okta_id))
        cause = look.hints[0].cause
        return [Hint(HintKind.OBJECT, one, cause=cause) for one in sorted(lists)]

    def _of_moves(self, look: Look, moved: Container[str]) -> list[Hint]:
        """Return hints of the groups and apps of a look with people who got or lost a user while it was settled."""
        directory = self._pass.registry.directory
        if directory is None:
            return []
        rosters = {**directory.okta.members, **directory.okta.direct}
        people = {one: roster.ids for one, roster in rosters.items()}
        people |= {one: group.people for one, group in directory.okta.pushed.items()}
        ids = named(look.scope.groups) | named(look.scope.apps)
        there = [one for one in ids & people.keys() if any(okta_id in moved for okta_id in people[one])]
        return [Hint(HintKind.OBJECT, one, cause=look.hints[0].cause) for one in sorted(there)]

    async def _handle_wide(self, hint: Hint) -> None:
        match hint.kind:
            case HintKind.ALL:
                if not await self._reconcile(hint.cause):
                    await self._try_again([hint], "the full pass did not succeed")
                    return
            case HintKind.PEOPLE:
                await self._hints.add(await self._changes.differing_people(), at=self._clock.now())
            case HintKind.CHANGED_PEOPLE:
                await self._hints.add(await self._changes.people(), at=self._clock.now())
            case _:
                await self._hints.add(await self._changes.groups(), at=self._clock.now())
        await self._hints.finish([hint])

    async def _try_again(self, hints: Sequence[Hint], why: str) -> None:
        """Put hints off, each for a pause that doubles with its tries."""
        for hint in hints:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << min(hint.tries, 10)))
            _log.warning("%s: %s; retried in %.0f s", hint.cause or hint.kind, why, pause)
            await self._put_off([replace(hint, tries=hint.tries + 1)], pause)

    async def _put_off(self, hints: Iterable[Hint], seconds: float) -> None:
        await self._hints.put_off(hints, until=self._clock.now() + timedelta(seconds=seconds))
        self.wake()


def _failure(settled: Settled, tries: int) -> str:
    """Return why a look must be retried; empty if it must not.

    Steps that need something of another look are retried a few times only. Harm that the brake holds, and steps that
    need it, are applied by the pass after the approval.
    """
    is_waiting = all(one.result in {Result.DONE, Result.SKIPPED} and one.stop is None for one in settled.outcomes)
    put_off = _PUT_OFF - {Result.SKIPPED} if is_waiting and tries >= _TRIES_FOR_OTHERS else _PUT_OFF
    failed = next((outcome for outcome in settled.outcomes if outcome.result in put_off), None)
    if failed is not None:
        return failed.error or "a change was not made"
    directory, scope = settled.reading.directory, settled.reading.scope
    if directory is None:
        return ""
    rosters = [directory.okta.members.get(one) for one in named(scope.groups)]
    rosters += [directory.okta.direct.get(one) for one in named(scope.apps)]
    rosters += [directory.okta.grants.get(one) for one in named(scope.groups)]
    unread = (one.problem for one in rosters if one is not None and not (one.refused or one.gone))
    return next((problem for problem in unread if problem), "")
