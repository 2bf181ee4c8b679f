"""The objects of Teleport beside users and locks, as this process last listed, read or wrote them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from teleport_okta.model.access import (
    ListMembers,
    TeleportAccessList,
    TeleportAppServer,
    TeleportMember,
    TeleportUserGroup,
)
from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.teleport import TeleportRole
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER_GROUP, Action
from teleport_okta.sync.known_direct_roles import KnownDirectRoles
from teleport_okta.teleport.convert_directory import user_group_as_sent
from teleport_okta.teleport.recent_writes import Named

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Change

_NOBODY = ListMembers()

N = TypeVar("N", bound=Named)
T = TypeVar("T")


class KnownObjects:
    """Keeps roles, user groups, app servers, access lists and their members by name; `direct_roles` by user too."""

    def __init__(self) -> None:
        self._roles: dict[str, TeleportRole] = {}
        self._user_groups: dict[str, TeleportUserGroup] = {}
        self._app_servers: dict[str, TeleportAppServer] = {}
        self._lists: dict[str, TeleportAccessList] = {}
        self._members: dict[str, ListMembers] = {}
        self._imported_in_change: dict[str, set[str]] = {}
        self.direct_roles = KnownDirectRoles()

    def in_directory(self, actual: ActualDirectory) -> ActualDirectory:
        """Return a directory with these objects in place of its own."""
        self._freeze_members()
        return replace(
            actual,
            roles=self._roles,
            user_groups=self._user_groups,
            app_servers=self._app_servers,
            access_lists=self._lists,
            members=self._members,
            direct_roles=self.direct_roles.by_id(),
        )

    def peopled(self) -> frozenset[str]:
        """Return the names of lists with imported members, and the ids of groups and apps whose role we gave users."""
        self._freeze_members()
        every = (*self._members.items(), *self.direct_roles.by_id().items())
        return frozenset(name for name, members in every if members.imports)

    def record_all(self, actual: ActualDirectory) -> None:
        """Replace everything by what a full pass, or the first listing of a process, has read."""
        self._roles, self._user_groups = dict(actual.roles), dict(actual.user_groups)
        self._app_servers, self._lists = dict(actual.app_servers), dict(actual.access_lists)
        self._members, self._imported_in_change = dict(actual.members), {}
        self.direct_roles.fill(actual.direct_roles)

    def record_listed(self, listed: ActualDirectory) -> None:
        """Replace the kinds whose listing succeeded."""
        self._freeze_members()
        self.direct_roles.fill(listed.direct_roles)
        if not listed.is_unread(ROLE):
            self._roles = dict(listed.roles)
        if not listed.is_unread(USER_GROUP):
            self._user_groups = dict(listed.user_groups)
        if not listed.is_unread(APP_SERVER):
            self._app_servers = dict(listed.app_servers)
        if not listed.is_unread(ACCESS_LIST, MEMBER):
            self._lists, self._members = dict(listed.access_lists), dict(listed.members)

    def record_read(self, actual: ActualDirectory, okta_ids: Collection[str]) -> None:
        """Replace the objects of a few groups and apps by what was read; an object that was not found is removed."""
        for okta_id in okta_ids:
            self._imported_in_change.pop(okta_id, None)
            _record(self._user_groups, actual.user_groups, okta_id)
            _record(self._app_servers, actual.app_servers, app_server_name(okta_id))
            _record(self._lists, actual.access_lists, okta_id)
            _record(self._members, actual.members, okta_id)
            for name in (member_role(okta_id), reviewer_role(okta_id)):
                _record(self._roles, actual.roles, name)

    def doubt_written(self, kind: str, name: str) -> None:
        """Note that another client wrote or deleted a user group or an app server: it is read before it is planned."""
        # Without its raw message, an object must be read before it is compared (`sync/keyed_directory.py`).
        if kind == USER_GROUP and name in self._user_groups:
            self._user_groups[name] = replace(self._user_groups[name], raw=None)
        elif kind == APP_SERVER and name in self._app_servers:
            self._app_servers[name] = replace(self._app_servers[name], raw=None)

    def apply(self, change: Change) -> None:
        """Record a change that was applied; changes of users and locks are left out."""
        match change.content or change.found:
            case DirectRole() as given if change.action is Action.DELETE:
                self.direct_roles.take_off(given.okta_id, given.name)
            case DirectRole() as given:
                self.direct_roles.give(given.okta_id, given.name)
            case TeleportMember() as member:
                self._apply_to_member(change, member)
            case TeleportRole() as role:
                _write(self._roles, role, change)
            case TeleportUserGroup() as group:
                _write(self._user_groups, user_group_as_sent(group), change)
            case TeleportAppServer() as server:
                _write(self._app_servers, server, change)
            case TeleportAccessList() as found:
                self._apply_to_list(change, found)

    def _freeze_members(self) -> None:
        """Put the members that are being changed back into the lists.

        A list gets its thousands of members one by one: to build a new frozen set for each would be quadratic.
        """
        while self._imported_in_change:
            name, imported = self._imported_in_change.popitem()
            self._members[name] = replace(self._members.get(name, _NOBODY), imported=frozenset(imported))

    def _apply_to_member(self, change: Change, member: TeleportMember) -> None:
        members = self._members.get(change.subject, _NOBODY)
        imported = self._imported_in_change.setdefault(change.subject, set(members.imported))
        imported.discard(member.name)
        if member.name in members.others:
            others = {name: one for name, one in members.others.items() if name != member.name}
            self._members[change.subject] = replace(members, others=others)
        if change.action is Action.CREATE:
            imported.add(member.name)

    def _apply_to_list(self, change: Change, found: TeleportAccessList) -> None:
        _write(self._lists, found, change)
        if change.action is Action.CREATE:
            self._imported_in_change[found.name] = {need.name for need in change.members}
        elif change.action is Action.DELETE:
            self._members.pop(found.name, None)
            self._imported_in_change.pop(found.name, None)


def _write(kept: dict[str, N], found: N, change: Change) -> None:
    if change.action is Action.DELETE:
        kept.pop(found.name, None)
    else:
        kept[found.name] = found


def _record(known: dict[str, T], read: Mapping[str, T], name: str) -> None:
    if name in read:
        known[name] = read[name]
    else:
        known.pop(name, None)
