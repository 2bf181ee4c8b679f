"""The procedure for single keys: lock them, read by id on both sides, plan, brake, apply and remember.

Every hint of a key leads here, from a log event, a SCIM request or the watch of Teleport. A full pass plans the same
keys by listings; a key that was settled here while a pass reads is settled for that pass too.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.scope import named
from teleport_okta.plan import fingerprints
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER_GROUP, key_of
from teleport_okta.sync.compare import users_after
from teleport_okta.sync.decisions import log_decisions
from teleport_okta.sync.key_reads import WHOLE
from teleport_okta.sync.lists_seen import lists_of, roles_of
from teleport_okta.sync.quarantine import log_new
from teleport_okta.sync.settler import Settler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import timedelta

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.plan import Plan
    from teleport_okta.settings import Settings
    from teleport_okta.sync.context import EngineContext
    from teleport_okta.sync.key_reads import KeyReads
    from teleport_okta.sync.reader import Reader
    from teleport_okta.sync.reading import Reading

_ROUNDS: Final = 5
"""How many times the keys are locked again because the plan concerns further keys."""


class UnsettledError(TeleportOktaError):
    """The objects of a scope changed again and again while they were read. The next pass settles them."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The result of settling a scope: its plan, the outcome of each change, and the reading."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    reading: Reading = field(repr=False)


FollowUp: TypeAlias = "Callable[[Settled], Awaitable[None]]"
"""Called after the changes are applied, to store the hints that follow from them."""


