"""The body of a PATCH (RFC 7644 §3.5.2), before its paths are resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from teleport_okta.scim.protocol.envelope import read_envelope
from teleport_okta.scim.scim_errors import ScimType, bad_request


class Op(StrEnum):
    """The kind of an operation."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


_OPS: Final = frozenset(Op)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; an add and a replace without a path have an object as their value."""

    op: Op
    path: str | None
    value: object = field(repr=False)


def read_operations(body: object, *, limit: int) -> list[Operation]:
    """Return the operations of a PATCH in their order. The case of `op` and of the members' names does not count.

    Raises ScimError for a body that is not a PATCH or has more operations than the limit.
    """
    listed = _folded(read_envelope(body)).get("operations")
    if not isinstance(listed, list) or not listed:
        raise bad_request(ScimType.INVALID_SYNTAX, "Operations must be a list of at least one operation.")
    if len(listed) > limit:
        raise bad_request(
            ScimType.INVALID_VALUE, f"Operations has more than {limit} operations; send several requests."
        )
    return [_read(one, f"Operations[{index}]") for index, one in enumerate(listed)]


def _read(one: object, place: str) -> Operation:
    if not isinstance(one, Mapping):
        raise bad_request(ScimType.INVALID_SYNTAX, f"{place} must be an object.")
    members = _folded(one)
    name, path = members.get("op"), members.get("path")
    if not isinstance(name, str) or name.lower() not in _OPS:
        raise bad_request(ScimType.INVALID_SYNTAX, f"{place}.op must be add, replace or remove.")
    if path is not None and not isinstance(path, str):
        raise bad_request(ScimType.INVALID_SYNTAX, f"{place}.path must be a text.")
    op, path, value = Op(name.lower()), path or None, members.get("value")
    if op is Op.REMOVE:
        if path is None:
            raise bad_request(ScimType.NO_TARGET, f"{place} removes, and needs a path.")
    elif "value" not in members:
        raise bad_request(ScimType.INVALID_VALUE, f"{place} needs a value.")
    elif path is None and not isinstance(value, Mapping):
        raise bad_request(ScimType.INVALID_VALUE, f"{place} has no path, and needs an object as its value.")
    return Operation(op, path, value)


def _folded(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in members.items()}
