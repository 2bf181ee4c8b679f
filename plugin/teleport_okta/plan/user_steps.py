"""The steps that carry out a decision about a user and its locks, and what is reported about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from teleport_okta.desired.policy import DEPROVISIONED_LOCK, LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.problems import OrphanedLock
from teleport_okta.model.reasons import (
    ActiveInOkta,
    AssignedInOkta,
    CertificatesExpired,
    ProvisionedAgain,
    ProvisionedByScim,
    Returned,
)
from teleport_okta.plan.changes import LOCK, USER, Action, Change, Harm
from teleport_okta.plan.locks import unlocking
from teleport_okta.plan.needs import locked, stands_for
from teleport_okta.plan.user_content import new_user
from teleport_okta.plan.user_decisions import (
    Arrive,
    Keep,
    Leave,
    SetAside,
    Stay,
    Wait,
    origin_not_okta,
    stands_after,
)

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from teleport_okta.model.reasons import Reason
    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.plan.changes import Need
    from teleport_okta.plan.user_decisions import UserDecision
    from teleport_okta.plan.user_facts import UserFacts


@dataclass(frozen=True, slots=True)
class UserSteps:
    """The steps for one user, by their place in the plan, and what is reported about it.

    `waiting` maps the Okta id of a person who waits for a user to the user's name.
    """

    arrivals: tuple[Change, ...] = ()
    repairs: tuple[Change, ...] = ()
    departures: tuple[Change, ...] = ()
    suspensions: tuple[Change, ...] = ()
    aside: tuple[Quarantined, ...] = ()
    unchanged: int = 0
    waiting: Mapping[str, str] = field(default_factory=dict)


def steps_of(decision: UserDecision, facts: UserFacts) -> UserSteps:
    """Return the steps for one user."""
    match decision:
        case Arrive():
            steps = UserSteps(arrivals=_arrivals(decision, facts))
        case Keep():
            steps = _keep(decision, facts)
        case Leave():
            steps = UserSteps(departures=_departures(decision, facts))
        case Stay(user=user, okta_id=okta_id):
            steps = _with_locks(user, okta_id, facts, unchanged=1)
        case Wait(wanted=wanted):
            steps = UserSteps(waiting={wanted.okta_id: wanted.name})
        case SetAside(name=name, okta_id=okta_id, waits=waits):
            steps = UserSteps(aside=(_row(decision),), waiting={okta_id: name} if waits else {})
        case _:
            assert_never(decision)
    return steps


def orphaned_locks(facts: UserFacts, written: Container[str]) -> UserSteps:
    """Return the steps about locks of suspended people whose user is gone, or does not stand for the person any more.

    Teleport does not let a client give such a lock an end (`docs/reference/teleport-observed.md` 2), so it is taken off
    when a leaver's lock would be over. While locks cannot be read, those that were reported before are reported again.
    `written` is as in `decide_owned`.
    """
    aside, unlocks = [], []
    if facts.actual.locks_unread:
        for kind, name, okta_id in facts.aside_since:
            if kind == LOCK and okta_id in facts.scope.users and stands_after(name, facts, written) != okta_id:
                aside.append(Quarantined(LOCK, name, okta_id, OrphanedLock(name)))
        return UserSteps(aside=tuple(aside))
    for lock in facts.locks.endless():
        name, okta_id = lock.user or "", labels.okta_id_of(lock.labels) or ""
        if okta_id not in facts.scope.users or stands_after(name, facts, written) == okta_id:
            continue
        if facts.replaced.get(name) == okta_id and okta_id not in facts.desired.present:
            # The user exists without our labels, and the person left: a leaver's lock (`plan/replaced_records.py`).
            continue
        since = facts.aside_since.get((LOCK, name, okta_id))
        if since is not None and facts.now - since >= LEAVER_LOCK:
            unlocks.append(unlocking(lock, okta_id, CertificatesExpired()))
        else:
            aside.append(Quarantined(LOCK, name, okta_id, OrphanedLock(name)))
    return UserSteps(repairs=tuple(unlocks), aside=tuple(aside))


def _arrivals(decision: Arrive, facts: UserFacts) -> tuple[Change, ...]:
    """Return the steps for a new user: the creation, then the end of its own locks, which stop it until then."""
    wanted, locks = decision.wanted, facts.locks
    user = new_user(wanted, facts.policy)
    # If Okta's API shows the person, the person is assigned there, even if a SCIM client provisioned it as well.
    is_of_scim = bool(wanted.person.scim_id) and wanted.person.assignment_status is None
    cause: Reason = ProvisionedByScim() if is_of_scim else AssignedInOkta()
    if locks.about(wanted.name, wanted.okta_id):
        cause = Returned()
    creation = Change(
        action=Action.CREATE,
        kind=USER,
        name=wanted.name,
        subject=wanted.name,
        okta_id=wanted.okta_id,
        cause=cause,
        content=user,
    )
    if wanted.suspended:
        return (creation, *locks.suspend(user, wanted.okta_id, harm=None))
    return (creation, *locks.release(wanted.name, wanted.okta_id, Returned()))


def _keep(decision: Keep, facts: UserFacts) -> UserSteps:
    wanted, found = decision.wanted, decision.found
    aside: tuple[Quarantined, ...] = ()
    if decision.problem is not None:
        aside = (Quarantined(USER, wanted.name, wanted.okta_id, decision.problem),)
    is_ours = labels.owner_of(found.labels) == facts.policy.owner
    is_known = is_ours or facts.replaced.get(wanted.name) == wanted.okta_id
    needs = () if is_known else (stands_for(wanted.name, wanted.okta_id),)
    if decision.content == found:
        return _with_locks(found, wanted.okta_id, facts, needs=needs, aside=aside, unchanged=1)
    repair = Change(
        action=Action.UPDATE,
        kind=USER,
        name=wanted.name,
        subject=wanted.name,
        okta_id=wanted.okta_id,
        cause=decision.cause,
        content=decision.content,
        found=found,
    )
    return _with_locks(found, wanted.okta_id, facts, needs=needs, aside=aside, repairs=(repair,))


def _with_locks(
    user: TeleportUser,
    okta_id: str,
    facts: UserFacts,
    *,
    needs: tuple[Need, ...] = (),
    repairs: tuple[Change, ...] = (),
    aside: tuple[Quarantined, ...] = (),
    unchanged: int = 0,
) -> UserSteps:
    """Return the steps for a user who stays, with those that lock a suspended person and unlock a person who is not."""
    suspensions: tuple[Change, ...] = ()
    if okta_id in facts.desired.suspended:
        harm = Harm(Harmed(LOCK, user.name, okta_id), Evidence.STATED)
        suspensions = tuple(facts.locks.suspend(user, okta_id, harm=harm, needs=needs))
        if suspensions and not facts.may_change(user):
            suspensions, aside = (), (*aside, _row(origin_not_okta(user, okta_id, facts)))
    elif okta_id in facts.desired.active:
        repairs = (*repairs, *facts.locks.release(user.name, okta_id, ActiveInOkta()))
    elif okta_id in facts.desired.scim_only:
        repairs = (*repairs, *facts.locks.let_back(user.name, okta_id, ProvisionedAgain()))
    return UserSteps(repairs=repairs, suspensions=suspensions, aside=aside, unchanged=unchanged)


def _departures(decision: Leave, facts: UserFacts) -> tuple[Change, ...]:
    """Return the steps of a leaver: the lock, then the deletion, which needs it."""
    user, okta_id, cause = decision.user, decision.okta_id, decision.cause
    harm = Harm(
        Harmed(USER, user.name, okta_id),
        decision.evidence,
        listing=decision.listing,
        continues=facts.locks.has_left(user.name, okta_id),
    )
    lock_for = DEPROVISIONED_LOCK if okta_id in facts.desired.deprovisioned else LEAVER_LOCK
    deletion = Change(
        action=Action.DELETE,
        kind=USER,
        name=user.name,
        subject=user.name,
        okta_id=okta_id,
        cause=cause,
        found=user,
        needs=(locked(user.name, okta_id), *decision.needs),
        harm=harm,
    )
    locks = facts.locks.leave(user, okta_id, cause, harm=harm, needs=decision.needs, lock_for=lock_for)
    return (*locks, deletion)


def _row(decision: SetAside) -> Quarantined:
    return Quarantined(USER, decision.name, decision.okta_id, decision.problem)
