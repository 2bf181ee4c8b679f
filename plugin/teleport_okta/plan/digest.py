"""Digests: a short name for content, the same on every machine, with no times in it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from teleport_okta.model.content import FIELDS
from teleport_okta.model.teleport import TeleportRole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.model.content import Content, ContentField
    from teleport_okta.plan.changes import Change

_LENGTH = 16

_as_json = json.JSONEncoder(ensure_ascii=False).encode
_as_canonical_json = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def content_digest(content: Content | None) -> str:
    """Return a digest of the content of an object, without revision and times; empty for no object."""
    if content is None:
        return ""
    return hashlib.sha256(_canonical(content)).hexdigest()[:_LENGTH]


def plan_digest(changes: Iterable[Change]) -> str:
    """Return the digest of an ordered list of changes: actions, objects, and their contents before and after."""
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
    """Return what a digest has of the fields of an object, by key. What we did not read of a role is not in it."""
    if isinstance(content, TeleportRole) and content.allow is None:
        return {}
    return {
        key: _digested(content, fields[0]) if len(fields) == 1 else [_digested(content, one) for one in fields]
        for key, fields in _BY_KEY[type(content)]
    }


def _digested(content: Content, field: ContentField) -> object:
    value: object = getattr(content, field.name)
    return value if field.digested is None else field.digested(value)


def _by_key(fields: Iterable[ContentField]) -> list[tuple[str, list[ContentField]]]:
    by_key: dict[str, list[ContentField]] = {}
    for field in fields:
        by_key.setdefault(field.name if field.key is None else field.key, []).append(field)
    return list(by_key.items())


_BY_KEY: Final = {kind: _by_key(fields) for kind, fields in FIELDS.items()}
"""The fields of each kind by their key, grouped once, because a plan can have a hundred thousand members."""
