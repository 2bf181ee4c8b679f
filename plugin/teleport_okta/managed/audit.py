"""Writes the changes in the journal to Teleport's audit log: those of full passes, events and SCIM requests alike.

The position in the journal moves after Teleport has accepted the events, so that none is lost; after a crash some may
be in the audit log twice.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.audit_event import AccessListsSynced, ResourcesSynced, SyncFailed, UsersSynced
from teleport_okta.model.part_result import Part
from teleport_okta.model.reason_text import without_call_ids
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER, USER_GROUP, Action
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.audit_event import AuditEvent
    from teleport_okta.settings import Settings
    from teleport_okta.state.journal_entry import JournalEntry
    from teleport_okta.state.store import Store
    from teleport_okta.sync.status import Status
    from teleport_okta.teleport.audit_log import AuditLog

EVERY: Final = timedelta(seconds=30)
"""How often the journal is read."""

ENTRIES_AT_ONCE: Final = 2000

SAME_FAILURE_AFTER: Final = timedelta(hours=1)
"""How often a lasting failure is reported again."""

_OF_LISTS: Final = frozenset({ACCESS_LIST, MEMBER, ROLE})

_log = logging.getLogger(__name__)


def events_of(entries: Iterable[JournalEntry], status: Status, settings: Settings) -> list[AuditEvent]:
    """Return the audit events for the changes in some entries, with the totals of `status`."""
    done: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    lists_changed = False
    for entry in entries:
        if entry.outcome is Result.DONE:
            done[entry.kind, entry.action][entry.name] = entry.okta_id
            lists_changed = lists_changed or entry.kind in _OF_LISTS
    errors = {result.part: result.error for result in status.parts}
    events: list[AuditEvent] = []
    created, modified, deleted = (done[USER, action] for action in (Action.CREATE, Action.UPDATE, Action.DELETE))
    if created or modified or deleted:
        events.append(
            UsersSynced(
                org_url=settings.okta.org_url,
                app_id=settings.okta.app_id or "",
                created=len(created),
                modified=len(modified),
                deleted=len(deleted),
                total=status.holdings.users,
                error=errors.get(Part.USERS, ""),
            )
        )
    for kind in (USER_GROUP, APP_SERVER):
        resources = ResourcesSynced(
            kind == APP_SERVER,
            *(tuple(done[kind, action].items()) for action in (Action.CREATE, Action.UPDATE, Action.DELETE)),
        )
        if resources.added or resources.updated or resources.deleted:
            events.append(resources)
    if lists_changed:
        events.append(_of_lists(status, settings, errors.get(Part.ACCESS_LISTS, "")))
    return events


def _of_lists(status: Status, settings: Settings, error: str) -> AccessListsSynced:
    held = status.holdings
    return AccessListsSynced(
        app_filters=len(settings.access_lists.app_filters),
        group_filters=len(settings.access_lists.group_filters),
        apps=held.app_lists,
        groups=held.group_lists,
        roles=held.roles,
        lists=held.app_lists + held.group_lists + held.pushed_lists,
        members=held.members,
        error=error,
    )


class Auditor:
    """Writes new entries of the journal to the audit log."""

    def __init__(
        self,
        log: AuditLog,
        store: Store,
        clock: Clock,
        *,
        settings: Settings,
        status: Callable[[], Awaitable[Status]],
        is_writer: Callable[[], bool],
    ) -> None:
        self._audit_log = log
        self._store = store
        self._clock = clock
        self._settings = settings
        self._status = status
        self._is_writer = is_writer
        self._failure = ""
        self._told_at: datetime | None = None
        self._problem = ""

    async def keep(self) -> None:
        """Read the journal every 30 seconds, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(EVERY.total_seconds())

    async def look(self) -> None:
        """Write the new entries. After a failure they are tried again; our log reports the failure once."""
        try:
            position = await self._position()
            if self._is_writer():
                await self._tell(position)
        except TeleportOktaError as error:
            if str(error) != self._problem:
                _log.warning("events could not be written to Teleport's audit log; this is tried again: %s", error)
            self._problem = str(error)
        else:
            self._problem = ""

    async def _position(self) -> int:
        """Return the position in the journal. The first call begins at its end: older changes are not reported."""
        position = await self._store.audited()
        if position is None:
            position = await self._store.journal.last_sequence()
            await self._store.remember_audited(position)
        return position

    async def _tell(self, position: int) -> None:
        journal, status = self._store.journal, await self._status()
        while entries := await journal.after(position, limit=ENTRIES_AT_ONCE):
            await self._emit(events_of(entries, status, self._settings))
            position = entries[-1].sequence
            await self._store.remember_audited(position)
        await self._tell_failure(status.last_error if status.state == "failing" else "")

    async def _tell_failure(self, error: str) -> None:
        now = self._clock.now()
        is_told = self._told_at is not None and now - self._told_at < SAME_FAILURE_AFTER
        failure = without_call_ids(error)
        if error and not (failure == self._failure and is_told):
            await self._emit([SyncFailed(error)])
            self._told_at = now
        self._failure = failure

    async def _emit(self, events: Sequence[AuditEvent]) -> None:
        for event in events:
            await self._audit_log.emit(event)
