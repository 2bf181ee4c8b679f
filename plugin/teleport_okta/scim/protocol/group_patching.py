"""PATCH of a group (RFC 7644 §3.5.2): what changes, without the members that stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.scim.protocol.bodies import checked_display_name, written_attribute
from teleport_okta.scim.protocol.members import described_members, read_members, selected_members
from teleport_okta.scim.protocol.operations import Op, Operation, read_operations
from teleport_okta.scim.protocol.patching import check_id, read_only
from teleport_okta.scim.protocol.paths import Target, read_path
from teleport_okta.scim.protocol.records import required
from teleport_okta.scim.protocol.schemas import GROUP
from teleport_okta.scim.protocol.values import read_text
from teleport_okta.scim.resources import GroupPatch
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

if TYPE_CHECKING:
    from teleport_okta.scim.protocol.attributes import Attribute

MAX_OPERATIONS: Final = 5000


def patch_group(body: object, *, own_id: str) -> GroupPatch:
    """Return what a PATCH does to a group, all of its operations folded into one change.

    As for a user, attributes that the schema does not have are ignored, and so are an `id` that is `own_id` and what
    else the server makes, inside a value without a path.

    Raises ScimError.
    """
    changes = _Changes()
    for operation in read_operations(body, limit=MAX_OPERATIONS):
        _apply(changes, operation, own_id)
    return changes.patch()


@dataclass
class _Changes:
    """The sum of the operations so far. The dicts are ordered sets of ids."""

    display_name: str | None = None
    external_id: str | None = None
    members: dict[str, None] | None = None
    added: dict[str, None] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)

    def add(self, ids: Iterable[str]) -> None:
        for one in ids:
            if self.members is not None:
                self.members[one] = None
            else:
                self.removed.pop(one, None)
                self.added[one] = None

    def remove(self, ids: Iterable[str]) -> None:
        for one in ids:
            if self.members is not None:
                self.members.pop(one, None)
            else:
                self.added.pop(one, None)
                self.removed[one] = None

    def replace(self, ids: Iterable[str]) -> None:
        self.members = dict.fromkeys(ids)
        self.added.clear()
        self.removed.clear()

    def patch(self) -> GroupPatch:
        return GroupPatch(
            self.display_name,
            self.external_id,
            None if self.members is None else tuple(self.members),
            tuple(self.added),
            tuple(self.removed),
        )


def _apply(changes: _Changes, operation: Operation, own_id: str) -> None:
    path = operation.path
    if path is None:
        if isinstance(operation.value, Mapping):
            check_id(operation.value, own_id)
            _assign_object(changes, operation.value, is_add=operation.op is Op.ADD)
        return
    selected = selected_members(path)
    if selected is not None:
        _change_selected(changes, operation.op, selected)
        return
    target = read_path(path, GROUP)
    if target is None:
        return
    if target.is_read_only:
        raise read_only(target.shown)
    if target.attribute is None:
        _change_schema(changes, operation)
    elif target.attribute.name == "members":
        _change_members(changes, operation, target)
    elif operation.op is Op.REMOVE:
        if target.attribute.required:
            raise required(target.attribute.name)
        _assign(changes, target.attribute, None, is_add=False)
    else:
        _assign(changes, target.attribute, operation.value, is_add=False)


def _assign_object(changes: _Changes, value: Mapping[str, object], *, is_add: bool) -> None:
    for name, one in value.items():
        attribute = written_attribute(name)
        if attribute is not None:
            _assign(changes, attribute, one, is_add=is_add)


def _assign(changes: _Changes, attribute: Attribute, value: object, *, is_add: bool) -> None:
    match attribute.name:
        case "members":
            ids = read_members(value)
            if is_add:
                changes.add(ids)
            else:
                changes.replace(ids)
        case "displayName":
            changes.display_name = checked_display_name(read_text(attribute, value))
        case "externalId":
            changes.external_id = read_text(attribute, value) or ""


def _change_members(changes: _Changes, operation: Operation, target: Target) -> None:
    if target.sub is not None:
        raise _immutable()
    if target.selected is not None:
        _change_selected(changes, operation.op, described_members(target.selected))
        return
    listed = operation.value
    match operation.op:
        case Op.ADD:
            changes.add(read_members(listed))
        case Op.REPLACE:
            changes.replace(read_members(listed))
        case Op.REMOVE if listed is None or listed == "":
            changes.replace(())
        case Op.REMOVE:
            changes.remove(read_members(listed))


def _change_selected(changes: _Changes, op: Op, ids: Iterable[str]) -> None:
    if op is not Op.REMOVE:
        raise _immutable()
    changes.remove(ids)


def _change_schema(changes: _Changes, operation: Operation) -> None:
    if operation.op is Op.REMOVE:
        raise required("displayName")
    if not isinstance(operation.value, Mapping):
        raise bad_request(ScimType.INVALID_VALUE, f"{GROUP.core.urn} must be an object.")
    _assign_object(changes, operation.value, is_add=operation.op is Op.ADD)


def _immutable() -> ScimError:
    return bad_request(ScimType.MUTABILITY, "A member cannot be changed; remove it and add another one.")
