"""Judges groups, apps and access lists in both sandboxes by the model (`model.directory`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from model import stored
from model.directory import DirectoryModel, Terms
from model.organisation import OktaObject, Organisation
from teleport_okta.sandbox.okta.app_kinds import FIRST_APPS
from teleport_okta.sandbox.okta.assignments import DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.teleport.cluster import Cluster

OKTAS_OWN = {app.definition.name for app in FIRST_APPS}


@dataclass
class DirectoryOracle:
    """One organisation against one cluster.

    `users` says which names stand for which Okta ids; `passes` says of a group's name or an app's label whether a
    filter lets it have a list, `group_labels` which labels import rules add to a group of a name.
    """

    okta: OktaOrganization
    cluster: Cluster
    users: Callable[[], Mapping[str, str]]
    passes: Callable[[str], bool]
    owners: tuple[str, ...] = ("owner@x.io",)
    group_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    has_lists: bool = True

    def organisation(self):
        """Return what Okta says now."""
        users = self.users()
        groups, apps = self.okta.groups, self.okta.assignments
        return Organisation(
            self.okta.id,
            groups={
                group.id: OktaObject(
                    group.name,
                    _names(users, groups.members(group.id)),
                    passes=group.name != "Everyone" and self.passes(group.name),
                    grants=frozenset(apps.groups.of_group(group.id)),
                    labels=self.group_labels.get(group.name, {}),
                )
                for group in groups.all
            },
            apps={
                app.id: OktaObject(
                    app.label,
                    _names(users, (row.user_id for row in apps.users_of(app.id) if _is_direct(row))),
                    passes=self.passes(app.label),
                )
                for app in self.okta.apps.all
                if app.status == "ACTIVE" and app.shown_links and not _is_hidden(app) and app.name not in OKTAS_OWN
            },
        )

    def found(self):
        """Return what the cluster holds now, to compare with later."""
        return stored.Live(self.cluster).snapshot()

    def wrong(self, before):
        """Say where the cluster differs from the organisation, and from what people did; `before` is what was found."""
        terms = Terms(self.owners, has_lists=self.has_lists)
        now = datetime.fromtimestamp(self.cluster.now(), UTC)
        return DirectoryModel(self.organisation(), terms, before, self.found(), now).wrong()


def _names(users, ids):
    ids = set(ids)
    return frozenset(name for name, user_id in users.items() if user_id in ids)


def _is_direct(row):
    return row.scope == DIRECT and row.status != "DEPROVISIONED"


def _is_hidden(app):
    return bool(app.visibility.get("hide", {}).get("web"))
