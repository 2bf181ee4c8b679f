"""Which Teleport user stands for which person, which people want the same name, and who got or lost a user lately."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.scope import ALL, AllIds
from teleport_okta.plan.changes import Action
from teleport_okta.plan.holders import KnownUsers
from teleport_okta.plan.locks import LocksOfUsers

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping
    from datetime import datetime

    from teleport_okta.model.okta import PersonFacts
    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.plan.actual import ActualUsers
    from teleport_okta.plan.changes import Change
    from teleport_okta.state.people_seen import SeenPerson

_MOVES_KEPT: Final = 1000
"""How many people who got or lost a user are kept by id. If more did during a look at a list, the look is repeated."""


class PeopleAndUsers:
    """The users of the cluster and the people for whom they stand, as far as this process has read or written them."""

    def __init__(self) -> None:
        self._expected: set[str] | AllIds = ALL
        self._owned: dict[str, str] = {}
        self._others: set[str] = set()
        self._replaced: dict[str, str] = {}
        self._locked: dict[str, str] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._rivals: dict[str, tuple[str, ...]] = {}
        self._left: dict[str, str] = {}
        self._moves = 0
        self._moved: deque[str] = deque(maxlen=_MOVES_KEPT)

    @property
    def users(self) -> KnownUsers:
        """The names of all users, as far as is known."""
        return KnownUsers(self._owned, frozenset(self._others))

    @property
    def moves(self) -> int:
        """How many times a person got or lost a user since this process began."""
        return self._moves

    def moved_since(self, moves: int) -> Container[str]:
        """Return the Okta ids of the people of the moves after so many; all ids if they are not kept any more."""
        number = self._moves - moves
        return ALL if number > len(self._moved) else set(list(self._moved)[len(self._moved) - number :])

    @property
    def left(self) -> Mapping[str, str]:
        """Maps the names of users whom we deleted lately, and who have not come back, to Okta ids."""
        return self._left

    def record_left(self, left: Mapping[str, str]) -> None:
        """Record the users whom an earlier process deleted lately."""
        self._left = {**left, **self._left}

    def names(self) -> dict[str, str]:
        """Map the names of users to the Okta ids they stand for, also where a login has taken our label away."""
        return self._replaced | {name: okta_id for name, okta_id in self._owned.items() if okta_id}

    def replaced(self, actual: ActualUsers, owner: str, now: datetime) -> dict[str, str]:
        """Return the users who stood for a person, and do not carry our label any more: a login replaced the record.

        The result maps their names to Okta ids. A user who was locked as a leaver is left out once that lock has
        expired: every certificate has expired by then. A record with the Okta id of another person is left out too: no
        login writes that id, so a process of ours gave the record to that person, and died before it could note it.
        """
        users, locks = actual.users, LocksOfUsers(actual.locks.values(), owner=owner, now=now)
        found = {}
        # Over the users that were read, not over all that are known: for a single key that is one of thousands.
        for name, user in users.items():
            okta_id = self._owned[name] if name in self._owned else self._replaced.get(name, "")
            is_theirs = labels.okta_id_of(user.labels) in {None, okta_id}
            if okta_id and labels.owner_of(user.labels) != owner and is_theirs:
                found[name] = okta_id
        if actual.locks_unread:
            return found
        return {
            name: okta_id
            for name, okta_id in found.items()
            if self._locked.get(name) != okta_id or locks.has_left(name, okta_id)
        }

    def names_of(self, okta_id: str) -> frozenset[str]:
        """Return the names of the users that stand for a person, or stood for them before a login."""
        replaced = (name for name, holder in self._replaced.items() if holder == okta_id)
        return frozenset((*self._names.get(okta_id, ()), *replaced))

    def rivals(self, name: str) -> tuple[str, ...]:
        """Return the ids of the people whose names differ from this one at most in upper and lower case."""
        return self._rivals.get(name.casefold(), ())

    @property
    def expected(self) -> Container[str]:
        """The Okta ids of people who will still become users by the last full pass; all ids before a pass."""
        return self._expected

    def expect(self, people: Iterable[str]) -> None:
        """Record the Okta ids of the people who are about to get a user."""
        self._expected = set(people)

    def load_users(self, there: Mapping[str, str]) -> None:
        """Record for whom users stood when the last process ended; facts of this process win."""
        self._owned = {**there, **self._owned}
        self._names = _by_id(self._owned)

    def record_users(self, users: KnownUsers, replaced: Mapping[str, str]) -> None:
        """Record a listing of all users; `replaced` as `replaced` returns it."""
        self._owned = dict(users.owned)
        self._names = _by_id(self._owned)
        self._others = set(users.others)
        self._replaced = dict(replaced)
        self._locked = {name: okta_id for name, okta_id in self._locked.items() if replaced.get(name) == okta_id}

    def record_users_read(self, users: Mapping[str, TeleportUser], ids: Collection[str], owner: str) -> None:
        """Record users read by id, whom a listing may not show yet. People (`ids`) whose user is missing have none."""
        for okta_id in ids:
            for name in self._names.get(okta_id, ()):
                if name not in users:
                    self._forget_user(name)
        for name, user in users.items():
            okta_id = labels.okta_id_of(user.labels) or ""
            if labels.owner_of(user.labels) == owner and okta_id and self._owned.get(name) != okta_id:
                self._forget_user(name)
                self._others.discard(name)
                self._know_user(name, okta_id)

    def record_names(self, people: Iterable[PersonFacts | SeenPerson]) -> None:
        """Record the names of all people in Okta."""
        by_name: defaultdict[str, list[str]] = defaultdict(list)
        for person in people:
            if person.name:
                by_name[person.name.casefold()].append(person.okta_id)
        self._rivals = {name: tuple(ids) for name, ids in by_name.items()}

    def record_name(self, person: PersonFacts) -> None:
        """Record the name of one person, beside the people who are known to have it."""
        name = (person.name or "").casefold()
        self._rivals[name] = tuple(dict.fromkeys((*self._rivals.get(name, ()), person.okta_id)))

    def apply_to_user(self, change: Change, user: TeleportUser) -> None:
        """Record a change of a user that was applied."""
        self._forget_user(user.name)
        self._others.discard(user.name)
        self._replaced.pop(user.name, None)
        self._locked.pop(user.name, None)
        if not isinstance(self._expected, AllIds):
            self._expected.discard(change.okta_id)
        if change.action is not Action.DELETE:
            self._know_user(user.name, change.okta_id)
        else:
            self._left[user.name] = change.okta_id
            # The oldest goes first: every listing shows its deletion by now.
            if len(self._left) > _MOVES_KEPT:
                del self._left[next(iter(self._left))]

    def note_locked(self, name: str, okta_id: str) -> None:
        """Note that a user was locked because this person left."""
        self._locked[name] = okta_id

    def _forget_user(self, name: str) -> None:
        before = self._owned.pop(name, None)
        if before is not None and before in self._names:
            self._note_move(before)
            self._names[before] = tuple(one for one in self._names[before] if one != name)

    def _note_move(self, okta_id: str) -> None:
        self._moves += 1
        self._moved.append(okta_id)

    def _know_user(self, name: str, okta_id: str) -> None:
        self._note_move(okta_id)
        self._left.pop(name, None)
        self._owned[name] = okta_id
        self._names[okta_id] = (*self._names.get(okta_id, ()), name)


def _by_id(owned: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for name, okta_id in owned.items():
        names[okta_id] = (*names.get(okta_id, ()), name)
    return names
