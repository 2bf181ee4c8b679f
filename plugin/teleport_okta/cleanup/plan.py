"""A cleanup as a plan: the objects to remove, the digest by which a person approves them, and the changes. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.cleanup.inventory import ORDER
from teleport_okta.cleanup.ownership import Provenance
from teleport_okta.cleanup.steps import Steps
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.plan.changes import ACCESS_LIST, LOCK, USER
from teleport_okta.plan.digest import content_digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from teleport_okta.cleanup.holdings import Holdings
    from teleport_okta.cleanup.inventory import Inventory
    from teleport_okta.cleanup.values import Detachment, Kept
    from teleport_okta.plan.changes import Change

DELETE: Final = "delete"
HAND_BACK: Final = "hand back"
DETACH: Final = "detach"
UNLOCK: Final = "unlock"

_DIGEST_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Item:
    """One action, in words. `seal` is what the digest covers: the action, the object, a digest of its content."""

    action: str
    kind: str
    name: str
    okta_id: str
    provenance: Provenance
    note: str
    seal: str = field(repr=False)


@dataclass(frozen=True)
class CleanupPlan:
    """What is removed and what is kept.

    `phases` are the changes; each phase begins when the one before it has ended. `unread` maps kinds that could not be
    read to the reason.
    """

    items: tuple[Item, ...] = field(repr=False)
    kept: tuple[Kept, ...]
    warnings: tuple[str, ...]
    unread: Mapping[str, str]
    phases: tuple[tuple[Change, ...], ...] = field(repr=False)

    @property
    def seals(self) -> list[str]:
        """What the digest covers, one line for each item."""
        return [item.seal for item in self.items]

    @property
    def digest(self) -> str:
        """The digest by which a person approves the plan."""
        return hashlib.sha256("\n".join(sorted(self.seals)).encode()).hexdigest()[:_DIGEST_LENGTH]

    @property
    def leaves_nothing(self) -> bool:
        """Whether this plan removes everything that a cleanup should remove."""
        return not self.unread and not any(row.is_left for row in self.kept)


def plan_cleanup(
    inventory: Inventory, holdings: Holdings, *, owner: str, now: datetime, approval: str = ""
) -> CleanupPlan:
    """Return the plan of an inventory; `approval` is the digest under which it is applied."""
    steps = Steps(inventory, holdings, owner=owner, now=now, approval=approval)
    return CleanupPlan(
        items=tuple(_items(inventory)),
        kept=inventory.kept,
        warnings=(*_warnings(inventory), *inventory.warnings),
        unread=inventory.unread,
        phases=tuple(filter(None, map(tuple, steps.phases()))),
    )


def _items(inventory: Inventory) -> Iterator[Item]:
    yield from map(_detach_item, inventory.detachments)
    for kind in ORDER:
        for removal in inventory.removals[kind]:
            action = UNLOCK if kind == LOCK else HAND_BACK if removal.becomes else DELETE
            name = removal.label or removal.name
            of = f" {removal.name}" if kind == LOCK else f" ({removal.okta_id})" if removal.okta_id else ""
            content = " ".join([content_digest(removal.content), *removal.more])
            seal = f"{action} {kind} {name}{of} [{content}]"
            yield Item(action, kind, name, removal.okta_id, removal.provenance, removal.note, seal)


def _detach_item(detachment: Detachment) -> Item:
    parent, children = detachment.parent, ", ".join(detachment.children)
    way = "members" if detachment.as_member else "owners"
    note = f"{parent.title} is kept; out of its {way}: {children}"
    seal = f"{DETACH} {ACCESS_LIST} {parent.name} out of its {way}: {children}"
    return Item(DETACH, ACCESS_LIST, parent.name, "", Provenance.OURS, note, seal)


def _warnings(inventory: Inventory) -> Iterator[str]:
    users = inventory.removals[USER]
    handed_back = sum(one.becomes is not None for one in users)
    if len(users) > handed_back:
        yield (
            f"{len(users) - handed_back} people lose access to Teleport at once: each user is locked for "
            f"{_hours(LEAVER_LOCK)}, which ends sessions and stops certificates, then deleted with its MFA devices"
        )
    if handed_back:
        yield (
            f"{handed_back} users made by logins or people are handed back: our labels, the okta/* traits and the "
            "default roles are removed, everything else stays"
        )
    if any(inventory.removals.values()):
        yield (
            "nothing is written to Okta: assignments and memberships stay as they are there. People who can still sign "
            "in through the SAML connector can do so again when their lock has ended"
        )
    locks = len(inventory.removals[LOCK])
    if locks:
        yield f"{locks} locks are removed: certificates that they stop, and that have not expired, are valid again"


def _hours(duration: timedelta) -> str:
    minutes = int(duration.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60:02d} min"
