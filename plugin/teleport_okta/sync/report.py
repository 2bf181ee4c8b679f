"""What a pass did, as a value that can be shown and sent; and the notes from which the pass makes it at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from teleport_okta.model.part_result import FailureKind
from teleport_okta.plan.view import change_view, view_of
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.completeness import why_not_whole

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.model.cost import PassCost
    from teleport_okta.plan.plan import Plan
    from teleport_okta.plan.view import ChangeView, PlanView
    from teleport_okta.sync.reading import Reading

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """One change and how it went."""

    change: ChangeView
    result: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class PassReport:
    """One pass: its plan, how each change went, and the Okta calls that it took, by rate-limit bucket.

    `error` says why it could not do all of its work; empty when it did.
    """

    trigger: str
    plan: PlanView
    outcomes: tuple[OutcomeView, ...] = field(repr=False)
    started: datetime
    finished: datetime
    okta_calls: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    failure: FailureKind = FailureKind.NONE
    """Who must act on the error."""

    id: str = ""
    """The name of the pass in the log."""

    @property
    def applied(self) -> bool:
        """Whether the pass read everything and applied everything that it planned."""
        return not self.error and all(outcome.result == Result.DONE for outcome in self.outcomes)

    @property
    def succeeded(self) -> bool:
        """Whether nothing is left to do: everything was applied, no harm is held and nothing is put off."""
        return self.applied and not self.plan.findings.held and not self.plan.put_off

    def counts(self) -> Counter[str]:
        """Count the outcomes by result."""
        return Counter(outcome.result for outcome in self.outcomes)

    def as_json(self) -> dict[str, object]:
        """Return the report in the shape of `apply --format json`."""
        return {
            "id": self.id,
            "trigger": self.trigger,
            "started": self.started.isoformat(),
            "finished": self.finished.isoformat(),
            "succeeded": self.succeeded,
            "error": self.error,
            "okta_calls": dict(self.okta_calls),
            "plan": self.plan.as_json(),
            "outcomes": [
                {
                    "action": outcome.change.action,
                    "kind": outcome.change.kind,
                    "name": outcome.change.name,
                    "subject": outcome.change.subject,
                    "result": outcome.result,
                    "error": outcome.error,
                }
                for outcome in self.outcomes
            ],
        }


@dataclass(slots=True)
class PassNotes:
    """What a pass notes while it runs: when it began, the Okta calls made before it, and what it could not store."""

    trigger: str
    id: str
    started: datetime
    calls_before: Mapping[str, int]
    problems: list[str] = field(default_factory=list)

    async def stored(self, writing: Awaitable[T]) -> T | None:
        """Await a write to the state; note a StateError and return None. The pass goes on, and is no success."""
        try:
            return await writing
        except StateError as error:
            # A full disk fails every write of a pass for the same reason.
            if (problem := f"the state could not be written: {error}") not in self.problems:
                self.problems.append(problem)
            return None

    def report(
        self,
        reading: Reading,
        plan: Plan,
        outcomes: Sequence[Outcome],
        *,
        cost: PassCost,
        okta_calls: Mapping[str, int],
        finished: datetime,
    ) -> PassReport:
        """Return the report of the pass."""
        shown = view_of(plan, cost)
        stops = [str(outcome.stop) for outcome in outcomes if outcome.stop is not None]
        error = "; ".join([*why_not_whole(reading), *stops[:1], *self.problems])
        return PassReport(
            trigger=self.trigger,
            plan=shown,
            outcomes=_outcome_views(outcomes, plan, shown),
            started=self.started,
            finished=finished,
            okta_calls=okta_calls,
            error=error,
            failure=reading.facts.unread_kind or (FailureKind.OTHER if error else FailureKind.NONE),
            id=self.id,
        )


def _outcome_views(outcomes: Iterable[Outcome], plan: Plan, shown: PlanView) -> tuple[OutcomeView, ...]:
    """Return the outcomes in words. A change of the plan has its words already; a change planned later has none."""
    words = {id(change): view for change, view in zip(plan.changes, shown.changes, strict=True)}
    return tuple(
        OutcomeView(words.get(id(outcome.change)) or change_view(outcome.change), outcome.result.value, outcome.error)
        for outcome in outcomes
    )
