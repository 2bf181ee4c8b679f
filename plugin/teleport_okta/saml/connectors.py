"""The SAML connector that Okta's people sign in through: what it should hold, and whether one that exists may be used.

Pure. A connector of the wanted name is adopted if it is labelled with the app that it belongs to, as the vendor's
enrolment labels it (`reference/teleport.md` 5.1, 6.4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.model.connector import RoleMapping, SamlConnector
from teleport_okta.model.labels import APP_ID, OKTA_ORG
from teleport_okta.saml.errors import (
    DeadAppError,
    DisabledAppError,
    EnrolmentError,
    ForeignConnectorError,
    OtherAddressError,
)
from teleport_okta.saml.metadata import MetadataError, read_metadata
from teleport_okta.saml.wishes import EVERYONE, GROUPS

if TYPE_CHECKING:
    from collections.abc import Collection

    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.model.saml_app import SamlApp


def new_connector(
    name: str, url: str, app: SamlApp, metadata: IdpMetadata, *, role: str, org_url: str
) -> SamlConnector:
    """Return the connector to create. It holds the metadata itself, so that Teleport never has to ask Okta for it."""
    return SamlConnector(
        name=name,
        acs_url=url,
        metadata=metadata.descriptor,
        display="Okta",
        labels={APP_ID: app.id, OKTA_ORG: org_url},
        role_mappings=(RoleMapping(GROUPS, EVERYONE, (role,)),),
    )


def with_metadata(connector: SamlConnector, metadata: IdpMetadata) -> SamlConnector:
    """Return the connector with the app's present metadata and no address to download it from; the rest stays."""
    return replace(connector, metadata=metadata.descriptor, metadata_url="")


def is_current(connector: SamlConnector, metadata: IdpMetadata, org_hosts: Collection[str]) -> bool:
    """Whether a connector says of the identity provider what the app's metadata says now."""
    if connector.metadata_url:
        return False
    try:
        held = read_metadata(
            connector.metadata.encode(), org_hosts=org_hosts, source=f"SAML connector {connector.name!r}"
        )
    except MetadataError:
        return False
    return held.digest == metadata.digest


def app_id_of(connector: SamlConnector) -> str:
    """Return the app that a connector belongs to. Raises ForeignConnectorError for one that does not say so."""
    app_id = connector.labels.get(APP_ID, "")
    if not app_id:
        what = f"there is a SAML connector {connector.name!r} already, and it is not labelled with an Okta app"
        remedy = (
            f"choose another name with --connector; or, if it belongs to an app of this organisation, give it the "
            f"label {APP_ID} with the app's id (tctl edit saml/{connector.name})"
        )
        raise ForeignConnectorError(what, remedy=remedy)
    return app_id


def check_app(app: SamlApp | None, app_id: str, url: str, *, connector: str, is_adopted: bool) -> SamlApp:
    """Return an app that exists if people can sign in to Teleport by it.

    `is_adopted`: the connector exists and is labelled with the app. Raises DeadAppError, DisabledAppError,
    OtherAddressError, or EnrolmentError for an app that is not of SAML.
    """
    if app is None:
        named = f"that SAML connector {connector!r} is labelled with " if is_adopted else ""
        what = f"the app {app_id} {named}is not in Okta, or our admin role does not show it"
        remedy = (
            f"if it is hidden, add it to the resource set of the admin role; if it was deleted, delete the connector "
            f"(tctl rm saml/{connector}) and enrol again"
            if is_adopted
            else "check the id; if the app is hidden, add it to the resource set of the admin role"
        )
        raise DeadAppError(what, remedy=remedy)
    if not app.is_saml:
        what = f"the app {app.label!r} ({app.id}) is not a SAML 2.0 app"
        raise EnrolmentError(what, remedy="name another one, or let one be created")
    if not app.is_active:
        what = f"the app {app.label!r} ({app.id}) is deactivated in Okta, so nobody can sign in"
        raise DisabledAppError(what, remedy="activate it: Applications > the app > Inactive > Activate")
    if app.acs_url != url:
        what = f"the app {app.label!r} ({app.id}) sends people to {app.acs_url or 'nowhere'}, not to {url}"
        remedy = (
            "correct the single sign-on URL, the recipient, the destination and the audience of the app in Okta; or, "
            "if the cluster's proxy has another address, name it with --proxy"
        )
        raise OtherAddressError(what, remedy=remedy)
    return app
