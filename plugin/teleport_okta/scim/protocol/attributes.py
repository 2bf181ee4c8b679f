"""The attributes of a schema (RFC 7643 §7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kind(StrEnum):
    """The data type of an attribute."""

    STRING = "string"
    BOOLEAN = "boolean"
    COMPLEX = "complex"
    DATE_TIME = "dateTime"
    REFERENCE = "reference"


class Mutability(StrEnum):
    """Who may change an attribute, and when."""

    READ_WRITE = "readWrite"
    READ_ONLY = "readOnly"
    WRITE_ONLY = "writeOnly"
    IMMUTABLE = "immutable"


class Returned(StrEnum):
    """Whether an attribute is in an answer by default, on request, always or never."""

    ALWAYS = "always"
    DEFAULT = "default"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute, with its sub-attributes if it is complex."""

    name: str
    description: str
    kind: Kind = Kind.STRING
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    uniqueness: str = "none"
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple[Attribute, ...] = ()
    _by_name: Mapping[str, Attribute] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", _by_name(self.sub_attributes))

    @property
    def is_complex(self) -> bool:
        """Whether a value is an object."""
        return self.kind is Kind.COMPLEX

    @property
    def is_read_only(self) -> bool:
        """Whether only the server sets it."""
        return self.mutability is Mutability.READ_ONLY

    def sub(self, name: str) -> Attribute | None:
        """Find a sub-attribute; case does not count (RFC 7643 §2.1)."""
        return self._by_name.get(name.lower())

    def to_json(self) -> dict[str, Any]:
        """Return the attribute as `/Schemas` shows it."""
        shown: dict[str, Any] = {
            "name": self.name,
            "type": self.kind.value,
            "multiValued": self.multi_valued,
            "description": self.description,
            "required": self.required,
            "caseExact": self.case_exact,
            "mutability": self.mutability.value,
            "returned": self.returned.value,
            "uniqueness": self.uniqueness,
        }
        if self.canonical_values:
            shown["canonicalValues"] = list(self.canonical_values)
        if self.reference_types:
            shown["referenceTypes"] = list(self.reference_types)
        if self.sub_attributes:
            shown["subAttributes"] = [sub.to_json() for sub in self.sub_attributes]
        return shown


@dataclass(frozen=True, slots=True)
class Schema:
    """The attributes under one URN."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    _by_name: Mapping[str, Attribute] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", _by_name(self.attributes))

    def attribute(self, name: str) -> Attribute | None:
        """Find an attribute; case does not count."""
        return self._by_name.get(name.lower())


@dataclass(frozen=True, slots=True)
class ResourceType:
    """A kind of resource: its schema, and the schemas that extend it."""

    name: str
    endpoint: str
    description: str
    core: Schema
    extensions: tuple[Schema, ...] = ()
    common: Schema = field(kw_only=True)

    def schema(self, urn: str) -> Schema | None:
        """Find the schema of a URN; case does not count."""
        folded = urn.lower()
        return next((one for one in (self.core, *self.extensions) if one.urn.lower() == folded), None)

    def attribute(self, schema: Schema, name: str) -> Attribute | None:
        """Find an attribute of a schema; with the core schema, also one that every resource has."""
        found = schema.attribute(name)
        if found is None and schema is self.core:
            found = self.common.attribute(name)
        return found


def _by_name(attributes: tuple[Attribute, ...]) -> Mapping[str, Attribute]:
    return {one.name.lower(): one for one in attributes}
