"""Makes and changes an integration while the service runs, for a gRPC request (`serve/okta_service.py`).

The credential of a request is used for that request only. The sync uses the configured one: this process keeps no
secret that came over the network.
"""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from teleport_okta.errors import ConfigError
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.organization_address import same_organization
from teleport_okta.okta.client_from_settings import client_of
from teleport_okta.okta.groups_and_apps import DirectoryReads
from teleport_okta.okta.needs import USERS, needed
from teleport_okta.okta.people_reader import OktaReads
from teleport_okta.okta.probes import Outcome, probe
from teleport_okta.okta.saml_apps import SamlApps
from teleport_okta.saml.enrolment import Enrolment
from teleport_okta.saml.enrolment_errors import CredentialTooWeakError, EnrolmentError, OtherPluginError
from teleport_okta.saml.request import EnrolmentRequest
from teleport_okta.scim.tokens import digest_of
from teleport_okta.serve.gate import present_caller
from teleport_okta.serve.integrator import Integration, Named
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.scim_tokens import MOST_TOKENS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from teleport_okta.app import Base
    from teleport_okta.model.plugin import OktaPluginSettings
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.okta.client import OktaClient
    from teleport_okta.serve.integrator import GivenCredential, WantedIntegration
    from teleport_okta.settings import OktaSettings, Settings

    _Remember = Callable[[SamlApp], Awaitable[None]]

TRIGGER: Final = "OktaService"
"""The trigger, in the journal, of changes that a request for an integration caused."""


_PLUGIN: Final = "plugin"
"""The kind, in the journal, of a plugin resource."""


