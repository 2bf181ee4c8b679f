"""The look at both sides before an enrolment: what exists, which rights there are, and what the obstacles are.

It writes nothing. Teleport comes first, because its rules can be read; in Okta only rights to read can be checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from teleport_okta.okta.okta_errors import OktaForbiddenError, OktaScopeError
from teleport_okta.saml.acs import acs_url, same_address
from teleport_okta.saml.bot_rights import CONNECTORS, PLUGINS, check_rights, rights_needed
from teleport_okta.saml.connectors import (
    app_id_of,
    check_address,
    check_app,
    check_audience,
    is_whole,
    missing_app,
    roles_mapped,
    roles_of_everyone,
    with_role,
)
from teleport_okta.saml.enrolment_errors import AmbiguousAppError, EnrolmentError, OtherAddressError, OtherPluginError
from teleport_okta.saml.metadata import read_metadata
from teleport_okta.saml.plugin_settings import settings_wanted
from teleport_okta.saml.steps import Found
from teleport_okta.teleport.bot_rights import own_rules

if TYPE_CHECKING:
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.model.plugin import Plugin
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.model.teleport import Cluster
    from teleport_okta.okta.saml_apps import SamlApps
    from teleport_okta.saml.request import EnrolmentRequest
    from teleport_okta.teleport.cluster import Teleport

OKTA_REQUESTER: Final = "okta-requester"
"""Teleport's preset role for people from Okta, in Enterprise editions."""

_ROLE_OF_BOT: Final = "docs/teleport-role.md has the whole role"


