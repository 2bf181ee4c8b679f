"""What an administrator wants of an enrolment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONNECTOR: Final = "okta-integration"
"""The name that the vendor's flow of Teleport 15 gives the SAML connector."""

EVERYONE: Final = "Everyone"
"""The group that holds everybody of an organisation; Okta names it so, and nobody can rename it."""

GROUPS: Final = "groups"
"""The SAML attribute with the names of a person's groups (`saml/app_body.py`)."""


@dataclass(frozen=True, slots=True)
class EnrolmentWishes:
    """The answers. `app_id` names an app to use instead of creating one; `role` is what Everyone gets at sign-in.

    `plugin` is the name of the plugin resource. `proxy` is the proxy's public address, host[:port], where the cluster's
    own word is not to be used.
    """

    connector: str = CONNECTOR
    role: str = ""
    app_id: str = ""
    label: str = ""
    proxy: str = ""
    plugin: str = "okta"
    group_attribute_filter: str = ".*"
    assign_default_roles: bool = True
    sync_apps_and_groups: bool = True
    sync_access_lists: bool = False
    default_owners: tuple[str, ...] = ()
    group_filters: tuple[str, ...] = ()
    app_filters: tuple[str, ...] = ()

    def label_for(self, cluster: str) -> str:
        """Return the label of the app, by which people know it in Okta."""
        return self.label or f"Teleport {cluster}"


def acs_url(proxy: str, connector: str) -> str:
    """Return where Okta sends people back to; a proxy without a port is at 443."""
    return f"https://{proxy.removesuffix(':443')}/v1/webapi/saml/acs/{connector}"
