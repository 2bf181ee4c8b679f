"""Planning users and their locks: desired against actual.

The order of a plan: people who come, people who return, repairs; then people who leave. Of one person the steps are
safe to stop after: lock before delete, create before unlock (`design.md` 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.desired.traits import okta_traits
from teleport_okta.model import labels
from teleport_okta.model.findings import Held, Quarantined
from teleport_okta.model.names import lock_name
from teleport_okta.model.teleport import ConnectorRef, TeleportLock, TeleportUser
from teleport_okta.plan.changes import LOCK, USER, Action, Change
from teleport_okta.plan.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from teleport_okta.desired.people import DesiredUsers, WantedUser
    from teleport_okta.desired.policy import Policy

LEFT: Final = "left"
"""The reason in the name of a leaver's lock."""

OKTA_USER_ID: Final = "00u"
"""How the id of every Okta user begins (`reference/okta.md` 2.1)."""


@dataclass(frozen=True, slots=True)
class ActualUsers:
    """The users and locks that a cluster holds, by name, all of them, ours and others'."""

    users: Mapping[str, TeleportUser]
    locks: Mapping[str, TeleportLock]


def owned_names(users: Iterable[TeleportUser], owner: str) -> dict[str, str]:
    """Map the names of the users that an owner holds to the Okta ids they stand for (empty when unlabelled)."""
    return {user.name: _holder(user) or "" for user in users if labels.owner_of(user.labels) == owner}


def plan_users(
    desired: DesiredUsers, actual: ActualUsers, policy: Policy, *, now: datetime, absences_held: str | None
) -> Plan:
    """Compare and return the plan.

    `absences_held` says why nobody may leave in this pass (None: leavers leave). `now` only tells which locks are in
    force; the plan itself has no times in it.
    """
    return _Planner(desired, actual, policy, now, absences_held).plan()


class _Planner:
    def __init__(
        self, desired: DesiredUsers, actual: ActualUsers, policy: Policy, now: datetime, absences_held: str | None
    ) -> None:
        self._desired = desired
        self._actual = actual
        self._policy = policy
        self._now = now
        self._absences_held = absences_held
        self._name_of = {user.okta_id: user.name for user in desired.wanted.values()}
        self._arrivals: list[Change] = []
        self._repairs: list[Change] = []
        self._departures: list[Change] = []
        self._aside: list[Quarantined] = list(desired.quarantined)
        self._held: list[Held] = []
        self._unchanged = 0

    def plan(self) -> Plan:
        for name in sorted(self._desired.wanted):
            self._want(self._desired.wanted[name])
        arriving = {change.subject for change in self._arrivals}
        for name, okta_id in sorted(owned_names(self._actual.users.values(), self._policy.owner).items()):
            self._keep_or_leave(self._actual.users[name], okta_id, arriving)
        return Plan(
            changes=(*self._arrivals, *self._repairs, *self._departures),
            quarantined=tuple(sorted(self._aside)),
            held=tuple(sorted(self._held)),
            warnings=(f"nobody leaves in this pass: {self._absences_held}",) if self._absences_held else (),
            unchanged=self._unchanged,
        )

    def _want(self, wanted: WantedUser) -> None:
        found = self._actual.users.get(wanted.name)
        if found is None:
            self._arrive(wanted)
            return
        if labels.owner_of(found.labels) != self._policy.owner:
            self._set_aside(
                wanted,
                "Teleport has a user of this name that is not ours",
                "rename or delete that user, or give this person another login",
            )
            return
        holder = _holder(found)
        if holder not in (None, wanted.okta_id):
            self._set_aside(
                wanted,
                f"the user of this name stands for {holder}, who had the login before",
                "wait: the predecessor is locked and removed first, and the lock must run out",
            )
            return
        repaired = _repaired(found, wanted, self._policy)
        if repaired == found:
            self._unchanged += 1
        else:
            self._repairs.append(
                Change(
                    action=Action.UPDATE,
                    kind=USER,
                    name=wanted.name,
                    subject=wanted.name,
                    okta_id=wanted.okta_id,
                    reason="differs from Okta",
                    user=repaired,
                    found=found,
                )
            )
        self._release(wanted, self._repairs)

    def _arrive(self, wanted: WantedUser) -> None:
        if not wanted.create:
            return
        lock = self._lock_in_force(wanted.name)
        if lock is not None and labels.okta_id_of(lock.labels) != wanted.okta_id:
            self._set_aside(
                wanted,
                f"the name is locked for its former holder {labels.okta_id_of(lock.labels)}, whose certificates "
                "the lock still stops",
                "wait until the lock has run out, or give this person another login",
            )
            return
        self._arrivals.append(
            Change(
                action=Action.CREATE,
                kind=USER,
                name=wanted.name,
                subject=wanted.name,
                okta_id=wanted.okta_id,
                reason="returned" if lock else "assigned in Okta",
                user=_new_user(wanted, self._policy),
            )
        )
        self._release(wanted, self._arrivals)

    def _release(self, wanted: WantedUser, changes: list[Change]) -> None:
        """Undo this person's own leaver's lock; nobody else's."""
        lock = self._lock_in_force(wanted.name)
        if lock is not None and wanted.create and labels.okta_id_of(lock.labels) == wanted.okta_id:
            changes.append(
                Change(
                    action=Action.UNLOCK,
                    kind=LOCK,
                    name=lock.name,
                    subject=wanted.name,
                    okta_id=wanted.okta_id,
                    reason="returned",
                    found=lock,
                )
            )

    def _keep_or_leave(self, user: TeleportUser, okta_id: str, arriving: set[str]) -> None:
        new_name = self._name_of.get(okta_id)
        if new_name == user.name or (not okta_id and user.name in self._desired.wanted):
            return
        if new_name is not None and self._owns(new_name, okta_id, arriving):
            self._leave(user, okta_id, f"renamed to {new_name} in Okta", after=new_name)
            return
        if okta_id in self._desired.present or (not okta_id and user.name in self._desired.present_names):
            self._unchanged += 1
            return
        self._leave(user, okta_id, self._desired.gone.get(okta_id, "no longer assigned in Okta"))

    def _owns(self, name: str, okta_id: str, arriving: set[str]) -> bool:
        """Whether this person has, or gets in this plan, the user of that name."""
        holder = self._actual.users.get(name)
        return name in arriving or (holder is not None and _holder(holder) == okta_id)

    def _leave(self, user: TeleportUser, okta_id: str, reason: str, *, after: str | None = None) -> None:
        if self._absences_held:
            self._held.append(Held(USER, user.name, okta_id, reason))
            return
        lock = self._lock_in_force(user.name)
        if lock is None or labels.okta_id_of(lock.labels) != okta_id:
            self._departures.append(
                Change(
                    action=Action.LOCK,
                    kind=LOCK,
                    name=lock_name(user.name, LEFT),
                    subject=user.name,
                    okta_id=okta_id,
                    reason=reason,
                    lock=_leaver_lock(user.name, okta_id, reason, self._policy),
                    found=lock,
                    lock_for=LEAVER_LOCK,
                    after=after,
                )
            )
        self._departures.append(
            Change(
                action=Action.DELETE,
                kind=USER,
                name=user.name,
                subject=user.name,
                okta_id=okta_id,
                reason=reason,
                found=user,
                after=after,
            )
        )

    def _lock_in_force(self, user_name: str) -> TeleportLock | None:
        lock = self._actual.locks.get(lock_name(user_name, LEFT))
        ours = lock is not None and labels.owner_of(lock.labels) == self._policy.owner
        return lock if lock is not None and ours and lock.in_force(self._now) else None

    def _set_aside(self, wanted: WantedUser, reason: str, remedy: str) -> None:
        self._aside.append(Quarantined(USER, wanted.name, wanted.okta_id, reason, remedy))


