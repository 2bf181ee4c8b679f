"""How one change of a plan went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleport_okta.errors import TeleportOktaError
    from teleport_okta.plan.changes import Change
    from teleport_okta.state.journal import Result


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a change and, unless it is done, the reason.

    `stop` is set when nothing more can be applied after this one: the cluster cannot be reached (whether this change
    happened is not known then), or the journal cannot be written. `no_more_lists`: the cluster takes no further list.
    """

    change: Change
    result: Result
    error: str = ""
    stop: TeleportOktaError | None = field(default=None, repr=False, compare=False)
    no_more_lists: bool = False
