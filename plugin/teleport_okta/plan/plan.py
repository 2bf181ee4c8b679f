"""A plan: the changes that a pass would make, in order, and what it leaves alone, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from teleport_okta.model.findings import Findings
from teleport_okta.plan.digest import plan_digest
from teleport_okta.plan.lost_traits import NOTHING_LOST, LostTraits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.findings import Held, Hold, Leftover, PutOff, Quarantined
    from teleport_okta.plan.changes import Change


@dataclass(frozen=True)
class Plan:
    """An ordered list of changes and the findings beside it.

    `held` is the harm that the brake holds, and `holds` has the reasons. `leftovers` are objects of another Okta
    integration. `put_off` are changes that wait for a time; each is in quarantine as well. `unchanged` counts the users
    of ours that need no change. `warnings` are sentences about the read as a whole. The removal of `lost_traits` is
    harm, because too many users would lose them. `waiting` maps the Okta ids of people who cannot get a user at present
    to the name that the user would have.
    """

    changes: tuple[Change, ...] = field(default=(), repr=False)
    quarantined: tuple[Quarantined, ...] = ()
    held: tuple[Held, ...] = ()
    holds: tuple[Hold, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    put_off: tuple[PutOff, ...] = ()
    warnings: tuple[str, ...] = ()
    unchanged: int = 0
    lost_traits: LostTraits = NOTHING_LOST
    waiting: Mapping[str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def digest(self) -> str:
        """The digest of the changes, by which an operator asks for exactly this plan."""
        return plan_digest(self.changes)

    @property
    def findings(self) -> Findings:
        """The part of the plan that the state keeps for `status`."""
        return Findings(self.held, self.holds, self.leftovers)

    @property
    def is_empty(self) -> bool:
        """Whether the plan has no changes."""
        return not self.changes
