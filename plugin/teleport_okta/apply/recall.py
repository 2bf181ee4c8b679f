"""Recent deletions by an earlier process of ours, which win over older listings as our own do.

Teleport's cache lags: without this, a process that starts right after another one would list users that the other has
deleted, and lock or delete them again (`docs/design.md` 4.14).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.apply.open_records import READS_LAG

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.state.journal import Journal
    from teleport_okta.teleport.cluster import Teleport


async def recall_deletions(journal: Journal, teleport: Teleport, clock: Clock) -> None:
    """Tell the adapter which users were deleted recently; once, before its first reading. Raises StateError."""
    for name, _, at in await journal.deleted_within(READS_LAG, now=clock.now(), boot=clock.boot()):
        teleport.users.recall_deleted(name, at)
