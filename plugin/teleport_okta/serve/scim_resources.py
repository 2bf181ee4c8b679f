"""Conversion between SCIM JSON and the messages of `teleport.scim.v1` (`docs/reference/teleport.md` 4.16).

A message has fields for the common attributes (`schemas`, `id`, `externalId`, `meta`) and a Struct for all others. The
numbers of a Struct are doubles, so integers beyond 2^53 lose digits; nothing else is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from teleport.scim.v1 import scim_service_pb2 as pb

from teleport_okta.scim.scim_errors import ScimType, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.struct_pb2 import Struct, Value
    from google.protobuf.timestamp_pb2 import Timestamp

    from teleport_okta.scim.calls import Json

    JsonValue: TypeAlias = Any

_EXACT: Final = 2**53
"""Up to here, doubles represent every integer exactly."""

_COMMON: Final = ("schemas", "id", "externalId", "meta")


def resource_to_json(resource: pb.Resource) -> dict[str, JsonValue]:
    """Return the JSON of a resource, as sent over HTTP; empty fields are left out.

    Raises ScimError (invalidValue) if an attribute contradicts the field of the same name.
    """
    fields: dict[str, JsonValue] = {}
    if resource.schemas:
        fields["schemas"] = list(resource.schemas)
    if resource.id:
        fields["id"] = resource.id
    if resource.external_id:
        fields["externalId"] = resource.external_id
    if resource.HasField("meta"):
        fields["meta"] = _meta_to_json(resource.meta)
    attributes = _struct_to_json(resource.attributes)
    by_folded_name = {name.lower(): name for name in fields}
    for name in tuple(attributes):
        field = by_folded_name.get(name.lower())
        if field is None:
            continue
        if attributes.pop(name) != fields[field]:
            raise bad_request(ScimType.INVALID_VALUE, f"{field} is given twice: as a field, and among the attributes.")
    return fields | attributes


def resource_from_json(body: Json) -> pb.Resource:
    """Return the message of a resource."""
    meta = body.get("meta")
    resource = pb.Resource(
        schemas=body.get("schemas", ()),
        id=body.get("id", ""),
        external_id=body.get("externalId") or "",
        meta=None if meta is None else _meta_from_json(meta),
    )
    resource.attributes.SetInParent()
    _fill_struct(resource.attributes, {name: value for name, value in body.items() if name not in _COMMON})
    return resource


def list_from_json(body: Json) -> pb.ResourceList:
    """Return the message of a page of a list."""
    return pb.ResourceList(
        total_results=body["totalResults"],
        start_index=body["startIndex"],
        items_per_page=body["itemsPerPage"],
        resources=[resource_from_json(one) for one in body["Resources"]],
    )


def _meta_to_json(meta: pb.Meta) -> dict[str, JsonValue]:
    fields = {
        "resourceType": meta.resource_type,
        "created": _time(meta.created) if meta.HasField("created") else "",
        "lastModified": _time(meta.modified) if meta.HasField("modified") else "",
        "location": meta.location,
        "version": meta.version,
    }
    return {name: value for name, value in fields.items() if value}


def _meta_from_json(meta: Mapping[str, str]) -> pb.Meta:
    message = pb.Meta(
        resource_type=meta.get("resourceType", ""), location=meta.get("location", ""), version=meta.get("version", "")
    )
    if "created" in meta:
        message.created.FromDatetime(datetime.fromisoformat(meta["created"]).astimezone(UTC))
    if "lastModified" in meta:
        message.modified.FromDatetime(datetime.fromisoformat(meta["lastModified"]).astimezone(UTC))
    return message


def _time(timestamp: Timestamp) -> str:
    """Return a timestamp in the format of our resources, in milliseconds. Raises ScimError if it is out of range."""
    try:
        moment = timestamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise bad_request(ScimType.INVALID_VALUE, "A time in meta is out of range.") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _struct_to_json(struct: Struct) -> dict[str, JsonValue]:
    # Recursion is safe: protobuf limits the depth of messages that it parses.
    return {name: _value_to_json(value) for name, value in struct.fields.items()}


def _value_to_json(value: Value) -> JsonValue:
    match value.WhichOneof("kind"):
        case "struct_value":
            return _struct_to_json(value.struct_value)
        case "list_value":
            return [_value_to_json(one) for one in value.list_value.values]
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() and abs(number) <= _EXACT else number
        case _:
            return None


def _fill_struct(struct: Struct, content: Mapping[str, JsonValue]) -> None:
    for name, value in content.items():
        _fill(struct.fields[name], value)


def _fill(message: Value, value: JsonValue) -> None:
    match value:
        case None:
            message.null_value = 0  # type: ignore[assignment]
        case bool():
            message.bool_value = value
        case int() | float():
            message.number_value = float(value)
        case str():
            message.string_value = value
        case dict():
            message.struct_value.SetInParent()
            _fill_struct(message.struct_value, value)
        case _:
            message.list_value.SetInParent()
            for one in value:
                _fill(message.list_value.values.add(), one)
