"""Harm: a change of ours after which people can do less, its evidence, and the limits of an hour.

Harm is the end of an object, or a lock on a person who stays. The lock and the deletion of a leaver are one harm.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import floor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

WINDOW: Final = timedelta(hours=1)
"""The rolling span over which harm is counted."""

APPROVAL_LASTS: Final = timedelta(hours=24)
"""How long an approval is valid."""

_DIGEST_LENGTH: Final = 16
_ROUNDING: Final = 1e-9
"""Added before rounding down: 0.07 * 100 is 7.000000000000001, but 0.29 * 100 is 28.999999999999996."""


class Evidence(StrEnum):
    """How a harm is known to be due: a row, an event or a read states it, or a complete listing lacks the object."""

    STATED = "stated"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, order=True)
class Harmed:
    """The object or the person that is harmed. `kind` is that of the object that ends, or `lock` if a person stays."""

    kind: str
    name: str
    okta_id: str


@dataclass(frozen=True, slots=True)
class PastHarm:
    """A step of a harm within the window, as the journal has it.

    One step of each harm is `counted`, and none of an approved harm. With `is_open`, the result is not known yet, or
    listings do not show it yet; further steps belong to the same harm. It counts for so many `people`.
    """

    harmed: Harmed
    evidence: Evidence
    counted: bool
    is_open: bool = False
    people: int = 1


@dataclass(frozen=True, slots=True)
class Approval:
    """The approval of a held set by its digest; `harmed` is the part of the set that is not done yet."""

    digest: str
    harmed: frozenset[Harmed]
    expires: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of harm in an hour, for each kind and evidence: a floor, or a ratio of the population if greater.

    The floor is at most a third of the population, so that a small organisation has a brake too. It is at least one, so
    that one person can always leave, unless it is set to zero.
    """

    floor: int = 10
    absent: float = 0.10
    stated: float = 0.25

    def most(self, evidence: Evidence, of: int) -> int:
        """Return the limit for a population of so many."""
        ratio = self.absent if evidence is Evidence.ABSENT else self.stated
        return max(min(self.floor, max(1, of // 3)), floor(of * ratio + _ROUNDING))


def held_digest(harmed: Iterable[Harmed]) -> str:
    """Return the digest by which an operator approves a held set; empty for an empty set."""
    rows = sorted([one.kind, one.name, one.okta_id] for one in harmed)
    if not rows:
        return ""
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()[:_DIGEST_LENGTH]
