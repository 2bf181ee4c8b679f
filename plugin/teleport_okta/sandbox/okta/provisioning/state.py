"""The provisioning of an organisation: it listens to changes and queues the jobs for them, without I/O."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.apps import ACTIVE, App, Apps
from teleport_okta.sandbox.okta.error_bodies import not_found
from teleport_okta.sandbox.okta.ids import IdFactory
from teleport_okta.sandbox.okta.log_transactions import job as new_transaction
from teleport_okta.sandbox.okta.provisioning.attributes import attributes_of
from teleport_okta.sandbox.okta.provisioning.jobs import GroupJob, Job, Kind, Lanes, Task, UserJob
from teleport_okta.sandbox.okta.provisioning.records import Account, GroupPush
from teleport_okta.sandbox.okta.provisioning.settings import Feature, ProvisioningSettings
from teleport_okta.sandbox.okta.users import DEPROVISIONED, STAGED, User, Users

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.sandbox.okta.app_groups import AppGroup
    from teleport_okta.sandbox.okta.assignments import AppUser, Assignments
    from teleport_okta.sandbox.okta.groups import Group, Groups
    from teleport_okta.sandbox.okta.timeline import Timeline


class Provisioning:
    """The provisioning of all apps. It listens to users, groups, apps and assignments."""

    def __init__(
        self,
        organization_id: str,
        timeline: Timeline,
        *,
        users: Users,
        groups: Groups,
        apps: Apps,
        assignments: Assignments,
    ) -> None:
        self.settings: dict[str, ProvisioningSettings] = {}
        self.accounts: dict[tuple[str, str], Account] = {}
        self.mappings: dict[str, GroupPush] = {}
        self.tasks: dict[str, Task] = {}
        self.lanes = Lanes()
        self.on_enabled: Callable[[], None] | None = None
        """Called when an app's provisioning is switched on."""

        # A random source of its own: the ids of the organisation must not depend on provisioning.
        own_rng = random.Random(f"provisioning of {organization_id}")  # noqa: S311
        self._ids = IdFactory(own_rng)
        self._timeline = timeline
        self._users = users
        self._groups = groups
        self._apps = apps
        self._assignments = assignments
        users.subscribe(self._user_changed)
        groups.watch(self._group_changed)
        groups.subscribe(self._member_changed)
        apps.watch(self._app_changed)
        assignments.watch(self)

    def enable(self, app: App, settings: ProvisioningSettings) -> App:
        """Switch the provisioning of an app on, or change it. Existing assignments stay as they are."""
        self.settings[app.id] = settings
        if Feature.CREATE in settings.features:
            self._assignments.provisioned_apps.add(app.id)
        else:
            self._assignments.provisioned_apps.discard(app.id)
        if self.on_enabled is not None:
            self.on_enabled()
        return self._apps.set_features(app, settings.feature_names)

    def disable(self, app: App) -> App:
        """Switch the provisioning of an app off; its queued jobs, tasks and mappings are removed."""
        self._forget(app.id)
        return self._apps.set_features(app, ())

    def require(self, app_id: str) -> ProvisioningSettings:
        """Return the provisioning of an app, or raise ``ValueError`` if it is off."""
        settings = self.settings.get(app_id)
        if settings is None:
            raise ValueError(f"app {app_id} has no provisioning")
        return settings

    def mapping(self, mapping_id: str) -> GroupPush:
        """Return a pushed group, or raise ``E0000007``."""
        mapping = self.mappings.get(mapping_id)
        if mapping is None:
            raise not_found(mapping_id, "GroupPushMapping")
        return mapping

    def provision(self, app: App, user: User | None = None) -> int:
        """Provision a person whose assignment has not been provisioned, or all such people; return their number."""
        self.require(app.id)
        queued = {job.subject for job in self.lanes if job.kind is Kind.PROVISION and job.app_id == app.id}
        count = 0
        for entry in self._assignments.users_of(app.id):
            found = self._users.all.get(entry.user_id)
            if found is None or entry.external_id is not None or entry.user_id in queued:
                continue
            if user is None or user.id == found.id:
                self._put_user_job(Kind.PROVISION, app.id, found, entry)
                count += 1
        return count

    def push_group(self, app: App, group: Group, name: str | None, *, rename: bool) -> GroupPush:
        """Begin to push a group, under its own name or to the group of another name in the app."""
        if Feature.PUSH_GROUPS not in self.require(app.id).features:
            raise ValueError(f"app {app.id} pushes no groups")
        if any((known.app_id, known.group_id) == (app.id, group.id) for known in self.mappings.values()):
            raise ValueError(f"group {group.id} is pushed to app {app.id} already")
        found_as = name or group.name
        mapping = GroupPush(
            id=self._ids.object("gPm"),
            app_id=app.id,
            group_id=group.id,
            name=group.name if rename else found_as,
            found_as=found_as,
            renames=rename,
        )
        self.mappings[mapping.id] = mapping
        self.put_group_job(Kind.PUSH_GROUP, mapping)
        return mapping

    def unlink(self, mapping: GroupPush, *, delete: bool) -> None:
        """End the push of a group; with `delete` the group in the app is deleted too."""
        del self.mappings[mapping.id]
        if delete:
            self.put_group_job(Kind.DELETE_GROUP, mapping)

    def put_group_job(self, kind: Kind, mapping: GroupPush) -> GroupJob:
        """Queue a job about a pushed group."""
        job = GroupJob(
            kind=kind,
            app_id=mapping.app_id,
            transaction=new_transaction(),
            mapping=mapping,
            name=mapping.name,
        )
        self.lanes.put(job)
        return job

    def failed(self, job: Job, detail: str | None, status: int | None) -> Task:
        """Make a task of a job that failed."""
        task = Task(self._ids.object("tsk"), self._timeline.stamp(), job, detail, status)
        self.tasks[task.id] = task
        return task

    def retry(self, task_id: str) -> Job | None:
        """Queue the job of a task again, with the organisation's current data, and remove the task.

        Returns ``None`` if there is nothing left to do: the person is not assigned any more, or was assigned
        again, or the push has ended. Raises ``E0000007`` for an unknown task.
        """
        task = self.tasks.pop(task_id, None)
        if task is None:
            raise not_found(task_id, "Task")
        job = task.job
        if isinstance(job, GroupJob):
            return self._retry_group(job)
        return self._retry_user(job) if isinstance(job, UserJob) else None

    def new_password(self) -> str:
        """Return a random password, which is sent even if passwords are not synchronised."""
        return self._ids.secret(24)

    def app_user_changed(self, app: App, before: AppUser | None, after: AppUser | None) -> None:
        """React to a change of an assignment: provision, deactivate or push the profile."""
        settings = self.settings.get(app.id)
        if settings is None or app.status != ACTIVE:
            return
        entry = after or before
        user = self._users.all.get(entry.user_id) if entry is not None else None
        if user is None:
            return
        if before is None and after is not None:
            if Feature.CREATE in settings.features:
                self._put_user_job(Kind.PROVISION, app.id, user, after)
        elif before is not None and after is None:
            account = self.accounts.get((app.id, user.id))
            if account is not None:
                account.was_deactivated = user.status == DEPROVISIONED
                if Feature.DEACTIVATE in settings.features:
                    self._put_user_job(Kind.DEACTIVATE, app.id, user, before)
        elif after is not None:
            self._push_profile(app.id, settings, user, after)

    def app_group_changed(self, app_id: str, group_id: str, before: AppGroup | None, after: AppGroup | None) -> None:
        """Ignore a group's assignment: nothing is provisioned until its users have the app."""

    def _user_changed(self, before: User | None, after: User | None) -> None:
        if not self.settings or before is None or after is None:
            return
        new_password = after.has_password and before.password_changed != after.password_changed
        if before.profile is after.profile and not new_password:
            return
        for app_id, settings in self.settings.items():
            app, entry = self._apps.all.get(app_id), self._assignments.find(app_id, after.id)
            if app is None or app.status != ACTIVE or entry is None:
                continue
            self._push_profile(app_id, settings, after, entry)
            if new_password and settings.password_sync and (app_id, after.id) in self.accounts:
                self._put_user_job(Kind.PUSH_PASSWORD, app_id, after, entry)

    def _push_profile(self, app_id: str, settings: ProvisioningSettings, user: User, entry: AppUser) -> None:
        account = self.accounts.get((app_id, user.id))
        if account is None or Feature.UPDATE not in settings.features:
            return
        if account.mapped != attributes_of(user, entry):
            self._put_user_job(Kind.PUSH_PROFILE, app_id, user, entry)

    def _group_changed(self, before: Group | None, after: Group | None) -> None:
        if before is None:
            return
        for mapping in [known for known in self.mappings.values() if known.group_id == before.id]:
            if after is None:
                self.unlink(mapping, delete=False)
            elif mapping.renames and mapping.name != after.name:
                mapping.name = after.name
                if mapping.active:
                    self.put_group_job(Kind.RENAME_GROUP, mapping)

    def _member_changed(self, group_id: str, user_id: str, joined: bool) -> None:
        if not self.mappings:
            return
        user = self._users.all.get(user_id)
        if user is None or (user.status == STAGED and not joined):
            return  # the removal of a staged user is not pushed (`docs/reference/okta.md` 7)
        for mapping in self.mappings.values():
            if mapping.group_id != group_id or not mapping.active:
                continue
            last = self.lanes.last(f"{mapping.app_id}/{mapping.id}")
            if isinstance(last, GroupJob) and last.kind is Kind.PUSH_MEMBERS:
                last.changes.append((user_id, joined))
            else:
                self.put_group_job(Kind.PUSH_MEMBERS, mapping).changes.append((user_id, joined))

    def _app_changed(self, before: App | None, after: App | None) -> None:
        if after is None and before is not None:
            self._forget(before.id)

    def _forget(self, app_id: str) -> None:
        self.settings.pop(app_id, None)
        self._assignments.provisioned_apps.discard(app_id)
        self.lanes.drop(app_id)
        self.tasks = {key: task for key, task in self.tasks.items() if task.job.app_id != app_id}
        self.mappings = {key: mapping for key, mapping in self.mappings.items() if mapping.app_id != app_id}

    def _put_user_job(self, kind: Kind, app_id: str, user: User, entry: AppUser) -> UserJob:
        account = self.accounts.setdefault((app_id, user.id), Account())
        if kind in {Kind.PROVISION, Kind.PUSH_PROFILE}:
            account.mapped = attributes_of(user, entry)
        job = UserJob(kind=kind, app_id=app_id, transaction=new_transaction(), user=user, entry=entry)
        self.lanes.put(job)
        return job

    def _retry_user(self, job: UserJob) -> Job | None:
        user = self._users.all.get(job.user.id) or job.user
        entry = self._assignments.find(job.app_id, user.id)
        if job.kind is Kind.DEACTIVATE:
            return None if entry is not None else self._put_user_job(job.kind, job.app_id, user, job.entry)
        return None if entry is None else self._put_user_job(job.kind, job.app_id, user, entry)

    def _retry_group(self, job: GroupJob) -> Job | None:
        if job.kind is not Kind.DELETE_GROUP and job.mapping.id not in self.mappings:
            return None
        again = self.put_group_job(job.kind, job.mapping)
        again.changes.extend(job.changes)
        return again
