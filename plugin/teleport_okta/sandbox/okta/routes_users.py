"""Users over HTTP (`docs/reference/okta.md` 3.1 and 3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import as_object
from teleport_okta.sandbox.okta.app_views import app_links_json
from teleport_okta.sandbox.okta.endpoints import Call, Endpoint, Json
from teleport_okta.sandbox.okta.error_bodies import not_found
from teleport_okta.sandbox.okta.group_views import group_json
from teleport_okta.sandbox.okta.messages import Answer, listing
from teleport_okta.sandbox.okta.paging import limit_of, page_by_id, page_of_list
from teleport_okta.sandbox.okta.user_search import criteria, sort_key
from teleport_okta.sandbox.okta.user_views import Omissions, project, user_json
from teleport_okta.sandbox.okta.users import User, Users

if TYPE_CHECKING:
    from collections.abc import Callable

READ, MANAGE = "okta.users.read", "okta.users.manage"

_MAIL_ACTIONS = {"activate": "activation", "reactivate": "activation", "reset_password": "resetPassword"}


def list_users(call: Call) -> Answer:
    """List by one criterion: none, ``filter``, ``search`` (from the index) or ``q`` (one short page)."""
    org, query = call.org, call.query
    wanted = criteria(query, org.user_attributes)
    prefix_only = "q" in query and "search" not in query and "filter" not in query
    limit = limit_of(query, 10 if prefix_only else 200, 200)
    source = org.search_index.users if "search" in query else org.users.all

    def matches(user: User) -> bool:
        return wanted(user) and call.sees(user.id)

    key = sort_key(query, org.user_attributes) if "search" in query else None
    if key is not None:
        backwards = query.get("sortOrder", "").lower().startswith("desc")
        found = sorted((user for user in source if matches(user)), key=key, reverse=backwards)
        page = page_of_list(found, query.get("after"), limit)
        return listing(call.request, [_listed(call, user) for user in page.items], limit, page.after)
    entries = page_by_id(source, matches, query.get("after"), limit)
    after = None if prefix_only else entries.after
    return listing(call.request, [_listed(call, user) for _, user in entries.items], limit, after)


def get_user(call: Call) -> Answer:
    """Return one user by id or login; ``me`` is the owner of an SSWS token."""
    return Answer(body=user_json(_user(call), call.base, call.org.user_kind, full=True, omit=_omissions(call)))


def create_user(call: Call) -> Answer:
    """Create a user in the groups of ``groupIds``."""
    org, body = call.org, call.body()
    groups = [org.groups.require(str(group_id)) for group_id in _list(body.get("groupIds"))]
    user = org.users.create(
        as_object(body.get("profile")), activate=call.flag("activate", default=True), password=_has_password(body)
    )
    for group in groups:
        org.groups.add_member(group, user)
    return Answer(body=user_json(user, call.base, org.user_kind, full=True))


def update_user(call: Call) -> Answer:
    """Change the given attributes."""
    user, body = _user(call), call.body()
    return _write(call, user, {**user.profile, **as_object(body.get("profile"))}, body)


def replace_user(call: Call) -> Answer:
    """Replace the whole profile: missing attributes are cleared."""
    body = call.body()
    empty = {"mobilePhone": None, "secondEmail": None}
    return _write(call, _user(call), empty | as_object(body.get("profile")), body)


def delete_user(call: Call) -> Answer:
    """Deactivate a user, or delete a deactivated one."""
    call.org.users.delete(_user(call))
    return Answer(204)


def list_groups(call: Call) -> Answer:
    """Return a user's groups, including Everyone."""
    user = _user(call)
    groups = [group for group in call.org.groups.of_user(user.id) if call.sees(group.id)]
    limit = limit_of(call.query, 200, 200)
    page = page_of_list(groups, call.query.get("after"), limit)
    return listing(call.request, [group_json(group, call.base) for group in page.items], limit, page.after)


