"""What Okta says of groups and apps, as far as it decides about Teleport."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_PEOPLE: frozenset[str] = frozenset()
NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class OktaObject:
    """A group, or an app that people can launch.

    `people` are the names of the users who are in the group, or who have the app individually. `passes`: the filters
    let it have a list. A group has the ids of the apps that it grants, and the labels that import rules add to it; an
    app has its links (empty: unknown).
    """

    name: str
    people: frozenset[str]
    passes: bool
    grants: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=lambda: NO_LABELS)
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Organisation:
    """Groups and apps by Okta id. `owner` is the organisation's own id."""

    owner: str
    groups: Mapping[str, OktaObject]
    apps: Mapping[str, OktaObject]

    @property
    def ids(self):
        """The ids of all groups and apps."""
        return self.groups.keys() | self.apps.keys()

    def find(self, okta_id):
        """Return a group or an app, or None."""
        return self.groups.get(okta_id) or self.apps.get(okta_id)

    def people(self, okta_id):
        """Return the names of the users who are in a group or have an app; empty if there is no such object."""
        found = self.find(okta_id)
        return NO_PEOPLE if found is None else found.people

    def may_have_list(self, okta_id):
        """Whether there is a group or an app of this id that passes the filters."""
        found = self.find(okta_id)
        return found is not None and found.passes

    def granted(self, okta_id):
        """Return the ids of the apps that a group grants and people can launch; of an app, its own id."""
        if okta_id in self.groups:
            return self.groups[okta_id].grants & self.apps.keys()
        return {okta_id} & self.apps.keys()

    def granting(self, app_id):
        """Return the ids of the groups that grant an app."""
        return {group_id for group_id, group in self.groups.items() if app_id in group.grants}
