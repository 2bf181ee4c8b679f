"""Sign-in: whether the SAML connector in Teleport and the app in Okta match.

The connector is read first, because its label may be the only thing that names the app. The rest is compared when both
sides have been read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from teleport_okta.doctor.findings import Section
from teleport_okta.model.labels import APP_ID
from teleport_okta.saml.connectors import is_current
from teleport_okta.saml.metadata import MetadataError, read_metadata
from teleport_okta.teleport.connectors import SamlConnectors
from teleport_okta.teleport.identity_router import IdentityRouter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.doctor.okta_app import AppFacts
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.idp import IdpMetadata, SigningCertificate
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.settings import Settings
    from teleport_okta.teleport.connection import Connection

HERE: Final = Section.SIGN_IN

_APP_KEY: Final = "okta.app_id (or app_id of the plugin)"
_CONNECTOR_KEY: Final = "sync.connector (or sso_connector_id of the plugin)"
_NEW_CERTIFICATE: Final = (
    "in Okta, the app > Sign On > SAML Signing Certificates: generate a new certificate, and activate it; "
)


async def read_connector(reader: Connection, name: str) -> SamlConnector | None:
    """Return the connector of a name; either identity may ask. Raises RpcError."""
    return await SamlConnectors(IdentityRouter(reader, reader)).get(name)


@dataclass(frozen=True, slots=True)
class ConnectorUpdates:
    """Whether a service keeps the connector up to date: one that writes, has a bot, and syncs the people of the app."""

    keeps_apps_connector: bool
    is_running: bool
    has_bot: bool

    @classmethod
    def of(cls, settings: Settings, *, is_running: bool, has_bot: bool) -> ConnectorUpdates:
        """Return it for the settings that apply; `is_running`: a service writes for the organisation."""
        sync = settings.sync
        keeps = sync.source == "saml_app" and not sync.local_users and settings.okta.app_id is not None
        return cls(keeps, is_running=is_running, has_bot=has_bot)

    def missing(self, connector: SamlConnector, app_id: str | None) -> str:
        """Return what to do so that a service keeps a connector up to date; empty if one does."""
        if not self.has_bot:
            return "give the service a bot's identity (teleport.identity): only a bot may write connectors"
        if not self.keeps_apps_connector:
            return "write the app's metadata into it: the service does so only if sync.source is saml_app"
        labelled = connector.labels.get(APP_ID, "")
        if labelled not in {"", app_id}:
            return f"decide first whether the connector belongs to the app {labelled} or to {app_id}"
        if not labelled:
            return _label(connector, app_id or "")
        return "" if self.is_running else "start the service, which corrects that"


@dataclass(frozen=True, slots=True)
class SignIn:
    """All facts about sign-in.

    `facts` are those of the app, None if it was not checked. `org_hosts` are the hosts that metadata may name, empty if
    Okta could not be asked. `proxies` are the known addresses of the cluster's proxy, `roles` the names of all roles
    (None: not read).
    """

    settings: Settings
    connector: SamlConnector | None
    facts: AppFacts | None
    org_hosts: Collection[str]
    proxies: Collection[str]
    roles: Collection[str] | None
    updates: ConnectorUpdates
    is_chosen: bool
    """Whether the file or the plugin names the connector."""


def of_sign_in(found: SignIn, now: datetime) -> Iterator[Finding]:
    """Compare both sides."""
    connector = found.connector
    if connector is None:
        yield _without_connector(found)
        return
    yield HERE.ok("connector", f"{connector.name!r} exists")
    yield from _of_label(found, connector)
    yield from _of_address(found, connector)
    yield from _of_metadata(found, connector, now)
    yield from _of_roles(connector, found.roles)


def _without_connector(found: SignIn) -> Finding:
    name = found.settings.sync.connector
    remedy = f"make it with `teleport-okta enroll`, or set {_CONNECTOR_KEY} to the name of one that exists"
    if found.is_chosen:
        what = f"there is no SAML connector {name!r}: users are made for it, and nobody can sign in"
        return HERE.warning("connector", what, remedy)
    what = f"there is no SAML connector {name!r} yet: people are synced, and can sign in once it exists"
    return HERE.note("connector", what, remedy)


def _label(connector: SamlConnector, app_id: str) -> str:
    which = f"the id of its app, {app_id}" if app_id else "the id of its app"
    return f"give it the label {APP_ID} with {which}: tctl edit saml/{connector.name}"


def _of_label(found: SignIn, connector: SamlConnector) -> Iterator[Finding]:
    """Check the label of the connector that names its app."""
    check, app_id, labelled = "label", found.settings.okta.app_id, connector.labels.get(APP_ID, "")
    if app_id is None:
        if labelled:
            yield HERE.ok(check, f"it belongs to the app {labelled}")
        else:
            what = "it is not labelled with an app, so it cannot be compared with one"
            yield HERE.note(check, what, _label(connector, ""))
        return
    present = None if found.facts is None else found.facts.metadata
    if labelled == app_id:
        yield HERE.ok(check, f"it belongs to the app {app_id}")
    elif not labelled:
        what = f"it is not labelled with the app {app_id}: the service will not keep its metadata up to date"
        yield HERE.warning(check, what, _label(connector, app_id))
    elif present is not None and is_current(connector, present, found.org_hosts):
        what = f"its label names the app {labelled}, and it has the metadata of the configured app, {app_id}"
        yield HERE.warning(check, what, _label(connector, app_id))
    else:
        what = f"it belongs to the app {labelled}, and the configured app is {app_id}"
        remedy = f"set {_APP_KEY} to {labelled}, or {_CONNECTOR_KEY} to the connector of {app_id}"
        yield HERE.error(check, what, remedy)


def _of_address(found: SignIn, connector: SamlConnector) -> Iterator[Finding]:
    """Compare the address to which Okta sends people with that of the connector, and with that of the proxy."""
    check, acs = "address", connector.acs_url
    wrong = _wrong_address(_saml_app(found.facts), connector)
    if wrong:
        remedy = "make them exactly the same: in Okta the single sign-on URL, recipient and destination"
        yield HERE.error(check, wrong, f"{remedy}, or in Teleport `acs` (tctl edit saml/{connector.name})")
    known = [proxy for proxy in found.proxies if proxy]
    if not known:
        yield HERE.unchecked("proxy address", "the cluster does not report the address of its proxy")
    elif all(_authority(acs) != _authority(proxy) for proxy in known):
        what = f"the connector accepts sign-ins at {acs}, and the cluster's proxy is at {', '.join(known)}"
        remedy = "if people cannot reach the proxy there, correct the address in the app and in the connector"
        yield HERE.warning("proxy address", what, remedy)
    elif not wrong:
        yield HERE.ok(check, f"people are sent to {acs}")


def _wrong_address(app: SamlApp | None, connector: SamlConnector) -> str:
    """Return which addresses of the app Teleport refuses; an app of Okta's catalogue may not show them."""
    if app is None:
        return ""
    addresses = {
        "sends people to": app.acs_url,
        "names the recipient": app.recipient,
        "names the destination": app.destination,
    }
    wrong = [f"{verb} {url}" for verb, url in addresses.items() if url not in {None, "", connector.acs_url}]
    if not wrong:
        return ""
    return f"the app {app.label!r} {', '.join(wrong)}; the connector accepts sign-ins only at {connector.acs_url}"


