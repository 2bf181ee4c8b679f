"""Groups over HTTP (`docs/reference/okta.md` 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import as_object
from teleport_okta.sandbox.okta.app_views import app_json
from teleport_okta.sandbox.okta.endpoints import Call, Endpoint, Json
from teleport_okta.sandbox.okta.error_bodies import refusal
from teleport_okta.sandbox.okta.filters import ORDER, Field, Kind, compile_filter
from teleport_okta.sandbox.okta.group_views import group_json, stats_json
from teleport_okta.sandbox.okta.messages import Answer, listing
from teleport_okta.sandbox.okta.paging import limit_of, page_by_position, page_of_list
from teleport_okta.sandbox.okta.roles import SEE_ROLES
from teleport_okta.sandbox.okta.user_views import user_json
from teleport_okta.sandbox.okta.users import DEPROVISIONED, User

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from teleport_okta.sandbox.okta.groups import Group

READ, MANAGE = "okta.groups.read", "okta.groups.manage"
MEMBERS = "okta.groups.members.manage"

_TEXT = frozenset({"eq", "sw", "co", "gt", "ge", "lt", "le", "pr"})
_FIELDS: dict[str, Field] = {
    "id": Field(Kind.ID, ORDER),
    "type": Field(Kind.TEXT, _TEXT),
    "created": Field(Kind.DATE, ORDER),
    "lastUpdated": Field(Kind.DATE, ORDER),
    "lastMembershipUpdated": Field(Kind.DATE, ORDER),
    "source.id": Field(Kind.ID, ORDER),
}
_MOST_STATS = 1000
"""The most groups that can be counted in one page; a larger page times out.

See `docs/reference/okta.md` 2.2 and 2.6.
"""

_FILTERABLE = ("id", "type", "lastUpdated", "lastMembershipUpdated")


def list_groups(call: Call) -> Answer:
    """List groups. With ``q``, one page of the groups whose names begin with it, without a link."""
    query, everything = call.query, call.org.groups.all
    wanted = _criteria(query)

    def matches(group: Group) -> bool:
        return wanted(group) and call.sees(group.id)

    if "q" in query:
        limit = limit_of(query, 300, 300)
        first = page_by_position(everything, matches, None, limit)
        return Answer(body=[_listed(call, group) for _, group in first.items])
    limit = limit_of(query, 10000, 10000)
    found: Sequence[Group]
    name = query.get("sortBy")
    if "search" in query and name:
        backwards = query.get("sortOrder", "").lower().startswith("desc")
        groups = [group for group in everything if matches(group)]
        groups.sort(key=lambda group: str(_attribute(group, name) or "").lower(), reverse=backwards)
        page = page_of_list(groups, query.get("after"), limit)
        found, after = page.items, page.after
    else:
        entries = page_by_position(everything, matches, query.get("after"), limit)
        found, after = [group for _, group in entries.items], entries.after
    if query.get("expand") == "stats" and len(found) > _MOST_STATS:
        raise refusal("E0000009")
    return listing(call.request, [_listed(call, group) for group in found], limit, after)


def get_group(call: Call) -> Answer:
    """Return one group."""
    return Answer(body=group_json(_group(call), call.base))


def create_group(call: Call) -> Answer:
    """Create an OKTA_GROUP."""
    return Answer(body=group_json(call.org.groups.create(as_object(call.body().get("profile"))), call.base))


def replace_group(call: Call) -> Answer:
    """Write a group's profile."""
    group = call.org.groups.update(_group(call), as_object(call.body().get("profile")))
    return Answer(body=group_json(group, call.base))


def delete_group(call: Call) -> Answer:
    """Remove a group."""
    group = _group(call)
    call.org.groups.delete(group)
    call.org.assignments.group_deleted(group.id)
    return Answer(204)


def list_members(call: Call) -> Answer:
    """List full users of any status; for Everyone, all users."""
    org, group, query = call.org, _with_members(call), call.query
    limit = limit_of(query, 1000, 1000)
    found: list[User]
    if group.id == org.groups.everyone:
        keep_deactivated = org.settings.everyone_lists_deactivated

        def counts(user: User) -> bool:
            return call.sees(user.id) and (keep_deactivated or user.status != DEPROVISIONED)

        everyone = page_by_position(org.users.all, counts, query.get("after"), limit)
        found, after = [user for _, user in everyone.items], everyone.after
    else:
        members = page_by_position(org.groups.members(group.id), call.sees, query.get("after"), limit)
        found, after = [org.users.require(user_id) for user_id, _ in members.items], members.after
    return listing(
        call.request, [user_json(user, call.base, org.user_kind, full=False) for user in found], limit, after
    )


