"""The SAML connector through which Okta's people sign in: its content, and whether an existing one may be used.

Pure. An existing connector of the wanted name is used if its label names its app, as after an enrolment by Teleport's
own integration (`docs/reference/teleport.md` 5.1, 6.4).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.model.connector import RoleMapping, SamlConnector
from teleport_okta.model.labels import APP_ID, OKTA_ORG, OWNER
from teleport_okta.saml.acs import same_address
from teleport_okta.saml.enrolment_errors import (
    DeadAppError,
    DisabledAppError,
    EnrolmentError,
    ForeignConnectorError,
    OtherAddressError,
)
from teleport_okta.saml.metadata import MetadataError, read_metadata
from teleport_okta.saml.request import EVERYONE, GROUPS

if TYPE_CHECKING:
    from collections.abc import Collection

    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.model.saml_app import SamlApp


def new_connector(
    name: str, acs: str, app: SamlApp, metadata: IdpMetadata, *, role: str, org_id: str, org_url: str
) -> SamlConnector:
    """Return the connector to create. It contains the metadata, so that Teleport never has to download it from Okta."""
    return SamlConnector(
        name=name,
        acs_url=acs,
        metadata=metadata.descriptor,
        display="Okta",
        labels={APP_ID: app.id, OKTA_ORG: org_url, OWNER: org_id},
        role_mappings=(_mapping(role),),
    )


def with_metadata(connector: SamlConnector, metadata: IdpMetadata) -> SamlConnector:
    """Return the connector with the app's present metadata and no address to download it from; the rest stays."""
    return replace(connector, metadata=metadata.descriptor, metadata_url="")


def with_role(connector: SamlConnector, role: str) -> SamlConnector:
    """Return the connector with Everyone mapped to this role only; other mappings stay."""
    mappings = connector.role_mappings
    if not any(_is_of_everyone(mapping) for mapping in mappings):
        return replace(connector, role_mappings=(*mappings, _mapping(role)))
    changed = (replace(mapping, roles=(role,)) if _is_of_everyone(mapping) else mapping for mapping in mappings)
    return replace(connector, role_mappings=tuple(changed))


def roles_of_everyone(connector: SamlConnector) -> tuple[str, ...]:
    """Return the roles that a connector gives to members of Everyone."""
    of_everyone = (mapping.roles for mapping in connector.role_mappings if _is_of_everyone(mapping))
    return tuple(dict.fromkeys(role for roles in of_everyone for role in roles))


def _mapping(role: str) -> RoleMapping:
    return RoleMapping(GROUPS, EVERYONE, (role,))


def _is_of_everyone(mapping: RoleMapping) -> bool:
    return mapping.value == EVERYONE


def is_current(connector: SamlConnector, metadata: IdpMetadata, org_hosts: Collection[str]) -> bool:
    """Whether a connector contains the app's present metadata, and not an address to download it from."""
    if connector.metadata_url:
        return False
    try:
        held = read_metadata(
            connector.metadata.encode(), org_hosts=org_hosts, source=f"SAML connector {connector.name!r}"
        )
    except MetadataError:
        return False
    return held.digest == metadata.digest


def is_whole(connector: SamlConnector, metadata: IdpMetadata, role: str, org_hosts: Collection[str]) -> bool:
    """Whether a connector needs no change; `role` is the wanted role of Everyone, empty to keep the mappings."""
    gives = not role or roles_of_everyone(connector) == (role,)
    return gives and is_current(connector, metadata, org_hosts)


def roles_mapped(connector: SamlConnector) -> tuple[str, ...]:
    """Return the roles that a connector gives by name; templates such as `{{external.groups}}` are skipped."""
    roles = (role for mapping in connector.role_mappings for role in mapping.roles)
    return tuple(dict.fromkeys(role for role in roles if "{{" not in role and "$" not in role))


