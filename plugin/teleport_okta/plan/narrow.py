"""Writing an object that names fewer others than before, in two steps: wider first, then narrower.

The second step is harm, or waits for the end of the others, and the brake may hold either. In one step, everything else
that the object should get would wait with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from teleport_okta.model.reasons import Reason
    from teleport_okta.plan.changes import Change, Harm, Need

T = TypeVar("T")


def in_found_order(names: Iterable[str], found: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in the order in which they were found if they are the same names; sorted otherwise."""
    wanted = tuple(sorted(set(names)))
    return found if sorted(found) == list(wanted) else wanted


def wider_first(
    step: Callable[[T, T | None], Change],
    content: T,
    found: T | None,
    *,
    wider: T,
    needs: Iterable[Need],
    cause: Reason | None = None,
    harm: Harm | None = None,
) -> list[Change]:
    """Return the steps that write an object; `step` makes one to a content from another.

    `wider` is the content that also names what the object names now and should not. If that is more than the content,
    the first step writes it, if it is not there, and is no harm. The second one removes those names once `needs` are
    met, with its own `cause` (None: that of `step`) and `harm`.
    """
    if wider == content:
        return [] if content == found else [step(content, found)]
    narrowing = step(content, wider)
    narrowing = replace(narrowing, cause=cause or narrowing.cause, needs=tuple(needs), harm=harm)
    return [narrowing] if wider == found else [step(wider, found), narrowing]
