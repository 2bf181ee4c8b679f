"""Reading and planning one user anew, from by-id reads, in the middle of a pass.

It happens under the user's key when the facts of the pass turn out to be old, or somebody else changed the user.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from teleport_okta.apply.replanned import Replanned
from teleport_okta.model import labels
from teleport_okta.model.okta import MalformedRow
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.changes import Action
from teleport_okta.sync.reading import Reading, remember
from teleport_okta.sync.sources import read_person

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.clock import Clock
    from teleport_okta.model.findings import Quarantined
    from teleport_okta.model.okta import PersonFacts, Snapshot
    from teleport_okta.okta.reads import OktaReads
    from teleport_okta.plan.changes import Change
    from teleport_okta.settings import Settings
    from teleport_okta.state.store import Store
    from teleport_okta.teleport.cluster import Teleport


class OneUser:
    """Plans single users anew within one pass, whose reading supplies what need not be read again.

    `quarantined` holds what those plans set aside, by user.
    """

    def __init__(
        self, reading: Reading, *, okta: OktaReads, teleport: Teleport, store: Store, settings: Settings, clock: Clock
    ) -> None:
        self._reading = reading
        self._okta = okta
        self._teleport = teleport
        self._store = store
        self._settings = settings
        self._clock = clock
        self.quarantined: dict[str, tuple[Quarantined, ...]] = {}

    @cached_property
    def _by_id(self) -> dict[str, PersonFacts]:
        return {person.okta_id: person for person in self._reading.facts.people.people}

    @cached_property
    def _by_name(self) -> dict[str, list[PersonFacts]]:
        """People by their names in one case; made when first needed, because most passes never do."""
        by_name: dict[str, list[PersonFacts]] = defaultdict(list)
        for person in self._reading.facts.people.people:
            by_name[(person.name or "").casefold()].append(person)
        return by_name

    async def plan_again(self, name: str) -> Replanned | None:
        """Read the user of this name, whoever it stands for and whoever wants it, and return the steps about it.

        Returns None for keys of other objects. Raises OktaError, TeleportError or StateError.
        """
        if "/" in name:
            return None
        at = self._clock.now()
        user = await self._teleport.users.get(name)
        locks = await self._teleport.locks.on_user(name)
        people = await self._people(name, user)
        narrowed = replace(
            self._reading,
            at=at,
            facts=replace(self._reading.facts, people=people),
            actual=ActualUsers(self._users(name, user, people), {lock.name: lock for lock in locks}),
            directory=None,
            warnings=(),
            remembered=await remember(
                self._store, self._clock, self._reading.actual.locks.values(), self._reading.policy.owner
            ),
        )
        plan = narrowed.plan(self._clock.now())
        self.quarantined[name] = tuple(row for row in plan.quarantined if row.name == name)
        changes = tuple(change for change in plan.changes if change.subject == name)
        held = tuple(row for row in plan.held if row.name == name)
        return Replanned(changes, at, self._holder(user, changes), held, self.quarantined[name])

    def _holder(self, user: TeleportUser | None, changes: Iterable[Change]) -> str | None:
        """Return the Okta id that a user of ours stands for after some steps."""
        for change in changes:
            if change.action is Action.DELETE:
                return None
            user = change.content if isinstance(change.content, TeleportUser) else user
        if user is None or labels.owner_of(user.labels) != self._reading.policy.owner:
            return None
        return labels.okta_id_of(user.labels)

    async def _people(self, name: str, user: TeleportUser | None) -> Snapshot:
        """Return the listing narrowed to this user's people, each as a by-id read says now.

        Whoever was listed under another spelling of the name stays in, so that contended names stay contended.
        """
        concerned = {person.okta_id: person for person in self._by_name.get(name.casefold(), ())}
        holder = labels.okta_id_of(user.labels) if user is not None else None
        if holder in self._by_id:
            concerned[holder] = self._by_id[holder]
        people: list[PersonFacts] = []
        malformed: list[MalformedRow] = []
        for okta_id in concerned:
            row = await read_person(self._okta, self._settings, okta_id)
            if isinstance(row, MalformedRow):
                malformed.append(replace(row, okta_id=row.okta_id or okta_id))
            elif row is not None:
                people.append(row)
        listing = self._reading.facts.people
        unreadable = tuple(row for row in listing.malformed if row.okta_id and row.okta_id == holder)
        return replace(listing, people=tuple(people), malformed=(*unreadable, *malformed))

    def _users(self, name: str, user: TeleportUser | None, people: Snapshot) -> dict[str, TeleportUser]:
        """Return the users whom these people may have: this one as read now, others as listed."""
        names = {person.name for person in people.people if person.name}
        users = {other: self._reading.actual.users[other] for other in names if other in self._reading.actual.users}
        users.pop(name, None)
        return users if user is None else {**users, name: user}
