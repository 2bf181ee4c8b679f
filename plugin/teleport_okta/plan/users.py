"""Planning users and their locks: desired against actual.

The order of a plan: people who come, people who return, repairs; then harm: people who leave, people who are suspended.
Of one person the steps are safe to stop after: lock before delete, create before unlock (`docs/design.md` 4.4). The
plan is made as if nothing were held; what of its harm goes through is for the brake to say (`plan/brake.py`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.desired.policy import DEPROVISIONED_LOCK, LEAVER_LOCK
from teleport_okta.desired.traits import okta_traits, ordered_as
from teleport_okta.desired.trust import PEOPLE, UNCONFIRMED
from teleport_okta.model import labels
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.inheritance import NOTHING_LEFT
from teleport_okta.model.problems import (
    NameHasMemberships,
    NameInUse,
    NameLocked,
    OriginNotOkta,
    OrphanedLock,
    UserNotOurs,
    UserOfAnother,
)
from teleport_okta.model.provisioned import UNKNOWN_TO_OKTA, is_person_id
from teleport_okta.model.reasons import (
    ActiveInOkta,
    AssignedInOkta,
    CertificatesExpired,
    NoLongerAssigned,
    ProvisionedAgain,
    ProvisionedByScim,
    RenamedInOkta,
    Returned,
    TakenOver,
    TakenOverFromLogin,
    UserDiffers,
)
from teleport_okta.model.scope import ALL, EVERYTHING
from teleport_okta.model.teleport import ConnectorRef, TeleportUser
from teleport_okta.plan.changes import LOCK, USER, Action, Change, Harm
from teleport_okta.plan.leftovers import leftovers
from teleport_okta.plan.locks import LocksOfUsers, unlocking
from teleport_okta.plan.needs import locked, stands_for
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.unread import unread_of_users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from teleport_okta.desired.people import DesiredUsers, WantedUser
    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.model.problems import Problem
    from teleport_okta.model.reasons import Reason
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualUsers
    from teleport_okta.plan.changes import Need


def owned_names(users: Iterable[TeleportUser], owner: str) -> dict[str, str]:
    """Map the names of the users that an owner holds to the Okta ids they stand for (empty when unlabelled)."""
    return {user.name: _holder(user) or "" for user in users if labels.owner_of(user.labels) == owner}


def plan_users(
    desired: DesiredUsers,
    actual: ActualUsers,
    policy: Policy,
    *,
    now: datetime,
    aside_since: Mapping[tuple[str, str, str], datetime] | None = None,
    inheritance: Inheritance = NOTHING_LEFT,
    replaced: Mapping[str, str] | None = None,
    scope: Scope = EVERYTHING,
) -> Plan:
    """Compare and return the plan, nothing of it held.

    `now` only tells which locks are in force; the plan itself has no times in it. `aside_since` says since when rows
    are in quarantine, by kind, name and Okta id, `inheritance` what somebody who gets a name would come into.
    `replaced` maps the names of users whose labels a login took away to the Okta ids that they stood for. `desired` and
    the plan are of the same `scope`.
    """
    return _Planner(
        desired,
        actual,
        policy,
        now=now,
        aside_since=aside_since or {},
        inheritance=inheritance,
        replaced=replaced or {},
        scope=scope,
    ).plan()


class _Planner:
    def __init__(
        self,
        desired: DesiredUsers,
        actual: ActualUsers,
        policy: Policy,
        *,
        now: datetime,
        aside_since: Mapping[tuple[str, str, str], datetime],
        inheritance: Inheritance,
        replaced: Mapping[str, str],
        scope: Scope,
    ) -> None:
        self._desired = desired
        self._actual = actual
        self._policy = policy
        self._now = now
        self._aside_since = aside_since
        self._inheritance = inheritance
        self._replaced = replaced
        self._scope = scope
        self._locks = LocksOfUsers(actual.locks.values(), owner=policy.owner, now=now)
        self._name_of = {user.okta_id: user.name for user in desired.wanted.values()}
        self._coming: set[str] = set()
        self._arrivals: list[Change] = []
        self._repairs: list[Change] = []
        self._departures: list[Change] = []
        self._suspensions: list[Change] = []
        self._aside: list[Quarantined] = list(desired.quarantined)
        self._unchanged = 0
        self._waiting: dict[str, str] = {}

    def plan(self) -> Plan:
        for name in sorted(self._desired.wanted):
            self._want(self._desired.wanted[name])
        for name, okta_id in sorted(owned_names(self._actual.users.values(), self._policy.owner).items()):
            if okta_id in self._scope.users:
                self._keep_or_leave(self._actual.users[name], okta_id)
        self._settle_orphaned_locks()
        return Plan(
            changes=(*self._arrivals, *self._repairs, *self._departures, *self._suspensions),
            quarantined=tuple(sorted(self._aside)),
            leftovers=leftovers(self._actual, wanted=self._desired.wanted) if self._scope.users is ALL else (),
            warnings=self._warnings(),
            unchanged=self._unchanged,
            waiting=self._waiting,
        )

    def _warnings(self) -> tuple[str, ...]:
        """Say why nobody new gets a user, and how many wait."""
        reasons = [*filter(None, [self._policy.no_arrivals]), *unread_of_users(self._actual)]
        if self._waiting:
            reasons = [f"{reason}; people who wait for a user: {len(self._waiting)}" for reason in reasons]
        return tuple(reasons)

    def _want(self, wanted: WantedUser) -> None:
        found = self._actual.users.get(wanted.name)
        if found is None:
            self._arrive(wanted)
            return
        owner = labels.owner_of(found.labels)
        if owner != self._policy.owner:
            if self._may_adopt(wanted, found, owner):
                self._keep(wanted, found, TakenOverFromLogin() if found.connector else TakenOver())
            return
        holder = _holder(found)
        if holder not in (None, wanted.okta_id) and not _is_bound(found, wanted):
            self._set_aside(wanted, NameInUse(holder or ""))
            return
        self._keep(wanted, found, UserDiffers())

    def _may_adopt(self, wanted: WantedUser, found: TeleportUser, owner: str | None) -> bool:
        """Whether a user who is not ours may be taken over in place; sets the person aside if not."""
        if owner is not None or not (is_of_connector(found, self._policy) or labels.is_leftover(found.labels)):
            self._set_aside(wanted, UserOfAnother(owner) if owner else UserNotOurs())
            return False
        if self._actual.locks_unread:
            self._waiting[wanted.okta_id] = wanted.name
            return False
        if self._locks.of_others(wanted.name, wanted.okta_id):
            self._set_aside(wanted, self._predecessor(wanted))
            return False
        if self._waits(wanted, self._inheritance.of_successor(wanted.name, wanted.okta_id)):
            return False
        return self._may_change(found, wanted.okta_id)

    def _waits(self, wanted: WantedUser, lists: tuple[Reason, ...]) -> bool:
        """Whether a person has to wait, who would come into memberships of somebody else; sets the person aside."""
        if not lists or self._locks.about(wanted.name, wanted.okta_id):
            return False
        self._waiting[wanted.okta_id] = wanted.name
        former = self._inheritance.holders.get(wanted.name, "")
        self._set_aside(wanted, NameHasMemberships(wanted.name, former, lists))
        return True

    def _may_change(self, user: TeleportUser, okta_id: str) -> bool:
        """Whether some identity may change a user of this origin; reports the user if not."""
        if labels.is_of_okta(user.labels) or self._policy.no_adoption is None:
            return True
        self._aside.append(Quarantined(USER, user.name, okta_id, OriginNotOkta(self._policy.no_adoption)))
        return False

    def _keep(self, wanted: WantedUser, found: TeleportUser, cause: Reason) -> None:
        """Repair a user who is there, and set the locks right."""
        repaired = _repaired(found, wanted, self._policy)
        adopted = labels.owner_of(found.labels) != self._policy.owner
        if repaired != found and not self._may_change(found, wanted.okta_id):
            return
        if repaired == found:
            self._unchanged += 1
        else:
            self._coming.add(wanted.name)
            self._repairs.append(
                Change(
                    action=Action.UPDATE,
                    kind=USER,
                    name=wanted.name,
                    subject=wanted.name,
                    okta_id=wanted.okta_id,
                    cause=cause,
                    content=repaired,
                    found=found,
                )
            )
        if self._locks.of_others(wanted.name, wanted.okta_id):
            self._set_aside(wanted, self._predecessor(wanted))
        is_known = self._replaced.get(wanted.name) == wanted.okta_id
        needs = (stands_for(wanted.name, wanted.okta_id),) if adopted and not is_known else ()
        self._settle_locks(found, wanted.okta_id, needs=needs)

    def _settle_locks(self, user: TeleportUser, okta_id: str, *, needs: tuple[Need, ...] = ()) -> None:
        """Lock a user of somebody suspended, unlock one of somebody who is not."""
        if okta_id in self._desired.suspended:
            harm = Harm(Harmed(LOCK, user.name, okta_id), Evidence.STATED)
            steps = self._locks.suspend(user, okta_id, harm=harm, needs=needs)
            if not steps or self._may_change(user, okta_id):
                self._suspensions += steps
        elif okta_id in self._desired.active:
            self._repairs += self._locks.release(user.name, okta_id, ActiveInOkta())
        elif okta_id in self._desired.vouched:
            self._repairs += self._locks.let_back(user.name, okta_id, ProvisionedAgain())

    def _arrive(self, wanted: WantedUser) -> None:
        if not wanted.create:
            return
        if self._policy.no_arrivals or self._actual.locks_unread:
            self._waiting[wanted.okta_id] = wanted.name
            return
        if self._locks.of_others(wanted.name, wanted.okta_id):
            self._set_aside(wanted, self._predecessor(wanted))
            return
        if self._waits(wanted, self._inheritance.of_newcomer(wanted.name, wanted.okta_id)):
            return
        self._coming.add(wanted.name)
        user = _new_user(wanted, self._policy)
        locked = self._locks.about(wanted.name, wanted.okta_id)
        # Whom Okta's API shows is assigned there, whatever a SCIM client said too.
        is_said = bool(wanted.person.scim_id) and wanted.person.assignment_status is None
        self._arrivals.append(
            Change(
                action=Action.CREATE,
                kind=USER,
                name=wanted.name,
                subject=wanted.name,
                okta_id=wanted.okta_id,
                cause=Returned() if locked else ProvisionedByScim() if is_said else AssignedInOkta(),
                content=user,
            )
        )
        if wanted.suspended:
            self._arrivals += self._locks.suspend(user, wanted.okta_id, harm=None)
        else:
            self._arrivals += self._locks.release(wanted.name, wanted.okta_id, Returned())

    def _keep_or_leave(self, user: TeleportUser, okta_id: str) -> None:
        if user.name in self._desired.wanted and _is_bound(user, self._desired.wanted[user.name]):
            return
        new_name = self._name_of.get(okta_id)
        if new_name == user.name or (not okta_id and user.name in self._desired.wanted):
            return
        if new_name is not None and self._stands_for(new_name) == okta_id:
            renamed = RenamedInOkta(new_name)
            is_found = self._holder_now(new_name) == okta_id
            new = stands_for(new_name, okta_id, is_found=is_found)
            self._leave(user, okta_id, renamed, Evidence.STATED, needs=(new,))
        elif okta_id in self._desired.present or (not okta_id and user.name in self._desired.present_names):
            self._unchanged += 1
            self._settle_locks(user, okta_id)
        elif okta_id in self._desired.gone:
            cause, listing = self._desired.gone[okta_id], listing_behind(self._desired, okta_id)
            self._leave(user, okta_id, cause, Evidence.STATED, listing=listing)
        else:
            listing = listing_behind(self._desired, okta_id)
            self._leave(user, okta_id, NoLongerAssigned(), Evidence.ABSENT, listing=listing)

    def _leave(
        self,
        user: TeleportUser,
        okta_id: str,
        cause: Reason,
        evidence: Evidence,
        *,
        listing: str = "",
        needs: tuple[Need, ...] = (),
    ) -> None:
        if not self._may_change(user, okta_id):
            return
        harm = Harm(
            Harmed(USER, user.name, okta_id),
            evidence,
            listing=listing,
            continues=self._locks.has_left(user.name, okta_id),
        )
        lock_for = DEPROVISIONED_LOCK if okta_id in self._desired.deprovisioned else LEAVER_LOCK
        self._departures += self._locks.leave(user, okta_id, cause, harm=harm, needs=needs, lock_for=lock_for)
        self._departures.append(
            Change(
                action=Action.DELETE,
                kind=USER,
                name=user.name,
                subject=user.name,
                okta_id=okta_id,
                cause=cause,
                found=user,
                needs=(locked(user.name, okta_id), *needs),
                harm=harm,
            )
        )

    def _settle_orphaned_locks(self) -> None:
        """Deal with suspensions' locks whose user is gone, or does not stand for that person any more.

        Nobody may give such a lock an end (`docs/reference/teleport-observed.md` 2), so it is taken off when a leaver's
        would be over. Those that wait for that go on waiting while locks cannot be read.
        """
        if self._actual.locks_unread:
            for kind, name, okta_id in self._aside_since:
                if kind == LOCK and okta_id in self._scope.users and self._stands_for(name) != okta_id:
                    self._aside.append(Quarantined(LOCK, name, okta_id, OrphanedLock(name)))
            return
        for lock in self._locks.endless():
            name, okta_id = lock.user or "", labels.okta_id_of(lock.labels) or ""
            if okta_id not in self._scope.users or self._stands_for(name) == okta_id:
                continue
            if self._replaced.get(name) == okta_id and okta_id not in self._desired.present:
                # The user exists without our labels, and the person left: a leaver's lock (`plan/replaced_records.py`).
                continue
            since = self._aside_since.get((LOCK, name, okta_id))
            if since is not None and self._now - since >= LEAVER_LOCK:
                self._repairs.append(unlocking(lock, okta_id, CertificatesExpired()))
                continue
            self._aside.append(Quarantined(LOCK, name, okta_id, OrphanedLock(name)))

    def _stands_for(self, name: str) -> str | None:
        """Return the Okta id that a user of ours stands for, or will after this plan; None: there is no such user."""
        return self._desired.wanted[name].okta_id if name in self._coming else self._holder_now(name)

    def _holder_now(self, name: str) -> str | None:
        """Return the Okta id that a user that we own stands for now; None: there is no such user."""
        user = self._actual.users.get(name)
        if user is None or labels.owner_of(user.labels) != self._policy.owner:
            return None
        return _holder(user)

    def _predecessor(self, wanted: WantedUser) -> Problem:
        locks = self._locks.of_others(wanted.name, wanted.okta_id)
        return NameLocked(wanted.name, tuple(sorted({labels.okta_id_of(lock.labels) or "" for lock in locks})))

    def _set_aside(self, wanted: WantedUser, problem: Problem) -> None:
        self._aside.append(Quarantined(USER, wanted.name, wanted.okta_id, problem))


def is_of_connector(user: TeleportUser, policy: Policy) -> bool:
    """Whether a user came through our SAML connector."""
    connector = user.connector
    return connector is not None and connector.type == "saml" and connector.id == policy.connector


def listing_behind(desired: DesiredUsers, okta_id: str) -> str:
    """Return the listing on whose absences somebody's end rests; empty where a row of it states the end."""
    if okta_id in desired.unconfirmed:
        return UNCONFIRMED
    return PEOPLE if okta_id in desired.unassigned or okta_id not in desired.gone else ""


