"""The part of the admin console about provisioning: the Provisioning and Push Groups tabs of an app, and Tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.log_transactions import by_administrator
from teleport_okta.sandbox.okta.provisioning.jobs import Kind

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App, Apps
    from teleport_okta.sandbox.okta.groups import Groups
    from teleport_okta.sandbox.okta.provisioning.records import GroupPush
    from teleport_okta.sandbox.okta.provisioning.settings import ProvisioningSettings
    from teleport_okta.sandbox.okta.provisioning.state import Provisioning
    from teleport_okta.sandbox.okta.timeline import Timeline
    from teleport_okta.sandbox.okta.users import Users


class ProvisioningConsole:
    """The administrator's actions on provisioning; a base class of the organisation, which has the state.

    They queue jobs, which run while an :class:`~.server.OktaSandbox` serves the organisation.
    """

    timeline: Timeline
    users: Users
    groups: Groups
    apps: Apps
    provisioning: Provisioning

    @by_administrator
    def enable_provisioning(self, app: str, settings: ProvisioningSettings) -> App:
        """Switch an app's provisioning on, or change it. Existing assignments need :meth:`provision_users`."""
        self.timeline.settle()
        return self.provisioning.enable(self.apps.require(app), settings)

    @by_administrator
    def disable_provisioning(self, app: str) -> App:
        """Switch an app's provisioning off; its queued jobs, tasks and pushed groups are removed."""
        self.timeline.settle()
        return self.provisioning.disable(self.apps.require(app))

    @by_administrator
    def provision_users(self, app: str, user: str | None = None) -> int:
        """Press "Provision User" for one person, or for all whose assignment has no user on the SCIM server yet.

        Returns their number. Raises ``ValueError`` if the app has no provisioning.
        """
        self.timeline.settle()
        return self.provisioning.provision(
            self.apps.require(app), self.users.require(user) if user is not None else None
        )

    @by_administrator
    def push_group(self, app: str, group: str, name: str | None = None, *, rename: bool = True) -> GroupPush:
        """Begin to push a group; with `name` to the group of that name in the app, which is renamed by default.

        Raises ``ValueError`` if the app pushes no groups, or pushes this one already.
        """
        self.timeline.settle()
        return self.provisioning.push_group(self.apps.require(app), self.groups.require(group), name, rename=rename)

    @by_administrator
    def push_now(self, mapping: str) -> GroupPush:
        """Overwrite a pushed group in the app with the members that it has here."""
        self.timeline.settle()
        found = self.provisioning.mapping(mapping)
        self.provisioning.put_group_job(Kind.PUSH_NOW, found)
        return found

    @by_administrator
    def pause_push(self, mapping: str) -> GroupPush:
        """Deactivate the push of a group: its changes are not sent."""
        self.timeline.settle()
        found = self.provisioning.mapping(mapping)
        found.active = False
        return found

    @by_administrator
    def resume_push(self, mapping: str) -> GroupPush:
        """Activate the push of a group again: the changes since are sent at once."""
        found = self.provisioning.mapping(mapping)
        found.active = True
        return self.push_now(mapping)

    @by_administrator
    def unlink_push(self, mapping: str, *, delete: bool = False) -> None:
        """End the push of a group; with `delete` the group in the app is deleted, otherwise it stays."""
        self.timeline.settle()
        self.provisioning.unlink(self.provisioning.mapping(mapping), delete=delete)

    @by_administrator
    def retry_task(self, task: str) -> bool:
        """Retry a task, which is removed; ``False`` if there is nothing to do. A new failure makes a new task."""
        self.timeline.settle()
        return self.provisioning.retry(task) is not None

    @by_administrator
    def retry_tasks(self) -> int:
        """Retry all tasks, and return the number of queued jobs."""
        self.timeline.settle()
        return sum(self.provisioning.retry(task) is not None for task in list(self.provisioning.tasks))
