"""Digests: a short name for content, the same on every machine, with no times in it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportMember, TeleportUserGroup
from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.model.teleport import TeleportLock, TeleportRole, TeleportUser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.plan.changes import Change, Content

_LENGTH = 16

_as_json = json.JSONEncoder(ensure_ascii=False).encode
_as_canonical_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def content_digest(content: Content | None) -> str:
    """Return a digest of what an object says, revision and times aside; empty for no object."""
    if content is None:
        return ""
    return hashlib.sha256(_canonical(content)).hexdigest()[:_LENGTH]


def plan_digest(changes: Iterable[Change]) -> str:
    """Return the digest of an ordered list of changes: what is done to which object, from which content to which."""
    total = hashlib.sha256()
    for change in changes:
        head: list[object] = [change.action, change.kind, change.name, change.subject, change.okta_id, change.reason]
        if change.needs:
            head.append([[need.goal, need.kind, need.name, need.okta_id] for need in change.needs])
        if change.members:
            head.append([[need.name, need.okta_id] for need in change.members])
        total.update(_as_json(head).encode())
        for content in (change.found, change.content):
            total.update(b"\x00" if content is None else _canonical(content))
        total.update(b"\n")
    return total.hexdigest()[:_LENGTH]


def _canonical(content: Content) -> bytes:
    fields = {**_fields(content), "name": content.name, "labels": dict(content.labels)}
    return _as_canonical_json(fields).encode()


def _fields(content: Content) -> dict[str, object]:
    fields: dict[str, object] = {}
    match content:
        case TeleportUser():
            fields = {
                "roles": content.roles,
                "traits": content.traits,
                "expires": content.expires is not None,
                "connector": content.connector and [content.connector.type, content.connector.id],
            }
        case TeleportLock():
            fields = {"user": content.user, "message": content.message, "for ever": content.expires is None}
        case TeleportRole(allow=allow) if allow is not None:
            fields = {"allow": [allow.app_labels, allow.group_labels, allow.review]}
        case TeleportUserGroup():
            fields = {"applications": content.applications}
        case TeleportAppServer():
            fields = {"uri": content.uri, "description": content.description, "groups": content.user_groups}
        case TeleportAccessList():
            fields = {
                "title": content.title,
                "description": content.description,
                "owners": [[owner.name, owner.is_list] for owner in content.owners],
                "grants": [content.grants, content.owner_grants],
            }
        case DirectRole():
            fields = {"role": content.role}
        case TeleportMember():
            fields = {"list": content.is_list, "expires": content.expires is not None}
    return fields
