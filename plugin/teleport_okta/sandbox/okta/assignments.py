"""The assignments of people to apps, direct or through groups (`docs/reference/okta.md` 3.4 and 3.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from teleport_okta.sandbox.okta.app_groups import AppGroup, AppGroups
from teleport_okta.sandbox.okta.app_profiles import first_profile
from teleport_okta.sandbox.okta.apps import ACTIVE, App, Apps
from teleport_okta.sandbox.okta.collection import Ordered
from teleport_okta.sandbox.okta.error_bodies import blank, invalid, not_found, refusal
from teleport_okta.sandbox.okta.log_transactions import job, within
from teleport_okta.sandbox.okta.users import DEPROVISIONED, SUSPENDED, User, Users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from teleport_okta.sandbox.okta.groups import Group, Groups
    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.settings import Delays
    from teleport_okta.sandbox.okta.timeline import Timeline

DIRECT, BY_GROUP = "USER", "GROUP"

_EMPTY: Mapping[str, object] = {}
_LOGIN_TEMPLATES = frozenset({"${source.login}", "${user.login}"})


@dataclass(frozen=True, slots=True)
class AppUser:
    """One user's assignment to one app."""

    user_id: str
    assignment_id: str
    created: int
    last_updated: int
    status_changed: int
    scope: str
    user_name: str
    profile: Mapping[str, object] = field(default_factory=lambda: _EMPTY)
    status: str = "ACTIVE"
    own_user_name: bool = False
    """Whether an administrator set the name; otherwise it is made from the app's template."""

    external_id: str | None = None
    """The id of the user on the app's SCIM server."""

    sync_state: str = "DISABLED"
    last_sync: int | None = None
    """The time of the last provisioning or profile push."""


class AssignmentWatcher(Protocol):
    """Is called for every change, with the assignment before and after it (``None``: does not exist)."""

    def app_user_changed(self, app: App, before: AppUser | None, after: AppUser | None) -> None:
        """Receive a change of a user's assignment. If the user or the app is removed, there is no call."""

    def app_group_changed(self, app_id: str, group_id: str, before: AppGroup | None, after: AppGroup | None) -> None:
        """Receive a change of a group's assignment. If the group or the app is removed, there is no call."""


