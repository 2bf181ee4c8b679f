"""Resources, lists and errors as JSON."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.scim.protocol.schemas import ENTERPRISE_URN, GROUP, GROUP_URN, USER, USER_URN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from teleport_okta.scim.calls import Json
    from teleport_okta.scim.protocol.attributes import ResourceType
    from teleport_okta.scim.resources import ScimGroup, ScimUser
    from teleport_okta.scim.scim_errors import ScimError

_MESSAGES: Final = "urn:ietf:params:scim:api:messages:2.0:"


def user_json(user: ScimUser, groups: Sequence[tuple[str, str]], *, base_url: str) -> Json:
    """Return a user as clients see it. `groups`: ids and names of those the user is in; `base_url` ends without slash.

    Okta's test suite wants names and an e-mail of whatever user is listed first. A user
    of whom nothing but the userName is known shows it in their place. Of a user with any other attribute nothing is
    filled in: a client that removes the name has to find it gone.
    """
    content = user.content
    shown: dict[str, Any] = {
        "schemas": [USER_URN, ENTERPRISE_URN] if ENTERPRISE_URN in content.attributes else [USER_URN],
        "id": user.id,
    }
    if content.external_id is not None:
        shown["externalId"] = content.external_id
    shown["meta"] = _meta(USER, user.id, user.created, user.modified, base_url)
    shown["userName"] = content.user_name
    if content.active is not None:
        shown["active"] = content.active
    shown |= content.attributes or _stand_ins(content.user_name)
    if groups:
        shown["groups"] = [
            {"value": group_id, "$ref": f"{base_url}{GROUP.endpoint}/{group_id}", "display": name}
            for group_id, name in groups
        ]
    return shown


def group_json(group: ScimGroup, members: Sequence[str] | None, *, base_url: str) -> Json:
    """Return a group as clients see it; `members` are ids of users, None if they are not to be shown."""
    content = group.content
    shown: dict[str, Any] = {"schemas": [GROUP_URN], "id": group.id}
    if content.external_id is not None:
        shown["externalId"] = content.external_id
    shown["meta"] = _meta(GROUP, group.id, group.created, group.modified, base_url)
    shown["displayName"] = content.display_name
    if members is not None:
        users = f"{base_url}{USER.endpoint}/"
        shown["members"] = [{"value": one, "$ref": users + one, "type": USER.name} for one in members]
    return shown


def list_json(total: int, start_index: int, resources: Sequence[Json]) -> Json:
    """Return one page of a list. `total` counts what matches, on every page; `start_index` is that of this page."""
    return {
        "schemas": [f"{_MESSAGES}ListResponse"],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": list(resources),
    }


def error_json(error: ScimError) -> Json:
    """Return the body of a refusal (RFC 7644 §3.12)."""
    shown: dict[str, Any] = {"schemas": [f"{_MESSAGES}Error"], "status": str(int(error.status))}
    if error.scim_type is not None:
        shown["scimType"] = error.scim_type.value
    shown["detail"] = error.detail
    return shown


def _stand_ins(user_name: str) -> dict[str, Any]:
    return {
        "name": {"givenName": user_name, "familyName": user_name},
        "emails": [{"value": user_name, "type": "work", "primary": True}],
    }


def _meta(
    resource_type: ResourceType, resource_id: str, created: datetime, modified: datetime, base_url: str
) -> dict[str, str]:
    return {
        "resourceType": resource_type.name,
        "created": _time(created),
        "lastModified": _time(modified),
        "location": f"{base_url}{resource_type.endpoint}/{resource_id}",
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
