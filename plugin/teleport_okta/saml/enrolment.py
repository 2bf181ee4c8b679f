"""Enrolment: the Okta app, its assignment, the SAML connector and the plugin resource, each if it is not there yet.

Every step looks first, so that an enrolment that was cut anywhere is finished by another one. Looking writes nothing
and raises what stands in the way; the first write is the app, so that a credential that may not create apps writes
nothing anywhere.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from teleport_okta.model.labels import OWNER
from teleport_okta.model.plugin import SOURCE_APP, OktaPluginSettings
from teleport_okta.okta.errors import AppLabelTakenError, OktaForbiddenError, OktaOutcomeUnknownError
from teleport_okta.saml.app_body import app_body
from teleport_okta.saml.connectors import app_id_of, check_app, is_current, new_connector, with_metadata
from teleport_okta.saml.errors import AmbiguousAppError, EnrolmentError, OtherAddressError, OtherPluginError
from teleport_okta.saml.metadata import read_metadata
from teleport_okta.saml.wishes import EVERYONE, acs_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from teleport_okta.clock import Clock
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.model.plugin import Plugin
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.model.teleport import Cluster
    from teleport_okta.okta.saml_apps import SamlApps
    from teleport_okta.saml.wishes import EnrolmentWishes
    from teleport_okta.teleport.cluster import Teleport

OKTA_REQUESTER: Final = "okta-requester"
"""The role that Teleport has for Okta's people, in Enterprise editions."""

_SHOWN_AFTER: Final = 5.0
"""Seconds between two looks for an app whose creation got no answer: listings may lag behind."""

_LOOKS: Final = 3

_log = logging.getLogger(__name__)


