"""The outcome of one change of a plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from teleport_okta.model.teleport import TeleportLock
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.errors import TeleportOktaError
    from teleport_okta.plan.changes import Change


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

    def has_set(self, again: Change, *, since: datetime) -> bool:
        """Whether this step has set a lock that a second plan of the run has found unchanged, and would set again.

        Every plan locks a leaver, because its listing may be older than the end of a lock (`plan/locks.py`). A lock
        that the same run has set is newer than that. `since` is when the run began: a lock that ends earlier than one
        that was set then was shortened by another party, and is set again.
        """
        found = again.found
        if self.result is not Result.DONE or not isinstance(found, TeleportLock):
            return False
        is_long_enough = found.expires is None
        if again.lock_for is not None:
            is_long_enough = found.expires is not None and found.expires >= since + again.lock_for
        return is_long_enough and replace(found, expires=None) == again.content