def _of_metadata(found: SignIn, connector: SamlConnector, now: datetime) -> Iterator[Finding]:
    """Compare the metadata, and check the certificates in it."""
    check, facts = "metadata", found.facts
    missing = found.updates.missing(connector, found.settings.okta.app_id)
    if connector.metadata_url:
        what = (
            f"Teleport downloads it from {connector.metadata_url} at every read: if the app is deleted, its listings "
            "lose this connector, and perhaps all others"
        )
        remedy = missing or "the running service replaces the address with the metadata"
        yield HERE.warning(check, what, remedy)
    present = None if facts is None else facts.metadata
    held, problem = _held(found, connector)
    if present is None:
        why = facts.problem if facts is not None and facts.problem else "the app was not checked"
        yield HERE.unchecked(check, why)
    elif connector.metadata_url:
        pass
    elif is_current(connector, present, found.org_hosts):
        yield HERE.ok(check, "it matches the app")
    else:
        what = f"it does not match the app: {problem or _difference(held, present)}"
        if missing:
            yield HERE.error(check, what, missing)
        else:
            yield HERE.note(check, f"{what}; the service that runs mends that within the hour")
    if problem and present is None:
        yield HERE.warning(check, problem, "write the metadata of the app into it")
    is_kept = not replace(found.updates, is_running=True).missing(connector, found.settings.okta.app_id)
    yield from of_certificates(present or held, now, is_kept=is_kept)


