"""Planning the locks of one user: which are in force, which should be, and the steps that lead there.

A person has at most one lock from us on a user: without an end while suspended, with an end after leaving. It carries
the Okta id of the person it is about, and is removed early only if that person returns (`docs/design.md` 4.4): the
certificates that it stops are theirs. While the lock about a former holder lasts, a user may have two.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.names import lock_name
from teleport_okta.model.reason_text import text_of
from teleport_okta.model.reasons import LockedUntilExpiry, LockedUntilProvisioned, LockedWhileSuspended, SuspendedInOkta
from teleport_okta.model.teleport import TeleportLock
from teleport_okta.plan.changes import LOCK, Action, Change

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from teleport_okta.model.reasons import Reason
    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.plan.changes import Harm, Need


class LocksOfUsers:
    """The locks of one owner that are in force, by the user whom they stop."""

    def __init__(self, locks: Iterable[TeleportLock], *, owner: str, now: datetime) -> None:
        self._owner = owner
        self._by_user: dict[str, list[TeleportLock]] = defaultdict(list)
        for lock in locks:
            if lock.user and labels.owner_of(lock.labels) == owner and lock.in_force(now):
                self._by_user[lock.user].append(lock)

    def about(self, user_name: str, okta_id: str) -> list[TeleportLock]:
        """Return the locks on a user that are about this person."""
        return [lock for lock in self._by_user.get(user_name, ()) if labels.okta_id_of(lock.labels) == okta_id]

    def of_others(self, user_name: str, okta_id: str) -> list[TeleportLock]:
        """Return the locks on a user that are about another person: a former holder of the name."""
        return [lock for lock in self._by_user.get(user_name, ()) if labels.okta_id_of(lock.labels) != okta_id]

    def endless(self) -> list[TeleportLock]:
        """Return the locks that have no end, in the order of their users."""
        return [lock for _, locks in sorted(self._by_user.items()) for lock in locks if lock.expires is None]

    def has_left(self, user_name: str, okta_id: str) -> bool:
        """Whether this person is locked as a leaver already."""
        return any(lock.expires is not None for lock in self.about(user_name, okta_id))

    def suspend(
        self, user: TeleportUser, okta_id: str, *, harm: Harm | None, needs: tuple[Need, ...] = ()
    ) -> list[Change]:
        """Return the steps after which a user has the one lock of a suspended person."""
        locks = self.about(user.name, okta_id)
        kept = next((lock for lock in locks if lock.expires is None), None)
        cause = SuspendedInOkta()
        steps = []
        if kept is None:
            lock, found = self._lock(user, okta_id, LockedWhileSuspended(cause), locks)
            steps.append(_locking(lock, okta_id, cause, found=found, harm=harm, needs=needs))
            kept = lock
        return steps + [unlocking(lock, okta_id, cause, harm) for lock in locks if lock.name != kept.name]

    def leave(
        self,
        user: TeleportUser,
        okta_id: str,
        cause: Reason,
        *,
        harm: Harm,
        needs: tuple[Need, ...] = (),
        lock_for: timedelta = LEAVER_LOCK,
    ) -> list[Change]:
        """Return the steps after which a user has the one lock of a leaver; the lock of a suspension gets its end here.

        A leaver who seems to be locked already, because an earlier pass was stopped before the deletion, is locked
        again: a listing may still show a lock that was removed a moment ago.
        """
        locks = self.about(user.name, okta_id)
        message = LockedUntilExpiry(cause) if lock_for == LEAVER_LOCK else LockedUntilProvisioned(cause)
        kept, found = self._lock(user, okta_id, message, locks)
        locking = _locking(kept, okta_id, cause, found=found, harm=harm, needs=needs, lock_for=lock_for)
        return [locking, *(unlocking(lock, okta_id, cause, harm) for lock in locks if lock.name != kept.name)]

    def release(self, user_name: str, okta_id: str, cause: Reason) -> list[Change]:
        """Return the steps that remove the locks about this person, and no others."""
        return [unlocking(lock, okta_id, cause) for lock in self.about(user_name, okta_id)]

    def let_back(self, user_name: str, okta_id: str, cause: Reason) -> list[Change]:
        """Return the steps that remove the locks of a leaver about this person; the lock of a suspension stays."""
        locks = self.about(user_name, okta_id)
        return [unlocking(lock, okta_id, cause) for lock in locks if lock.expires is not None]

    def _lock(
        self, user: TeleportUser, okta_id: str, message: Reason, locks: Iterable[TeleportLock]
    ) -> tuple[TeleportLock, TeleportLock | None]:
        """Return the lock to set, and the one of its name that is in force, if there is one."""
        of_okta = labels.is_of_okta(user.labels)
        name = lock_name(user.name, okta_id, of_okta=of_okta)
        found = next((lock for lock in locks if lock.name == name), None)
        ours = {labels.OWNER: self._owner, labels.OKTA_ID: okta_id}
        if of_okta:
            ours[labels.ORIGIN] = labels.ORIGIN_OKTA
        if labels.SCIM_ID in user.labels:
            ours[labels.SCIM_ID] = user.labels[labels.SCIM_ID]
        lock = found or TeleportLock(name, user.name)
        return replace(lock, labels={**lock.labels, **ours}, message=text_of(message), expires=None), found


def _locking(
    lock: TeleportLock,
    okta_id: str,
    cause: Reason,
    *,
    found: TeleportLock | None,
    harm: Harm | None,
    needs: tuple[Need, ...],
    lock_for: timedelta | None = None,
) -> Change:
    return Change(
        action=Action.LOCK,
        kind=LOCK,
        name=lock.name,
        subject=lock.user or "",
        okta_id=okta_id,
        cause=cause,
        content=lock,
        found=found,
        lock_for=lock_for,
        needs=needs,
        harm=harm,
    )


def unlocking(lock: TeleportLock, okta_id: str, cause: Reason, harm: Harm | None = None) -> Change:
    """Return the step that removes a lock; `harm` if it is part of one."""
    return Change(
        action=Action.UNLOCK,
        kind=LOCK,
        name=lock.name,
        subject=lock.user or "",
        okta_id=okta_id,
        cause=cause,
        found=lock,
        harm=harm,
    )