def _holder(user: TeleportUser) -> str | None:
    """Return the Okta id of the person a user stands for; a label that is no user's id counts as missing."""
    okta_id = labels.okta_id_of(user.labels)
    return okta_id if okta_id and okta_id.startswith(OKTA_USER_ID) else None


def _new_user(wanted: WantedUser, policy: Policy) -> TeleportUser:
    connector = policy.connector and ConnectorRef("saml", policy.connector, wanted.name)
    return TeleportUser(
        name=wanted.name,
        labels=_labels(wanted.okta_id, policy) | {labels.OKTA_ORG: policy.organization_url},
        roles=policy.default_roles,
        traits=wanted.traits(),
        connector=connector or None,
    )


def _repaired(found: TeleportUser, wanted: WantedUser, policy: Policy) -> TeleportUser:
    """Return the user with what we own set right, and everything else as it was found.

    The vendor's origin and organisation labels are set at creation and kept as they are: the origin cannot be changed,
    and a new custom domain is no reason to touch everybody.
    """
    ours = {labels.OWNER: policy.owner, labels.OKTA_ID: wanted.okta_id}
    if labels.OKTA_ORG not in found.labels:
        ours[labels.OKTA_ORG] = policy.organization_url
    wanted_traits = wanted.traits()
    traits = found.traits
    if okta_traits(found.traits) != wanted_traits:
        theirs = {name: values for name, values in found.traits.items() if name not in okta_traits(found.traits)}
        traits = theirs | wanted_traits
    missing = tuple(role for role in policy.default_roles if role not in found.roles)
    return replace(
        found,
        labels={**found.labels, **ours},
        roles=(*found.roles, *missing),
        traits=traits,
        expires=None,
    )


def _leaver_lock(user_name: str, okta_id: str, reason: str, policy: Policy) -> TeleportLock:
    return TeleportLock(
        name=lock_name(user_name, LEFT),
        user=user_name,
        labels=_labels(okta_id, policy),
        message=f"{reason}; locked until every certificate issued before has expired",
    )


def _labels(okta_id: str, policy: Policy) -> dict[str, str]:
    return {labels.OWNER: policy.owner, labels.OKTA_ID: okta_id, labels.ORIGIN: labels.ORIGIN_OKTA}
