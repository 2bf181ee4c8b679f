"""The steps of an enrolment in words: what exists, what will be done, and what is left to a person. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from teleport_okta.saml.connectors import is_current, is_whole, roles_of_everyone
from teleport_okta.saml.plugin_settings import chosen, differences, is_not_synced, settings_wanted
from teleport_okta.saml.request import EVERYONE

if TYPE_CHECKING:
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.model.plugin import OktaPluginSettings, Plugin
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.model.teleport import Cluster
    from teleport_okta.saml.request import EnrolmentRequest


class State(StrEnum):
    """The state of a step."""

    DONE = "done"
    """It was done before."""

    TO_DO = "to do"
    MADE = "made"
    """It was done now."""

    LEFT = "left"
    """It cannot be done, and is left to a person."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step in words: a short `name`, `what` names the object, and `remedy` is for a step that is left."""

    name: str
    state: State
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What exists already.

    `acs` is the address to which Okta sends people, in the app and the connector. `role` is the role of Everyone in a
    mapping that must be written; empty if the mappings of the connector stay. `everyone` is the id of the group
    Everyone; None if we do not see it, and then `unseen` is the reason. `conditional` are rights of the bot that only
    their use can prove.
    """

    cluster: Cluster
    org_id: str
    acs: str
    role: str = ""
    app: SamlApp | None = None
    everyone: str | None = None
    unseen: str = ""
    is_assigned: bool = False
    connector: SamlConnector | None = None
    metadata: IdpMetadata | None = None
    plugin: Plugin | None = None
    has_plugins: bool = True
    conditional: tuple[str, ...] = ()


class Steps:
    """Makes the steps of an enrolment. `org_hosts` are the hosts that metadata may name."""

    def __init__(self, wishes: EnrolmentRequest, *, org_url: str, org_hosts: frozenset[str]) -> None:
        self._wishes = wishes
        self._org_url = org_url
        self._org_hosts = org_hosts

    def of(self, found: Found) -> list[Step]:
        """Return every step."""
        return [self.app(found), self.assignment(found), self.connector(found), *self.settings(found)]

    def app(self, found: Found) -> Step:
        """Return the step of the app."""
        if found.app is not None:
            return Step("app", State.DONE, f"the SAML app {found.app.label!r} ({found.app.id}) exists")
        label = self._wishes.label_for(found.cluster.name)
        return Step("app", State.TO_DO, f"create the SAML app {label!r} in Okta, which sends people to {found.acs}")

    def assignment(self, found: Found) -> Step:
        """Return the step of the assignment of Everyone."""
        if not self._wishes.assign_everyone:
            return Step("assignment", State.DONE, "the assignments of the app stay as they are")
        if found.everyone is None:
            return unassigned(found.unseen, is_known=found.app is None)
        if found.is_assigned:
            return Step("assignment", State.DONE, f"the group {EVERYONE} is assigned to the app")
        what = f"assign the group {EVERYONE} to the app: everybody in Okta becomes a user of Teleport"
        return Step("assignment", State.TO_DO, what)

    def connector(self, found: Found) -> Step:
        """Return the step of the SAML connector."""
        name, connector, metadata = self._wishes.connector, found.connector, found.metadata
        gives = f"members of {EVERYONE} get the role {found.role!r}"
        if connector is None:
            return Step("connector", State.TO_DO, f"create the SAML connector {name!r}; {gives}")
        if metadata is not None and is_whole(connector, metadata, found.role, self._org_hosts):
            return Step("connector", State.DONE, f"the SAML connector {name!r} exists, with the app's metadata")
        is_current_now = metadata is not None and is_current(connector, metadata, self._org_hosts)
        changes = [] if is_current_now else ["write the app's present metadata into it"]
        if found.role:
            before = ", ".join(roles_of_everyone(connector)) or "none"
            changes.append(f"{gives} (before: {before})")
        return Step("connector", State.TO_DO, f"change the SAML connector {name!r}: {'; '.join(changes)}")

    def settings(self, found: Found) -> list[Step]:
        """Return the step of the settings, and one for settings that we must not change."""
        if not found.has_plugins:
            return [Step("settings", State.TO_DO, "write the integration into the configuration file")]
        name = self._wishes.plugin
        held = None if found.plugin is None else found.plugin.okta
        wanted = self.wanted(held, found.app)
        if held is None:
            return [Step("settings", State.TO_DO, f"create the plugin resource {name!r}: {'; '.join(chosen(wanted))}")]
        changes = list(differences(held, wanted))
        if found.app is None:
            changes.append("app_id: that of the new app")
        step = (
            Step("settings", State.TO_DO, f"change the plugin resource {name!r}: {'; '.join(changes)}")
            if changes
            else Step("settings", State.DONE, f"the plugin resource {name!r} has these settings")
        )
        return [step, *left_of_settings(name, wanted)]

    def wanted(self, held: OktaPluginSettings | None, app: SamlApp | None) -> OktaPluginSettings:
        """Return the wanted settings of the plugin resource. Raises EnrolmentError."""
        return settings_wanted(self._wishes, held, app, org_url=self._org_url)


def unassigned(why: str, *, is_known: bool = True) -> Step:
    """Return the step of an assignment that a person has to make; without `is_known` it may exist already."""
    what = (
        f"the group {EVERYONE} is not assigned to the app: {why}"
        if is_known
        else f"we cannot see whether the group {EVERYONE} is assigned to the app: {why}"
    )
    remedy = (
        f"{'' if is_known else 'if it is not: '}assign the group {EVERYONE} (or another group) to the "
        "app in Okta: Applications > the app > Assignments > Assign to Groups"
    )
    return Step("assignment", State.LEFT, what, remedy)


def left_of_settings(name: str, settings: OktaPluginSettings) -> list[Step]:
    """Return a step if the settings do not sync the people of the app, which an administrator chose."""
    why = is_not_synced(settings)
    if not why:
        return []
    what = f"the plugin resource {name!r} does not sync the people of the app: {why}"
    remedy = f"to sync them, change it: tctl edit plugin/{name}, with sync_users and user_sync_source"
    return [Step("user sync", State.LEFT, what, remedy)]
