"""How one change of a plan went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleport_okta.plan.changes import Change
    from teleport_okta.state.journal import Result
    from teleport_okta.teleport.errors import TeleportError


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a change and, unless it is done, the reason.

    `cluster_lost` is set when the cluster could not be reached: nothing more can be applied then, and whether this
    change happened is not known.
    """

    change: Change
    result: Result
    error: str = ""
    cluster_lost: TeleportError | None = field(default=None, repr=False, compare=False)
