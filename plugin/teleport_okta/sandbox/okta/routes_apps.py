"""Apps over HTTP (`docs/reference/okta.md` 3.3 and 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import as_object
from teleport_okta.sandbox.okta.app_views import app_json, app_user_json
from teleport_okta.sandbox.okta.endpoints import Call, Endpoint, Json
from teleport_okta.sandbox.okta.error_bodies import invalid
from teleport_okta.sandbox.okta.filters import EQUAL, Field, Kind, compile_filter, equalities
from teleport_okta.sandbox.okta.messages import Answer, listing
from teleport_okta.sandbox.okta.paging import limit_of, page_by_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.sandbox.okta.apps import App

READ, MANAGE = "okta.apps.read", "okta.apps.manage"

_FIELDS: dict[str, Field] = {
    "id": Field(Kind.ID, EQUAL),
    "status": Field(Kind.TEXT, EQUAL),
    "name": Field(Kind.TEXT, EQUAL),
    "credentials.signing.kid": Field(Kind.ID, EQUAL),
    "settings.slo.enabled": Field(Kind.TEXT, EQUAL),
    "user.id": Field(Kind.ID, EQUAL),
    "group.id": Field(Kind.ID, EQUAL),
}


def list_apps(call: Call) -> Answer:
    """List apps, including Okta's own; ``q`` is a prefix of name or label."""
    query = call.query
    wanted = _criteria(call)
    limit = limit_of(query, 20, 200)

    def matches(app: App) -> bool:
        return wanted(app) and call.sees(app.id)

    page = page_by_id(call.org.apps.all, matches, query.get("after"), limit)
    return listing(call.request, [_listed(call, app) for _, app in page.items], limit, page.after)


def get_app(call: Call) -> Answer:
    """Return one app."""
    return Answer(body=app_json(app_of(call), call.base, call.org))


def create_app(call: Call) -> Answer:
    """Create an app of one of the kinds in ``app_kinds``. The role must have all apps: the new one has no id yet.

    In the answer, only a SAML app has its universal logout.
    """
    call.check_sees_all("0oa")
    app = call.org.apps.create(call.body(), activate=call.flag("activate", default=True))
    body = app_json(app, call.base, call.org)
    return Answer(body=body if app.is_saml else body | {"universalLogout": None})


def activate_app(call: Call) -> Answer:
    """Activate."""
    call.org.activate_app(app_of(call).id)
    return Answer(body={})


def deactivate_app(call: Call) -> Answer:
    """Deactivate."""
    call.org.deactivate_app(app_of(call).id)
    return Answer(body={})


def delete_app(call: Call) -> Answer:
    """Remove an inactive app with its assignments."""
    app = app_of(call)
    call.org.apps.delete(app)
    call.org.assignments.app_deleted(app.id)
    return Answer(204)


def app_of(call: Call) -> App:
    """Return the app that a path names."""
    app = call.org.apps.require(call.path["id"])
    call.check_sees(app.id)
    return app


def _criteria(call: Call) -> Callable[[App], bool]:
    query, org = call.query, call.org
    tests: list[Callable[[App], bool]] = []
    if "filter" in query:
        predicate = compile_filter(query["filter"], _FIELDS.get)
        assigned = equalities(query["filter"])
        user_id, group_id = assigned.get("user.id"), assigned.get("group.id")

        def attribute(app: App, name: str) -> object:
            match name:
                case "user.id":
                    return user_id if user_id and org.assignments.find(app.id, user_id) else None
                case "group.id":
                    return group_id if group_id and org.assignments.groups.get(app.id, group_id) else None
                case _:
                    return _attribute(app, name)

        tests.append(lambda app: predicate(lambda name: attribute(app, name)))
    if query.get("q"):
        prefix = query["q"].lower()
        tests.append(lambda app: app.name.lower().startswith(prefix) or app.label.lower().startswith(prefix))
    return lambda app: all(test(app) for test in tests)


def _attribute(app: App, name: str) -> object:
    values: Json = {
        "id": app.id,
        "status": app.status,
        "name": app.name,
        "credentials.signing.kid": app.kid,
        "settings.slo.enabled": as_object(as_object(app.settings.get("signOn")).get("slo")).get("enabled"),
    }
    return values.get(name)


def _listed(call: Call, app: App) -> Json:
    body = app_json(app, call.base, call.org)
    kind, _, user_id = call.query.get("expand", "").partition("/")
    if kind != "user":
        return body
    if equalities(call.query.get("filter", "")).get("user.id") != user_id:
        raise invalid("expand", "expand: The user must be the one of the filter user.id")
    entry = call.org.assignments.require(app.id, user_id)
    return body | {"_embedded": {"user": app_user_json(app, entry, call.base)}}


ENDPOINTS = (
    Endpoint("GET", "/api/v1/apps", list_apps, READ, (READ,)),
    Endpoint("POST", "/api/v1/apps", create_app, MANAGE, (MANAGE,)),
    Endpoint("GET", "/api/v1/apps/{id}", get_app, READ, (READ,)),
    Endpoint("DELETE", "/api/v1/apps/{id}", delete_app, MANAGE, (MANAGE,)),
    Endpoint("POST", "/api/v1/apps/{id}/lifecycle/activate", activate_app, MANAGE, (MANAGE,)),
    Endpoint("POST", "/api/v1/apps/{id}/lifecycle/deactivate", deactivate_app, MANAGE, (MANAGE,)),
)
