"""The JSON of a group (`docs/reference/okta.md` 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.timeline import iso

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.groups import Group

Json = dict[str, object]


def group_json(group: Group, base: str, *, embedded: Json | None = None) -> Json:
    """Return a group with its links, and with the parts in ``expand``."""
    own = f"{base}/api/v1/groups/{group.id}"
    body: Json = {
        "id": group.id,
        "created": iso(group.created),
        "lastUpdated": iso(group.last_updated),
        "lastMembershipUpdated": iso(group.last_membership_updated),
        "objectClass": [group.object_class],
        "type": group.type,
        "profile": group.profile,
    }
    links: Json = {
        "logo": [
            {"name": size, "href": f"{base}/assets/img/logos/groups/okta-{size}.png", "type": "image/png"}
            for size in ("medium", "large")
        ],
        "owners": {"href": f"{own}/owners"},
        "users": {"href": f"{own}/users"},
        "apps": {"href": f"{own}/apps"},
    }
    if group.source_app is not None:
        body["source"] = {"id": group.source_app}
        links["source"] = {"href": f"{base}/api/v1/apps/{group.source_app}"}
    if embedded is not None:
        body["_embedded"] = embedded
    body["_links"] = links
    return body


def stats_json(group: Group, base: str, *, users: int, apps: int) -> Json:
    """Return ``_embedded.stats`` of ``expand=stats``."""
    own = f"{base}/api/v1/groups/{group.id}"
    return {
        "usersCount": users,
        "appsCount": apps,
        "groupPushMappingsCount": 0,
        "hasAdminPrivilege": group.administrative,
        "_links": {"users": {"href": f"{own}/users"}, "apps": {"href": f"{own}/apps"}},
    }
