"""What a pass did, as a value that can be shown and sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teleport_okta.model.part_result import FailureKind
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.plan.view import ChangeView, PlanView


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
    """Who has to do something about it."""

    id: str = ""
    """The pass as the log names it."""

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
