"""Digests: a short name for content, the same on every machine, with no times in it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from teleport_okta.model.teleport import TeleportLock, TeleportUser

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.plan.changes import Change

_LENGTH = 16


def content_digest(content: TeleportUser | TeleportLock | None) -> str:
    """Return a digest of what an object says, revision and times aside; empty for no object."""
    if content is None:
        return ""
    return hashlib.sha256(_canonical(content)).hexdigest()[:_LENGTH]


def plan_digest(changes: Iterable[Change]) -> str:
    """Return the digest of an ordered list of changes: what is done to which object, from which content to which."""
    total = hashlib.sha256()
    for change in changes:
        head = [change.action, change.kind, change.name, change.subject, change.okta_id, change.reason, change.after]
        total.update(json.dumps(head, ensure_ascii=False).encode())
        for content in (change.found, change.user, change.lock):
            total.update(b"\x00" if content is None else _canonical(content))
        total.update(b"\n")
    return total.hexdigest()[:_LENGTH]


def _canonical(content: TeleportUser | TeleportLock) -> bytes:
    if isinstance(content, TeleportUser):
        fields: dict[str, object] = {
            "roles": content.roles,
            "traits": content.traits,
            "expires": content.expires is not None,
            "connector": content.connector and [content.connector.type, content.connector.id],
        }
    else:
        fields = {"user": content.user, "message": content.message, "for ever": content.expires is None}
    fields |= {"name": content.name, "labels": dict(content.labels)}
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
