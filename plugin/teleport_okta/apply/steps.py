"""One step of a plan: its call to Teleport, and its record in the journal.

The record of harm is written before the call: if the process dies in between, the harm is still counted, and the next
process reads Teleport to find out whether it happened (`open_records`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.apply.calls import Calls
from teleport_okta.apply.change_log import log_outcome
from teleport_okta.apply.on_behalf import present_person
from teleport_okta.apply.outcome import Outcome
from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.plan.changes import LOCK, Action
from teleport_okta.plan.digest import content_digest
from teleport_okta.plan.repairs import repair_digest
from teleport_okta.plan.view import title_of
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.state_errors import StateError
from teleport_okta.teleport.lease import NotTheWriterError
from teleport_okta.teleport.list_errors import AccessListLimitError
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    ClientVersionRefusedError,
    RevisionConflictError,
    TeleportError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport_okta.clock import Clock
    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.plan.changes import Change
    from teleport_okta.state.journal import Journal
    from teleport_okta.teleport.cluster import Teleport


class Steps:
    """Makes the calls of one run and writes their records. `trigger` is what started the run, `who` the operator whose
    command it is (empty: the caller of the present task).

    Once `draining` is set, the run ends soon. `writes` limits the calls in flight of all runs that share it. `counted`
    is called with kind, action and result of each step that was tried.
    """

    def __init__(
        self,
        *,
        teleport: Teleport,
        journal: Journal,
        clock: Clock,
        trigger: str,
        draining: asyncio.Event | None = None,
        writes: asyncio.Semaphore | None = None,
        who: str = "",
        counted: Callable[[str, str, str], None] | None = None,
    ) -> None:
        self._counted = counted
        self._calls = Calls(teleport, clock, draining)
        self._writes = writes or asyncio.Semaphore()
        self._journal = journal
        self._clock = clock
        self._trigger = trigger
        self._who = who or present_person()

    async def is_as_read(self, user: TeleportUser) -> bool:
        """Whether a user still has our label and the revision that was read. Raises TeleportError."""
        return await self._calls.is_as_read(user)

    async def take(self, change: Change, *, first: bool, last: bool) -> Outcome:
        """Apply one change, and log its outcome.

        `first` and `last`: whether it is the first and the last step of its harm.

        The record of a harmful change is durable before its call. If it is unknown afterwards whether the call took
        effect, the record stays open (`open_records`). A lock can be undone, so it is written even if its record
        cannot be: on a full disk a leaver is locked all the same.
        """
        outcome = await self._take(change, first=first, last=last)
        if self._counted is not None:
            self._counted(change.kind, change.action.value, outcome.result.value)
        self.log(outcome)
        return outcome

    def log(self, outcome: Outcome) -> None:
        """Log the outcome of a change, also of one that was not taken."""
        log_outcome(outcome, self._trigger, self._who)

    async def _take(self, change: Change, *, first: bool, last: bool) -> Outcome:
        if change.harm is None:
            outcome = await self._attempt(change)
            return await self._journaled(outcome, self._journal.record(self._entry(change, outcome)))
        begun = self._entry(change, Outcome(change, Result.BEGUN), counted=first and change.harm.counted)
        try:
            sequence = await self._journal.begin(begun)
        except StateError as error:
            if change.action is not Action.LOCK:
                return Outcome(change, Result.SKIPPED, f"its record cannot be written: {error}", stop=error)
            return _unjournaled(await self._attempt(change), error)
        outcome = await self._attempt(change)
        if outcome.unanswered or outcome.stop is not None:
            return outcome
        used = last and outcome.result is Result.DONE and change.harm.approval
        finishing = self._journal.finish(
            sequence,
            outcome.result,
            outcome.error,
            at=self._clock.now(),
            boot=self._clock.boot(),
            uses=(change.harm.approval, begun.harmed) if used else None,
        )
        return await self._journaled(outcome, finishing)

    async def _journaled(self, outcome: Outcome, recording: Awaitable[None]) -> Outcome:
        try:
            await recording
        except StateError as error:
            return _unjournaled(outcome, error)
        return outcome

    async def _attempt(self, change: Change) -> Outcome:
        try:
            async with self._writes:
                note = await self._calls.make(change)
        except UnavailableError as error:
            return Outcome(change, Result.FAILED, str(error), unanswered=True)
        except (ClientVersionRefusedError, NotTheWriterError) as error:
            return Outcome(change, Result.FAILED, str(error), stop=error)
        except (AlreadyExistsError, RevisionConflictError) as error:
            return Outcome(change, Result.CONFLICT, str(error))
        except AccessListLimitError as error:
            return Outcome(change, Result.FAILED, str(error), no_more_lists=True)
        except TeleportError as error:
            return Outcome(change, Result.FAILED, str(error))
        return Outcome(change, Result.DONE, note)

    def _entry(self, change: Change, outcome: Outcome, *, counted: bool = False) -> JournalEntry:
        harm = change.harm
        return JournalEntry(
            time=self._clock.now(),
            trigger=self._trigger,
            kind=change.kind,
            name=change.label,
            okta_id=change.okta_id,
            action=change.action.value,
            reason=change.reason,
            before_digest=content_digest(change.found),
            after_digest=content_digest(change.content),
            outcome=outcome.result,
            error=outcome.error,
            harm=harm.kind if harm else "",
            evidence=harm.evidence if harm else "",
            counted=counted,
            people=harm.people if harm else 1,
            approval=harm.approval if harm else "",
            harmed_name=harm.harmed.name if harm and harm.harmed.name != change.label else "",
            boot=self._clock.boot(),
            object_name=_object_name(change),
            who=self._who,
            repair=repair_digest(change) if outcome.result is Result.DONE else "",
            title=title_of(change),
            members=tuple(need.name for need in change.members),
        )


def _object_name(change: Change) -> str:
    """Return the name of the written object if the label of a step does not have it: a lock, or a role of a user."""
    content = change.content or change.found
    if isinstance(content, DirectRole):
        return content.role
    return change.name if change.kind == LOCK else ""


def _unjournaled(outcome: Outcome, error: StateError) -> Outcome:
    """Return the outcome of a change that has no complete record."""
    said = f"{outcome.error}; not journaled: {error}" if outcome.error else f"not journaled: {error}"
    return replace(outcome, error=said, stop=outcome.stop or error)
