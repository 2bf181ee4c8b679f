"""The outcome of one change of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleport_okta.errors import TeleportOktaError
    from teleport_okta.plan.changes import Change
    from teleport_okta.state.journal_entry import Result


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a change and, unless it is done, the reason.

    `unanswered`: the call got no answer, so it is unknown whether the change happened; later steps of its key are
    skipped. `stop` is the error because of which the run cannot finish: the cluster cannot be reached or refuses us, or
    the journal cannot be written. `no_more_lists`: the cluster's licence allows no further list.
    """

    change: Change
    result: Result
    error: str = ""
    unanswered: bool = False
    stop: TeleportOktaError | None = field(default=None, repr=False, compare=False)
    no_more_lists: bool = False
