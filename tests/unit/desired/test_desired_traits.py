"""Profile attributes as traits."""

from __future__ import annotations

import pytest
from teleport_okta.desired.traits import traits_of
from worlds import person


@pytest.mark.parametrize(
    ("value", "strings"),
    [
        ("Engines", ("Engines",)),
        ("⚙️ Ünïcode 🚀", ("⚙️ Ünïcode 🚀",)),
        (True, ("true",)),
        (42, ("42",)),
        (["a", "b"], ("a", "b")),
        ([1, None, ""], ("1",)),
        ({"k": [1, 2]}, ('{"k":[1,2]}',)),
    ],
)
def test_every_kind_of_value_becomes_strings(value, strings):
    assert traits_of(person("00u", "a", profile={"x": value})) == {"okta/x": strings}


def test_the_assignment_fills_what_the_user_has_not():
    traits = traits_of(person("00u", "a", profile={"team": "own"}, app_profile={"team": "app", "seat": "7"}))
    assert traits == {"okta/team": ("own",), "okta/seat": ("7",)}
