"""Completes the records that a killed cleanup left open, by reading whether the change was made.

The rules of a pass (`apply/open_records.py`) do not fit: an object of the vendor's integration names no Okta id, an app
server may be of another host, and an access list whose owners were changed exists in either case.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from teleport_okta.apply.open_records import READS_LAG
from teleport_okta.plan.changes import ACCESS_LIST, LOCK, MEMBER, ROLE, USER, USER_GROUP, Action
from teleport_okta.plan.digest import content_digest
from teleport_okta.state.journal_entry import CLEANUP, Result
from teleport_okta.teleport.teleport_errors import RpcError

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.state.journal import Journal
    from teleport_okta.state.journal_entry import JournalEntry
    from teleport_okta.teleport.cluster import Teleport

_log = logging.getLogger(__name__)


async def settle_cleanup_records(journal: Journal, teleport: Teleport, clock: Clock) -> None:
    """Complete the open records of earlier cleanups. Raises StateError.

    A record stays open if its object cannot be read, or if it is so young that listings may not show the change.
    """
    for entry in await journal.open_entries():
        if entry.trigger != CLEANUP or entry.age(clock.now(), clock.boot()) < READS_LAG:
            continue
        try:
            is_done = await _is_done(entry, teleport)
        except RpcError as error:
            _log.warning("the outcome of %s %s %s cannot be read now: %s", entry.action, entry.kind, entry.name, error)
            continue
        note = f"the answer was lost; Teleport shows that it {'happened' if is_done else 'did not happen'}"
        await journal.finish(entry.sequence, Result.DONE if is_done else Result.FAILED, note)


async def _is_done(entry: JournalEntry, teleport: Teleport) -> bool:
    """Read whether the change of a record was made. Raises RpcError."""
    name = entry.name
    match entry.kind, entry.action:
        case (kind, Action.UPDATE):
            found = await (teleport.users.get(name) if kind == USER else teleport.access_lists.get(name))
            return content_digest(found) == entry.after_digest
        case (kind, action) if kind == LOCK:
            lock = await teleport.locks.get(entry.object_name)
            return (lock is not None and lock.expires is not None) if action == Action.LOCK else lock is None
        case _:
            return not await _exists(entry.kind, name, teleport)


async def _exists(kind: str, name: str, teleport: Teleport) -> bool:
    if kind == USER:
        return await teleport.users.get(name) is not None
    if kind == ROLE:
        return await teleport.roles.get(name) is not None
    if kind == ACCESS_LIST:
        return await teleport.access_lists.get(name) is not None
    if kind == MEMBER:
        list_name, _, member = name.partition("/")
        return await teleport.access_lists.has_member(list_name, member)
    if kind == USER_GROUP:
        return any(group.name == name for group in await teleport.user_groups.list())
    host_id, _, server_name = name.rpartition("/")
    own = (host_id or teleport.app_servers.host_id, server_name)
    return own in {(server.host_id, server.name) for server in await teleport.app_servers.list()}
