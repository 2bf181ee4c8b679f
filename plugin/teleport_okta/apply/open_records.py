"""Completes the records of harmful changes that were begun when a process died or an answer was lost.

Teleport is read to find out whether the change happened. Until then an open record counts as harm: otherwise each crash
would allow another hour's worth of harm.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.direct_roles import given_ids
from teleport_okta.model.names import lock_name
from teleport_okta.plan.changes import LOCK, ROLE, TRAITS, USER, Action
from teleport_okta.plan.digest import content_digest
from teleport_okta.state.journal_entry import CLEANUP, Result
from teleport_okta.teleport.teleport_errors import RpcError

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.state.journal import Journal
    from teleport_okta.state.journal_entry import JournalEntry
    from teleport_okta.teleport.cluster import Teleport

_log = logging.getLogger(__name__)

READS_LAG: Final = timedelta(seconds=30)
"""Age of a record from which a reading of Teleport is conclusive: a server may carry out a call late.

See `docs/reference/teleport-observed.md` 1.4.
"""

_HAPPENED: Final = "the answer was lost; Teleport shows that it happened"
_NEVER_HAPPENED: Final = "the answer was lost; Teleport shows that it did not happen"


async def settle_open_records(journal: Journal, teleport: Teleport, clock: Clock) -> None:
    """Complete every open record by the present content of Teleport. Raises StateError.

    If an object cannot be read, its record stays open and still counts as harm; leavers are locked all the same. A
    record of a cleanup is left to the next cleanup, whose rules differ.
    """
    for entry in await journal.open_entries():
        if entry.trigger == CLEANUP or entry.age(clock.now(), clock.boot()) < READS_LAG:
            continue
        try:
            happened = await _happened(entry, teleport)
        except RpcError as error:
            _log.warning("cannot tell yet whether %s %s %s happened: %s", entry.action, entry.kind, entry.name, error)
            continue
        ends = entry.harm in {entry.kind, LOCK, TRAITS}
        await journal.finish(
            entry.sequence,
            Result.DONE if happened else Result.FAILED,
            _HAPPENED if happened else _NEVER_HAPPENED,
            uses=(entry.approval, entry.harmed) if happened and ends and entry.approval else None,
        )


async def _happened(entry: JournalEntry, teleport: Teleport) -> bool:
    """Whether the change of a record has happened, according to Teleport. Raises TeleportError.

    A lock is compared by its name and its end: a suspended person who then leaves had a lock of the same name before.
    """
    if entry.kind == LOCK:
        locks = [
            lock
            for lock in await teleport.locks.on_user(entry.name)
            if labels.okta_id_of(lock.labels) == entry.okta_id and lock.name in _names_of_lock(entry)
        ]
        if entry.action == Action.LOCK:
            return any(lock.expires is None if entry.harm == LOCK else lock.expires is not None for lock in locks)
        return not locks
    if entry.kind == ROLE:
        return content_digest(await teleport.roles.get(entry.name)) == entry.after_digest
    if entry.kind == USER and entry.action == Action.UPDATE:
        return content_digest(await teleport.users.get(entry.name)) == entry.after_digest
    return not await _is_there(entry, teleport)


def _names_of_lock(entry: JournalEntry) -> set[str]:
    """Return the possible names of a record's lock: the name in the record, or those computed from the user.

    Records of earlier releases do not have the lock's name.
    """
    if entry.object_name:
        return {entry.object_name}
    return {lock_name(entry.name, entry.okta_id, of_okta=it) for it in (True, False)}


async def _is_there(entry: JournalEntry, teleport: Teleport) -> bool:
    match entry.kind:
        case "user":
            user = await teleport.users.get(entry.name)
            return user is not None and labels.okta_id_of(user.labels) == entry.okta_id
        case "access_list":
            return await teleport.access_lists.get(entry.name) is not None
        case "member" if entry.object_name:
            okta_id, _, name = entry.name.partition("/")
            user = await teleport.users.get(name)
            return user is not None and labels.okta_id_of(user.labels) == entry.okta_id and okta_id in given_ids(user)
        case "member":
            list_name, _, member = entry.name.partition("/")
            return await teleport.access_lists.has_member(list_name, member)
        case "user_group":
            return any(group.name == entry.name for group in await teleport.user_groups.list())
        case _:
            own = teleport.app_servers.host_id, entry.name
            return own in {(server.host_id, server.name) for server in await teleport.app_servers.list()}
