"""The second plan of one key during a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.model.findings import Held, Hold, Quarantined
    from teleport_okta.plan.changes import Change


@dataclass(frozen=True, slots=True)
class Replanned:
    """The steps of one key, computed from facts that were requested at `facts_at`.

    `holder` is the Okta id of the user's person after these steps; None: there is no user of ours, or the key is of
    another kind. `is_gone`: no user has the name. `held` are the changes that the brake holds, `holds` the reasons;
    `quarantined` are the objects that the plan sets aside.
    """

    changes: tuple[Change, ...]
    facts_at: datetime
    holder: str | None = None
    is_gone: bool = False
    held: tuple[Held, ...] = ()
    holds: tuple[Hold, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()


Replan: TypeAlias = Callable[[str], Awaitable[Replanned | None]]
"""Reads and plans one key again while the run holds it; None if keys of this kind cannot be planned again."""