class Looker:
    """Does the look. `known_app_id` is the app that an earlier enrolment created; empty if none is stored."""

    def __init__(
        self,
        okta: SamlApps,
        teleport: Teleport,
        wishes: EnrolmentRequest,
        *,
        org_id: str,
        org_url: str,
        org_hosts: frozenset[str],
        known_app_id: str,
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._wishes = wishes
        self._org_id = org_id
        self._org_url = org_url
        self._org_hosts = org_hosts
        self._known_app_id = known_app_id

    async def look(self) -> Found:
        """Check everything. Raises EnrolmentError, MetadataError, OktaError or TeleportError."""
        wishes = self._wishes
        wishes.check()
        cluster = await self._teleport.cluster()
        has_plugins = self._check_cluster(cluster)
        url = acs_url(self._proxy(cluster), wishes.connector)
        connector, conditional = await self._look_as_bot(has_plugins=has_plugins)
        if connector is not None:
            app_id_of(connector)
            check_address(connector, url)
        role = await self._role(connector)
        plugin = await self.plugin() if has_plugins else None
        app = await self._app(connector, cluster, url)
        await self._check_tie(plugin, app, has_plugins=has_plugins)
        everyone, unseen = await self._everyone()
        is_assigned = app is not None and everyone is not None and await self._okta.has_group(app.id, everyone)
        metadata = None if app is None else await self.metadata(app)
        await self._check_mapped_roles(connector, metadata, role)
        return Found(
            cluster=cluster,
            org_id=self._org_id,
            acs=_acs_of(connector, app) or url,
            role=role,
            app=app,
            everyone=everyone,
            unseen=unseen,
            is_assigned=is_assigned,
            connector=connector,
            metadata=metadata,
            plugin=plugin,
            has_plugins=has_plugins,
            conditional=conditional,
        )

    async def metadata(self, app: SamlApp) -> IdpMetadata:
        """Read and check the metadata of an app. Raises MetadataError or OktaError."""
        document = await self._okta.metadata(app)
        return read_metadata(document, org_hosts=self._org_hosts, source=f"the metadata of app {app.id}")

    # Teleport's side.

    def _check_cluster(self, cluster: Cluster) -> bool:
        """Return whether the cluster has plugin resources; raises EnrolmentError if an enrolment is impossible."""
        saml, plugins = cluster.feature("saml"), cluster.feature("plugin")
        if not saml.enabled:
            remedy = (
                "try again in some minutes"
                if saml.unknown
                else "without SAML, set sync.local_users = true and invite people with `tctl users reset`"
            )
            raise EnrolmentError(f"SAML connectors are not available: {saml.reason}", remedy=remedy)
        if self._teleport.bot is None:
            what = "only the bot's identity can write SAML connectors and plugins, and there is none"
            remedy = f"set teleport.identity to the bot's identity file; {_ROLE_OF_BOT}"
            raise EnrolmentError(what, remedy=remedy)
        if plugins.unknown:
            raise EnrolmentError(f"plugins cannot be read: {plugins.reason}", remedy="try again in some minutes")
        return plugins.enabled or plugins.denied

    async def _look_as_bot(self, *, has_plugins: bool) -> tuple[SamlConnector | None, tuple[str, ...]]:
        """Return the connector, and the rights of the bot that only their use can prove. Raises MissingRightsError."""
        assert self._teleport.bot is not None  # noqa: S101 - checked with the cluster
        rules, wishes = await own_rules(self._teleport.bot), self._wishes
        connector = plugin = None
        if CONNECTORS.may_look(rules):
            connector = await self._teleport.connectors.get(wishes.connector)
        if has_plugins and PLUGINS.may_look(rules):
            plugin = await self._teleport.plugins.get(wishes.plugin)
        return connector, check_rights(rules, rights_needed(connector, plugin, has_plugins=has_plugins))

    def _proxy(self, cluster: Cluster) -> str:
        proxy = self._wishes.proxy or cluster.proxy_address
        if not proxy:
            what = "the cluster does not report the address of its proxy"
            raise EnrolmentError(what, remedy="give it with --proxy, as people type it into their browsers")
        return proxy

    async def _role(self, connector: SamlConnector | None) -> str:
        """Return the role of Everyone for a mapping; empty if the connector's mappings stay.

        Existing mappings stay, unless the request names a role.
        """
        wished = self._wishes.role
        if connector is not None and connector.role_mappings and not wished:
            return ""
        role = wished or OKTA_REQUESTER
        if await self._teleport.roles.get(role) is None:
            what = f"the cluster has no role {role!r}, which everybody who signs in would get"
            raise EnrolmentError(what, remedy="give an existing role with --role")
        return "" if connector is not None and roles_of_everyone(connector) == (role,) else role

    async def _check_mapped_roles(
        self, connector: SamlConnector | None, metadata: IdpMetadata | None, role: str
    ) -> None:
        """Raise EnrolmentError if a connector must be changed and Teleport would refuse the change."""
        if connector is None or metadata is None or is_whole(connector, metadata, role, self._org_hosts):
            return
        for mapped in roles_mapped(with_role(connector, role) if role else connector):
            if await self._teleport.roles.get(mapped) is None:
                what = (
                    f"SAML connector {connector.name!r} gives the role {mapped!r}, which no longer exists, so "
                    "Teleport accepts no change of it"
                )
                raise EnrolmentError(what, remedy=f"correct attributes_to_roles: tctl edit saml/{connector.name}")

    async def plugin(self) -> Plugin | None:
        """Return the plugin resource of the wanted name, if there is one. Raises OtherPluginError."""
        name, plugins = self._wishes.plugin, self._teleport.plugins
        for other in await plugins.list():
            if other.is_hosted and other.okta is not None and self._is_ours(other.okta.org_url):
                what = f"plugin {other.name!r} is run by Teleport itself, for this organisation"
                remedy = f"two would undo each other's work: delete it first (tctl plugins delete {other.name})"
                raise OtherPluginError(what, remedy=remedy)
        plugin = await plugins.get(name)
        if plugin is None:
            return None
        choose = "choose another name with --plugin"
        if plugin.okta is None:
            raise OtherPluginError(f"plugin {name!r} exists and is not of type okta", remedy=choose)
        if plugin.is_hosted:
            raise OtherPluginError(f"plugin {name!r} is run by Teleport itself", remedy=choose)
        if not self._is_ours(plugin.okta.org_url):
            what = f"plugin {name!r} is for {plugin.okta.org_url}, the credential for {self._org_url}"
            raise OtherPluginError(what, remedy=f"{choose}, or correct okta.org_url or the plugin's org_url")
        return plugin

    def _is_ours(self, url: str) -> bool:
        """Whether this address is our organisation's, compared as the running service does."""
        return _host(url) == _host(self._org_url) != ""

    async def _check_tie(self, plugin: Plugin | None, app: SamlApp | None, *, has_plugins: bool) -> None:
        """Raise OtherPluginError if the plugin syncs the people of another app: they would all count as leavers."""
        if not has_plugins:
            return
        held = None if plugin is None else plugin.okta
        settings_wanted(self._wishes, held, app, org_url=self._org_url)
        tied = "" if held is None else held.app_id
        if tied in {"", "" if app is None else app.id}:
            return
        if await self._okta.get(tied) is not None:
            what = f"plugin {self._wishes.plugin!r} syncs the people of another app, {tied}"
            remedy = (
                f"enrol with that one (--app-id {tied}), choose another name with --plugin, or remove app_id from the "
                f"plugin (tctl edit plugin/{self._wishes.plugin})"
            )
            raise OtherPluginError(what, remedy=remedy)

    # Okta's side.

    async def _app(self, connector: SamlConnector | None, cluster: Cluster, url: str) -> SamlApp | None:
        """Return the app to use, or None if one must be created."""
        wishes = self._wishes
        if connector is not None:
            app_id = app_id_of(connector)
            if wishes.app_id not in {"", app_id}:
                what = f"SAML connector {connector.name!r} has the label of the app {app_id}, not {wishes.app_id}"
                raise EnrolmentError(what, remedy="leave out --app-id, or choose another name with --connector")
            app = await self._okta.get(app_id)
            if app is None:
                raise missing_app(app_id, connector, org_url=self._org_url)
            check_app(app, connector.acs_url, connector=connector.name)
            return app
        if wishes.app_id:
            app = await self._okta.get(wishes.app_id)
            if app is None:
                raise missing_app(wishes.app_id, None, org_url=self._org_url)
            return _usable(app, url)
        return await self.app_made_before(cluster, url)

    async def app_made_before(self, cluster: Cluster, url: str) -> SamlApp | None:
        """Return the app that an earlier enrolment created: by its stored id, else by label and address."""
        if self._known_app_id:
            app = await self._okta.get(self._known_app_id)
            if app is not None:
                return _usable(app, url)
        label = self._wishes.label_for(cluster.name)
        found = await self._okta.labelled(label)
        fitting = [app for app in found if app.is_saml and same_address(app.acs_url or "", url)]
        ours = [app for app in fitting if app.is_active] or fitting
        if len(ours) > 1:
            ids = ", ".join(app.id for app in ours)
            what = f"several apps have the label {label!r} and send people to {url}: {ids}"
            raise AmbiguousAppError(what, remedy="choose one with --app-id")
        if ours:
            return _usable(ours[0], url)
        if found:
            app = found[0]
            what = f"an app {label!r} ({app.id}) exists already, and sends people to {app.acs_url or 'nowhere'}"
            remedy = "rename it in Okta, give the new one another name with --label, or use an app with --app-id"
            raise OtherAddressError(what, remedy=remedy)
        return None

    async def _everyone(self) -> tuple[str | None, str]:
        """Return the id of the group Everyone, or None and the reason."""
        try:
            everyone = await self._okta.everyone()
        except (OktaForbiddenError, OktaScopeError) as error:
            return None, str(error)
        return everyone, "" if everyone is not None else "our admin role does not show the group"


def _usable(app: SamlApp, url: str) -> SamlApp:
    """Return an app that has no connector yet, if people can sign in with it at this address."""
    # The connector gets the app's spelling of the address, so that nobody has to correct the app.
    check_app(app, (app.acs_url or "") if same_address(app.acs_url or "", url) else url)
    check_audience(app)
    return app


def _acs_of(connector: SamlConnector | None, app: SamlApp | None) -> str:
    if connector is not None:
        return connector.acs_url
    return "" if app is None else app.acs_url or ""


def _host(url: str) -> str:
    try:
        return urlsplit(url if "://" in url else f"https://{url}").netloc.lower().removesuffix(":443")
    except ValueError:
        return ""
