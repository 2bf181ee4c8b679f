"""`release`: an operator releases a user name early: our locks on it end, and its next person inherits what is left.

A lock also blocks certificates that were issued to the former person, and memberships that are left behind go to the
next person of the name. The operator accepts both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.apply.steps import Steps
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model import labels
from teleport_okta.model.inheritance import Released
from teleport_okta.model.reasons import ReleasedByOperator
from teleport_okta.plan.changes import MEMBER
from teleport_okta.plan.locks import unlocking
from teleport_okta.state.journal_entry import JournalEntry, Result

if TYPE_CHECKING:
    from teleport_okta.apply.keys import Keys
    from teleport_okta.clock import Clock
    from teleport_okta.model.inheritance import LeftMembership
    from teleport_okta.state.journal import Journal
    from teleport_okta.state.left_memberships import LeftMemberships
    from teleport_okta.teleport.cluster import Teleport

TRIGGER: Final = "release"


class NotReleasableError(TeleportOktaError):
    """There is nothing to release. See `tctl get locks` and `status`."""


async def release(
    name: str,
    *,
    owner: str,
    teleport: Teleport,
    journal: Journal,
    left: LeftMemberships,
    keys: Keys,
    clock: Clock,
    by: str = "",
) -> Released:
    """Remove the owner's locks from a name whose user, if there is one, is not that of the locked person.

    Memberships left behind under the name are released too; the journal records `by`. Returns the released locks and
    memberships. Raises NotReleasableError, TeleportError or StateError.
    """
    steps = Steps(teleport=teleport, journal=journal, clock=clock, trigger=TRIGGER, who=by)
    async with keys.hold(name):
        locks = [
            lock
            for lock in await teleport.locks.on_user(name)
            if labels.owner_of(lock.labels) == owner and lock.in_force(clock.now())
        ]
        user = await teleport.users.get(name) if locks else None
        for lock in locks:
            okta_id = labels.okta_id_of(lock.labels) or ""
            if user is not None and labels.okta_id_of(user.labels) == okta_id:
                why = "is suspended in Okta" if lock.expires is None else "has left, and is about to be deleted"
                what = f"{name!r} stands for {okta_id}, who {why}: the next pass would lock the name again"
                raise NotReleasableError(what, remedy="change that in Okta; nothing was released")
        if not locks and not await left.unreleased(name):
            what = f"no lock of ours is in force on {name!r}, and no membership waits to be released"
            raise NotReleasableError(what, remedy="check the spelling: names of users are case-sensitive")
        for lock in locks:
            change = unlocking(lock, labels.okta_id_of(lock.labels) or "", ReleasedByOperator())
            outcome = await steps.take(change, first=True, last=True)
            if outcome.result is not Result.DONE:
                raise NotReleasableError(outcome.error, remedy="nothing more was released; try again")
        memberships = await left.release(name, at=clock.now())
        for one in memberships:
            await journal.record(_entry(one, clock, by))
        await journal.flush()
        keys.learned(name, keys.time())
    return Released(tuple(locks), tuple(memberships))


def _entry(membership: LeftMembership, clock: Clock, by: str) -> JournalEntry:
    return JournalEntry(
        time=clock.now(),
        trigger=TRIGGER,
        kind=MEMBER,
        name=membership.label,
        okta_id="",
        action=TRIGGER,
        reason=f"released by an operator: the next user of the name is a member of {membership.title}",
        before_digest="",
        after_digest="",
        outcome=Result.DONE,
        boot=clock.boot(),
        who=by,
    )
