"""An app's users and groups over HTTP (`docs/reference/okta.md` 3.4 and 3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import as_object
from teleport_okta.sandbox.okta.app_views import app_group_json, app_user_json
from teleport_okta.sandbox.okta.assignments import BY_GROUP, AppUser
from teleport_okta.sandbox.okta.endpoints import Call, Endpoint, Json
from teleport_okta.sandbox.okta.error_bodies import blank, invalid, not_found
from teleport_okta.sandbox.okta.group_views import group_json
from teleport_okta.sandbox.okta.messages import Answer, listing
from teleport_okta.sandbox.okta.paging import limit_of, page_by_position, page_of_list
from teleport_okta.sandbox.okta.routes_apps import MANAGE, READ, app_of
from teleport_okta.sandbox.okta.user_views import user_json

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.users import User

ASSIGN_USERS = ("okta.users.appAssignment.manage", "okta.apps.assignment.manage")
ASSIGN_GROUPS = ("okta.groups.appAssignment.manage", "okta.apps.assignment.manage")


def list_users(call: Call) -> Answer:
    """List an app's users; ``q`` is a prefix of the user name or of the person's names and address."""
    app = app_of(call)
    limit = limit_of(call.query, 50, 500)
    prefix = call.query.get("q", "").lower()

    def matches(entry: AppUser) -> bool:
        return call.sees(entry.user_id) and (not prefix or _begins(call, entry, prefix))

    page = page_by_position(call.org.assignments.users_of(app.id), matches, call.query.get("after"), limit)
    return listing(call.request, [_app_user(call, app, entry) for _, entry in page.items], limit, page.after)


def get_user(call: Call) -> Answer:
    """Return one assignment."""
    app = app_of(call)
    call.check_sees(call.path["user"])
    return Answer(body=_app_user(call, app, call.org.assignments.require(app.id, call.path["user"])))


def assign_user(call: Call) -> Answer:
    """Assign a user directly."""
    app, body = app_of(call), call.body()
    user_id = body.get("id")
    if not isinstance(user_id, str) or not user_id:
        raise blank("id")
    entry = call.org.assignments.assign(app, _user(call, user_id), _user_name(body), _profile(body))
    return Answer(body=_app_user(call, app, entry))


def update_user(call: Call) -> Answer:
    """Change the user name or attributes of an assignment, or make it a direct one."""
    app, body = app_of(call), call.body()
    call.org.assignments.require(app.id, call.path["user"])
    user = _user(call, call.path["user"])
    scope = body.get("scope")
    entry = call.org.assignments.update(
        app, user, _user_name(body), _profile(body), scope if isinstance(scope, str) else None
    )
    return Answer(body=_app_user(call, app, entry))


def unassign_user(call: Call) -> Answer:
    """Remove an assignment."""
    app = app_of(call)
    call.org.assignments.require(app.id, call.path["user"])
    call.org.assignments.unassign(app, _user(call, call.path["user"]))
    return Answer(204)


def list_groups(call: Call) -> Answer:
    """List an app's groups by priority."""
    app = app_of(call)
    limit = limit_of(call.query, 20, 200)
    entries = call.org.assignments.groups.of_app(app.id)
    page = page_of_list(entries, call.query.get("after"), limit, lambda entry: call.sees(entry.group_id))
    expanded = call.query.get("expand") == "group"
    items = []
    for entry in page.items:
        embedded = group_json(call.org.groups.require(entry.group_id), call.base) if expanded else None
        items.append(app_group_json(app.id, entry, call.base, embedded=embedded))
    return listing(call.request, items, limit, page.after)


def get_group(call: Call) -> Answer:
    """Return one group's assignment."""
    app = app_of(call)
    call.check_sees(call.path["group"])
    entry = call.org.assignments.groups.get(app.id, call.path["group"])
    if entry is None:
        raise not_found(call.path["group"], "ApplicationGroupAssignment")
    return Answer(body=app_group_json(app.id, entry, call.base))


def assign_group(call: Call) -> Answer:
    """Assign a group; nothing changes if it is assigned."""
    app, body = app_of(call), call.body()
    group = call.org.groups.require(call.path["group"])
    call.check_sees(group.id)
    priority = body.get("priority")
    if priority is not None and (not isinstance(priority, int) or priority < 0):
        raise invalid("priority", "priority: The value must be a number that is not negative")
    entry = call.org.assignments.put_group(app, group, priority, _profile(body))
    return Answer(body=app_group_json(app.id, entry, call.base))


def unassign_group(call: Call) -> Answer:
    """Remove a group's assignment."""
    app = app_of(call)
    call.check_sees(call.path["group"])
    call.org.assignments.remove_group(app.id, call.path["group"])
    return Answer(204)


def _app_user(call: Call, app: App, entry: AppUser) -> Json:
    org = call.org
    granting = org.assignments.granting_group(app.id, entry.user_id) if entry.scope == BY_GROUP else None
    embedded = None
    if call.query.get("expand") == "user":
        embedded = user_json(org.users.require(entry.user_id), call.base, org.user_kind, full=False)
    return app_user_json(app, entry, call.base, group=granting, embedded=embedded)


def _begins(call: Call, entry: AppUser, prefix: str) -> bool:
    profile = call.org.users.require(entry.user_id).profile
    texts = [entry.user_name, *(str(profile.get(name) or "") for name in ("firstName", "lastName", "email"))]
    return any(text.lower().startswith(prefix) for text in texts)


def _user(call: Call, user_id: str) -> User:
    user = call.org.users.require(user_id)
    call.check_sees(user.id)
    return user


def _user_name(body: Json) -> str | None:
    name = as_object(body.get("credentials")).get("userName")
    return name if isinstance(name, str) else None


def _profile(body: Json) -> Json | None:
    return as_object(body["profile"]) if body.get("profile") is not None else None


_ONE = "/api/v1/apps/{id}/users/{user}"
_ONE_GROUP = "/api/v1/apps/{id}/groups/{group}"
ENDPOINTS = (
    Endpoint("GET", "/api/v1/apps/{id}/users", list_users, READ, (READ,)),
    Endpoint("POST", "/api/v1/apps/{id}/users", assign_user, MANAGE, ASSIGN_USERS),
    Endpoint("GET", _ONE, get_user, READ, (READ,)),
    Endpoint("POST", _ONE, update_user, MANAGE, ASSIGN_USERS),
    Endpoint("DELETE", _ONE, unassign_user, MANAGE, ASSIGN_USERS),
    Endpoint("GET", "/api/v1/apps/{id}/groups", list_groups, READ, (READ,)),
    Endpoint("GET", _ONE_GROUP, get_group, READ, (READ,)),
    Endpoint("PUT", _ONE_GROUP, assign_group, MANAGE, ASSIGN_GROUPS),
    Endpoint("DELETE", _ONE_GROUP, unassign_group, MANAGE, ASSIGN_GROUPS),
)
