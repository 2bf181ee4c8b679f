"""The call to Teleport for each kind of change.

Each function makes the call of one change and returns a note for the journal, which is mostly empty.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportMember, TeleportUserGroup
from teleport_okta.model.direct_roles import DirectRole, with_role, without_role
from teleport_okta.model.teleport import TeleportLock, TeleportRole, TeleportUser
from teleport_okta.plan.changes import Action, Change
from teleport_okta.plan.leaver_locks import leaving_now
from teleport_okta.teleport.teleport_errors import RevisionConflictError

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.teleport.cluster import Teleport

APP_SERVER_LIFE: Final = timedelta(hours=1)
"""How long an app server lasts without renewal: if this process dies, its apps disappear within the hour."""

_GONE: Final = "it was gone already"


class Calls:
    """Makes the calls of changes to one cluster. Once `draining` is set, long work is left to the next pass."""

    def __init__(self, teleport: Teleport, clock: Clock, draining: asyncio.Event | None = None) -> None:
        self._teleport = teleport
        self._clock = clock
        self._draining = draining or asyncio.Event()

    async def make(self, change: Change) -> str:
        """Make the call of a change; raises TeleportError."""
        match change.content or change.found:
            case TeleportUser() as user:
                calling = self._user(change, user)
            case TeleportLock() as lock:
                calling = self._lock(change, lock)
            case TeleportRole() as role:
                calling = self._role(change, role)
            case TeleportUserGroup() as group:
                calling = self._user_group(change, group)
            case TeleportAppServer() as server:
                calling = self._app_server(change, server)
            case TeleportAccessList() as access_list:
                calling = self._access_list(change, access_list)
            case DirectRole() as given:
                calling = self._direct_role(change, given)
            case TeleportMember() as member:
                calling = self._member(change, member)
            case _:
                msg = f"a change has neither content nor an object to end: {change.action} {change.kind} {change.name}"
                raise AssertionError(msg)
        return await calling

    async def is_as_read(self, found: TeleportUser) -> bool:
        """Whether a user still has our label and the revision that was read. Raises TeleportError."""
        current = await self._teleport.users.get(found.name)
        return current is not None and _is_as_read(current, found)

    async def _user(self, change: Change, user: TeleportUser) -> str:
        if change.action is Action.CREATE:
            await self._teleport.users.create(user)
        elif change.action is Action.UPDATE:
            await self._teleport.users.update(user)
        else:
            return await self._delete_user(user)
        return ""

    async def _delete_user(self, found: TeleportUser) -> str:
        """Delete a user that is still ours and unchanged.

        It is read again first: Teleport's call takes no revision, and the deletion also removes the MFA devices.
        """
        current = await self._teleport.users.get(found.name)
        if current is None:
            return _GONE
        if not _is_as_read(current, found):
            raise RevisionConflictError(
                "UsersService/DeleteUser", f"user {found.name!r}", "it was changed since it was read"
            )
        return _gone_unless(await self._teleport.users.delete(current))

    async def _lock(self, change: Change, lock: TeleportLock) -> str:
        if change.action is Action.UNLOCK:
            return _gone_unless(await self._teleport.locks.delete(lock))
        if change.harm is not None and change.lock_for is not None:
            lock = leaving_now(lock, change.harm, self._clock.now(), change.lock_for)
        await self._teleport.locks.upsert(lock)
        return ""

    async def _role(self, change: Change, role: TeleportRole) -> str:
        if change.action is Action.DELETE:
            return _gone_unless(await self._teleport.roles.delete(role.name))
        if change.action is Action.CREATE:
            await self._teleport.roles.create(role)
        else:
            await self._teleport.roles.amend(role)
        return ""

    async def _user_group(self, change: Change, group: TeleportUserGroup) -> str:
        if change.action is Action.DELETE:
            return _gone_unless(await self._teleport.user_groups.delete(group))
        if change.action is Action.CREATE:
            await self._teleport.user_groups.create(group)
        else:
            await self._teleport.user_groups.update(group)
        return ""

    async def _app_server(self, change: Change, server: TeleportAppServer) -> str:
        if change.action is Action.DELETE:
            return _gone_unless(await self._teleport.app_servers.delete(server))
        await self._teleport.app_servers.upsert(server, self._clock.now() + APP_SERVER_LIFE)
        return ""

    async def _access_list(self, change: Change, access_list: TeleportAccessList) -> str:
        lists = self._teleport.access_lists
        if change.action is Action.DELETE:
            return _gone_unless(await lists.delete(access_list, only_if_empty=change.only_if_empty))
        if change.action is Action.UPDATE:
            await lists.amend(access_list)
            return ""
        now = self._clock.now()
        owner = access_list.labels[labels.OWNER]
        made = await lists.create(access_list, [need.name for need in change.members], joined=now)
        for number, name in enumerate(made.remaining):
            if self._draining.is_set():
                left = len(made.remaining) - number
                return f"members: {len(change.members) - left}; the service stops, the next pass adds {left}"
            await lists.add_member(access_list.name, name, owner=owner, joined=now)
        return f"members: {len(change.members)}"

    async def _member(self, change: Change, member: TeleportMember) -> str:
        lists = self._teleport.access_lists
        owner = labels.owner_of(member.labels)
        if change.action is Action.CREATE:
            joined = self._clock.now()
            added = await lists.add_member(change.subject, member.name, owner=owner or "", joined=joined)
            return "" if added else "already added in Teleport by someone else; left as it is"
        if member.is_list:
            only_if_gone = change.harm is None
            return _gone_unless(await lists.remove_nested(change.subject, member.name, only_if_gone=only_if_gone))
        return _gone_unless(await lists.remove_member(change.subject, member.name, owner=owner))

    async def _direct_role(self, change: Change, given: DirectRole) -> str:
        """Give a user a member role, or take it away, as the user is now: another party may have changed the user."""
        note = ""

        def changed(user: TeleportUser) -> TeleportUser:
            nonlocal note
            who = labels.owner_of(user.labels), labels.okta_id_of(user.labels)
            if who != (labels.owner_of(given.labels), change.okta_id):
                subject = f"user {user.name!r}"
                raise RevisionConflictError("UsersService/UpdateUser", subject, "it does not stand for this person")
            if change.action is Action.CREATE:
                wanted = with_role(user, given.okta_id)
                note = "already given by someone else; left as it is" if wanted is user else ""
            else:
                wanted = without_role(user, given.okta_id, kept=())
                note = _GONE if wanted is user else ""
            return wanted

        if await self._teleport.users.amend(given.name, changed) is not None:
            return note
        if change.action is Action.CREATE:
            raise RevisionConflictError("UsersService/UpdateUser", f"user {given.name!r}", "there is no such user")
        return _GONE


def _is_as_read(current: TeleportUser, found: TeleportUser) -> bool:
    is_same_owner = labels.owner_of(current.labels) == labels.owner_of(found.labels)
    return is_same_owner and current.revision == found.revision


def _gone_unless(deleted: bool) -> str:
    return "" if deleted else _GONE
