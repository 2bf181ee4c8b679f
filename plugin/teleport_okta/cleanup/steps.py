"""The changes of a cleanup, in their order.

Access lists are deleted before the roles that they grant, both before what the roles grant, and users last
(`docs/reference/teleport.md` 6.5). Users are locked before anything else, because their certificates outlive them
(`docs/design.md` 4.4). Each change is harm under the approved digest: it is recorded before its call, and does not
count against the hour of the brake.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.cleanup.ownership import Provenance
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model.access import TeleportAccessList
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.reasons import LeftoverRemoved, RemovedByCleanup
from teleport_okta.model.teleport import TeleportLock, TeleportUser
from teleport_okta.plan.changes import (
    ACCESS_LIST,
    APP_SERVER,
    LOCK,
    MEMBER,
    ROLE,
    USER,
    USER_GROUP,
    Action,
    Change,
    Harm,
)
from teleport_okta.plan.locks import LocksOfUsers, unlocking
from teleport_okta.plan.needs import ended, locked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from teleport_okta.cleanup.holdings import Holdings
    from teleport_okta.cleanup.inventory import Inventory
    from teleport_okta.cleanup.values import Detachment, Removal
    from teleport_okta.model.content import Content
    from teleport_okta.plan.changes import Need

REASONS: Final = {
    Provenance.OURS: RemovedByCleanup(),
    Provenance.VENDOR: LeftoverRemoved(),
}


class Steps:
    """The changes that remove the objects of an inventory."""

    def __init__(self, inventory: Inventory, holdings: Holdings, *, owner: str, now: datetime, approval: str) -> None:
        self._inventory = inventory
        self._removals = inventory.removals
        self._holdings = holdings
        self._now = now
        self._approval = approval
        self._locks = LocksOfUsers(holdings.locks.values(), owner=owner, now=now)
        self._locked: set[str] = set()
        self._lists_using: dict[str, list[str]] = defaultdict(list)
        for one in self._removals[ACCESS_LIST]:
            if isinstance(one.content, TeleportAccessList):
                demanded = holdings.demanded.get(one.name, frozenset())
                for role in {*one.content.grants, *one.content.owner_grants, *demanded}:
                    self._lists_using[role].append(one.name)

    def phases(self) -> Iterator[Iterable[Change]]:
        """Yield the changes, phase by phase."""
        users, roles = self._removals[USER], self._removals[ROLE]
        # The server refuses to delete a role that a user has.
        in_use = {role for one in users if isinstance(one.content, TeleportUser) for role in one.content.roles}
        yield [change for one in users for change in self._lock(one)]
        yield [change for one in self._inventory.detachments for change in self._detach(one)]
        yield [self._delete_list(one) for one in self._removals[ACCESS_LIST]]
        yield [self._delete_role(one) for one in roles if one.name not in in_use]
        yield [self._change(one, Action.DELETE) for one in self._removals[USER_GROUP]]
        yield [self._change(one, Action.DELETE) for one in self._removals[APP_SERVER]]
        yield [self._end_user(one) for one in users]
        yield [self._delete_role(one) for one in roles if one.name in in_use]
        yield [self._unlock(one) for one in self._removals[LOCK]]

    def _lock(self, removal: Removal) -> list[Change]:
        """Lock a user as a leaver. A user who is handed back is not locked, but a lock without an end gets one."""
        user = removal.content
        assert isinstance(user, TeleportUser)  # noqa: S101 - a removal of kind user holds one
        about = self._locks.about(user.name, removal.okta_id)
        if removal.becomes is not None and all(lock.expires is not None for lock in about):
            return []
        self._locked.add(user.name)
        # A lock that lasts longer, as the one of a user whom a SCIM client denied, is not shortened.
        lock_for = max([LEAVER_LOCK, *(lock.expires - self._now for lock in about if lock.expires is not None)])
        harm = replace(self._harm(removal), continues=self._locks.has_left(user.name, removal.okta_id))
        return self._locks.leave(user, removal.okta_id, REASONS[removal.provenance], harm=harm, lock_for=lock_for)

    def _end_user(self, removal: Removal) -> Change:
        needs = (locked(removal.name, removal.okta_id),) if removal.name in self._locked else ()
        if removal.becomes is not None:
            return self._change(removal, Action.UPDATE, content=removal.becomes, needs=needs)
        return self._change(removal, Action.DELETE, needs=needs)

    def _detach(self, detachment: Detachment) -> Iterator[Change]:
        parent = detachment.parent
        if not detachment.as_member:
            owners = tuple(one for one in parent.owners if not (one.is_list and one.name in detachment.children))
            content = replace(parent, owners=owners)
            yield self._detaching(ACCESS_LIST, parent.name, subject=parent.name, found=parent, content=content)
            return
        for child in detachment.children:
            member = self._holdings.members_of(parent.name).others[child]
            yield self._detaching(MEMBER, child, subject=parent.name, found=member, title=parent.title)

    def _detaching(
        self, kind: str, name: str, *, subject: str, found: Content, content: Content | None = None, title: str = ""
    ) -> Change:
        change = Change(
            action=Action.DELETE if content is None else Action.UPDATE,
            kind=kind,
            name=name,
            subject=subject,
            okta_id="",
            cause=REASONS[Provenance.OURS],
            found=found,
            content=content,
            title=title,
        )
        return replace(change, harm=Harm(Harmed(kind, change.label, ""), Evidence.STATED, approval=self._approval))

    def _delete_list(self, removal: Removal) -> Change:
        outer = (ended(ACCESS_LIST, name) for name in self._inventory.outer_lists.get(removal.name, ()))
        memberships = (
            ended(MEMBER, f"{one.parent.name}/{removal.name}")
            for one in self._inventory.detachments
            if one.as_member and removal.name in one.children
        )
        return self._change(removal, Action.DELETE, needs=(*outer, *memberships))

    def _delete_role(self, removal: Removal) -> Change:
        needs = tuple(ended(ACCESS_LIST, name) for name in self._lists_using[removal.name])
        return self._change(removal, Action.DELETE, needs=needs)

    def _unlock(self, removal: Removal) -> Change:
        assert isinstance(removal.content, TeleportLock)  # noqa: S101 - a removal of kind lock holds one
        return unlocking(removal.content, removal.okta_id, REASONS[removal.provenance])

    def _change(
        self, removal: Removal, action: Action, *, content: Content | None = None, needs: tuple[Need, ...] = ()
    ) -> Change:
        return Change(
            action=action,
            kind=removal.kind,
            name=removal.name,
            subject=removal.label or removal.name,
            okta_id=removal.okta_id,
            cause=REASONS[removal.provenance],
            found=removal.content,
            content=content,
            needs=needs,
            harm=self._harm(removal),
        )

    def _harm(self, removal: Removal) -> Harm:
        harmed = Harmed(removal.kind, removal.label or removal.name, removal.okta_id)
        return Harm(harmed, Evidence.STATED, approval=self._approval, people=removal.people)
