"""How much harm an hour may bring, counted without the product from what was seen in a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import floor
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from teleport_okta.model.harm import Harmed

HOUR = timedelta(hours=1)
USER, LOCK = "user", "lock"
ABSENT, STATED = "absent", "stated"


def most(evidence, of, *, at_least, absent, stated):
    """Return how many of so many may be harmed within an hour: a floor, or a ratio if that is more.

    The floor is a third of them at the most, and at least one unless it is set to none.
    """
    ratio = absent if evidence == ABSENT else stated
    return max(min(at_least, max(1, of // 3)), floor(of * ratio + 1e-9))


def limit_of(limits):
    """Return the limit that a value of `Limits` stands for, as a function of evidence and number."""
    return partial(most, at_least=limits.floor, absent=limits.absent, stated=limits.stated)


class Deed(NamedTuple):
    """The end of an object, or a lock (`lock`) on a person who stays, when it was seen."""

    at: datetime
    harmed: Harmed
    evidence: str
    approved: bool


@dataclass
class HarmLedger:
    """The harm of one cluster. `limit` returns how much of an evidence an hour may bring of so many."""

    limit: Callable[[str, int], int]
    deeds: list[Deed] = field(default_factory=list)
    _approved: list[tuple[datetime | None, frozenset[Harmed]]] = field(default_factory=list)
    _owned_at: dict[str, datetime] = field(default_factory=dict)

    def owned(self, names, now):
        """Note which names are ours at a moment."""
        self._owned_at |= dict.fromkeys(names, now)

    def approve(self, harmed, until=None):
        """Note that an operator lets some harm pass until a time, or from now on."""
        self._approved.append((until, frozenset(harmed)))

    def add(self, harmed, evidence, now):
        """Note a harm, and return it."""
        approved = any((until is None or now < until) and harmed in some for until, some in self._approved)
        self.deeds.append(Deed(now, harmed, evidence, approved))
        return self.deeds[-1]

    def excess(self, deed, *, known=(), of=None):
        """Say by how much the hour that ends with a deed brought more than it may; empty if it did not.

        A person who is harmed twice within the hour counts once. The limit is taken of the names in `of`; by default of
        everybody who was ours within the hour, of the names that are `known` to the product as ours although another
        client changed them, and of the harmed: the product still knows for whom a user stood who lost our label.
        """
        alike = {one.harmed for one in self.within_hour(deed.at) if _is_like(one, deed) and not one.approved}
        if of is None:
            recently = deed.at - HOUR - timedelta(minutes=2)
            of = {name for name, at in self._owned_at.items() if at >= recently}
            of = of.union(known, (one.name for one in alike))
        limit = self.limit(deed.evidence, len(of))
        if deed.approved or len(alike) <= limit:
            return ""
        return f"{len(alike)} of {len(of)} were harmed within an hour, where {limit} are the most: {sorted(alike)}"

    def allowance_left(self, kind, owned, now):
        """Return how much stated harm may still be done, if the product knows of every deed."""
        recent = self.within_hour(now)
        ended = {one.harmed.name for one in recent if one.harmed.kind == USER}
        done = sum((one.harmed.kind, one.evidence) == (kind, STATED) for one in recent)
        return self.limit(STATED, len(set(owned) | ended)) - done

    def within_hour(self, now):
        """Return the deeds of the hour that ends now."""
        return [one for one in self.deeds if now - one.at < HOUR]


def _is_like(one, other):
    return (one.harmed.kind, one.evidence) == (other.harmed.kind, other.evidence)