class KeyProcedure:
    """Settles scopes of few keys."""

    def __init__(self, context: EngineContext, reader: Reader) -> None:
        self._context = context
        self._reader = reader

    async def settle(
        self,
        scope: Scope,
        settings: Settings,
        *,
        trigger: str,
        reads: KeyReads = WHOLE,
        follow_up: FollowUp | None = None,
        by_hand: bool = False,
    ) -> Settled:
        """Settle the users, groups and apps of a scope, and their lists.

        `reads` says which parts of each key are read; the rest comes from the registry. `follow_up` is called after the
        changes are applied and before the result is stored: a process that dies in between settles the scope again. A
        change that a person asks for (`by_hand`) is not put off because it failed before.

        Raises OktaError, TeleportError, StateError or UnsettledError; StandbyError when another process writes.
        """
        terms = self._reader.last_terms or await self._reader.rebuild(settings)
        await self._context.become_writer(terms.policy.owner)
        # Reservations of harm are made under an object that stands for this unit of work; they end with it.
        marker = object()
        settler = Settler(
            self._context,
            terms=terms,
            settings=settings,
            by_hand=by_hand,
            is_pass=False,
            run=marker,
        )
        try:
            held = self._expected_keys(scope)
            for _ in range(_ROUNDS):
                settled, missing = await self._settle_if_held(
                    settler,
                    scope,
                    held,
                    reads=reads,
                    trigger=trigger,
                    interval=settings.sync.interval,
                    follow_up=follow_up,
                )
                if settled is not None:
                    return settled
                held |= missing
        finally:
            self._context.hour.release(marker)
        what = f"{', '.join(sorted(held))}: the plan concerned more objects each time they were read"
        raise UnsettledError(what, remedy="the next pass settles them")

    async def _settle_if_held(
        self,
        settler: Settler,
        scope: Scope,
        keys: frozenset[str],
        *,
        reads: KeyReads,
        trigger: str,
        interval: timedelta,
        follow_up: FollowUp | None,
    ) -> tuple[Settled | None, frozenset[str]]:
        """Read, plan and apply while the keys are locked; if the plan needs busy keys too, return those instead."""
        async with AsyncExitStack() as stack:
            # In one order: two tasks that each held a key of the other would wait for ever.
            for key in sorted(keys):
                await stack.enter_async_context(self._context.keys.hold(key))
            reading = await settler.read(scope, reads=reads)
            # The reads may show further users: one whom the person had before a rename, or who has the name that is
            # wanted.
            concerned = frozenset(reading.actual.users) | settler.names_in(reading)
            plan = await settler.plan(reading)
            log_decisions(reading, plan)
            missing = (concerned | {change.key for change in plan.changes}) - keys
            every = self._context.keys
            # A busy key may be waited for only in the fixed order, so all keys are given back and locked again. If
            # a key has newer facts than this reading, its changes would be dropped, so it is read again too.
            if any(not every.is_free(key) or every.newest(key) > reading.at for key in missing):
                return None, missing
            # These keys are free, so this does not wait while other keys are held.
            for key in sorted(missing):
                await stack.enter_async_context(every.hold(key))
            # Before the changes: the registry applies them one by one to what it has.
            self._context.registry.record_read(reading)
            await self._learn(reading)
            run = self._context.applier.start(
                trigger=trigger,
                facts_at=lambda _: reading.at,
                replan=settler.plan_again,
                applied=self._context.registry.applied,
                held=keys | missing,
            )
            await run.take(plan)
            outcomes = run.outcomes(plan)
            settled = Settled(plan, outcomes, reading)
            if follow_up is not None:
                await follow_up(settled)
            await self._remember(reading, plan, outcomes, interval)
            return settled, frozenset()

    def _expected_keys(self, scope: Scope) -> frozenset[str]:
        """Return the keys that the plan of a scope will probably concern."""
        keys = {name for okta_id in named(scope.users) for name in self._context.registry.names_of(okta_id)}
        keys |= {key_of(ACCESS_LIST, name) for name in self._context.registry.lists_with(keys)}
        keys |= {key_of(USER_GROUP, group_id) for group_id in named(scope.groups)}
        keys |= {key_of(APP_SERVER, app_server_name(app_id)) for app_id in named(scope.apps)}
        for okta_id in named(scope.groups) | named(scope.apps):
            roles = (member_role(okta_id), reviewer_role(okta_id))
            keys |= {key_of(ACCESS_LIST, okta_id), *(key_of(ROLE, name) for name in roles)}
        return frozenset(keys)

    async def _learn(self, reading: Reading) -> None:
        """Store the groups and apps that were read, before anything is written to Teleport.

        If the process died after the writes, the next one would undo them by the older facts of the state.
        """
        registry, objects = self._context.registry, named(reading.scope.groups) | named(reading.scope.apps)
        before = registry.directory
        registry.learn(reading)
        known = registry.directory
        if known is None or before is None or not objects:
            return
        # Reading the groups of one app also changes the known grants of other groups.
        grants_before = before.okta.grants
        objects |= {one for one, roster in known.okta.grants.items() if grants_before.get(one) is not roster}
        await self._context.store.directory.remember_keys(known.okta, objects)

    async def _remember(self, reading: Reading, plan: Plan, outcomes: tuple[Outcome, ...], interval: timedelta) -> None:
        """Store what is held and set aside in the scope, and which of its people have a user."""
        now = self._context.clock.now()
        read_at = reading.facts.people.read_at
        people = [person for person in reading.facts.people.people if person.okta_id in reading.scope.users]
        ids = named(reading.scope.users)
        names = {name: okta_id for okta_id in ids for name in self._context.registry.names_of(okta_id)}
        store, known = self._context.store, self._context.registry.directory
        managed = frozenset(names.values())
        await store.remember_people(people, at=read_at, settled=None, managed=managed, left=ids - managed)
        await store.user_names.settle_people(ids, names, at=now)
        if known is not None and any(outcome.change.kind in {ACCESS_LIST, MEMBER} for outcome in outcomes):
            lists = lists_of(known.actual, reading.policy.owner)
            await store.directory.remember_lists(lists, roles_of(known.actual, known.imports))
        # After the hints that follow: if the process dies before, the next one finds the difference and looks again.
        await self._remember_cluster(reading, outcomes)
        await store.settle_findings(plan.findings, at=now, scope=reading.scope)
        before = await store.quarantine()
        rules = reading.quarantine_rules(interval)
        entries = rules.entries(plan.quarantined, plan.put_off, outcomes, before, now)
        log_new(entries, before)
        await store.settle_quarantine(entries, scope=reading.scope)

    async def _remember_cluster(self, reading: Reading, outcomes: tuple[Outcome, ...]) -> None:
        """Store fingerprints of the objects of the scope, and of the lists that changed with it."""
        owner, known = reading.policy.owner, self._context.registry.directory
        after = users_after(reading.actual, outcomes, self._context.clock.now())
        replaced = {name: okta_id for name, okta_id in reading.replaced.items() if name in after.users}
        objects = named(reading.scope.groups) | named(reading.scope.apps)
        objects |= {outcome.change.subject for outcome in outcomes if outcome.change.kind in {ACCESS_LIST, MEMBER}}
        found = [
            *fingerprints.of_users(after.users.values(), owner, replaced),
            *fingerprints.of_locks(after.locks.values(), owner),
            *(() if known is None else fingerprints.of_objects(known.actual, objects)),
        ]
        await self._context.store.fingerprints.settle_some(
            found,
            ids=named(reading.scope.users) | (frozenset() if known is None else objects),
            users={*reading.actual.users, *after.users},
            at=reading.at,
        )
