"""Who is who: which Teleport user stands for which person, who contends for a name, and who came or left lately."""

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
"""How many who got or lost a user are told apart; a look at a list during which more did is repeated."""


class WhoIsWho:
    """What a process knows of users and the people for whom they stand."""

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
        """How often somebody has got a user, or lost one, in the life of this process."""
        return self._moves

    def moved_since(self, moves: int) -> Container[str]:
        """Return the Okta ids of those who did since there were so many; everybody's where nobody knows."""
        number = self._moves - moves
        return ALL if number > len(self._moved) else set(list(self._moved)[len(self._moved) - number :])

    @property
    def left(self) -> Mapping[str, str]:
        """Maps the names of users whom we deleted lately, and who have not come back, to Okta ids."""
        return self._left

    def take_left(self, left: Mapping[str, str]) -> None:
        """Take over whom an earlier process deleted lately."""
        self._left = {**left, **self._left}

    def names(self) -> dict[str, str]:
        """Map the names of users to the Okta ids they stand for, also where a login has taken our label away."""
        return self._replaced | {name: okta_id for name, okta_id in self._owned.items() if okta_id}

    def replaced(self, actual: ActualUsers, owner: str, now: datetime) -> dict[str, str]:
        """Return the users who stood for somebody, and do not carry our label any more: a login replaced the record.

        The result maps their names to Okta ids. Whoever was locked as a leaver is left out when that lock has run out:
        every certificate has expired by then. So is whose record carries the id of somebody else: no login writes that,
        so the record was given on, by a process that died before it could note it.
        """
        users, locks = actual.users, LocksOfUsers(actual.locks.values(), owner=owner, now=now)
        found = {}
        # By what was read: that is one user of thousands where a single key is settled.
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
        """Return the ids of the people whose names were the same as this one but for the case of letters."""
        return self._rivals.get(name.casefold(), ())

    @property
    def expected(self) -> Container[str]:
        """The Okta ids of people whom the last full pass makes users, as far as that is not done; all before a pass."""
        return self._expected

    def expect(self, people: Iterable[str]) -> None:
        """Take over who is about to get a user, by Okta id."""
        self._expected = set(people)

    def load_users(self, there: Mapping[str, str]) -> None:
        """Take over which users stood for whom when the last process ended; what is known by now counts more."""
        self._owned = {**there, **self._owned}
        self._names = _by_id(self._owned)

    def take_users(self, users: KnownUsers, replaced: Mapping[str, str]) -> None:
        """Take over a listing of all users; `replaced` as `replaced` returns it."""
        self._owned = dict(users.owned)
        self._names = _by_id(self._owned)
        self._others = set(users.others)
        self._replaced = dict(replaced)
        self._locked = {name: okta_id for name, okta_id in self._locked.items() if replaced.get(name) == okta_id}

    def take_users_read(self, users: Mapping[str, TeleportUser], ids: Collection[str], owner: str) -> None:
        """Take over for whom users stand, which a listing may not show yet, and who of these people has none."""
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

    def take_names(self, people: Iterable[PersonFacts | SeenPerson]) -> None:
        """Take over who has which name in Okta, of everybody."""
        by_name: defaultdict[str, list[str]] = defaultdict(list)
        for person in people:
            if person.name:
                by_name[person.name.casefold()].append(person.okta_id)
        self._rivals = {name: tuple(ids) for name, ids in by_name.items()}

    def take_name(self, person: PersonFacts) -> None:
        """Take over the name of somebody, beside those who are known to have it."""
        name = (person.name or "").casefold()
        self._rivals[name] = tuple(dict.fromkeys((*self._rivals.get(name, ()), person.okta_id)))

    def apply_to_user(self, change: Change, user: TeleportUser) -> None:
        """Take over what was done to a user."""
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
            if len(self._left) > _MOVES_KEPT:
                del self._left[next(iter(self._left))]

    def note_locked(self, name: str, okta_id: str) -> None:
        """Note that a user was locked because that person left."""
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