def add_member(call: Call) -> Answer:
    """Add a member to a group."""
    call.org.groups.add_member(_with_members(call), _member(call))
    return Answer(204)


def remove_member(call: Call) -> Answer:
    """Remove a member of a group."""
    call.org.groups.remove_member(_with_members(call), _member(call))
    return Answer(204)


def list_apps(call: Call) -> Answer:
    """List the apps of a group."""
    org, limit = call.org, limit_of(call.query, 20, 200)
    app_ids = org.assignments.groups.of_group(_group(call).id)
    page = page_by_position(app_ids, call.sees, call.query.get("after"), limit)
    apps = [app_json(org.apps.require(app_id), call.base, org) for app_id, _ in page.items]
    return listing(call.request, apps, limit, page.after)


def _criteria(query: dict[str, str]) -> Callable[[Group], bool]:
    if "q" in query:
        prefix = query["q"].lower()
        return lambda group: group.name.lower().startswith(prefix)
    if "search" in query:
        predicate = compile_filter(query["search"], _searchable)
    elif "filter" in query:
        predicate = compile_filter(query["filter"], lambda name: _FIELDS[name] if name in _FILTERABLE else None)
    else:
        return lambda _: True
    return lambda group: predicate(lambda name: _attribute(group, name))


def _searchable(name: str) -> Field | None:
    return Field(Kind.TEXT, _TEXT) if name.startswith("profile.") else _FIELDS.get(name)


def _attribute(group: Group, name: str) -> object:
    if name.startswith("profile."):
        return group.profile.get(name.removeprefix("profile."))
    values: Json = {
        "id": group.id,
        "type": group.type,
        "created": group.created,
        "lastUpdated": group.last_updated,
        "lastMembershipUpdated": group.last_membership_updated,
        "source.id": group.source_app,
    }
    return values.get(name)


def _listed(call: Call, group: Group) -> Json:
    org = call.org
    embedded: Json | None = None
    match call.query.get("expand"):
        case "stats":
            apps = len(org.assignments.groups.of_group(group.id))
            embedded = {"stats": stats_json(group, call.base, users=_size(call, group), apps=apps)}
        case "app" if group.source_app is not None:
            source = org.apps.all.get(group.source_app)
            embedded = {"app": app_json(source, call.base, org)} if source else None
    return group_json(group, call.base, embedded=embedded)


def _size(call: Call, group: Group) -> int:
    size = call.org.groups.size(group.id)
    if group.id == call.org.groups.everyone and not call.org.settings.everyone_lists_deactivated:
        size -= len(call.org.users.deactivated)
    return size


def _group(call: Call) -> Group:
    group = call.org.groups.require(call.path["id"])
    call.check_sees(group.id)
    return group


def _with_members(call: Call) -> Group:
    """Return the group of a path. Refuses a caller who may not see the members of a group with an admin role."""
    group = _group(call)
    if group.administrative and call.principal is not None and SEE_ROLES not in call.principal.role.permissions:
        raise refusal("E0000006")
    return group


def _member(call: Call) -> User:
    return call.org.users.require(call.path["user"])


ENDPOINTS = (
    Endpoint("GET", "/api/v1/groups", list_groups, READ, (READ,)),
    Endpoint("POST", "/api/v1/groups", create_group, MANAGE, (MANAGE,)),
    Endpoint("GET", "/api/v1/groups/{id}", get_group, READ, (READ,)),
    Endpoint("PUT", "/api/v1/groups/{id}", replace_group, MANAGE, (MANAGE,)),
    Endpoint("DELETE", "/api/v1/groups/{id}", delete_group, MANAGE, (MANAGE,)),
    Endpoint("GET", "/api/v1/groups/{id}/users", list_members, READ, (READ,)),
    Endpoint("PUT", "/api/v1/groups/{id}/users/{user}", add_member, MANAGE, (MEMBERS,)),
    Endpoint("DELETE", "/api/v1/groups/{id}/users/{user}", remove_member, MANAGE, (MEMBERS,)),
    Endpoint("GET", "/api/v1/groups/{id}/apps", list_apps, READ, (READ,)),
)
