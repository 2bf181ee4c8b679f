"""Roles whose labels match everything: a user with one has every Okta app, or every Okta group.

See `docs/reference/okta.md` 8.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport.legacy.types import types_pb2

from teleport_okta.model.labels import RESOURCE_TYPE, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport.legacy.types.wrappers import wrappers_pb2

    from teleport_okta.model.teleport import TeleportRole

_ANY: Final = "*"
_GIVEN: Final = {"app_labels": "every Okta app", "group_labels": "every Okta group"}


@dataclass(frozen=True, slots=True)
class WildcardRole:
    """A role that is not ours. `fields` of its `spec.allow` match everything; `is_preset`: it came with Teleport."""

    name: str
    fields: tuple[str, ...]
    is_preset: bool

    @property
    def warning(self) -> str:
        """What it means, in a sentence."""
        given = " and ".join(_GIVEN[field] for field in self.fields)
        labels = " and ".join(self.fields)
        return f"role {self.name!r} has '*': '*' in {labels}: a user with it has {given} that is synced"


def wildcard_roles(roles: Iterable[TeleportRole]) -> tuple[WildcardRole, ...]:
    """Return those of the roles, as read, by name."""
    found = []
    for role in roles:
        fields = _fields(types_pb2.RoleV6.FromString(role.raw or b""))
        if fields and owner_of(role.labels) is None:
            found.append(WildcardRole(role.name, fields, is_preset=RESOURCE_TYPE in role.labels))
    return tuple(sorted(found, key=lambda role: role.name))


def _fields(message: types_pb2.RoleV6) -> tuple[str, ...]:
    allow = message.Spec.Allow
    labels = {"app_labels": allow.AppLabels, "group_labels": allow.GroupLabels}
    return tuple(field for field, values in labels.items() if _matches_all(values))


def _matches_all(labels: wrappers_pb2.LabelValues) -> bool:
    return _ANY in labels.Values and _ANY in labels.Values[_ANY].Values
