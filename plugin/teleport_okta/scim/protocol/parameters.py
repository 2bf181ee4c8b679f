"""The parameters of a query, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def parameter(query: Mapping[str, str], name: str) -> str | None:
    """Return the value of a parameter, whatever its case; None if it is missing or blank."""
    value = query.get(name)
    if value is None:
        folded = name.lower()
        value = next((value for key, value in query.items() if key.lower() == folded), None)
    return value if value and value.strip() else None
