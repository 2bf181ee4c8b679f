"""Reads the groups and apps of the organisation, with which the checks about access compare Teleport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.okta import INTERNAL_APPS

if TYPE_CHECKING:
    from teleport_okta.demo.runner import Runner


class Company:
    """The organisation of the demo, with the people who are our users."""

    def __init__(self, runner: Runner) -> None:
        self._play = runner
        self._organization = runner.organization

    def groups(self) -> dict[str, str]:
        """Return the names of all groups, by id."""
        return {group.id: group.name for group in self._organization.groups.all}

    def apps(self) -> dict[str, str]:
        """Return the labels of the apps that people can launch, by id, without Okta's own apps."""
        return {
            app.id: app.label
            for app in self._organization.apps.all
            if app.name not in INTERNAL_APPS and app.status == "ACTIVE" and app.shown_links
        }

    def app(self, label: str) -> str:
        """Return the id of the app whose label begins with this text."""
        return next(okta_id for okta_id, found in self.apps().items() if found.startswith(label))

    def people(self, okta_id: str) -> set[str]:
        """Return our users who are in a group, or to whom an app is assigned directly."""
        if okta_id in self.groups():
            ids = set(self._organization.groups.members(okta_id))
        else:
            rows = self._organization.assignments.users_of(okta_id)
            ids = {row.user_id for row in rows if row.scope == "USER"}
        return {name for name, user in self._play.setup.users().items() if user.okta_id in ids}

    def granted(self, okta_id: str) -> set[str]:
        """Return the ids of the apps that a group grants and people can launch; an app grants itself."""
        if okta_id not in self.groups():
            return {okta_id}
        return set(self._organization.assignments.groups.of_group(okta_id)) & self.apps().keys()
