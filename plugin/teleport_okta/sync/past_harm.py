"""The harm of the last hour, from both of its records: the journal, and the leavers' locks in Teleport."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.open_records import READS_LAG
from teleport_okta.model.harm import WINDOW
from teleport_okta.plan.leaver_locks import harm_of_locks, with_harm_of_locks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.clock import Clock
    from teleport_okta.model.harm import PastHarm
    from teleport_okta.model.teleport import TeleportLock
    from teleport_okta.state.journal import Journal

_CALL_TAKES: Final = timedelta(minutes=5)
"""The longest time from a lock's `left-at` to the end of its record: a call with all its retries."""


async def past_harm(journal: Journal, locks: Iterable[TeleportLock], owner: str, clock: Clock) -> tuple[PastHarm, ...]:
    """Return every step of harm in the last hour, by this or another process. Raises StateError."""
    now = clock.now()
    past = await journal.harm_within(WINDOW, lag=READS_LAG, now=now, boot=clock.boot())
    # The journal may be lost, or be that of another machine; the locks of leavers are in Teleport.
    locked = harm_of_locks(locks, owner=owner, now=now)
    if not locked:
        return tuple(past)
    ours = await journal.leavers_locked(min(one.at for one in locked) - timedelta(seconds=1))
    recorded = {
        one.past.harmed
        for one in locked
        if (at := ours.get(one.past.harmed)) is not None and one.at <= at < one.at + _CALL_TAKES
    }
    return with_harm_of_locks(past, locked, recorded)
