"""Harm as it is seen in a cluster, counted without the product: how much an hour may bring, and how much it brought."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import floor
from typing import NamedTuple

HOUR = timedelta(hours=1)
USER, LOCK = "user", "lock"
ABSENT, STATED = "absent", "stated"


class Deed(NamedTuple):
    """The end of a user (`user`), or a lock on somebody who stays (`lock`)."""

    at: datetime
    kind: str
    name: str
    okta_id: str
    evidence: str
    approved: bool


@dataclass
class HarmLedger:
    """`brake` is the configured one; times are virtual."""

    brake: object
    _deeds: list[Deed] = field(default_factory=list)
    _approved: list[tuple[datetime, set]] = field(default_factory=list)
    _owned_at: dict[str, datetime] = field(default_factory=dict)

    def owned(self, names, now):
        """Note which names are ours at a moment."""
        self._owned_at |= dict.fromkeys(names, now)

    def approve(self, approval):
        self._approved.append((approval.expires, {(one.kind, one.name, one.okta_id) for one in approval.harmed}))

    def add(self, kind, name, okta_id, evidence, now):
        """Note a harm, and return it."""
        what = (kind, name, okta_id)
        approved = any(now < expires and what in harmed for expires, harmed in self._approved)
        deed = Deed(now, *what, evidence, approved)
        self._deeds.append(deed)
        return deed

    def excess(self, deed, *, known=()):
        """Say by how much the hour that ends with this deed brought more than it may; empty if it did not.

        Who is harmed twice within the hour counts once; and whoever was ours within it counts as one of us, and so do
        those who are `known` as ours to whom nobody told of a change since. So does whoever is harmed: of a user whose
        label was taken away longer ago it is known all the same for whom it stood.
        """
        alike = {one[1:4] for one in self._within_hour(deed.kind, deed.evidence, deed.at) if not one.approved}
        recently = deed.at - HOUR - timedelta(minutes=2)
        of = {name for name, at in self._owned_at.items() if at >= recently}.union(known, (one[1] for one in alike))
        most = self._most(deed.evidence, len(of))
        if deed.approved or len(alike) <= most:
            return ""
        return f"{len(alike)} of {len(of)} were harmed within an hour, where {most} are the most: {sorted(alike)}"

    def allowance_left(self, kind, owned, now):
        """How much stated harm may still be done, where every deed is known to the product too."""
        ended = {one.name for evidence in (ABSENT, STATED) for one in self._within_hour(USER, evidence, now)}
        return self._most(STATED, len(set(owned) | ended)) - len(self._within_hour(kind, STATED, now))

    def _within_hour(self, kind, evidence, now):
        return [one for one in self._deeds if (one.kind, one.evidence) == (kind, evidence) and now - one.at < HOUR]

    def _most(self, evidence, of):
        ratio = self.brake.absent_ratio if evidence == ABSENT else self.brake.stated_ratio
        return max(min(self.brake.floor, max(1, of // 3)), floor(of * ratio + 1e-9))
