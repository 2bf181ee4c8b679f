"""PATCH of a user (RFC 7644 §3.5.2), in the forms that Okta, Entra ID and others send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.scim.protocol.operations import Op, Operation, read_operations
from teleport_okta.scim.protocol.paths import read_path
from teleport_okta.scim.protocol.records import Record, assign, assign_members, content_of, record_of, unassign
from teleport_okta.scim.protocol.schemas import USER
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

if TYPE_CHECKING:
    from teleport_okta.scim.resources import UserContent

MAX_OPERATIONS: Final = 1000


def patch_user(current: UserContent, body: object, *, own_id: str) -> UserContent:
    """Return a user after a PATCH: all of its operations, or none if one fails.

    An operation on an attribute that the schema does not have is ignored, and never refuses the others. So are the
    attributes that the server makes inside a value without a path, because Okta sends them back; another `id` than
    `own_id` is refused.

    Raises ScimError.
    """
    record = record_of(current)
    for operation in read_operations(body, limit=MAX_OPERATIONS):
        _apply(record, operation, own_id)
    content = content_of(record)
    # A null or empty `active` says nothing, as in a PUT.
    return content if content.active is not None else replace(content, active=current.active)


def check_id(members: Mapping[str, object], own_id: str) -> None:
    """Raise ScimError (mutability) if an object without a path names another resource than the one of the URL."""
    for name, value in members.items():
        if name.lower() == "id" and value is not None and value != own_id:
            raise bad_request(ScimType.MUTABILITY, "The id in the value is not the id in the URL, and cannot change.")


def read_only(shown: str) -> ScimError:
    """Return the error of a path that names what only the server sets."""
    return bad_request(ScimType.MUTABILITY, f"{shown} is read-only.")


def _apply(record: Record, operation: Operation, own_id: str) -> None:
    if operation.path is None:
        if isinstance(operation.value, Mapping):
            check_id(operation.value, own_id)
            assign_members(record, operation.value, is_add=operation.op is Op.ADD)
        return
    target = read_path(operation.path, USER)
    if target is None:
        return
    if target.is_read_only:
        raise read_only(target.shown)
    if operation.op is Op.REMOVE:
        unassign(record, target, operation.value)
    else:
        assign(record, target, operation.value, is_add=operation.op is Op.ADD)