class LiveIntegrator:
    """An `Integrator` that uses the connections of the running process."""

    def __init__(self, local: Settings, base: Base) -> None:
        self._local = local
        self._base = base

    def take(self, local: Settings) -> None:
        """Use other settings of the file from now on."""
        self._local = local

    async def validate(self, org_url: str, credential: GivenCredential) -> None:
        """Return if Okta accepts a credential and lets it read users, groups and apps."""
        async with self._client(org_url, credential) as client:
            await client.first_page(USERS.path, {"limit": "1"}, scope=USERS.scope)
            for result in await probe(client, wanted=needed(apps_and_groups=True)):
                if result.outcome is Outcome.REFUSED:
                    raise CredentialTooWeakError(f"{result.need.purpose}: {result.detail}", remedy=result.remedy)
                if result.outcome is Outcome.UNKNOWN:
                    raise EnrolmentError(result.detail, remedy=result.remedy)

    async def create(self, org_url: str, credential: GivenCredential, wanted: WantedIntegration) -> Integration:
        """Enrol. The running service then follows the plugin that this creates."""
        name = self._plugin_name()
        wishes = EnrolmentRequest(
            plugin=name,
            # Not after the creation: the service could follow the new plugin before.
            sync_users=None if wanted.sync_users else False,
            assign_default_roles=wanted.assign_default_roles,
            sync_apps_and_groups=wanted.sync_apps_and_groups,
            sync_access_lists=wanted.sync_access_lists,
            default_owners=wanted.owners,
            group_filters=wanted.group_filters,
            app_filters=wanted.app_filters,
        )
        wishes = replace(wishes, connector=wanted.connector) if wanted.connector else wishes
        async with self._client(org_url, credential) as client:
            organization = await OktaReads(client).organization()
            if self._base.teleport.lease is not None:
                await self._base.teleport.lease.obtain(organization.id)
            enrolment = Enrolment(
                SamlApps(client),
                self._base.teleport,
                wishes,
                org_id=organization.id,
                org_url=self._local.okta.org_url,
                org_hosts=client.address.hosts,
                clock=self._base.clock,
                known_app_id=await self._base.store.enrolled_app(wishes.connector) or "",
                remember=self._remembering(wishes.connector),
            )
            found = await enrolment.look()
            async for _ in enrolment.run(found):
                pass
            label = enrolment.app.label if enrolment.app is not None else ""
        await self._note(name, "create")
        await self._admit(wanted.scim_token)
        return Integration(name, await self._settings(name), label)

    async def update(self, credential: GivenCredential, wanted: WantedIntegration) -> Integration:
        """Change the settings of the plugin; settings that the request does not have stay."""
        name = self._plugin_name()
        before = await self._settings(name)
        label = ""
        async with self._client(before.org_url, credential) as client:
            app = await SamlApps(client).get(before.app_id) if before.app_id else None
            label = app.label if app is not None else ""
        lists = {
            "default_owners": wanted.owners,
            "group_filters": wanted.group_filters,
            "app_filters": wanted.app_filters,
        }
        after = replace(
            before,
            sync_users=wanted.sync_users,
            sync_apps_and_groups=wanted.sync_users and wanted.sync_apps_and_groups,
            sync_access_lists=wanted.sync_users and wanted.sync_apps_and_groups and wanted.sync_access_lists,
            assign_default_roles=wanted.assign_default_roles,
            write_back=False,
            **{key: value for key, value in lists.items() if value is not None},  # type: ignore[arg-type]
        )
        if after != before:
            await self._base.teleport.plugins.change(name, after)
            await self._note(name, "update")
        await self._admit(wanted.scim_token)
        return Integration(name, await self._settings(name), label)

    async def apps(self, org_url: str, credential: GivenCredential, filters: tuple[str, ...]) -> list[Named]:
        """Return the apps whose labels pass the filters."""
        passing = _filters(filters)
        async with self._client(org_url, credential) as client:
            listing = await DirectoryReads(client).apps()
        _check_whole("apps", listing.incomplete)
        return [Named(app.label, app.name) for app in listing.rows if passing.why(app.label) is not None]

    async def groups(self, org_url: str, credential: GivenCredential, filters: tuple[str, ...]) -> list[Named]:
        """Return the groups whose names pass the filters."""
        passing = _filters(filters)
        async with self._client(org_url, credential) as client:
            listing = await DirectoryReads(client).groups()
        _check_whole("groups", listing.incomplete)
        return [Named(group.name, group.description) for group in listing.rows if passing.why(group.name) is not None]

    @asynccontextmanager
    async def _client(self, org_url: str, credential: GivenCredential) -> AsyncIterator[OktaClient]:
        """Open a client of the configured organisation, with the credential of a request if it has one."""
        okta = self._local.okta
        if not same_organization(org_url, okta.org_url):
            what = f"okta_organization_url: {org_url or 'empty'} is not this service's organisation, {okta.org_url}"
            raise ConfigError(what, remedy="for another organisation run another service, with its own data directory")
        async with client_of(
            _with(okta, credential), clock=self._base.clock, rng=random.SystemRandom(), apps_and_groups=True
        ) as client:
            yield client

    async def _settings(self, name: str) -> OktaPluginSettings:
        plugin = await self._base.teleport.plugins.get(name)
        if plugin is None or plugin.okta is None:
            what = f"there is no plugin {name!r} of type okta"
            raise EnrolmentError(what, remedy="create the integration first")
        if plugin.is_hosted:
            what = f"plugin {name!r} is run by Teleport itself"
            raise OtherPluginError(what, remedy="change it in Teleport, or set plugin.name to a plugin of this service")
        return plugin.okta

    async def _admit(self, scim_token: str) -> None:
        """Accept a SCIM token of the request from now on; if there are two tokens, the older one is revoked."""
        if not scim_token:
            return
        tokens, clock = self._base.store.scim_tokens, self._base.clock
        await tokens.add(
            digest_of(scim_token.encode()),
            at=clock.now(),
            by=_asking(),
            boot=clock.boot(),
            replace_oldest=len(await tokens.tokens()) >= MOST_TOKENS,
        )

    async def _note(self, name: str, action: str) -> None:
        """Record the caller who made or changed the integration."""
        entry = JournalEntry(
            time=self._base.clock.now(),
            trigger=TRIGGER,
            kind=_PLUGIN,
            name=name,
            okta_id="",
            action=action,
            reason="asked for by gRPC",
            before_digest="",
            after_digest="",
            outcome=Result.DONE,
            boot=self._base.clock.boot(),
            who=_asking(),
        )
        journal = self._base.store.journal
        await journal.record(entry)
        await journal.flush()

    def _plugin_name(self) -> str:
        name = self._local.plugin.name
        if name is None:
            what = "the configuration file holds the settings of this service, not a plugin resource"
            raise ConfigError(what, remedy="set plugin.name, and remove what the plugin will decide")
        return name

    def _remembering(self, connector: str) -> _Remember:
        async def remember(app: SamlApp) -> None:
            await self._base.store.remember_enrolled_app(connector, app.id)

        return remember


def _asking() -> str:
    """Return the caller in words."""
    return f"{TRIGGER}: {present_caller() or 'unknown'}"


def _with(okta: OktaSettings, credential: GivenCredential) -> OktaSettings:
    """Return the settings with the credential of a request; a service app's key is always the configured one."""
    if credential.api_token:
        changes = {"api_token": SecretStr(credential.api_token), "client_id": None, "private_key": None}
        return okta.model_copy(update=changes)
    if credential.client_id and credential.client_id != okta.client_id:
        what = f"api_credentials.oauth_id: this service has the key of another service app, {okta.client_id or 'none'}"
        raise ConfigError(what, remedy="set okta.client_id and okta.private_key, or send an API token")
    return okta


def _filters(filters: tuple[str, ...]) -> NameFilters:
    try:
        return NameFilters.of(filters)
    except ValueError as error:
        raise ConfigError(f"filters: {error}", remedy="use a glob, or an RE2 expression from ^ to $") from error


def _check_whole(what: str, incomplete: str | None) -> None:
    if incomplete is not None:
        raise EnrolmentError(f"the listing of {what} is incomplete: {incomplete}", remedy="ask again")
