"""Attributes that many people lose at once: their removal is a harm, and is held apart from other changes of a user.

If one person loses an attribute, the person was edited. If many lose the same one, a mapping may have changed, or a
read may have left it out; and rules of Teleport may decide roles and access requests by it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.traits import okta_traits
from teleport_okta.model import labels
from teleport_okta.model.doubts import AttributeLoss, AttributesLostByMany
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import TRAIT_PREFIX
from teleport_okta.model.reason_text import text_of
from teleport_okta.model.reasons import AttributesLost
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.changes import TRAITS, USER, Action, Harm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.model.harm import Limits
    from teleport_okta.model.reasons import Reason
    from teleport_okta.plan.changes import Change

ATTRIBUTES: Final = "attributes"
"""The name under which the brake finds whether the absence of an attribute is believed."""


@dataclass(frozen=True, slots=True)
class LostTraits:
    """The traits that too many users of ours would lose in one plan, and the cause for doubt; or none."""

    names: frozenset[str] = frozenset()
    cause: Reason | None = None

    @property
    def doubt(self) -> str:
        """The cause in English; empty without one."""
        return "" if self.cause is None else text_of(self.cause)


NOTHING_LOST: Final = LostTraits()


def lost_traits(changes: Iterable[Change], users: Iterable[TeleportUser], owner: str, limits: Limits) -> LostTraits:
    """Return the traits that more users of ours lose than the `absent` limit allows of those who have them."""
    losing = Counter(name for change in changes for name in _lost_by(change, owner))
    if not losing:
        return NOTHING_LOST
    having = Counter(
        name for user in users if labels.owner_of(user.labels) == owner for name in user.traits if name in losing
    )
    too_many = sorted(name for name in losing if losing[name] > limits.most(Evidence.ABSENT, having[name]))
    if not too_many:
        return NOTHING_LOST
    losses = (AttributeLoss(name.removeprefix(TRAIT_PREFIX), losing[name], having[name]) for name in too_many)
    return LostTraits(frozenset(too_many), AttributesLostByMany(tuple(losses)))


def removals_apart(changes: Iterable[Change], lost: LostTraits, owner: str) -> tuple[Change, ...]:
    """Return the steps, with the removal of these traits in steps of their own, which are harm."""
    apart: list[Change] = []
    for change in changes:
        gone = _lost_by(change, owner) & lost.names
        if not gone or not isinstance(change.content, TeleportUser) or not isinstance(change.found, TeleportUser):
            apart.append(change)
            continue
        kept = {name: change.found.traits[name] for name in gone}
        wider = replace(change.content, traits={**change.content.traits, **kept})
        if wider != change.found:
            apart.append(replace(change, content=wider))
        names = tuple(sorted(name.removeprefix(TRAIT_PREFIX) for name in gone))
        harm = Harm(Harmed(TRAITS, change.name, change.okta_id), Evidence.ABSENT, listing=ATTRIBUTES)
        apart.append(replace(change, found=wider, cause=AttributesLost(names), harm=harm))
    return tuple(apart)


def _lost_by(change: Change, owner: str) -> frozenset[str]:
    """Return the traits that a user of ours has and would not have after a step."""
    found, content = change.found, change.content
    if (
        change.kind != USER
        or change.action is not Action.UPDATE
        or not isinstance(found, TeleportUser)
        or not isinstance(content, TeleportUser)
        or labels.owner_of(found.labels) != owner
    ):
        return frozenset()
    return frozenset(okta_traits(found.traits).keys() - content.traits.keys())
