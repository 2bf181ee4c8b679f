"""What OktaService needs of the process: check, make and change an integration (`service/live_integration.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from teleport_okta.model.plugin import OktaPluginSettings


@dataclass(frozen=True, slots=True)
class GivenCredential:
    """A credential of Okta that came with a request: an API token, or the client id of a service app; or none."""

    api_token: str = field(default="", repr=False)
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class WantedIntegration:
    """What a request asks for. `owners` and the filters are None where it does not speak of access lists' settings."""

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
    """An integration as it is: the plugin with its settings, and the app's label."""

    plugin: str
    settings: OktaPluginSettings
    app_label: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A group or an app, as it is shown for a filter to be tried."""

    name: str
    description: str = ""


class Integrator(Protocol):
    """Integrates an Okta organisation with the cluster. Every method raises TeleportOktaError.

    An organisation other than the configured one is refused, so that no credential leaves for somewhere else.
    """

    async def validate(self, org_url: str, credential: GivenCredential) -> None:
        """Return if Okta accepts a credential and lets it read what the sync reads."""
        ...

    async def create(self, org_url: str, credential: GivenCredential, wanted: WantedIntegration) -> Integration:
        """Enrol, with this credential for what is written in Okta; the sync itself uses the configured one."""
        ...

    async def update(self, credential: GivenCredential, wanted: WantedIntegration) -> Integration:
        """Change the settings of the integration that there is."""
        ...

    async def apps(self, org_url: str, credential: GivenCredential, filters: tuple[str, ...]) -> list[Named]:
        """Return the apps whose labels pass the filters; all without one."""
        ...

    async def groups(self, org_url: str, credential: GivenCredential, filters: tuple[str, ...]) -> list[Named]:
        """Return the groups whose names pass the filters; all without one."""
        ...
