"""Reading by id the people whom a listing lacks, before anybody is harmed for being absent (`docs/design.md` 4.2).

| the read by id says | what follows |
|---|---|
| the person is DEPROVISIONED, or the assignment has ended | a row of the listing, which states it |
| the person is SUSPENDED | `Snapshot.suspended`: locked, unless the person turns out to be unassigned |
| the person is visible, and there is no assignment while the app is readable | `Snapshot.unassigned`: stated |
| the person is visible, and the assignment is there | the listing lost a row: it is added, and absences are doubted |
| 404 or 403 on the person | nothing new: a narrowed admin role hides people in the same way |

Who could not be asked, for want of calls or because of an error, is `Snapshot.unconfirmed` and leaves in a later pass:
those who were asked about longest ago come first.
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
"""How many more people are read by id than an hour's limit lets go: enough to see that the limit is passed."""

_LONGEST: Final = 300.0
"""Seconds after which no further person is asked about: the bucket of the app's people has 50 to 100 calls a minute."""

_WORKERS: Final = 4


@dataclass(slots=True)
class _Answers:
    people: list[PersonFacts] = field(default_factory=list)
    unassigned: set[str] = field(default_factory=set)
    lost: list[str] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    unconfirmed: set[str] = field(default_factory=set)
    malformed: list[MalformedRow] = field(default_factory=list)

    def add_lost(self, okta_id: str, row: PersonFacts | MalformedRow) -> None:
        """Take in a row that the listing should have had."""
        self.lost.append(okta_id)
        self.add(okta_id, row)

    def add(self, okta_id: str, row: PersonFacts | MalformedRow) -> None:
        """Take in what a row says."""
        if isinstance(row, MalformedRow):
            self.malformed.append(replace(row, okta_id=okta_id))
        else:
            self.people.append(row)


class Turns:
    """When each absent person was last asked about, so that everybody's turn comes if there are more than can be asked.

    Otherwise somebody who is deactivated while a flood of others is held might never be asked about.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._rounds = 0

    def begin(self, absent: Collection[str]) -> list[str]:
        """Return who is absent, those who were asked about longest ago first; all others are forgotten."""
        self._rounds += 1
        self._last = {okta_id: self._last[okta_id] for okta_id in absent if okta_id in self._last}
        return sorted(absent, key=lambda okta_id: (self._last.get(okta_id, 0), okta_id))

    def take(self, okta_id: str) -> None:
        """Note that a person is asked about now."""
        self._last[okta_id] = self._rounds


class Confirmation:
    """Asks one organisation about people. `app` is the app that everybody comes from; None: the whole organisation."""

    def __init__(self, okta: OktaReads, app: OktaApp | None, clock: Clock, turns: Turns | None = None) -> None:
        self._okta = okta
        self._app = app
        self._clock = clock
        self._turns = turns or Turns()

    async def confirmed(self, listing: Snapshot, absent: Collection[str], *, most: int) -> Snapshot:
        """Return the listing with what reads by id say of at most so many of those who are absent from it."""
        asked = self._turns.begin(absent)[:most]
        answers = _Answers(unconfirmed=set(absent) - set(asked))
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
            except OktaForbiddenError:
                continue
            except OktaError:
                answers.unconfirmed.add(okta_id)

    async def _ask(self, okta_id: str, answers: _Answers, *, is_complete: bool) -> None:
        """Ask about one person. Raises OktaError where there is no answer, OktaForbiddenError for 403."""
        person = await self._okta.person_of_organization(okta_id)
        if person is None:
            return
        if person.status == UserStatus.DEPROVISIONED:
            answers.add(okta_id, person)
            return
        if person.status == UserStatus.SUSPENDED:
            answers.suspended.add(okta_id)
        if not is_complete:
            # The person may stand on a page that is missing, so nothing is said by an assignment either.
            return
        if self._app is None:
            answers.add_lost(okta_id, person)
        elif self._app.is_active:
            await self._ask_for_the_assignment(self._app, okta_id, answers)

    async def _ask_for_the_assignment(self, app: OktaApp, okta_id: str, answers: _Answers) -> None:
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
