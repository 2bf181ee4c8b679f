"""What a pass sets aside instead of acting upon it: rows that cannot be used, and absences that are not believed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Quarantined:
    """One row or object that is left alone until its cause is gone; the rest goes on.

    `name` may be empty (a person without a login), and so may `okta_id` (a Teleport object that nobody wants).
    """

    kind: str
    name: str
    okta_id: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """One user who would leave, if the read that lacks them could be believed."""

    kind: str
    name: str
    okta_id: str
    reason: str
