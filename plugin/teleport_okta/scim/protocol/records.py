"""A user's attributes while a request changes them, target by target (RFC 7644 §3.5.2).

A record is the user's JSON without read-only attributes: the attributes of the core by name, those of an extension in
an object under its URN. Objects and lists in it are replaced, never changed, so it may share them with a stored user.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from teleport_okta.scim.protocol.elements import assigned_values, remaining_values, without
from teleport_okta.scim.protocol.paths import read_path
from teleport_okta.scim.protocol.schemas import USER
from teleport_okta.scim.protocol.values import Element, Stored, is_unassigned, read_element, read_sub, read_value
from teleport_okta.scim.resources import UserContent
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

if TYPE_CHECKING:
    from teleport_okta.scim.protocol.attributes import Attribute, Schema
    from teleport_okta.scim.protocol.paths import Target

Record: TypeAlias = dict[str, Any]

_LABELS = frozenset({"type", "primary"})


def record_of(content: UserContent) -> Record:
    """Return the record of a stored user."""
    record: Record = {"userName": content.user_name, **content.attributes}
    if content.external_id is not None:
        record["externalId"] = content.external_id
    if content.active is not None:
        record["active"] = content.active
    return record


def content_of(record: Record) -> UserContent:
    """Return a record as it is stored: without the password, and without empty objects and lists.

    Raises ScimError (invalidValue) without a usable userName.
    """
    attributes = dict(record)
    user_name = attributes.pop("userName", None)
    # A line end or another invisible character in a name is a mistake, or an attempt to forge lines of a log.
    if user_name is None or not user_name.strip() or not user_name.isprintable():
        raise bad_request(
            ScimType.INVALID_VALUE, "userName must be a text of visible characters; it is missing or has others."
        )
    external_id, active = attributes.pop("externalId", None), attributes.pop("active", None)
    attributes.pop("password", None)
    kept = {name: _without_labels(value) for name, value in attributes.items()}
    return UserContent(user_name, external_id, active, {name: value for name, value in kept.items() if value})


def assign_members(record: Record, members: Mapping[str, Any], *, schema: Schema | None = None, is_add: bool) -> None:
    """Assign the members of an object: of a body, of a value without a path, or of the object under a `schema`.

    A name may be a path, as Entra ID sends it. Attributes that are unknown or that the server makes are ignored
    (RFC 7644 §3.3, §3.5.1).
    """
    for name, value in members.items():
        target = _find(name if schema is None else f"{schema.urn}:{name}")
        if target is not None and not target.is_read_only:
            assign(record, target, value, is_add=is_add)


def assign(record: Record, target: Target, value: object, *, is_add: bool) -> None:
    """Add to or replace a target; null, `""` and `[]` unassign it, and adding them to a list adds nothing.

    Raises ScimError: invalidValue for a value that does not fit, noTarget for a selection that matches nothing and
    that does not describe a value to be added.
    """
    attribute = target.attribute
    if attribute is None:
        _assign_schema(record, target.schema, value, is_add=is_add)
        return
    attributes = _under(record, target.schema)
    before = attributes.get(attribute.name)
    if attribute.multi_valued:
        after: Stored = assigned_values(before or [], target, attribute, value, is_add=is_add)
    elif attribute.is_complex:
        after = _merged(attribute, before or {}, value if target.sub is None else {target.sub.name: value})
    else:
        after = read_value(attribute, value)
    _put(attributes, attribute, after)


def unassign(record: Record, target: Target, listed: object = None) -> None:
    """Remove a target. `listed`: of a multi-valued attribute only these values, as Entra ID sends them; None: all.

    Raises ScimError (mutability) for a required attribute.
    """
    attribute = target.attribute
    if attribute is None:
        if target.schema is USER.core:
            raise required("userName")
        record.pop(target.schema.urn, None)
        return
    if attribute.required:
        raise required(attribute.name)
    attributes = _under(record, target.schema)
    before = attributes.get(attribute.name)
    if before is None:
        return
    if attribute.multi_valued:
        _put(attributes, attribute, remaining_values(before, target, attribute, listed))
    else:
        _put(attributes, attribute, None if target.sub is None else without(before, target.sub))


def _assign_schema(record: Record, schema: Schema, value: object, *, is_add: bool) -> None:
    if isinstance(value, Mapping):
        assign_members(record, value, schema=schema, is_add=is_add)
    elif not is_unassigned(value):
        raise bad_request(ScimType.INVALID_VALUE, f"{schema.urn} must be an object.")
    elif schema is not USER.core:
        record.pop(schema.urn, None)


def _merged(attribute: Attribute, before: Mapping[str, Any], value: object) -> Element:
    """Return a complex value with the sub-attributes of a change; it keeps the others (RFC 7644 §3.5.2.3)."""
    if is_unassigned(value):
        return {}
    if not isinstance(value, Mapping):
        value = read_element(attribute, value)
    changes = {
        sub.name: read_sub(attribute, sub, one)
        for name, one in value.items()
        if (sub := attribute.sub(name)) is not None and not sub.is_read_only
    }
    merged = {**before, **changes}
    if merged.get("value") != before.get("value") and "$ref" not in changes:
        # The address belongs to the value that was replaced.
        merged.pop("$ref", None)
    return {name: one for name, one in merged.items() if one is not None}


def _without_labels(value: Stored) -> Stored:
    """Return a value without the elements that have nothing but labels: Okta sends them for an empty field."""
    return [one for one in value if one.keys() - _LABELS] if isinstance(value, list) else value


def _find(name: str) -> Target | None:
    try:
        if read_path(name.partition("[")[0], USER) is None:
            return None
        return read_path(name, USER)
    except ScimError:
        return None


def _under(record: Record, schema: Schema) -> dict[str, Any]:
    if schema is USER.core:
        return record
    attributes = record[schema.urn] = dict(record.get(schema.urn, {}))
    return attributes


def _put(attributes: dict[str, Any], attribute: Attribute, value: Stored) -> None:
    if is_unassigned(value) or value == {}:
        attributes.pop(attribute.name, None)
    else:
        attributes[attribute.name] = value


def required(name: str) -> ScimError:
    """Return the error of a remove of an attribute that has to be there."""
    return bad_request(ScimType.MUTABILITY, f"{name} is required and cannot be removed.")