def app_id_of(connector: SamlConnector) -> str:
    """Return the app that a connector's label names. Raises ForeignConnectorError without that label."""
    app_id = connector.labels.get(APP_ID, "")
    if not app_id:
        what = f"a SAML connector {connector.name!r} exists already, and no label of it names an Okta app"
        remedy = (
            f"choose another name with --connector; or, if it belongs to an app of this organisation, give it the "
            f"label {APP_ID} with the app's id (tctl edit saml/{connector.name})"
        )
        raise ForeignConnectorError(what, remedy=remedy)
    return app_id


def check_address(connector: SamlConnector, url: str) -> None:
    """Raise OtherAddressError unless a connector accepts sign-ins at this address of the proxy."""
    if not same_address(connector.acs_url, url):
        what = f"SAML connector {connector.name!r} accepts sign-ins at {connector.acs_url}, and not at {url}"
        remedy = (
            "if people reach the proxy there, give its address with --proxy; otherwise correct `acs` of the connector "
            "and the addresses of its app in Okta, or choose another name with --connector"
        )
        raise OtherAddressError(what, remedy=remedy)


def missing_app(app_id: str, connector: SamlConnector | None, *, org_url: str) -> EnrolmentError:
    """Return the error for an app that is not in Okta; `connector` is the one whose label names it."""
    if connector is None:
        what = f"the app {app_id} is not in Okta, or our admin role does not show it"
        return DeadAppError(what, remedy="check the id; if the app is hidden, add it to the resource set of the role")
    name, org = connector.name, connector.labels.get(OKTA_ORG, "")
    if org and not same_address(org.rstrip("/"), org_url.rstrip("/")):
        what = f"SAML connector {name!r} belongs to an app of another organisation, {org}"
        return ForeignConnectorError(what, remedy="choose another name with --connector")
    what = f"the app {app_id}, which a label of SAML connector {name!r} names, is not in Okta, or our role hides it"
    remedy = (
        f"if it was deleted, delete the connector (tctl rm saml/{name}) and enrol again; if it is hidden, add it to "
        "the resource set of the admin role"
    )
    return DeadAppError(what, remedy=remedy)


def check_app(app: SamlApp, acs: str, *, connector: str = "") -> None:
    """Raise an error unless people can sign in with this app, through a connector that accepts sign-ins at `acs`.

    `connector` is the name of an existing one. Raises DisabledAppError, OtherAddressError, or EnrolmentError for an app
    without SAML.
    """
    shown = f"the app {app.label!r} ({app.id})"
    if not app.is_saml:
        raise EnrolmentError(f"{shown} is not a SAML 2.0 app", remedy="use another one, or let `enroll` create one")
    if not app.is_active:
        what = f"{shown} is deactivated in Okta, so nobody can sign in"
        raise DisabledAppError(what, remedy="activate it: Applications > the app > Inactive > Activate")
    if app.acs_url != acs:
        what = f"{shown} sends people to {app.acs_url or 'nowhere'}, not to {acs}"
        other_way = (
            f"or `acs` of the connector (tctl edit saml/{connector})"
            if connector
            else "or, if the cluster's proxy has another address, give it with --proxy"
        )
        remedy = (
            "correct the single sign-on URL, the recipient, the destination and the audience of the app in Okta, "
            f"exactly; {other_way}"
        )
        raise OtherAddressError(what, remedy=remedy)
    for name, value in (("recipient", app.recipient), ("destination", app.destination)):
        if value not in {None, "", acs}:
            what = f"{shown} puts the {name} {value} into assertions for {acs}, and Teleport refuses them"
            raise OtherAddressError(
                what, remedy=f"correct the {name} of the app in Okta: the same as the single sign-on URL"
            )


def check_audience(app: SamlApp) -> None:
    """Raise OtherAddressError unless the audience of an app is the connector that will be made for it."""
    if app.audience not in {None, "", app.acs_url}:
        what = f"the app {app.label!r} ({app.id}) has the audience {app.audience}, not {app.acs_url}"
        raise OtherAddressError(
            what, remedy="correct the audience of the app in Okta: the same as the single sign-on URL"
        )