class Assignments:
    """All assignments. Those through groups are updated by jobs, some time after their cause."""

    def __init__(
        self, timeline: Timeline, ids: IdFactory, delays: Delays, *, users: Users, groups: Groups, apps: Apps
    ) -> None:
        self._timeline = timeline
        self._ids = ids
        self._delays = delays
        self._users = users
        self._groups = groups
        self._apps = apps
        self.groups = AppGroups()
        self.provisioned_apps: set[str] = set()
        """The apps with provisioning: an assignment is STAGED until the user is created there."""

        self._app_users: dict[str, Ordered[AppUser]] = {}
        self._nobody: Ordered[AppUser] = Ordered()
        self._watchers: list[AssignmentWatcher] = []
        users.subscribe(self._user_changed)
        groups.subscribe(self._membership_changed)

    def watch(self, watcher: AssignmentWatcher) -> None:
        """Call `watcher` for every change from now on."""
        self._watchers.append(watcher)

    def users_of(self, app_id: str) -> Ordered[AppUser]:
        """Return the assignments of an app in the order of their creation."""
        return self._app_users.get(app_id, self._nobody)

    def find(self, app_id: str, user_id: str) -> AppUser | None:
        """Return a user's assignment to an app, if there is one."""
        return self.users_of(app_id).get(user_id)

    def require(self, app_id: str, user_id: str) -> AppUser:
        """Return a user's assignment to an app, or raise ``E0000007``."""
        entry = self.find(app_id, user_id)
        if entry is None:
            raise not_found(user_id, "AppUser")
        return entry

    def apps_of_user(self, user_id: str) -> list[tuple[App, AppUser]]:
        """Return all apps of a user, direct or through groups."""
        found = ((app, self.find(app.id, user_id)) for app in self._apps.all)
        return [(app, entry) for app, entry in found if entry is not None]

    def granting_group(self, app_id: str, user_id: str) -> Group | None:
        """Return the group of highest priority that grants a user an app, if any."""
        entry = self.groups.best_of(app_id, self._groups.ids_of_user(user_id))
        return self._groups.require(entry.group_id) if entry is not None else None

    def assign(
        self, app: App, user: User, user_name: str | None = None, profile: Mapping[str, object] | None = None
    ) -> AppUser:
        """Assign a user directly. An assignment through a group becomes direct; if it is direct already, 409."""
        self._check_eligible(user)
        existing = self.find(app.id, user.id)
        if existing is None:
            entry = self._new(app, user, DIRECT)
        elif existing.scope == DIRECT:
            raise refusal("E0000062")
        else:
            entry = replace(existing, scope=DIRECT)
        return self._write(app, entry, user_name, profile)

    def update(
        self,
        app: App,
        user: User,
        user_name: str | None = None,
        profile: Mapping[str, object] | None = None,
        scope: str | None = None,
    ) -> AppUser:
        """Change the name or attributes of an assignment."""
        entry = self.require(app.id, user.id)
        self._check_eligible(user)
        if scope == DIRECT:
            entry = replace(entry, scope=DIRECT)
        return self._write(app, entry, user_name, profile)

    def unassign(self, app: App, user: User) -> None:
        """Remove an assignment. ``E0000046`` while a group grants the app."""
        self.require(app.id, user.id)
        if self.granting_group(app.id, user.id) is not None:
            raise refusal(
                "E0000046",
                "The user cannot be unassigned from the application as their group memberships grant access to it.",
            )
        self._remove(app, user.id)

    def set_status(self, app: App, user: User, status: str) -> AppUser:
        """Set any status of an assignment, such as those of provisioning."""
        stamp = self._timeline.stamp()
        return self._put(
            app, replace(self.require(app.id, user.id), status=status, last_updated=stamp, status_changed=stamp)
        )

    def note_sync(self, app: App, entry: AppUser, state: str, *, external_id: str | None = None) -> None:
        """Set the state of an assignment's provisioning, unless the assignment is a newer one.

        With `external_id` the user exists on the app's SCIM server, and the assignment is PROVISIONED.
        """
        found = self.find(app.id, entry.user_id)
        if found is None or found.assignment_id != entry.assignment_id:
            return
        stamp = self._timeline.stamp()
        after = replace(found, sync_state=state, last_sync=stamp if state == "SYNCHRONIZED" else found.last_sync)
        if external_id is not None:
            after = replace(after, external_id=external_id)
            if found.status != "PROVISIONED":
                after = replace(after, status="PROVISIONED", status_changed=stamp, last_updated=stamp)
        self._put(app, after)

    def load(self, app: App, users: list[User]) -> None:
        """Assign users directly at once: seeding."""
        entries = self._app_users.setdefault(app.id, Ordered())
        for user in users:
            entries.put(user.id, self._new(app, user, DIRECT))

    def load_group(self, app: App, group: Group) -> None:
        """Assign a group and all its users at once: seeding."""
        self.groups.put(app.id, AppGroup(group.id, self._timeline.stamp(), self.groups.end_of(app.id), {}))
        self._rebuild_group(app.id, group.id)

    def put_group(
        self, app: App, group: Group, priority: int | None = None, profile: Mapping[str, object] | None = None
    ) -> AppGroup:
        """Assign a group, with the last priority by default. A job assigns its users."""
        if app.status != ACTIVE:
            raise invalid("app", "app: Groups cannot be assigned to an inactive application")
        existing = self.groups.get(app.id, group.id)
        if priority is None:
            priority = existing.priority if existing else self.groups.end_of(app.id)
        if profile is None:
            profile = existing.profile if existing else {}
        entry = AppGroup(group.id, self._timeline.stamp(), priority, dict(profile))
        self.groups.put(app.id, entry)
        if existing is None or (existing.priority, dict(existing.profile)) != (entry.priority, dict(entry.profile)):
            self._tell_group(app.id, group.id, existing, entry)
        if existing is None:
            self._job(self._job_delay(group.id), lambda: self._rebuild_group(app.id, group.id))
        return entry

    def remove_group(self, app_id: str, group_id: str) -> None:
        """Remove a group's assignment. A job removes the users who had the app only through it."""
        entry = self.groups.get(app_id, group_id)
        if entry is None:
            raise not_found(group_id, "ApplicationGroupAssignment")
        self.groups.remove(app_id, group_id)
        self._tell_group(app_id, group_id, entry, None)
        self._job(self._job_delay(group_id), lambda: self._rebuild_app(app_id))

    def group_deleted(self, group_id: str) -> None:
        """Remove the assignments of a deleted group."""
        for app_id in self.groups.of_group(group_id):
            self.groups.remove(app_id, group_id)
            self._job(self._job_delay(group_id), partial(self._rebuild_app, app_id))

    def app_activated(self, app_id: str) -> None:
        """Apply, by a job, the changes of an app's groups while it was inactive."""

        def catch_up() -> None:
            self._rebuild_app(app_id)
            for entry in self.groups.of_app(app_id):
                self._rebuild_group(app_id, entry.group_id)

        self._job(self._delays.group_job, catch_up)

    def app_deleted(self, app_id: str) -> None:
        """Remove the assignments of a deleted app."""
        self._app_users.pop(app_id, None)
        self.groups.remove_app(app_id)

    def _write(self, app: App, entry: AppUser, user_name: str | None, profile: Mapping[str, object] | None) -> AppUser:
        if user_name is not None:
            if not user_name.strip():
                raise blank("userName")
            entry = replace(entry, user_name=user_name, own_user_name=True)
        if profile is not None:
            entry = replace(entry, profile={**entry.profile, **profile})
        return self._put(app, replace(entry, last_updated=self._timeline.stamp()))

    def _put(self, app: App, entry: AppUser) -> AppUser:
        entries = self._app_users.setdefault(app.id, Ordered())
        before = entries.get(entry.user_id)
        entries.put(entry.user_id, entry)
        for watcher in self._watchers:
            watcher.app_user_changed(app, before, entry)
        return entry

    def _remove(self, app: App, user_id: str) -> None:
        entry = self._app_users[app.id].remove(user_id)
        for watcher in self._watchers:
            watcher.app_user_changed(app, entry, None)

    def _tell_group(self, app_id: str, group_id: str, before: AppGroup | None, after: AppGroup | None) -> None:
        for watcher in self._watchers:
            watcher.app_group_changed(app_id, group_id, before, after)

    def _job(self, delay: float, work: Callable[[], None]) -> None:
        """Do background work after a delay, in a transaction of its own."""

        def run() -> None:
            with within(job()):
                work()

        self._timeline.later(delay, run)

    def _new(self, app: App, user: User, scope: str) -> AppUser:
        stamp = self._timeline.stamp()
        name, profile = _user_name(app, user), first_profile(app, user)
        entry = AppUser(user.id, self._ids.object("0ua"), stamp, stamp, stamp, scope, name, profile)
        if app.id in self.provisioned_apps and app.status == ACTIVE:
            return replace(entry, status="STAGED", sync_state="SYNCING")
        return entry

    @staticmethod
    def _check_eligible(user: User) -> None:
        if user.status in {DEPROVISIONED, SUSPENDED}:
            raise refusal("E0000117")

    def _job_delay(self, group_id: str) -> float:
        return self._delays.group_job + self._groups.size(group_id) * self._delays.group_job_per_user

    def _people(self, group_id: str) -> list[str]:
        if group_id == self._groups.everyone:
            return [user.id for user in self._users.all]
        return list(self._groups.members(group_id)) if group_id in self._groups.all else []

    def _rebuild_group(self, app_id: str, group_id: str) -> None:
        for user_id in self._people(group_id):
            self._rebuild(app_id, user_id)

    def _rebuild_app(self, app_id: str) -> None:
        for entry in self.users_of(app_id):
            self._rebuild(app_id, entry.user_id)

    def _rebuild(self, app_id: str, user_id: str) -> None:
        app, user = self._apps.all.get(app_id), self._users.all.get(user_id)
        if app is None or user is None or app.status != ACTIVE:
            return
        entry = self.find(app_id, user_id)
        granted = user.status != DEPROVISIONED and self.granting_group(app_id, user_id) is not None
        if granted and entry is None:
            self._put(app, self._new(app, user, BY_GROUP))
        elif entry is not None and entry.scope == BY_GROUP and not granted:
            self._remove(app, user_id)

    def _membership_changed(self, group_id: str, user_id: str, _: bool) -> None:
        for app_id in self.groups.of_group(group_id):
            self._rebuild_later(app_id, user_id)

    def _rebuild_later(self, app_id: str, user_id: str) -> None:
        self._job(self._delays.group_job, lambda: self._rebuild(app_id, user_id))

    def _user_changed(self, before: User | None, after: User | None) -> None:
        if after is None:
            if before is not None:
                for entries in self._app_users.values():
                    entries.remove(before.id)
        elif before is None or (before.status == DEPROVISIONED and after.status != DEPROVISIONED):
            granted = (self.groups.of_group(group_id) for group_id in self._groups.ids_of_user(after.id))
            for app_id in sorted({app_id for app_ids in granted for app_id in app_ids}):
                self._rebuild_later(app_id, after.id)
        elif after.status == DEPROVISIONED and before.status != DEPROVISIONED:
            self._drop_active(after.id)
        elif before.profile is not after.profile:
            self._rename(after)

    def _drop_active(self, user_id: str) -> None:
        for app, _ in self.apps_of_user(user_id):
            if app.status == ACTIVE:
                self._remove(app, user_id)

    def _rename(self, user: User) -> None:
        for app, entry in self.apps_of_user(user.id):
            name = _user_name(app, user)
            if not entry.own_user_name and entry.user_name != name:
                self._put(app, replace(entry, user_name=name, last_updated=self._timeline.stamp()))


def _user_name(app: App, user: User) -> str:
    if app.user_name_template in _LOGIN_TEMPLATES:
        return user.login

    def value(match: re.Match[str]) -> str:
        return str(user.profile.get(match[1]) or "")

    return re.sub(r"\$\{(?:source|user)\.(\w+)\}", value, app.user_name_template)