def _held(found: SignIn, connector: SamlConnector) -> tuple[IdpMetadata | None, str]:
    """Return the metadata in the connector, or its problem."""
    if not connector.metadata:
        return None, "" if connector.metadata_url else "the connector has none"
    if not found.org_hosts:
        return None, ""
    try:
        return read_metadata(connector.metadata.encode(), org_hosts=found.org_hosts, source="the connector's"), ""
    except MetadataError as error:
        return None, error.what


def _difference(held: IdpMetadata | None, present: IdpMetadata) -> str:
    if held is None:
        return "the connector has none"
    if held.entity_id != present.entity_id:
        return f"it names {held.entity_id}, and the app is {present.entity_id}"
    if {one.fingerprint for one in held.certificates} != {one.fingerprint for one in present.certificates}:
        return "the app signs with another certificate"
    return "people sign in at another address"


def of_certificates(metadata: IdpMetadata | None, now: datetime, *, is_kept: bool) -> Iterator[Finding]:
    """Check the validity of Okta's signing certificates: Teleport stores an expired one, and refuses its signatures.

    `is_kept`: the service takes over a new one by itself.
    """
    if metadata is None:
        return
    check = "certificate"
    remedy = _NEW_CERTIFICATE + (
        "the service takes it over by itself" if is_kept else "then write the app's metadata into the connector"
    )
    expired, later = metadata.expired(now), metadata.not_yet_valid(now)
    useless = {one.fingerprint for one in (*expired, *later)}
    good = [one for one in metadata.certificates if one.fingerprint not in useless]
    for one in expired:
        what = f"{_named(one)} expired on {one.not_after:%Y-%m-%d}"
        if good:
            yield HERE.warning(check, f"{what}; another one is valid", "remove it in Okta")
        else:
            lost = "Teleport does not report it, and refuses its signatures, so nobody can sign in"
            yield HERE.error(check, f"{what}: {lost}", remedy)
    for one in later:
        if not good:
            what = f"{_named(one)} is valid only from {one.not_before:%Y-%m-%d} : nobody can sign in before"
            yield HERE.error(check, what, remedy)
    ending = metadata.expiring(now)
    for one in good:
        until = f"{_named(one)} is valid until {one.not_after:%Y-%m-%d}"
        if one in ending:
            yield HERE.warning(check, f"{until}: from then on nobody can sign in", remedy)
        else:
            yield HERE.ok(check, until)


def _named(certificate: SigningCertificate) -> str:
    return f"the signing certificate {certificate.fingerprint[:12]}…"


def _of_roles(connector: SamlConnector, names: Collection[str] | None) -> Iterator[Finding]:
    """Check that the roles which people get when they sign in exist; templates (`{{external.groups}}`) are skipped."""
    check = "roles"
    if names is None:
        yield HERE.unchecked(check, "the roles of the cluster could not be read")
        return
    given = {role for mapping in connector.role_mappings for role in mapping.roles}
    named = sorted(role for role in given if "{{" not in role and "$" not in role)
    absent = [role for role in named if role not in names]
    for role in absent:
        what = f"it gives the role {role!r}, which does not exist: people with that role cannot sign in, and Teleport "
        remedy = f"create the role, or correct attributes_to_roles (tctl edit saml/{connector.name})"
        yield HERE.error(check, f"{what}accepts no change of the connector", remedy)
    if not absent:
        yield HERE.ok(check, f"it gives {', '.join(named)}" if named else "it gives roles with templates")


def _saml_app(facts: AppFacts | None) -> SamlApp | None:
    return facts.app if facts is not None and facts.app is not None and facts.app.is_saml else None


def _authority(address: str) -> str:
    """Return host and port of an address; empty where it has none."""
    try:
        return urlsplit(address if "://" in address else f"https://{address}").netloc.lower().removesuffix(":443")
    except ValueError:
        return ""
