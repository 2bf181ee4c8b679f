"""Planning the steps of one key again, in the middle of a run."""

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
    """The steps of one key, computed from facts that were asked for at `facts_at`.

    `holder` is the Okta id that the user stands for after these steps; None: there is no user that we own, or the key
    is that of another kind. `is_gone`: there is no user of the name at all. `held` is what of the key the brake holds
    and `holds` why; `quarantined` is what the plan sets aside.
    """

    changes: tuple[Change, ...]
    facts_at: datetime
    holder: str | None = None
    is_gone: bool = False
    held: tuple[Held, ...] = ()
    holds: tuple[Hold, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()


Replan: TypeAlias = Callable[[str], Awaitable[Replanned | None]]
"""Reads and plans one key anew, while the run holds it; None when keys of this kind cannot be planned again."""
