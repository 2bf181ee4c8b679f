"""The app through which people sign in: whether it exists, its state, and whether people are assigned to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from teleport_okta.doctor.findings import Section
from teleport_okta.errors import TeleportOktaError
from teleport_okta.okta import needs
from teleport_okta.okta.groups_and_apps import DirectoryReads
from teleport_okta.okta.okta_errors import OktaError
from teleport_okta.okta.saml_apps import SamlApps
from teleport_okta.saml.metadata import read_metadata

if TYPE_CHECKING:
    from collections.abc import Collection

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.okta.client import OktaClient

HERE: Final = Section.OKTA

_ASSIGN: Final = "in Okta: Applications > the app > Assignments > Assign to Groups"


@dataclass(frozen=True, slots=True)
class AppFacts:
    """An app as it was read. `problem` is why it, or its metadata, could not be read."""

    id: str
    app: SamlApp | None = None
    metadata: IdpMetadata | None = None
    problem: str = ""


async def look_at_app(
    client: OktaClient, app_id: str, *, org_hosts: Collection[str], is_configured: bool, is_signed_in_by: bool
) -> tuple[list[Finding], AppFacts]:
    """Read the app, its metadata and its assignments, in at most six calls. Raises OktaError if the app cannot be read.

    `org_hosts` are the hosts that the metadata may name; `is_configured`: the settings name the app, and not only the
    connector's label; `is_signed_in_by`: people sign in by SAML, through this app.
    """
    app = await SamlApps(client).get(app_id)
    if app is None:
        return [without_app(app_id, is_configured=is_configured)], AppFacts(app_id, problem="the app was not found")
    findings = [of_app(app, is_signed_in_by=is_signed_in_by)]
    findings.append(await _assignments(client, app))
    metadata, problem = None, ""
    if app.is_saml:
        try:
            document = await SamlApps(client).metadata(app)
            metadata = read_metadata(document, org_hosts=org_hosts, source=f"the metadata of app {app.id}")
        except TeleportOktaError as error:
            problem = error.what
    return findings, AppFacts(app_id, app, metadata, problem)


def without_app(app_id: str, *, is_configured: bool) -> Finding:
    """Report that an app does not exist; its id is configured, or is a label of the SAML connector."""
    shown = "if it is hidden, add the app to the resource set of our admin role"
    if is_configured:
        what = f"there is no app {app_id!r}, or our admin role does not show it"
        remedy = f"check the app's id (okta.app_id, or app_id of the plugin); {shown}"
    else:
        what = f"there is no app {app_id!r}, which a label of the SAML connector names, or our admin role hides it"
        remedy = f"if it was deleted, delete the connector and enrol again; {shown}"
    return HERE.error("app", what, remedy)


def of_app(app: SamlApp, *, is_signed_in_by: bool = True) -> Finding:
    """Check that people can sign in through an app."""
    check, name = "app", f"{app.label!r} ({app.id})"
    if not app.is_active:
        what = f"{name} is {app.status}: nobody can sign in, and people missing from it do not count as leavers"
        return HERE.error(check, what, "activate the app in the Okta admin console")
    if not app.is_saml:
        what = f"{name} is active, but its sign-on mode is {app.sign_on_mode or 'none'}, not SAML 2.0"
        remedy = "set okta.app_id to the SAML app through which people sign in to Teleport"
        return HERE.warning(check, what, remedy) if is_signed_in_by else HERE.note(check, what, remedy)
    return HERE.ok(check, f"{name} is active, with SAML")


async def _assignments(client: OktaClient, app: SamlApp) -> Finding:
    path = f"{needs.APPS.path}/{quote(app.id, safe='')}/users"
    try:
        people = (await client.first_page(path, {"limit": "1"})).rows
        groups = await DirectoryReads(client).groups_of_app(app.id)
    except OktaError as error:
        return HERE.failed("assignments", error)
    if groups.problem:
        return HERE.unchecked("assignments", groups.problem)
    has_everyone = await _everyone(client) in groups.ids
    return of_assignments(has_people=bool(people), groups=len(groups.ids), has_everyone=has_everyone)


async def _everyone(client: OktaClient) -> str | None:
    """Return the id of the group Everyone, None if we may not see it. It only improves the wording."""
    try:
        return await SamlApps(client).everyone()
    except OktaError:
        return None


def of_assignments(*, has_people: bool, groups: int, has_everyone: bool) -> Finding:
    """Check that people have the app: without it nobody can sign in or becomes a user."""
    check = "assignments"
    by = "the group Everyone" if has_everyone else "1 group" if groups == 1 else f"{groups} groups"
    if has_people:
        return HERE.ok(check, f"people have the app, through {by}" if groups else "people have the app, individually")
    if not groups:
        what = "nobody is assigned to the app, or our admin role hides them: nobody is synced, and nobody can sign in"
        return HERE.warning(
            check, what, f"assign the group Everyone, or a group of the people who use Teleport, {_ASSIGN}"
        )
    what = (
        f"{by} {'have' if by.endswith('s') else 'has'} the app, and Okta lists no people with it: Okta is still "
        "assigning them, the group is empty, or the resource set of our admin role holds no people"
    )
    return HERE.warning(check, what, "run this again in some minutes; then check the group and the resource set")
