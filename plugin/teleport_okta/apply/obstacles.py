"""Why a step of a run cannot be taken: an earlier step failed, or the cluster or the journal is not available."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.plan.changes import ACCESS_LIST, LOCK, USER, Action
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.apply.results import Results
    from teleport_okta.errors import TeleportOktaError
    from teleport_okta.model.harm import Harmed
    from teleport_okta.plan.changes import Change


class Obstacles:
    """Gets the outcomes of the steps of a run, and returns for each further step why it cannot be taken."""

    def __init__(self, reached: Results) -> None:
        self._reached = reached
        self._failed: set[tuple[str, Harmed | None]] = set()
        self._unanswered: set[str] = set()
        self._no_more_lists = ""
        self._unrecorded = ""
        self.stop: TeleportOktaError | None = None
        """Why the run applies nothing more: the cluster cannot be reached, or refuses us. Empty if it goes on."""

    @property
    def of_the_rest(self) -> str:
        """Why the remaining steps are not taken; empty if there is no such reason."""
        return str(self.stop) if self.stop is not None else self._unrecorded

    def note(self, outcome: Outcome) -> None:
        """Note the outcome of a step, because of which later steps may be impossible."""
        change = outcome.change
        if outcome.result is not Result.DONE:
            self._failed.add((change.key, change.harmed))
        if outcome.unanswered:
            self._unanswered.add(change.key)
        if outcome.no_more_lists:
            self._no_more_lists = outcome.error
        if isinstance(outcome.stop, StateError):
            self.cannot_record(outcome.stop)
        elif outcome.stop is not None:
            self.stop = outcome.stop

    def cannot_record(self, error: StateError) -> None:
        """Note that the journal cannot be written: from now on only locks are written, because a lock can be undone."""
        self._unrecorded = self._unrecorded or f"only locks are written without a record: {error}"

    def forget(self, key: str) -> None:
        """Forget the outcomes of the steps of a key, because it is planned again."""
        self._failed = {failed for failed in self._failed if failed[0] != key}

    def of(self, change: Change) -> str:
        """Return why a step cannot be taken; empty if it can."""
        if self.stop is not None:
            return str(self.stop)
        if self._unrecorded and change.action is not Action.LOCK:
            return self._unrecorded
        if change.key in self._unanswered:
            return "an earlier call for this object got no answer"
        if (change.key, change.harmed) in self._failed and (change.harm is not None or change.kind in {USER, LOCK}):
            return "an earlier step for this object failed"
        if self._no_more_lists and change.kind == ACCESS_LIST and change.action is Action.CREATE:
            return self._no_more_lists
        return self._reached.obstacle(change.needs)

    def with_members_who_stand(self, change: Change) -> tuple[Change, str]:
        """Return a new list without the members whose users are not theirs, and why if none is left."""
        obstacles = [self._reached.obstacle([need]) for need in change.members]
        if not any(obstacles):
            return change, ""
        members = tuple(need for need, obstacle in zip(change.members, obstacles, strict=True) if not obstacle)
        emptied = "" if members else f"no member is left for the new list: {obstacles[0]}"
        return replace(change, members=members), emptied
