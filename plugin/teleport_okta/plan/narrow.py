"""Writing what names fewer others because those end: in two steps, since the brake may hold their ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from teleport_okta.plan.changes import Change, Need

T = TypeVar("T")


def in_found_order(names: Iterable[str], found: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names as they were found if they are the same, so that an order is no difference; sorted otherwise."""
    wanted = tuple(sorted(set(names)))
    return found if sorted(found) == list(wanted) else wanted


def in_two_steps(
    step: Callable[[T, T | None], Change], content: T, *, wider: T, found: T | None, ends: Iterable[Need]
) -> list[Change]:
    """Return the steps: to what still names those that end, unless that is there, and on, once they have ended."""
    narrowing = replace(step(content, wider), needs=tuple(ends))
    return [narrowing] if wider == found else [step(wider, found), narrowing]
