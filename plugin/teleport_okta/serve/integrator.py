"""The interface by which OktaService checks, makes and changes an integration (`service/live_integration.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from teleport_okta.model.plugin import OktaPluginSettings


@dataclass(frozen=True, slots=True)
class GivenCredential:
    """The Okta credential of a request: an API token, the client id of a service app, or none."""

    api_token: str = field(default="", repr=False)
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class WantedIntegration:
    """The wishes of a request. `owners` and the filters are None if it has no settings of access lists."""

    sync_users: bool
    sync_apps_and_groups: bool
    sync_access_lists: bool
    assign_default_roles: bool
    owners: tuple[str, ...] | None = None
    group_filters: tuple[str, ...] | None = None
    app_filters: tuple[str, ...] | None = None
    connector: str = ""
    scim_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Integration:
    """An existing integration: the plugin with its settings, and the app's label."""

    plugin: str
    settings: OktaPluginSettings
    app_label: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A group or an app that passes a filter on trial."""

    name: str
    description: str = ""


class Integrator(Protocol):
    """Integrates an Okta organisation with the cluster. Every method raises TeleportOktaError.

    An organisation other than the configured one is refused, so that no credential is sent elsewhere.
    """

    async def validate(self, org_url: str, credential: GivenCredential) -> None:
        """Return if Okta accepts a credential and lets it read what the sync reads."""
        ...

    async def create(self, org_url: str, credential: GivenCredential, wanted: WantedIntegration) -> Integration:
        """Enrol, with this credential for the writes in Okta; the sync uses the configured one."""
        ...

    async def update(self, credential: GivenCredential, wanted: WantedIntegration) -> Integration:
        """Change the settings of the existing integration."""
        ...

    async def apps(self, org_url: str, credential: GivenCredential, filters: tuple[str, ...]) -> list[Named]:
        """Return the apps whose labels pass the filters; without filters, all."""
        ...

    async def groups(self, org_url: str, credential: GivenCredential, filters: tuple[str, ...]) -> list[Named]:
        """Return the groups whose names pass the filters; without filters, all."""
        ...
