"""Who may have the user of a name, if several people want it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Contender:
    """A person who may have a user of a name. One who is not settled may keep a user, and gets no new one."""

    okta_id: str
    name: str
    is_settled: bool


@dataclass(frozen=True)
class NamesBefore:
    """What a pass found: our users by name with their Okta ids, other users, and our locks by (name, Okta id).

    Users that the pass may take over are not `taken`.
    """

    owned: Mapping[str, str]
    taken: frozenset[str]
    locked: frozenset[tuple[str, str]]

    def may_have(self, one: Contender, contenders: Iterable[Contender]) -> bool:
        """Whether a pass gives a person the user of the name: the user stays, or the name is free of others.

        Names that differ in case alone are one name here. A lock that is still in force keeps a name for the person
        whom it is about.
        """
        if self._has(one):
            return True
        is_wanted_by_others = any(
            other.name.casefold() == one.name.casefold() and (other.is_settled or self._has(other))
            for other in contenders
            if other.okta_id != one.okta_id
        )
        is_locked = any(name == one.name and okta_id != one.okta_id for name, okta_id in self.locked)
        is_free = one.name not in self.taken and one.name not in self.owned
        return one.is_settled and is_free and not is_wanted_by_others and not is_locked

    def _has(self, one):
        return self.owned.get(one.name) == one.okta_id
