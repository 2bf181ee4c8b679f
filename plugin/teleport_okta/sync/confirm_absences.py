"""Reading the people whom a listing lacks by id, before a person is harmed for being absent (`docs/design.md` 4.2).

| the read by id says | what follows |
|---|---|
| the person is DEPROVISIONED, or the assignment has ended | a row of the listing, which states it |
| the person is SUSPENDED | `Snapshot.suspended`: locked, unless the person turns out to be unassigned |
| the person is visible, and there is no assignment while the app is readable | `Snapshot.unassigned`: stated |
| the person is visible, and the assignment is there | the listing lost a row: it is added, and absences are doubted |
| 404 or 403 on the person | nothing new: a narrowed admin role hides people in the same way |

A person who could not be read, for want of calls or because of an error, is `Snapshot.unconfirmed` and leaves in a
later pass. The people who were read longest ago come first.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.model.okta import APP_USER_ENDED, MalformedRow, UserStatus
from teleport_okta.okta.directory_reader import one_error
from teleport_okta.okta.okta_errors import OktaError, OktaForbiddenError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from teleport_okta.clock import Clock
    from teleport_okta.model.okta import OktaApp, PersonFacts, Snapshot
    from teleport_okta.okta.people_reader import OktaReads

MORE_THAN_THE_LIMIT: Final = 10
"""How many more people are read by id than the brake lets leave in an hour: enough to see that there are more."""

_LONGEST: Final = 300.0
"""Seconds after which no further person is read: the bucket of the app's people has 50 to 100 calls a minute."""

_WORKERS: Final = 4
"""Reads at once. More of them would only wait for the same rate limit."""


@dataclass(slots=True)
class _Answers:
    people: list[PersonFacts] = field(default_factory=list)
    unassigned: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    unconfirmed: set[str] = field(default_factory=set)
    malformed: list[MalformedRow] = field(default_factory=list)

    def add_lost(self, okta_id: str, row: PersonFacts | MalformedRow) -> None:
        """Add a row that the listing should have had."""
        self.lost.append(okta_id)
        self.add(okta_id, row)

    def add(self, okta_id: str, row: PersonFacts | MalformedRow) -> None:
        """Add a row."""
        if isinstance(row, MalformedRow):
            self.malformed.append(replace(row, okta_id=okta_id))
        else:
            self.people.append(row)


class ReadingTurns:
    """When each absent person was last read, so that each has a turn if there are more than can be read in a pass.

    Otherwise a person who is deactivated while many others are held might never be read.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._rounds = 0

    def begin(self, absent: Collection[str]) -> list[str]:
        """Return the absent people, those who were read longest ago first; forget all others."""
        self._rounds += 1
        self._last = {okta_id: self._last[okta_id] for okta_id in absent if okta_id in self._last}
        return sorted(absent, key=lambda okta_id: (self._last.get(okta_id, 0), okta_id))

    def take(self, okta_id: str) -> None:
        """Note that a person is read now."""
        self._last[okta_id] = self._rounds


class Confirmation:
    """Reads people of one organisation by id. `app` is the app that people come from; None: the whole organisation."""

    def __init__(self, okta: OktaReads, app: OktaApp | None, clock: Clock, turns: ReadingTurns | None = None) -> None:
        self._okta = okta
        self._app = app
        self._clock = clock
        self._turns = turns or ReadingTurns()

    async def confirmed(self, listing: Snapshot, absent: Collection[str], *, most: int) -> Snapshot:
        """Return the listing with reads by id of at most so many of the people who are absent from it."""
        asked = self._turns.begin(absent)[:most]
        answers = _Answers(unconfirmed=set(absent) - set(asked))
        # A deadline for all: other units of work need the bucket, and the rest of the pass waits.
        deadline = self._clock.monotonic() + _LONGEST
        queue = iter(asked)
        with one_error():
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(_WORKERS, len(asked))):
                    tasks.create_task(self._work(queue, answers, listing, deadline))
        return _amended(listing, answers)

    async def _work(self, queue: Iterator[str], answers: _Answers, listing: Snapshot, deadline: float) -> None:
        for okta_id in queue:
            if self._clock.monotonic() > deadline:
                answers.unconfirmed.add(okta_id)
                continue
            self._turns.take(okta_id)
            try:
                await self._ask(okta_id, answers, is_complete=listing.incomplete is None)
            # Like a 404: a narrowed admin role hides people, so this proves nothing.
            except OktaForbiddenError:
                continue
            except OktaError:
                answers.unconfirmed.add(okta_id)

    async def _ask(self, okta_id: str, answers: _Answers, *, is_complete: bool) -> None:
        """Read one person. Raises OktaError if there is no answer, OktaForbiddenError for 403."""
        person = await self._okta.person_of_organization(okta_id)
        if person is None:
            return
        if person.status == UserStatus.DEPROVISIONED:
            answers.add(okta_id, person)
            return
        if person.status == UserStatus.SUSPENDED:
            answers.suspended.add(okta_id)
        if not is_complete:
            # The person may be on a missing page of the listing, so an assignment would prove nothing either.
            return
        if self._app is None:
            answers.add_lost(okta_id, person)
        # While the app is inactive, assignments prove nothing either way: the person stays absent.
        elif self._app.is_active:
            await self._read_assignment(self._app, okta_id, answers)

    async def _read_assignment(self, app: OktaApp, okta_id: str, answers: _Answers) -> None:
        row = await self._okta.person_of_app(app.id, okta_id)
        if row is None:
            answers.unassigned.add(okta_id)
        elif row.assignment_status in APP_USER_ENDED:
            answers.add(okta_id, row)
        else:
            answers.add_lost(okta_id, row)


def _amended(listing: Snapshot, answers: _Answers) -> Snapshot:
    untrusted = listing.untrusted
    if answers.lost and untrusted is None:
        untrusted = (
            f"the listing lacks {len(answers.lost)} people whom a read by id shows, the first of them "
            f"{min(answers.lost)}: a listing that loses rows proves no absence"
        )
    return replace(
        listing,
        people=(*listing.people, *answers.people),
        malformed=(*listing.malformed, *answers.malformed),
        untrusted=untrusted,
        unassigned=listing.unassigned | answers.unassigned,
        lost=listing.lost | set(answers.lost),
        suspended=listing.suspended | answers.suspended,
        unconfirmed=listing.unconfirmed | answers.unconfirmed,
    )
