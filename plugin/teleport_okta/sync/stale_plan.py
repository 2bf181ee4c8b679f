"""Refusing to apply a plan that is not the one whose digest was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.plan.render import change_line
from teleport_okta.plan.view import change_view

if TYPE_CHECKING:
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.store import Store

_DIFFERENCES_SHOWN: Final = 20
"""Lines that the error about a changed plan shows. It is read in a terminal."""


class PlanChangedError(TeleportOktaError):
    """The plan is no longer the one that was asked for. Read what changed, then ask for the new digest."""


async def refuse_other_plan(store: Store, expected: str, plan: Plan) -> None:
    """Raise PlanChangedError if a plan does not have the digest that is expected; an empty one expects nothing.

    Raises StateError.
    """
    if expected and plan.digest != expected:
        remedy = "there is nothing left to do" if plan.is_empty else f"apply it with --plan {plan.digest}"
        raise PlanChangedError(await _what_changed(store, expected, plan), remedy=remedy)


async def _what_changed(store: Store, digest: str, plan: Plan) -> str:
    """Describe how a plan differs from the one that was shown under a digest. Raises StateError."""
    shown = await store.remembered_plan(digest)
    if shown is None:
        return f"no plan {digest} has been shown lately; the plan is now {plan.digest}"
    now = [change_line(change_view(change)) for change in plan.changes]
    lines_now, lines_shown = set(now), set(shown)
    gone = [f"  no longer: {line}" for line in shown if line not in lines_now]
    new = [f"  new: {line}" for line in now if line not in lines_shown]
    detail = gone + new or ["  the same changes, from or to other content"]
    if len(detail) > _DIFFERENCES_SHOWN:
        detail = [*detail[:_DIFFERENCES_SHOWN], f"  and {len(detail) - _DIFFERENCES_SHOWN} more"]
    return "\n".join([f"the plan is now {plan.digest}, not {digest}:", *detail])
