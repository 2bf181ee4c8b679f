"""`release`: an operator gives a user name free early: takes our locks off, lets its next person have what is left.

The operator knows that old certificates come back to life, and that the next person comes into those memberships.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.apply.steps import Steps
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model import labels
from teleport_okta.model.inheritance import Released
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
    """There is nothing that an operator could release. Look at `tctl get locks` and at `status`."""


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
    """Take the owner's locks off a name that has no user of the person whom they are about.

    Memberships that are left behind in the name are released as well; the journal says `by` whom. Returns what was
    released. Raises NotReleasableError, TeleportError or StateError.
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
                what = f"{name!r} stands for {okta_id}, who {why}: the next pass would lock the user again"
                raise NotReleasableError(what, remedy="change that in Okta; nothing was released")
        if not locks and not await left.unreleased(name):
            what = f"no lock of ours is in force on {name!r}, and no membership waits to be released"
            raise NotReleasableError(what, remedy="check the spelling: names of users are case-sensitive")
        for lock in locks:
            change = unlocking(lock, labels.okta_id_of(lock.labels) or "", "released by an operator")
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
        reason=f"released by an operator: who gets the name next is a member of {membership.title}",
        before_digest="",
        after_digest="",
        outcome=Result.DONE,
        boot=clock.boot(),
        who=by,
    )