def list_app_links(call: Call) -> Answer:
    """Return the links that the user can launch, of direct and group assignments."""
    user = _user(call)
    links = [
        entry
        for app, assignment in call.org.assignments.apps_of_user(user.id)
        if call.sees(app.id)
        for entry in app_links_json(app, assignment, user, call.base)
    ]
    return Answer(body=links)


def clear_sessions(call: Call) -> Answer:
    """End all sessions of a user. There are none."""
    call.org.user_events.sessions_cleared(_user(call))
    return Answer(204)


def _lifecycle(action: str, change: Callable[[Users, User], object]) -> Endpoint:
    def handler(call: Call) -> Answer:
        user = change(call.org.users, _user(call))
        if action == "reactivate" and isinstance(user, User):
            call.org.user_events.reactivated(user)
        if action in _MAIL_ACTIONS and not call.flag("sendEmail", default=True):
            return Answer(body=_link(call, _MAIL_ACTIONS[action]))
        if action == "expire_password" and isinstance(user, User):
            return Answer(body=user_json(user, call.base, call.org.user_kind, full=True))
        return Answer(body={})

    return Endpoint("POST", f"/api/v1/users/{{id}}/lifecycle/{action}", handler, MANAGE, (MANAGE,))


def _link(call: Call, name: str) -> Json:
    token = call.org.ids.secret(20)
    if name == "resetPassword":
        return {"resetPasswordUrl": f"{call.base}/reset_password/{token}"}
    return {"activationUrl": f"{call.base}/welcome/{token}", "activationToken": token}


def _write(call: Call, user: User, profile: Json, body: Json) -> Answer:
    user = call.org.users.update(user, profile)
    if _has_password(body):
        user = call.org.users.set_password(user)
    return Answer(body=user_json(user, call.base, call.org.user_kind, full=True))


def _user(call: Call) -> User:
    name = call.path["id"]
    if name == "me":
        owner = call.principal.user_id if call.principal else None
        if owner is None:
            raise not_found("me", "User")
        name = owner
    user = call.org.users.require(name)
    call.check_sees(user.id)
    return user


def _listed(call: Call, user: User) -> Json:
    body = user_json(user, call.base, call.org.user_kind, full=False, omit=_omissions(call))
    return project(body, call.query.get("fields"))


def _omissions(call: Call) -> Omissions:
    return Omissions.asked_by(call.request.headers.get("Content-Type", ""))


def _has_password(body: Json) -> bool:
    return bool(as_object(body.get("credentials")).get("password"))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


ENDPOINTS = (
    Endpoint("GET", "/api/v1/users", list_users, READ, (READ,)),
    Endpoint("POST", "/api/v1/users", create_user, MANAGE, (MANAGE,)),
    Endpoint("GET", "/api/v1/users/{id}", get_user, READ, (READ,)),
    Endpoint("POST", "/api/v1/users/{id}", update_user, MANAGE, (MANAGE,)),
    Endpoint("PUT", "/api/v1/users/{id}", replace_user, MANAGE, (MANAGE,)),
    Endpoint("DELETE", "/api/v1/users/{id}", delete_user, MANAGE, (MANAGE,)),
    Endpoint("GET", "/api/v1/users/{id}/groups", list_groups, READ, (READ,)),
    Endpoint("GET", "/api/v1/users/{id}/appLinks", list_app_links, READ, (READ,)),
    Endpoint("DELETE", "/api/v1/users/{id}/sessions", clear_sessions, MANAGE, (MANAGE,)),
    _lifecycle("activate", Users.activate),
    _lifecycle("reactivate", Users.reactivate),
    _lifecycle("deactivate", Users.deactivate),
    _lifecycle("suspend", Users.suspend),
    _lifecycle("unsuspend", Users.unsuspend),
    _lifecycle("unlock", Users.unlock),
    _lifecycle("expire_password", Users.expire_password),
    _lifecycle("reset_password", Users.reset_password),
    _lifecycle("reset_factors", lambda _, user: user),
)
