"""The results of the steps of a run, which decide whether the needs of other steps are met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.plan.changes import LOCK, USER, Goal
from teleport_okta.plan.needs import met_by
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.apply.replan import Replanned
    from teleport_okta.plan.changes import Change, Need


class Results:
    """Returns for each need whether it is met, cannot be met any more, or waits for a step.

    For a key that was planned again, its second plan decides: the first one may have been based on old facts.
    """

    def __init__(self) -> None:
        self._steps: dict[Need, Outcome | None] = {}
        self._again: dict[str, Replanned] = {}
        self._done_again: dict[str, set[Need]] = {}
        self._under_way: set[str] = set()
        self._in_doubt: dict[str, str] = {}

    def expect(self, change: Change, outcome: Outcome | None) -> None:
        """Note that a step is planned, or its outcome if it was taken already."""
        need = met_by(change)
        if need is not None:
            self._steps[need] = outcome

    def settle(self, outcome: Outcome) -> None:
        """Note the outcome of a step."""
        change = outcome.change
        need = met_by(change)
        again = self._done_again.get(change.key)
        if again is None:
            if need is not None:
                self._steps[need] = outcome
            if outcome.result is Result.CONFLICT:
                self.doubt(change.key, "another party changed it in the meantime")
        elif need is not None and outcome.result is Result.DONE:
            again.add(need)

    def doubt(self, key: str, why: str) -> None:
        """Note that the present state of a user is unknown."""
        self._in_doubt[key] = why

    def plan_again(self, key: str) -> None:
        """Note that a key is being planned again: steps with needs of this key wait."""
        self._under_way.add(key)

    def planned_again(self, key: str, again: Replanned) -> None:
        """Note the second plan of a key; its steps follow."""
        self._again[key] = again
        self._done_again[key] = set()

    def through(self, key: str) -> None:
        """Note that the second plan of a key was carried out, or that there is none."""
        self._under_way.discard(key)

    def is_pending(self, needs: Iterable[Need], *, of: str) -> bool:
        """Whether one of the needs waits for a step; `of` is the key of the step that has the needs."""
        return any(
            (need.key in self._under_way and need.key != of)
            or (need.key not in self._again and need in self._steps and self._steps[need] is None)
            for need in needs
        )

    def obstacle(self, needs: Iterable[Need]) -> str:
        """Return why one of several needs is not met; empty if all are met."""
        return next(filter(None, map(self._unmet, needs)), "")

    def _unmet(self, need: Need) -> str:
        again = self._again.get(need.key)
        if again is not None:
            return self._unmet_again(need, again)
        if need.kind in {USER, LOCK} and need.key in self._in_doubt:
            return f"user {need.name}: {self._in_doubt[need.key]}"
        if need not in self._steps:
            return "" if need.is_found else f"no step of this run changes {need.kind} {need.name}"
        outcome = self._steps[need]
        if outcome is not None and outcome.result is Result.DONE:
            return ""
        how = "was not reached" if outcome is None else "did not succeed"
        return f"the step of {need.kind} {need.name} that it needs {how}"

    def _unmet_again(self, need: Need, again: Replanned) -> str:
        """Return why a need of a key that was planned again is not met."""
        about = {met for change in again.changes if (met := met_by(change)) is not None}
        if need in self._done_again[need.key]:
            return ""
        if need in about:
            return f"the step of {need.kind} {need.name} that it needs did not succeed"
        is_met, why = True, ""
        match need.goal:
            case Goal.STANDS_FOR:
                is_met, why = again.holder == need.okta_id, f"user {need.name} belongs to another person"
            case Goal.WRITTEN:
                aside = next((row for row in again.quarantined if (row.kind, row.name) == (need.kind, need.name)), None)
                if aside is not None:
                    is_met, why = False, f"{need.kind} {need.name} was set aside: {aside.reason}"
            case Goal.LOCKED:
                # The user does not exist any more: the watcher or SCIM ended it, or another party.
                is_met, why = again.is_gone, f"user {need.name} stays after all"
            case Goal.ENDED:
                is_met, why = again.is_gone, f"{need.kind} {need.name} stays after all"
        return "" if is_met else why
