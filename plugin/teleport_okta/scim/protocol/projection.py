"""Which attributes an answer has (RFC 7644 §3.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from teleport_okta.scim.protocol.parameters import parameter
from teleport_okta.scim.protocol.schemas import ENTERPRISE_URN, GROUP_URN, USER_URN
from teleport_okta.scim.scim_errors import ScimType, bad_request

if TYPE_CHECKING:
    from teleport_okta.scim.calls import Json

_ALWAYS: Final = frozenset({"schemas", "id"})
_CORES: Final = tuple(f"{urn.lower()}:" for urn in (USER_URN, GROUP_URN))
_EXTENSION: Final = ENTERPRISE_URN.lower()

_Tree: TypeAlias = "dict[str, _Tree]"
"""The named attributes in lower case, with the named parts of each; without parts, all of it is named."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The selection of attributes in an answer: the named ones, or all others."""

    _named: _Tree = field(default_factory=dict)
    _excludes: bool = True

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Projection:
        """Read `attributes` or `excludedAttributes`. Unknown names do nothing.

        Raises ScimError (invalidValue) if both are given.
        """
        included, excluded = parameter(query, "attributes"), parameter(query, "excludedAttributes")
        if included is not None and excluded is not None:
            raise bad_request(ScimType.INVALID_VALUE, "Use attributes or excludedAttributes, not both.")
        if included is not None:
            return cls(_tree(included), _excludes=False)
        return cls(_tree(excluded or ""))

    @property
    def is_asked_for(self) -> bool:
        """Whether the client selects attributes: then a PATCH is answered with them."""
        return bool(self._named) or not self._excludes

    def wants(self, attribute: str) -> bool:
        """Whether any part of an attribute is shown, so that it has to be read."""
        name = attribute.lower()
        return name in _ALWAYS or (self._named.get(name) != {} if self._excludes else name in self._named)

    def apply(self, resource: Json) -> Json:
        """Return the selected part of a resource, always with `id` and `schemas`."""
        if self._excludes:
            return _without(resource, self._named, _ALWAYS) if self._named else resource
        return _only(resource, self._named, _ALWAYS)


def _tree(text: str) -> _Tree:
    tree: _Tree = {}
    for name in text.split(","):
        steps = _steps(name.strip().lower())
        level = tree
        for index, step in enumerate(steps):
            is_last = index == len(steps) - 1
            if is_last:
                level[step] = {}
            elif step in level and not level[step]:
                break
            level = level.setdefault(step, {})
    return tree


def _steps(name: str) -> list[str]:
    if name == _EXTENSION:
        return [name]
    if name.startswith(f"{_EXTENSION}:"):
        return [_EXTENSION, *name.removeprefix(f"{_EXTENSION}:").split(".", 1)]
    for core in _CORES:
        name = name.removeprefix(core)
    return name.split(".", 1) if name else []


def _only(resource: Mapping[str, Any], named: _Tree, always: frozenset[str] = frozenset()) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in resource.items():
        name = key.lower()
        parts = named.get(name)
        if name in always or parts == {}:
            shown[key] = value
        elif parts is not None:
            _put(shown, key, [_only(one, parts) for one in _objects(value)], value)
    return shown


def _without(resource: Mapping[str, Any], named: _Tree, always: frozenset[str] = frozenset()) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for key, value in resource.items():
        name = key.lower()
        parts = None if name in always else named.get(name)
        objects = _objects(value)
        if parts is None or (parts and not objects):
            shown[key] = value
        elif parts:
            _put(shown, key, [_without(one, parts) for one in objects], value)
    return shown


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, Mapping)]


def _put(shown: dict[str, Any], key: str, parts: Iterable[dict[str, Any]], value: object) -> None:
    """Put the rest of an object, or of a list of objects, unless it is empty."""
    rest = [one for one in parts if one]
    if rest:
        shown[key] = rest if isinstance(value, list) else rest[0]