def _holder(user: TeleportUser) -> str | None:
    """Return the Okta id of the person a user stands for; a label that is no user's id counts as missing."""
    okta_id = labels.okta_id_of(user.labels)
    return okta_id if okta_id and is_person_id(okta_id) else None


def _is_bound(user: TeleportUser, wanted: WantedUser) -> bool:
    """Whether a user stands for somebody of whom a SCIM client named no Okta id, and whom Okta's API knows by now."""
    is_unknown = (labels.okta_id_of(user.labels) or "").startswith(UNKNOWN_TO_OKTA)
    return is_unknown and bool(wanted.person.scim_id) and user.labels.get(labels.SCIM_ID) == wanted.person.scim_id


def _new_user(wanted: WantedUser, policy: Policy) -> TeleportUser:
    connector = policy.connector and ConnectorRef("saml", policy.connector, wanted.name)
    return TeleportUser(
        name=wanted.name,
        labels=_labels(wanted, policy) | {labels.OKTA_ORG: policy.organization_url},
        roles=policy.default_roles,
        traits=wanted.traits(),
        connector=connector or None,
    )


def _repaired(found: TeleportUser, wanted: WantedUser, policy: Policy) -> TeleportUser:
    """Return the user with what we own set right, and everything else as it was found.

    The vendor's origin and organisation labels are set at creation and kept as they are: the origin cannot be changed,
    and a new custom domain is no reason to touch everybody.
    """
    ours = _who(wanted, policy)
    if labels.OKTA_ORG not in found.labels:
        ours[labels.OKTA_ORG] = policy.organization_url
    wanted_traits = ordered_as(found.traits, wanted.traits())
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


def _labels(wanted: WantedUser, policy: Policy) -> dict[str, str]:
    return {**_who(wanted, policy), labels.ORIGIN: labels.ORIGIN_OKTA}


def _who(wanted: WantedUser, policy: Policy) -> dict[str, str]:
    """Return the labels that say whose a user is, and for whom it stands."""
    who = {labels.OWNER: policy.owner, labels.OKTA_ID: wanted.okta_id}
    return {**who, labels.SCIM_ID: wanted.person.scim_id} if wanted.person.scim_id else who
