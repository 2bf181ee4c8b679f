"""The JSON of apps, their users and their groups (`docs/reference/okta.md` 3.3 to 3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import ACCESSIBILITY, Json, as_object
from teleport_okta.sandbox.okta.app_kinds import SAML
from teleport_okta.sandbox.okta.apps import ACTIVE, App
from teleport_okta.sandbox.okta.timeline import iso

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.app_groups import AppGroup
    from teleport_okta.sandbox.okta.assignments import AppUser
    from teleport_okta.sandbox.okta.groups import Group
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.okta.users import User

_CLIENT_SECRETS = {"private_key_jwt": "jwks", "client_secret_basic": "secrets", "client_secret_post": "secrets"}
"""The field of an OAuth client's secrets, by its method of authentication."""

_LOGO = "/assets/img/logos/default.png"


def app_json(app: App, base: str, org: OktaOrganization) -> Json:
    """Return an app with its links."""
    return {
        "id": app.id,
        "orn": f"orn:okta:idp:{org.id}:apps:{app.name}:{app.id}",
        "name": app.name,
        "label": app.label,
        "status": app.status,
        "lastUpdated": iso(app.last_updated),
        "created": iso(app.created),
        "accessibility": ACCESSIBILITY,
        "visibility": app.visibility,
        "features": app.features,
        "signOnMode": app.sign_on_mode,
        "credentials": app.credentials,
        "universalLogout": app.universal_logout,
        "settings": app.settings,
        "_links": _links(app, base, org),
    }


def _links(app: App, base: str, org: OktaOrganization) -> Json:
    own = f"{base}/api/v1/apps/{app.id}"
    enrolment, access = org.apps.policies
    links: Json = {}
    if app.sign_on_mode == SAML:
        guide = f"{_admin(base)}/app/{app.name}/{app.id}/setup/help/SAML_2_0/instructions"
        links["help"] = {"href": guide, "type": "text/html"}
        links["metadata"] = {"href": f"{own}/sso/saml/metadata", "type": "application/xml"}
    links |= {
        "uploadLogo": {"href": f"{own}/logo", "hints": {"allow": ["POST"]}},
        "appLinks": [
            {"name": name, "href": f"{base}/home/{app.name}/{app.id}/{link_id}", "type": "text/html"}
            for name, link_id in org.apps.links_of(app)
        ],
        "profileEnrollment": {"href": f"{base}/api/v1/policies/{enrolment}"},
    }
    if app.status != ACTIVE:
        links["activate"] = {"href": f"{own}/lifecycle/activate"}
    links |= {
        "policies": {"href": f"{own}/policies", "hints": {"allow": ["PUT"]}},
        "groups": {"href": f"{own}/groups"},
        "logo": [{"name": "medium", "href": base + _LOGO, "type": "image/png"}],
    }
    secret = _CLIENT_SECRETS.get(str(as_object(app.credentials.get("oauthClient")).get("token_endpoint_auth_method")))
    if secret is not None:
        links["clientCredentials"] = [{"name": secret, "href": f"{own}/credentials/{secret}"}]
    links |= {
        "accessPolicy": {"href": f"{base}/api/v1/policies/{access}"},
        "users": {"href": f"{own}/users"},
    }
    if app.status == ACTIVE:
        links["deactivate"] = {"href": f"{own}/lifecycle/deactivate"}
    return links


def app_user_json(
    app: App, entry: AppUser, base: str, *, group: Group | None = None, embedded: Json | None = None
) -> Json:
    """Return an assignment: with `group` if a group grants it, and with the user if `embedded`."""
    links: Json = {
        "app": {"href": f"{base}/api/v1/apps/{app.id}"},
        "user": {"href": f"{base}/api/v1/users/{entry.user_id}"},
    }
    if group is not None:
        links["group"] = {"name": group.name, "href": f"{base}/api/v1/groups/{group.id}"}
    body: Json = {
        "id": entry.user_id,
        "externalId": entry.external_id,
        "created": iso(entry.created),
        "lastUpdated": iso(entry.last_updated),
        "scope": entry.scope,
        "status": entry.status,
        "statusChanged": iso(entry.status_changed),
        "passwordChanged": None,
        "syncState": entry.sync_state,
    }
    if entry.last_sync is not None:
        body["lastSync"] = iso(entry.last_sync)
    body |= {
        "credentials": {"userName": entry.user_name},
        "profile": entry.profile,
    }
    if embedded is not None:
        body["_embedded"] = {"user": embedded}
    body["_links"] = links
    return body


def app_group_json(app_id: str, entry: AppGroup, base: str, *, embedded: Json | None = None) -> Json:
    """Return the assignment of a group to an app, with the group if `embedded`."""
    app = f"{base}/api/v1/apps/{app_id}"
    body: Json = {
        "id": entry.group_id,
        "lastUpdated": iso(entry.last_updated),
        "priority": entry.priority,
        "profile": entry.profile,
    }
    if embedded is not None:
        body["_embedded"] = {"group": embedded}
    body["_links"] = {
        "app": {"href": app},
        "self": {"href": f"{app}/groups/{entry.group_id}"},
        "group": {"href": f"{base}/api/v1/groups/{entry.group_id}"},
    }
    return body


def app_links_json(app: App, entry: AppUser, user: User, base: str) -> list[Json]:
    """Return the entries of an app on the user's dashboard: one for each shown link."""
    hide = app.visibility["hide"]
    if not isinstance(hide, dict) or hide["web"] or app.status != ACTIVE:
        return []
    return [
        {
            "id": user.id,
            "label": app.label,
            "linkUrl": f"{base}/home/{app.name}/{app.id}/{link_id}",
            "logoUrl": base + _LOGO,
            "appName": app.name,
            "appInstanceId": app.id,
            "appAssignmentId": entry.assignment_id,
            "credentialsSetup": False,
            "hidden": False,
            "sortOrder": order,
        }
        for order, (_, link_id) in enumerate(app.shown_links)
    ]


def _admin(base: str) -> str:
    """Return the console's host: ``{org}-admin`` if the host has a name (`docs/reference/okta.md` 2.1)."""
    scheme, _, host = base.partition("://")
    first, dot, rest = host.partition(".")
    return base if not dot or first.isdigit() else f"{scheme}://{first}-admin.{rest}"
