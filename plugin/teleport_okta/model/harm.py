"""Harm: what people can no longer do because of a change of ours, on which evidence, and how much of it is too much.

Harm is the end of an object as people know it (a leaver's lock and deletion are one), or a lock on somebody who stays.
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
"""How long an approval holds for what it covers."""

_DIGEST_LENGTH: Final = 16
_ROUNDING: Final = 1e-9


class Evidence(StrEnum):
    """Why a harm would be done: a row that was read says so, or a complete listing lacks somebody."""

    STATED = "stated"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, order=True)
class Harmed:
    """Whom or what a harm is about. `kind` is that of the object that ends, or `lock` for somebody who stays."""

    kind: str
    name: str
    okta_id: str


@dataclass(frozen=True, slots=True)
class PastHarm:
    """A step of a harm within the window, as the journal has it.

    One step of each harm is `counted`, and none of what was approved. `is_open`: nobody knows yet whether it happened,
    or no listing can be expected to show it yet; whatever follows is the rest of it. `people` says how many it counts
    for.
    """

    harmed: Harmed
    evidence: Evidence
    counted: bool
    is_open: bool = False
    people: int = 1


@dataclass(frozen=True, slots=True)
class Approval:
    """What an operator approved by the digest of a held set; `harmed` is what of it was not done yet."""

    digest: str
    harmed: frozenset[Harmed]
    expires: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """How much harm an hour may bring, of each kind and evidence: a floor, or a ratio of what there is if greater.

    The floor is never more than a third of what there is, so that a small organisation has a brake too, and at least
    one, so that one person can always leave, unless the floor is set to none.
    """

    floor: int = 10
    absent: float = 0.10
    stated: float = 0.25

    def most(self, evidence: Evidence, of: int) -> int:
        """Return the limit for a population of so many."""
        ratio = self.absent if evidence is Evidence.ABSENT else self.stated
        return max(min(self.floor, max(1, of // 3)), floor(of * ratio + _ROUNDING))


def held_digest(harmed: Iterable[Harmed]) -> str:
    """Return the digest by which a person approves a held set; empty for an empty set."""
    rows = sorted([one.kind, one.name, one.okta_id] for one in harmed)
    if not rows:
        return ""
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()[:_DIGEST_LENGTH]
