"""Profile attributes as Teleport traits (`docs/reference/teleport.md` 5.4)."""

from __future__ import annotations

import json
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

from teleport_okta.model.names import TRAIT_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.okta import PersonFacts, ProfileValue


def traits_of(person: PersonFacts) -> dict[str, tuple[str, ...]]:
    """Return the `okta/*` traits of a person: the profile of the user, completed by that of the assignment."""
    traits: dict[str, tuple[str, ...]] = {}
    for profile in (person.app_profile, person.profile):
        for attribute, value in profile.items():
            values = _strings(value)
            if values:
                traits[_trait_name(attribute)] = values
    return traits


def okta_traits(traits: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the traits of a Teleport user that we set."""
    return {name: values for name, values in traits.items() if name.startswith(TRAIT_PREFIX)}


def ordered_as(
    found: Mapping[str, tuple[str, ...]], wanted: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return wanted traits, with the values in the order in which they were found if they are the same values.

    Okta gives the values of an attribute in another order from one time to the next (`docs/reference/okta.md` 12.1),
    which would otherwise be a change of the user each time.
    """
    return {
        name: there if (there := found.get(name, values)) != values and sorted(there) == sorted(values) else values
        for name, values in wanted.items()
    }


@lru_cache(maxsize=4096)
def _trait_name(attribute: str) -> str:
    return sys.intern(TRAIT_PREFIX + attribute)


def _strings(value: ProfileValue) -> tuple[str, ...]:
    """Return a value as trait values: one for each element of a list; a value that is no scalar becomes JSON."""
    if isinstance(value, str):
        return (value,) if value else ()
    items = value if isinstance(value, list) else [value]
    return tuple(text for item in items if (text := _string(item)))


def _string(value: object) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool() | int() | float() | dict() | list():
            return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        case _:
            return str(value)
