"""The value of one attribute, as a client sends it and as it is stored (RFC 7643 §2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from teleport_okta.scim.protocol.attributes import Attribute, Kind
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

Element: TypeAlias = dict[str, Any]
"""A complex value: strings and booleans by the names of the sub-attributes."""

Stored: TypeAlias = str | bool | Element | list[Element] | None
"""A value as it is stored; None if it is unassigned."""

MAX_VALUES: Final = 500
"""The most values of one attribute of a user."""

_BOOLEANS: Final = {"true": True, "false": False}


def is_unassigned(value: object) -> bool:
    """Whether a value means none: null and `[]` (RFC 7643 §2.5), and `""`, which Okta sends for an empty field."""
    return value is None or value in ("", [])


def read_value(attribute: Attribute, value: object, place: str = "") -> Stored:
    """Return a value as it is stored.

    Strings stay as they were sent. A boolean may be a word, as Entra ID and OneLogin send it. One object stands for a
    list of one, and the `value` alone for a single complex value, as Entra ID sends a manager. Sub-attributes that the
    schema does not know, or that only the server sets, are left out. `place` is the attribute's name in errors.

    Raises ScimError (invalidValue) for a value of another type.
    """
    place = place or attribute.name
    if is_unassigned(value):
        return None
    if attribute.multi_valued:
        return _read_list(attribute, value, place) or None
    match attribute.kind:
        case Kind.COMPLEX:
            return _read_object(attribute, value, place) or None
        case Kind.BOOLEAN:
            boolean = parse_boolean(value)
            if boolean is None:
                raise _wrong(place, "true or false")
            return boolean
        case _:
            return _text(value, place)


def read_text(attribute: Attribute, value: object) -> str | None:
    """Return the value of a string attribute as it is stored."""
    return None if is_unassigned(value) else _text(value, attribute.name)


def read_sub(attribute: Attribute, sub: Attribute, value: object) -> Stored:
    """Return the value of a sub-attribute as it is stored."""
    return read_value(sub, value, f"{attribute.name}.{sub.name}")


def read_elements(attribute: Attribute, value: object) -> list[Element]:
    """Return the values of a multi-valued attribute as they are stored."""
    return [] if is_unassigned(value) else _read_list(attribute, value, attribute.name)


def read_element(attribute: Attribute, value: object) -> Element:
    """Return one complex value as it is stored; empty if it is unassigned."""
    return {} if is_unassigned(value) else _read_object(attribute, value, attribute.name)


def parse_boolean(value: object) -> bool | None:
    """Return a boolean, which may be a word in any case; None if it is neither."""
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(value.lower()) if isinstance(value, str) else None


def _read_list(attribute: Attribute, value: object, place: str) -> list[Element]:
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        raise _wrong(place, "a list of objects")
    if len(value) > MAX_VALUES:
        raise bad_request(ScimType.INVALID_VALUE, f"{place} has more than {MAX_VALUES} values.")
    read = (_read_object(attribute, one, f"{place}[{index}]") for index, one in enumerate(value) if one is not None)
    return [one for one in read if one]


def _read_object(attribute: Attribute, value: object, place: str) -> Element:
    if isinstance(value, str) and not attribute.multi_valued and attribute.sub("value") is not None:
        return {"value": value}
    if not isinstance(value, Mapping):
        raise _wrong(place, "an object")
    read: Element = {}
    for name, one in value.items():
        sub = attribute.sub(name)
        if sub is None or sub.is_read_only:
            continue
        stored = read_value(sub, one, f"{place}.{sub.name}")
        if stored is not None:
            read[sub.name] = stored
    return read


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise _wrong(place, "a text")
    return value


def _wrong(place: str, wanted: str) -> ScimError:
    return bad_request(ScimType.INVALID_VALUE, f"{place} must be {wanted}.")
