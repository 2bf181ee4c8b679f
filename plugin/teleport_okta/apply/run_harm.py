"""The harm that one run does: which of its steps is the first and which the last, and under which approval.

A harm may need several steps (a leaver's lock, memberships and user), counts once, and uses up its approval with the
last step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.plan.changes import LOCK, USER
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.model.harm import Harmed
    from teleport_okta.plan.changes import Change

Identity: TypeAlias = tuple[str, str, str, str, str, bool, bool]
"""What identifies a step across plans: action, kind, subject, name, Okta id, whether it ends an object, and whether it
concerns a role on a user, which may end together with a membership of the list."""


def identity_of(change: Change) -> Identity:
    """Return what identifies a step across plans."""
    is_on_user = isinstance(change.content or change.found, DirectRole)
    return (change.action.value, change.kind, change.subject, change.name, change.okta_id, change.is_ending, is_on_user)


class RunHarm:
    """The harm of one run, with the approval under which its first step was taken."""

    def __init__(self) -> None:
        self._begun: dict[Harmed, str] = {}
        self._last_of: dict[Harmed, Identity] = {}

    @property
    def begun(self) -> Collection[Harmed]:
        """The harm of which a step was taken, or may have been taken: a call got no answer."""
        return self._begun.keys()

    def expect(self, changes: Iterable[Change]) -> None:
        """Note the last step of each harm.

        A leaver's lock is never the last: the deletion may be in a later plan.
        """
        self._last_of |= {
            change.harmed: identity_of(change)
            for change in changes
            if change.harmed is not None and (change.kind != LOCK or change.harmed.kind != USER)
        }

    def is_first(self, change: Change) -> bool:
        """Whether no step of the harm has been taken yet."""
        return change.harmed not in self._begun

    def is_last(self, change: Change) -> bool:
        """Whether it is the last step of its harm."""
        return change.harmed is not None and self._last_of.get(change.harmed) == identity_of(change)

    def with_approval(self, change: Change) -> Change:
        """Return a step with the approval under which the first step of its harm was taken in an earlier plan."""
        harm = change.harm
        if harm is None or harm.approval or not self._begun.get(harm.harmed):
            return change
        return replace(change, harm=replace(harm, approval=self._begun[harm.harmed]))

    def note(self, outcome: Outcome) -> None:
        """Note the outcome of a step that was taken. One without an answer may have happened, and counts."""
        harm = outcome.change.harm
        if harm is not None and (outcome.result is Result.DONE or outcome.unanswered):
            self._begun.setdefault(harm.harmed, harm.approval)