class State(StrEnum):
    """How it is with a step."""

    DONE = "done"
    """It is as it should be, and was before."""

    TO_DO = "to do"
    MADE = "made"
    """It was done now."""

    LEFT = "left"
    """It could not be done, and is left to a person."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, in words: `name` in short, `what` with the object, and for one that is left `remedy`."""

    name: str
    state: State
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What there is already. `everyone` is the id of the group Everyone, None where our role does not show it."""

    cluster: Cluster
    org_id: str
    url: str
    role: str
    app: SamlApp | None = None
    everyone: str | None = None
    is_assigned: bool = False
    connector: SamlConnector | None = None
    metadata: IdpMetadata | None = None
    plugin: Plugin | None = None
    has_plugins: bool = True


class Enrolment:
    """One enrolment.

    `org_url` is the organisation's address, `org_hosts` are the hosts that its metadata may name. `remember` is told of
    the app that was created, and `known_app_id` is what it was told by an enrolment before.
    """

    def __init__(
        self,
        okta: SamlApps,
        teleport: Teleport,
        wishes: EnrolmentWishes,
        *,
        org_id: str,
        org_url: str,
        org_hosts: Collection[str],
        clock: Clock,
        known_app_id: str = "",
        remember: Callable[[SamlApp], Awaitable[None]],
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._wishes = wishes
        self._org_id = org_id
        self._org_url = org_url
        self._org_hosts = org_hosts
        self._clock = clock
        self._known_app_id = known_app_id
        self._remember = remember
        self.app: SamlApp | None = None
        """The app, once `run` has come so far."""

    async def look(self) -> Found:
        """Look what there is. Raises EnrolmentError, MetadataError, OktaError or TeleportError."""
        wishes = self._wishes
        cluster = await self._teleport.cluster()
        _check_cluster(cluster)
        proxy = wishes.proxy or cluster.proxy_address
        if not proxy:
            what = "the cluster does not say at which address its proxy is reached"
            raise EnrolmentError(what, remedy="name it with --proxy, as people have it in their browsers")
        url = acs_url(proxy, wishes.connector)
        connector = await self._teleport.connectors.get(wishes.connector)
        role = await self._role(connector)
        plugin, has_plugins = await self._plugin(cluster)
        app = await self._app(connector, cluster, url)
        everyone = await self._okta.everyone()
        is_assigned = app is not None and everyone is not None and await self._okta.has_group(app.id, everyone)
        metadata = None if app is None else await self._metadata(app)
        return Found(
            cluster=cluster,
            org_id=self._org_id,
            url=url,
            role=role,
            app=app,
            everyone=everyone,
            is_assigned=is_assigned,
            connector=connector,
            metadata=metadata,
            plugin=plugin,
            has_plugins=has_plugins,
        )

    def steps(self, found: Found) -> list[Step]:
        """Say what would be done."""
        return [self._app_step(found), _everyone_step(found), self._connector_step(found), self._record_step(found)]

    async def run(self, found: Found) -> AsyncIterator[Step]:
        """Do what is not done, and yield each step when it is through; `app` is the app from then on.

        Raises what `look` raises; what was yielded before stays.
        """
        app = found.app
        if app is None:
            app = await self._create_app(found)
            await self._remember(app)
            self.app = app
            yield Step("app", State.MADE, f"created the SAML app {app.label!r} ({app.id})")
        else:
            self.app = app
            yield self._app_step(found)
        yield await self._assign_everyone(found, app)
        metadata = found.metadata or await self._metadata(app)
        yield await self._write_connector(found, app, metadata)
        yield await self._write_plugin(found, app)

    # What there is.

    async def _role(self, connector: SamlConnector | None) -> str:
        """Return what Everyone gets: of a connector that exists what it gives, else what was wished and exists."""
        if connector is not None:
            return next((role for mapping in connector.role_mappings for role in mapping.roles), "")
        role = self._wishes.role or OKTA_REQUESTER
        if await self._teleport.roles.get(role) is None:
            what = f"the cluster has no role {role!r}, which people who sign in would get"
            raise EnrolmentError(what, remedy="name one that exists with --role")
        return role

    async def _plugin(self, cluster: Cluster) -> tuple[Plugin | None, bool]:
        """Return the plugin resource of the wanted name, if there is one, and whether the cluster has plugins."""
        feature = cluster.feature("plugin")
        if feature.denied or feature.unknown:
            remedy = "let the bot's role list, read, create, update and delete `plugin`, then enrol again"
            raise EnrolmentError(f"plugins cannot be looked at: {feature.reason}", remedy=remedy)
        if not feature.enabled:
            return None, False
        plugin = await self._teleport.plugins.get(self._wishes.plugin)
        if plugin is None:
            return None, True
        if plugin.okta is None:
            what = f"plugin {plugin.name!r} exists and is not of type okta"
            raise OtherPluginError(what, remedy="choose another name with --plugin")
        if plugin.is_hosted:
            what = f"plugin {plugin.name!r} is run by Teleport itself: it has the label of a hosted plugin"
            raise OtherPluginError(what, remedy=f"delete it first (tctl plugins delete {plugin.name})")
        return plugin, True

    async def _app(self, connector: SamlConnector | None, cluster: Cluster, url: str) -> SamlApp | None:
        """Return the app to use, or None where one is to be created."""
        wishes = self._wishes
        if connector is not None:
            app_id = app_id_of(connector)
            if wishes.app_id not in {"", app_id}:
                what = f"SAML connector {connector.name!r} is labelled with the app {app_id}, not {wishes.app_id}"
                raise EnrolmentError(what, remedy="leave --app-id out, or choose another name with --connector")
            return check_app(await self._okta.get(app_id), app_id, url, connector=wishes.connector, is_adopted=True)
        if wishes.app_id:
            app = await self._okta.get(wishes.app_id)
            return check_app(app, wishes.app_id, url, connector=wishes.connector, is_adopted=False)
        return await self._app_made_before(cluster, url)

    async def _app_made_before(self, cluster: Cluster, url: str) -> SamlApp | None:
        """Return the app that an earlier enrolment created: by its remembered id, else by label and address."""
        if self._known_app_id:
            app = await self._okta.get(self._known_app_id)
            if app is not None:
                return check_app(app, app.id, url, connector=self._wishes.connector, is_adopted=False)
        label = self._wishes.label_for(cluster.name)
        found = await self._okta.labelled(label)
        ours = [app for app in found if app.is_saml and app.acs_url == url]
        if len(ours) > 1:
            ids = ", ".join(app.id for app in ours)
            what = f"several apps are called {label!r} and send people to {url}: {ids}"
            raise AmbiguousAppError(what, remedy="name the one to use with --app-id")
        if ours:
            return check_app(ours[0], ours[0].id, url, connector=self._wishes.connector, is_adopted=False)
        if found:
            app = found[0]
            what = f"there is an app {label!r} ({app.id}) already, which sends people to {app.acs_url or 'nowhere'}"
            remedy = "rename it in Okta, give the new one another name with --label, or name an app with --app-id"
            raise OtherAddressError(what, remedy=remedy)
        return None

    async def _metadata(self, app: SamlApp) -> IdpMetadata:
        document = await self._okta.metadata(app)
        return read_metadata(document, org_hosts=self._org_hosts, source=f"the metadata of app {app.id}")

    # What would be done.

    def _app_step(self, found: Found) -> Step:
        if found.app is not None:
            return Step("app", State.DONE, f"the SAML app {found.app.label!r} ({found.app.id}) is there")
        label = self._wishes.label_for(found.cluster.name)
        return Step("app", State.TO_DO, f"create the SAML app {label!r} in Okta, which sends people to {found.url}")

    def _connector_step(self, found: Found) -> Step:
        name = self._wishes.connector
        if found.connector is None:
            roles = f"members of {EVERYONE} get the role {found.role}"
            return Step("connector", State.TO_DO, f"create the SAML connector {name!r}; {roles}")
        if found.metadata is not None and is_current(found.connector, found.metadata, self._org_hosts):
            return Step("connector", State.DONE, f"the SAML connector {name!r} is there, with the app's metadata")
        return Step("connector", State.TO_DO, f"write the app's present metadata into the SAML connector {name!r}")

    def _record_step(self, found: Found) -> Step:
        if not found.has_plugins:
            return Step("settings", State.TO_DO, "write the integration into the configuration file")
        name = self._wishes.plugin
        if found.plugin is None or found.plugin.okta is None:
            return Step("settings", State.TO_DO, f"create the plugin resource {name!r}, which holds the settings")
        if found.app is not None and found.plugin.okta == self._settings(found.app, found.plugin.okta):
            return Step("settings", State.DONE, f"the plugin resource {name!r} holds these settings")
        return Step("settings", State.TO_DO, f"change the settings of the plugin resource {name!r}")

    # Doing it.

    async def _create_app(self, found: Found) -> SamlApp:
        """Create the app, and look for it where nobody knows whether that happened."""
        label = self._wishes.label_for(found.cluster.name)
        body = app_body(label, found.url, group_filter=self._wishes.group_attribute_filter)
        try:
            return await self._okta.create(body)
        except (OktaOutcomeUnknownError, AppLabelTakenError) as error:
            _log.info("looking for the app: %s", error)
            for _ in range(_LOOKS):
                app = await self._app_made_before(found.cluster, found.url)
                if app is not None:
                    return app
                await self._clock.sleep(_SHOWN_AFTER)
            raise

    async def _assign_everyone(self, found: Found, app: SamlApp) -> Step:
        if found.is_assigned:
            return _everyone_step(found)
        if found.everyone is None:
            return _left("our admin role does not show the group")
        try:
            await self._okta.assign_group(app.id, found.everyone)
        except OktaForbiddenError as error:
            return _left(str(error))
        return Step("assignment", State.MADE, f"assigned the group {EVERYONE} to the app")

    async def _write_connector(self, found: Found, app: SamlApp, metadata: IdpMetadata) -> Step:
        name, connectors = self._wishes.connector, self._teleport.connectors
        if found.connector is None:
            wanted = new_connector(name, found.url, app, metadata, role=found.role, org_url=self._org_url)
            await connectors.create(wanted)
            return Step("connector", State.MADE, f"created the SAML connector {name!r}")
        if is_current(found.connector, metadata, self._org_hosts):
            return self._connector_step(found)
        await connectors.update(with_metadata(found.connector, metadata))
        return Step("connector", State.MADE, f"wrote the app's metadata into the SAML connector {name!r}")

    async def _write_plugin(self, found: Found, app: SamlApp) -> Step:
        """Create or change the plugin resource; without a plugin service the caller writes its configuration."""
        if not found.has_plugins:
            return self._record_step(found)
        name, plugins = self._wishes.plugin, self._teleport.plugins
        held = found.plugin.okta if found.plugin is not None else None
        wanted = self._settings(app, held)
        if held is None:
            owner = {OWNER: self._org_id}
            await plugins.create(name, wanted, labels=owner, credential_labels=owner)
            return Step("settings", State.MADE, f"created the plugin resource {name!r}")
        if held == wanted:
            return Step("settings", State.DONE, f"the plugin resource {name!r} holds these settings")
        await plugins.change(name, wanted)
        return Step("settings", State.MADE, f"changed the settings of the plugin resource {name!r}")

    def _settings(self, app: SamlApp, held: OktaPluginSettings | None) -> OktaPluginSettings:
        """Return the settings of the plugin. Nothing fulfils access requests yet, so write-back is off."""
        wishes = self._wishes
        return OktaPluginSettings(
            org_url=self._org_url,
            connector=wishes.connector,
            sync_users=True,
            source=SOURCE_APP,
            app_id=app.id,
            app_name=app.name,
            sync_apps_and_groups=wishes.sync_apps_and_groups,
            sync_access_lists=wishes.sync_apps_and_groups and wishes.sync_access_lists,
            default_owners=wishes.default_owners,
            group_filters=wishes.group_filters,
            app_filters=wishes.app_filters,
            write_back=False,
            log_export=False if held is None else held.log_export,
            assign_default_roles=wishes.assign_default_roles,
        )


def _check_cluster(cluster: Cluster) -> None:
    if not cluster.has("saml"):
        what = f"SAML connectors cannot be made: {cluster.feature('saml').reason}"
        remedy = "without SAML, set sync.local_users = true and invite people with `tctl users reset`"
        raise EnrolmentError(what, remedy=remedy)


def _everyone_step(found: Found) -> Step:
    if found.everyone is None:
        return _left("our admin role does not show the group")
    if found.is_assigned:
        return Step("assignment", State.DONE, f"the group {EVERYONE} is assigned to the app")
    return Step("assignment", State.TO_DO, f"assign the group {EVERYONE} to the app")


def _left(why: str) -> Step:
    remedy = (
        f"assign the group {EVERYONE} (or those who are to use Teleport) to the app in Okta: Applications > the app > "
        "Assignments > Assign to Groups"
    )
    return Step("assignment", State.LEFT, f"the group {EVERYONE} is not assigned to the app: {why}", remedy)
