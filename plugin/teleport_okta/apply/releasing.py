"""`release`: an operator takes our locks off a user name early, knowing that old certificates come back to life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.apply.steps import Steps
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model import labels
from teleport_okta.plan.locks import unlocking
from teleport_okta.state.journal import Result

if TYPE_CHECKING:
    from teleport_okta.apply.keys import Keys
    from teleport_okta.clock import Clock
    from teleport_okta.model.teleport import TeleportLock
    from teleport_okta.state.journal import Journal
    from teleport_okta.teleport.cluster import Teleport

TRIGGER: Final = "release"


class NotReleasableError(TeleportOktaError):
    """There is no lock that an operator could take off. Look at `tctl get locks` and at `status`."""


async def release(
    name: str, *, owner: str, teleport: Teleport, journal: Journal, keys: Keys, clock: Clock
) -> list[TeleportLock]:
    """Take the owner's locks off a name that has no user of the person whom they are about; return them.

    Raises NotReleasableError, TeleportError or StateError.
    """
    steps = Steps(teleport=teleport, journal=journal, clock=clock, trigger=TRIGGER)
    async with keys.hold(name):
        locks = [
            lock
            for lock in await teleport.locks.on_user(name)
            if labels.owner_of(lock.labels) == owner and lock.in_force(clock.now())
        ]
        if not locks:
            what = f"no lock of ours is in force on {name!r}"
            raise NotReleasableError(what, remedy="check the spelling: names of users are case-sensitive")
        user = await teleport.users.get(name)
        for lock in locks:
            okta_id = labels.okta_id_of(lock.labels) or ""
            if user is not None and labels.okta_id_of(user.labels) == okta_id:
                why = "is suspended in Okta" if lock.expires is None else "has left, and is about to be deleted"
                what = f"{name!r} stands for {okta_id}, who {why}: the next pass would lock the user again"
                raise NotReleasableError(what, remedy="change that in Okta; nothing was released")
        for lock in locks:
            change = unlocking(lock, labels.okta_id_of(lock.labels) or "", "released by an operator")
            outcome = await steps.take(change, first=True, last=True)
            if outcome.result is not Result.DONE:
                raise NotReleasableError(outcome.error, remedy="nothing more was released; try again")
        await journal.flush()
        keys.learned(name, clock.now())
    return locks
