"""The filter of a list (RFC 7644 §3.4.2.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from scim2_models import SCIMException, ScimFilter
from scim2_models.path import CompareOperator, Comparison, FilterNode

from teleport_okta.scim.protocol.json_body import is_clean
from teleport_okta.scim.protocol.matching import Predicate, resource_predicate, text_equality
from teleport_okta.scim.protocol.schemas import GROUP, USER
from teleport_okta.scim.scim_errors import ScimType, bad_request

if TYPE_CHECKING:
    from teleport_okta.scim.calls import Json
    from teleport_okta.scim.protocol.attributes import ResourceType

MAX_LENGTH: Final = 4096
"""The most characters of a filter."""

_RESOURCE_TYPES: Final = {"User": USER, "Group": GROUP}

_INDEXED: Final = {name.lower(): name for name in ("userName", "externalId", "id", "displayName")}

# What Okta and Entra ID send to find one resource: a shortcut, because it is most of all requests.
_EQUALITY: Final = re.compile(
    r'\s*(userName|externalId|id|displayName)\s+eq\s+"([^"\\\x00-\x1f]*)"\s*',
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that is valid for a resource type.

    `equality`: the name and the value, if the filter asks for nothing but the equality of an attribute that is looked
    up by an index: `userName`, `externalId`, `id` or `displayName`.
    """

    equality: tuple[str, str] | None
    _predicate: Predicate = field(repr=False)

    def matches(self, resource: Json) -> bool:
        """Whether a resource, as it is shown to clients and with all its attributes, matches."""
        return self._predicate(resource)


def parse_filter(text: str, resource_type: Literal["User", "Group"]) -> Filter:
    """Parse a filter of the resources of a type.

    Raises ScimError (invalidFilter) for a filter that is wrong, too long or too deep or names an unknown attribute, and
    403 (sensitive) for one that asks about a password.
    """
    target = _RESOURCE_TYPES[resource_type]
    if len(text) > MAX_LENGTH:
        raise bad_request(ScimType.INVALID_FILTER, f"The filter is longer than {MAX_LENGTH} characters.")
    found = _EQUALITY.fullmatch(text)
    if found is not None:
        name, value = _INDEXED[found[1].lower()], found[2]
        attribute = target.attribute(target.core, name)
        if attribute is not None and is_clean(value):
            return Filter((name, value), text_equality(attribute, value))
    node = _parse(text)
    return Filter(_equality(node, target), resource_predicate(node, target))


def _parse(text: str) -> FilterNode:
    try:
        return ScimFilter(text).ast
    except SCIMException as error:
        raise bad_request(ScimType.INVALID_FILTER, f"The filter is not valid: {error.detail[:80]}.") from None


def _equality(node: FilterNode, target: ResourceType) -> tuple[str, str] | None:
    if not (isinstance(node, Comparison) and node.op is CompareOperator.eq and isinstance(node.value, str)):
        return None
    path = node.attr_path
    name = _INDEXED.get(path.attr.lower())
    is_core = path.uri is None or path.uri.lower() == target.core.urn.lower()
    return (name, node.value) if name and is_core and path.sub_attr is None else None
