"""The events of apps and of their users and groups (`docs/reference/okta.md` 5.4, 5.5 and 12.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import as_object
from teleport_okta.sandbox.okta.apps import ACTIVE, App, Apps
from teleport_okta.sandbox.okta.log_targets import (
    app_target,
    app_user_target,
    client_target,
    group_target,
    user_target,
)
from teleport_okta.sandbox.okta.log_transactions import job, within

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.app_groups import AppGroup
    from teleport_okta.sandbox.okta.assignments import AppUser
    from teleport_okta.sandbox.okta.groups import Groups
    from teleport_okta.sandbox.okta.log import SystemLog
    from teleport_okta.sandbox.okta.log_recorder import Recorder
    from teleport_okta.sandbox.okta.users import Users

_MEMBERSHIP = "application.user_membership"
_STATUSES = {"APPROVED": "approve", "PROVISIONED": "provision", "DEPROVISIONED": "deprovision", "REVOKED": "revoke"}


class AppEvents:
    """Listens to the apps and to the assignments."""

    def __init__(self, recorder: Recorder, log: SystemLog, *, users: Users, groups: Groups, apps: Apps) -> None:
        self._recorder = recorder
        self._log = log
        self._users = users
        self._groups = groups
        self._apps = apps
        self._turns = 0

    def changed(self, before: App | None, after: App | None) -> None:
        """Write the event of a change of an app; a service app has a second one, as an OAuth client."""
        app = after or before
        if app is None:
            return
        if before is None:
            verb = "create"
        elif after is None:
            verb = "delete"
        elif before.status != after.status:
            verb = "activate" if after.status == ACTIVE else "deactivate"
        else:
            if before.kid != after.kid:
                self._recorder.write("app.keys.rotate", app_target(app))
            self._recorder.write("application.lifecycle.update", app_target(app))
            return
        self._recorder.write(f"application.lifecycle.{verb}", app_target(app))
        if as_object(app.credentials.get("oauthClient")):
            self._recorder.write(f"app.oauth2.client.lifecycle.{verb}", client_target(app))

    def key_generated(self, app: App) -> None:
        """Write that an app got another signing key, which is not in use yet."""
        self._recorder.write("app.keys.generate", app_target(app))

    def app_user_changed(self, app: App, before: AppUser | None, after: AppUser | None) -> None:
        """Write the events of a change of an assignment."""
        if self._recorder.is_idle:
            return
        if before is None and after is not None:
            self._write("add", app, after)
        elif before is not None and after is None:
            self._write("remove", app, before, named=False)
        elif before is not None and after is not None:
            if before.user_name != after.user_name:
                self._write("change_username", app, after)
            if before.status != after.status:
                self._write(_STATUSES.get(after.status, "update"), app, after)
            if dict(before.profile) != dict(after.profile) or before.scope != after.scope:
                self._write("update", app, after)

    def app_group_changed(self, app_id: str, group_id: str, before: AppGroup | None, after: AppGroup | None) -> None:
        """Write the event of a change of a group's assignment: a job of its own, with the caller as its actor."""
        app, group = self._apps.all.get(app_id), self._groups.all.get(group_id)
        if app is None or group is None:
            return
        verb = "add" if before is None else "remove" if after is None else "update"
        debug = {"groupAppAssignmentId": self._recorder.ids.object("0ga")}
        with within(job(inherits=True)):
            self._recorder.write(
                f"group.application_assignment.{verb}", group_target(group), app_target(app), debug=debug
            )

    def _write(self, verb: str, app: App, entry: AppUser, *, named: bool = True) -> None:
        user = self._users.all.get(entry.user_id)
        if user is None:
            return
        self._turns += 1
        named = named and not (self._log.unknown_user_names and self._turns % 2)
        self._recorder.write(
            f"{_MEMBERSHIP}.{verb}",
            app_user_target(entry, user, named=named),
            app_target(app),
            user_target(user),
            debug={"appname": app.name},
        )
