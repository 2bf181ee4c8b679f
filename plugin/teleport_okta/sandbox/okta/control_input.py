"""Reads what a call of the control listener sends; a wrong body raises ``ValueError`` or ``TypeError``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.app_defaults import Json

V = TypeVar("V")


def profile_of(body: Json) -> Json:
    """Return the profile, which is needed."""
    profile = body.get("profile")
    if not isinstance(profile, dict):
        raise TypeError("profile must be an object")
    return profile


def text_of(body: Json, name: str) -> str:
    """Return a text that is needed."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a text")
    return value


def maybe(body: Json, name: str, kind: type[V]) -> V | None:
    """Return a text or a flag that may be missing."""
    value = body.get(name)
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"{name} must be {'true or false' if kind is bool else 'a text'}")
    return value


def texts_of(body: Json, name: str) -> list[str]:
    """Return a list of texts; a missing one is empty."""
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} must be a list of texts")
    return value


def seconds_of(body: Json, name: str, default: float | None = None) -> float:
    """Return a number of seconds; without `default` it is needed."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number of seconds")
    return value


def years_of(body: Json, name: str, default: int) -> int:
    """Return a number of years."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 100:
        raise ValueError(f"{name} must be a whole number from 1 to 100")
    return value
