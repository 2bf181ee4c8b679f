"""The calls of a cleanup.

They differ from the calls of a pass where an object may not be ours to change by the rules of a pass. Before each
deletion the object is read once more: it must have the labels with which it was read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from teleport_okta.apply.applier import WRITES_IN_FLIGHT
from teleport_okta.apply.calls import Calls
from teleport_okta.apply.steps import Steps
from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportMember, TeleportUserGroup
from teleport_okta.model.teleport import TeleportLock, TeleportRole
from teleport_okta.plan.changes import Action
from teleport_okta.state.journal_entry import CLEANUP
from teleport_okta.teleport.amend import check_as_read
from teleport_okta.teleport.teleport_errors import RevisionConflictError

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.plan.changes import Change
    from teleport_okta.state.journal import Journal
    from teleport_okta.teleport.cluster import Teleport


class CleanupCalls(Calls):
    """Makes the calls of a cleanup. User groups and app servers have no harmless read by name, so they are listed."""

    def __init__(self, teleport: Teleport, clock: Clock) -> None:
        super().__init__(teleport, clock)
        self._listing = asyncio.Lock()
        self._groups: dict[str, TeleportUserGroup] | None = None
        self._servers: dict[tuple[str, str], TeleportAppServer] | None = None

    async def make(self, change: Change) -> str:
        """Make the call of a change; raises TeleportError."""
        lists = self._teleport.access_lists
        match change.found:
            case TeleportAccessList() as access_list if change.action is Action.UPDATE:
                calling = self._detach_owners(access_list, change.content)
            case TeleportAccessList() as access_list:
                calling = lists.delete_as_read(access_list)
            case TeleportMember():
                calling = lists.detach_member(change.subject, change.name)
            case TeleportRole() as role:
                calling = self._teleport.roles.delete_as_read(role)
            case TeleportUserGroup() as group:
                calling = self._delete_group(group)
            case TeleportAppServer() as server:
                calling = self._delete_server(server)
            case TeleportLock() as lock if change.action is Action.UNLOCK:
                calling = self._unlock(lock)
            case _:
                return await super().make(change)
        return "" if await calling else "it was gone already"

    async def _detach_owners(self, found: TeleportAccessList, wanted: object) -> bool:
        assert isinstance(wanted, TeleportAccessList)  # noqa: S101 - an update has content
        children = {owner.name for owner in set(found.owners) - set(wanted.owners)}
        return await self._teleport.access_lists.detach_owners(found.name, children)

    async def _delete_group(self, found: TeleportUserGroup) -> bool:
        async with self._listing:
            if self._groups is None:
                self._groups = {group.name: group for group in await self._teleport.user_groups.list()}
        current = self._groups.get(found.name)
        if current is None:
            return False
        check_as_read(current.labels, found.labels, f"user group {found.name!r}")
        return await self._teleport.user_groups.delete(current)

    async def _delete_server(self, found: TeleportAppServer) -> bool:
        async with self._listing:
            if self._servers is None:
                listed = await self._teleport.app_servers.list()
                self._servers = {(server.host_id, server.name): server for server in listed}
        current = self._servers.get((found.host_id, found.name))
        if current is None:
            return False
        check_as_read(current.labels, found.labels, f"app server {found.name!r}")
        return await self._teleport.app_servers.delete_left_behind(current)

    async def _unlock(self, found: TeleportLock) -> bool:
        current = await self._teleport.locks.get(found.name)
        if current is None:
            return False
        if current != found:
            raise RevisionConflictError(
                "AuthService/DeleteLock", f"lock {found.name!r}", "it was changed since it was read"
            )
        return await self._teleport.locks.delete(current)


class CleanupSteps(Steps):
    """Makes the calls of a cleanup and journals them, with the usual limit of writes in flight."""

    def __init__(self, *, teleport: Teleport, journal: Journal, clock: Clock, who: str) -> None:
        writes = asyncio.Semaphore(WRITES_IN_FLIGHT)
        super().__init__(teleport=teleport, journal=journal, clock=clock, trigger=CLEANUP, writes=writes, who=who)
        self._calls = CleanupCalls(teleport, clock)
