"""The path of a PATCH operation (RFC 7644 §3.5.2, figure 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim2_models import Path, SCIMException

from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

if TYPE_CHECKING:
    from scim2_models.path import FilterNode

    from teleport_okta.scim.protocol.attributes import Attribute, ResourceType, Schema

MAX_LENGTH: Final = 4096
"""The most characters of a path."""

# A path without a filter needs no parser. The part before the last colon is a URN, known or unknown.
_PLAIN: Final = re.compile(r'(?:([^\s\[\]()"]+):)?(\$?[A-Z][\w$-]*)(?:\.(\$?[A-Z][\w$-]*))?', re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a path.

    Without an `attribute` it is everything under the schema. `selected` picks values of a multi-valued attribute.
    """

    schema: Schema
    attribute: Attribute | None = None
    sub: Attribute | None = None
    selected: FilterNode | None = None

    @property
    def is_read_only(self) -> bool:
        """Whether only the server sets it."""
        return any(one is not None and one.is_read_only for one in (self.attribute, self.sub))

    @property
    def shown(self) -> str:
        """The target's name in an error."""
        if self.attribute is None:
            return self.schema.urn
        return self.attribute.name if self.sub is None else f"{self.attribute.name}.{self.sub.name}"


def read_path(text: str, resource_type: ResourceType) -> Target | None:
    """Return the target of a path; None if the schema does not have it.

    Raises ScimError (invalidPath) for a path that is not written as one, or that selects values of an attribute that
    has one value only.
    """
    if len(text) > MAX_LENGTH:
        raise _invalid(f"it is longer than {MAX_LENGTH} characters")
    whole = resource_type.schema(text)
    if whole is not None:
        return Target(whole)
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return _target(resource_type, plain[1], plain[2], plain[3], None)
    try:
        path = Path(text)
        parts, selected = path.parts, path.value_filter
    except SCIMException as error:
        raise _invalid(error.detail[:80]) from None
    attribute, sub = (*parts, None)[:2] if parts else (text, None)
    return _target(resource_type, path.schema, attribute or "", sub, selected)


def _target(
    resource_type: ResourceType, urn: str | None, name: str, sub_name: str | None, selected: FilterNode | None
) -> Target | None:
    schema = resource_type.core if urn is None else resource_type.schema(urn)
    attribute = None if schema is None else resource_type.attribute(schema, name)
    if schema is None or attribute is None or attribute.name == "schemas":
        # `schemas` follows from the other attributes, whatever a client says of it.
        return None
    sub = None if sub_name is None else attribute.sub(sub_name)
    if sub_name is not None and sub is None:
        return None
    if selected is not None and not attribute.multi_valued:
        raise _invalid(f"{attribute.name} has one value, and cannot have [ ]")
    return Target(schema, attribute, sub, selected)


def _invalid(why: str) -> ScimError:
    return bad_request(ScimType.INVALID_PATH, f"The path of an operation is not valid: {why}.")
