"""The events of groups and their members (`docs/reference/okta.md` 5.4, 5.5 and 12.2).

An import changes the members of an APP_GROUP; its events name user and group by ids of the source app. Everyone's
membership is implicit and has no events. The members of a deleted group have none either.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.groups import APP_GROUP, BUILT_IN, Group, Groups
from teleport_okta.sandbox.okta.log_targets import (
    app_target,
    group_target,
    imported_group_target,
    imported_user_target,
    mark_target,
    user_target,
)
from teleport_okta.sandbox.okta.log_transactions import Target, current, job, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.sandbox.okta.apps import Apps
    from teleport_okta.sandbox.okta.log_recorder import Recorder
    from teleport_okta.sandbox.okta.users import User, Users

ROLE = Target("HelpDeskAdmin", "ROLE", "unknown", "Help Desk Administrator")
"""The role that an administrative group gives its members."""

ALL_REVOKED = mark_target(
    "ROLE_UNASSIGNED_ALL_PRIVILEGES_REVOKED", "All Privileges revoked from User. User has no admin privileges"
)
"""The target in the event of a user who has lost the last role."""

_MEMBER_IMPORT = "app.user_management.app_group_member_import"


class GroupEvents:
    """Listens to the groups."""

    def __init__(self, recorder: Recorder, *, users: Users, groups: Groups, apps: Apps) -> None:
        self._recorder = recorder
        self._users = users
        self._groups = groups
        self._apps = apps
        self._turns = 0

    def changed(self, before: Group | None, after: Group | None) -> None:
        """Write the events of a change of a group."""
        group = after or before
        if group is None:
            return
        if before is None or after is None:
            verb = "delete" if after is None else "create"
            if group.type == APP_GROUP:
                self._imported(f"system.import.group.{verb}", group)
            elif group.type != BUILT_IN:
                self._recorder.write(f"group.lifecycle.{verb}", group_target(group))
        elif dict(before.profile) != dict(after.profile):
            if group.type == APP_GROUP:
                self._imported("system.import.group.update", group)
            else:
                self._recorder.write("group.profile.update", group_target(group))
        elif before.administrative != after.administrative:
            self._privileged(after)

    def member_changed(self, group_id: str, user_id: str, joined: bool) -> None:
        """Write that a user joined or left a group. The order of the two targets varies, as in genuine events."""
        group, user = self._groups.require(group_id), self._users.require(user_id)
        if group.type == APP_GROUP:
            self._member_imported(group, user, joined=joined)
            return
        targets = [user_target(user), group_target(group)]
        self._turns += 1
        if self._turns % 2 == 0:
            targets.reverse()
        self._recorder.write(f"group.user_membership.{'add' if joined else 'remove'}", *targets)

    def _member_imported(self, group: Group, user: User, *, joined: bool) -> None:
        legacy = f"{_MEMBER_IMPORT}.{'insert' if joined else 'delete'}_success"
        with self._import(group):
            self._recorder.write(
                "app.user_management", imported_user_target(user), imported_group_target(group), legacy=legacy
            )

    def _imported(self, event_type: str, group: Group) -> None:
        with self._import(group):
            self._recorder.write(event_type, group_target(group), *self._source(group))

    @contextmanager
    def _import(self, group: Group) -> Iterator[None]:
        """Open a run of an import, unless one is under way, and complete it."""
        transaction = current()
        if transaction is not None and transaction.importing:
            yield
            return
        with within(job(importing=True)):
            yield
            self._recorder.write("system.import.complete", *self._source(group))

    def _source(self, group: Group) -> tuple[Target, ...]:
        app = self._apps.all.get(group.source_app or "")
        return () if app is None else (app_target(app),)

    def _privileged(self, group: Group) -> None:
        granted = group.administrative
        self._recorder.write(f"group.privilege.{'grant' if granted else 'revoke'}", group_target(group), ROLE)
        for user_id in self._groups.members(group.id):
            user = user_target(self._users.require(user_id))
            if granted:
                change = mark_target("ROLE_ASSIGNED_GROUP_ROLE_CHANGE", "Role Assigned from Group Role Change")
                self._recorder.write("user.account.privilege.grant", user, change, ROLE)
            elif any(other.administrative for other in self._groups.of_user(user_id)):
                change = mark_target("ROLE_UNASSIGNED", "Role Unassigned")
                self._recorder.write("user.account.privilege.grant", user, change, ROLE)
            else:
                self._recorder.write("user.account.privilege.revoke", user, ALL_REVOKED, ROLE)
