"""Reading single people by id, as far as a hint says that they changed."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.model.okta import APP_USER_ENDED, MalformedRow, Snapshot, UserStatus
from teleport_okta.model.reasons import DeactivatedInOkta, PersonDeleted
from teleport_okta.okta.okta_errors import OktaError, OktaForbiddenError
from teleport_okta.sync.confirm_absences import Confirmation
from teleport_okta.sync.sources import read_app, read_person

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.okta import OktaApp, PersonFacts
    from teleport_okta.model.reasons import Reason
    from teleport_okta.okta.people_reader import OktaReads
    from teleport_okta.settings import Settings
    from teleport_okta.sync.key_reads import KeyReads, PersonRead

LONGEST_READ: Final = 10.0
"""Seconds after which a person who left by an event is locked although no read has succeeded yet."""

_NOT_SHOWN_YET: Final = (
    "an event says that the person is assigned, and a read does not show it yet: the person is read again"
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Found:
    people: list[PersonFacts] = field(default_factory=list)
    malformed: list[MalformedRow] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    leaving: set[str] = field(default_factory=set)
    ended: dict[str, Reason] = field(default_factory=dict)

    def snapshot(self, read_at: datetime) -> Snapshot:
        return Snapshot(
            tuple(self.people),
            tuple(self.malformed),
            read_at,
            suspended=frozenset(self.suspended),
            leaving=frozenset(self.leaving),
            ended=self.ended,
        )


class KeyedPeople:
    """Reads people of one organisation. `missing` are the people whom the last full listing lacked."""

    def __init__(self, okta: OktaReads, settings: Settings, clock: Clock, missing: Collection[str]) -> None:
        self._okta = okta
        self._settings = settings
        self._clock = clock
        self._missing = missing
        self._rows: dict[str, PersonFacts | MalformedRow] | None = None
        self._is_unanswered = False

    async def read(
        self, ids: Collection[str], reads: KeyReads, *, last_app: OktaApp | None
    ) -> tuple[OktaApp | None, Snapshot]:
        """Return people, and the app if it was read; `last_app` is the app as it was last known.

        A person whom a read by id does not find may be hidden from us. If the last listing had the person, and no event
        states the end, the person is `unconfirmed`. Raises OktaError.
        """
        read_at = self._clock.now()
        found = _Found()
        if reads.people_listed and self._settings.okta.app_id is not None:
            self._rows = await self._listed(self._settings.okta.app_id)
        for okta_id in ids:
            await self._add(found, okta_id, reads.of_person(okta_id), last_app)
        snapshot = found.snapshot(read_at)
        statuses = {row.assignment_status for row in snapshot.people}
        statuses |= {row.assignment_status for row in snapshot.malformed}
        if not found.absent and APP_USER_ENDED.isdisjoint(statuses):
            return None, snapshot
        # While the app is inactive, a missing or ended assignment does not mean that the person left.
        try:
            app = await read_app(self._okta, self._settings)
        except OktaError:
            # A SCIM request must be answered although Okta's API does not; its person stays unconfirmed.
            if not all(reads.of_person(okta_id).by_request for okta_id in found.absent):
                raise
            return None, replace(snapshot, unconfirmed=frozenset(found.absent))
        confirmation = Confirmation(self._okta, app, self._clock)
        confirmed = await confirmation.confirmed(snapshot, found.absent, most=len(found.absent))
        decided = confirmed.unassigned | {row.okta_id for row in confirmed.people}
        decided |= {row.okta_id or "" for row in confirmed.malformed}
        hidden = frozenset(found.absent) - decided - frozenset(self._missing)
        return app, replace(confirmed, unconfirmed=confirmed.unconfirmed | hidden)

    async def _add(self, found: _Found, okta_id: str, read: PersonRead, last_app: OktaApp | None) -> None:
        """Read one person into `found`."""
        if read.is_deleted:
            found.ended[okta_id] = read.ended or PersonDeleted()
            return
        if read.by_request:
            await self._add_if_answered(found, okta_id, read, last_app)
            return
        if not self._locks_meanwhile(read):
            await self._add_row(found, okta_id, read, last_app)
            return
        if self._is_unanswered:
            found.leaving.add(okta_id)
            return
        try:
            await self._add_in_time(found, okta_id, read, last_app)
        except (OktaError, TimeoutError) as error:
            # If many people left at once, each would wait for the timeout: after the first, the others are not read.
            self._is_unanswered = True
            why = error if isinstance(error, OktaError) else f"Okta did not answer within {LONGEST_READ:.0f} s"
            _log.warning(
                "%s left by an event and cannot be read; the user is locked until a read succeeds: %s", okta_id, why
            )
            found.leaving.add(okta_id)

    async def _add_if_answered(self, found: _Found, okta_id: str, read: PersonRead, last_app: OktaApp | None) -> None:
        """Read one person of a SCIM request. If Okta's API does not answer, only the request counts."""
        try:
            await self._add_in_time(found, okta_id, read, last_app)
        except (OktaError, TimeoutError) as error:
            why = error if isinstance(error, OktaError) else f"Okta did not answer within {LONGEST_READ:.0f} s"
            _log.warning(
                "%s was provisioned, and cannot be read; the request of the SCIM client counts: %s", okta_id, why
            )

    async def _add_in_time(self, found: _Found, okta_id: str, read: PersonRead, last_app: OktaApp | None) -> None:
        """Read one person within `LONGEST_READ`. Raises OktaError or TimeoutError."""
        async with asyncio.timeout(LONGEST_READ):
            await self._add_row(found, okta_id, read, last_app)

    def _locks_meanwhile(self, read: PersonRead) -> bool:
        """Whether a person is locked because of an event until a newer read decides."""
        is_locking = read.ended is not None or self._settings.sync.suspended == "lock"
        return is_locking and read.doubt and read.published is not None

    async def _add_row(self, found: _Found, okta_id: str, read: PersonRead, last_app: OktaApp | None) -> None:
        """Read the status or the assignment of one person into `found`. Raises OktaError."""
        if (
            read.by_status
            and self._settings.sync.source != "organization"
            and await self._is_decided_by_status(found, okta_id)
        ):
            return
        row = await self._row(okta_id)
        if row is None and read.by_request and await self._is_decided_by_status(found, okta_id):
            return
        if row is None:
            # The event says that the assignment ended, and there is none: two independent facts, if the app is active.
            if read.is_there and read.doubt:
                found.malformed.append(MalformedRow(okta_id, _NOT_SHOWN_YET))
            elif read.ended and (last_app is None or last_app.is_active):
                found.ended[okta_id] = read.ended
            else:
                found.absent.append(okta_id)
        elif isinstance(row, MalformedRow):
            found.malformed.append(replace(row, okta_id=row.okta_id or okta_id))
        elif read.is_there and read.doubt and row.assignment_status in APP_USER_ENDED:
            found.malformed.append(MalformedRow(okta_id, _NOT_SHOWN_YET))
        else:
            found.people.append(row)
            # The row is older than the event that the person left: lock now, and the repeated read decides.
            if self._locks_meanwhile(read) and _is_too_old(row, read):
                found.leaving.add(okta_id)

    async def _is_decided_by_status(self, found: _Found, okta_id: str) -> bool:
        """Whether the person is deactivated or suspended: then the assignment need not be read."""
        try:
            person = await self._okta.person_of_organization(okta_id)
        except OktaForbiddenError:
            return False
        if person is None:
            return False
        if person.status == UserStatus.DEPROVISIONED:
            found.ended[okta_id] = DeactivatedInOkta()
        elif person.status == UserStatus.SUSPENDED:
            found.suspended.add(okta_id)
        return person.status in {UserStatus.DEPROVISIONED, UserStatus.SUSPENDED}

    async def _listed(self, app_id: str) -> dict[str, PersonFacts | MalformedRow] | None:
        """List the people of the app, by id; None if the listing was cut short, and each person must be read."""
        try:
            listing = await self._okta.people_of_app(app_id)
        except OktaError:
            return None
        if listing.incomplete is not None or listing.untrusted is not None:
            return None
        rows: dict[str, PersonFacts | MalformedRow] = {row.okta_id: row for row in listing.malformed if row.okta_id}
        return rows | {person.okta_id: person for person in listing.people}

    async def _row(self, okta_id: str) -> PersonFacts | MalformedRow | None:
        if self._rows is not None and okta_id in self._rows:
            return self._rows[okta_id]
        try:
            return await read_person(self._okta, self._settings, okta_id)
        except OktaForbiddenError:
            return None


def _is_too_old(row: PersonFacts, read: PersonRead) -> bool:
    """Whether the event that a person left is newer than a read that shows the person."""
    if read.published is None or row.status in {UserStatus.DEPROVISIONED, UserStatus.SUSPENDED}:
        return False
    return row.as_of is None or row.as_of < read.published
