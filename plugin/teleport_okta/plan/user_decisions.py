"""Deciding what becomes of each user: a value with the facts that led there. `plan/user_steps.py` makes the steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence
from teleport_okta.model.problems import (
    NameHasMemberships,
    NameInUse,
    NameLocked,
    OriginNotOkta,
    UserNotOurs,
    UserOfAnother,
)
from teleport_okta.model.reasons import NoLongerAssigned, RenamedInOkta, TakenOver, TakenOverFromLogin, UserDiffers
from teleport_okta.plan.needs import stands_for
from teleport_okta.plan.user_content import repaired_user
from teleport_okta.plan.user_facts import holder_of, is_bound, is_of_connector, listing_behind

if TYPE_CHECKING:
    from collections.abc import Container

    from teleport_okta.desired.people import WantedUser
    from teleport_okta.model.problems import Problem
    from teleport_okta.model.reasons import Reason
    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.plan.changes import Need
    from teleport_okta.plan.user_facts import UserFacts


@dataclass(frozen=True, slots=True)
class Arrive:
    """The person gets a user."""

    wanted: WantedUser


@dataclass(frozen=True, slots=True)
class Keep:
    """The user is there, stands for the person, and is to have this content; its locks are set right.

    `problem` is reported if a lock about a former holder of the name stops the user.
    """

    wanted: WantedUser
    found: TeleportUser
    content: TeleportUser
    cause: Reason
    problem: Problem | None


@dataclass(frozen=True, slots=True)
class Leave:
    """The user is locked and deleted; `needs` come before."""

    user: TeleportUser
    okta_id: str
    cause: Reason
    evidence: Evidence
    listing: str = ""
    needs: tuple[Need, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay:
    """The user stays, because Okta still shows the person, if not as a usable row; only its locks are set right."""

    user: TeleportUser
    okta_id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The person gets a user later: at present no user may be made, or locks could not be read."""

    wanted: WantedUser


@dataclass(frozen=True, slots=True)
class SetAside:
    """Nothing is done, and the problem is reported. `waits`: the person gets a user once the problem is gone."""

    name: str
    okta_id: str
    problem: Problem
    waits: bool = False


UserDecision: TypeAlias = Arrive | Keep | Leave | Stay | Wait | SetAside


def decide_wanted(wanted: WantedUser, facts: UserFacts) -> UserDecision | None:
    """Decide about a person who should have a user; None: nothing is to be done."""
    found = facts.actual.users.get(wanted.name)
    if found is None:
        return _arrive(wanted, facts)
    owner = labels.owner_of(found.labels)
    if owner != facts.policy.owner:
        cause: Reason = TakenOverFromLogin() if found.connector else TakenOver()
        return _obstacle_to_taking_over(wanted, found, owner, facts) or _keep(wanted, found, cause, facts)
    holder = holder_of(found)
    if holder not in (None, wanted.okta_id) and not is_bound(found, wanted):
        return _aside(wanted, NameInUse(holder or ""))
    return _keep(wanted, found, UserDiffers(), facts)


def decide_owned(
    user: TeleportUser, okta_id: str, facts: UserFacts, *, written: Container[str]
) -> Leave | Stay | SetAside | None:
    """Decide about a user of ours who stands for a person (`okta_id`; empty if that is not known).

    The decisions about wanted people come first: `written` are the names of the users that they create or change. None:
    the user is wanted.
    """
    desired = facts.desired
    if user.name in desired.wanted and is_bound(user, desired.wanted[user.name]):
        return None
    new_name = facts.name_of.get(okta_id)
    if new_name == user.name or (not okta_id and user.name in desired.wanted):
        return None
    if new_name is not None and stands_after(new_name, facts, written) == okta_id:
        # The old user ends only after the new one stands for the person: stopped in between, the person has both.
        new = stands_for(new_name, okta_id, is_found=facts.holder_now(new_name) == okta_id)
        leave = Leave(user, okta_id, RenamedInOkta(new_name), Evidence.STATED, needs=(new,))
    elif okta_id in desired.present or (not okta_id and user.name in desired.present_names):
        return Stay(user, okta_id)
    elif okta_id in desired.gone:
        leave = Leave(user, okta_id, desired.gone[okta_id], Evidence.STATED, listing_behind(desired, okta_id))
    else:
        leave = Leave(user, okta_id, NoLongerAssigned(), Evidence.ABSENT, listing_behind(desired, okta_id))
    return leave if facts.may_change(user) else origin_not_okta(user, okta_id, facts)


def stands_after(name: str, facts: UserFacts, written: Container[str]) -> str | None:
    """Return the Okta id that a user of ours will stand for after this plan; None if there will be no such user."""
    return facts.desired.wanted[name].okta_id if name in written else facts.holder_now(name)


def origin_not_okta(user: TeleportUser, okta_id: str, facts: UserFacts) -> SetAside:
    """Return the decision about a user that none of our identities may change."""
    return SetAside(user.name, okta_id, OriginNotOkta(facts.policy.no_adoption or ""))


def _arrive(wanted: WantedUser, facts: UserFacts) -> UserDecision | None:
    if not wanted.create:
        return None
    if facts.policy.no_arrivals or facts.actual.locks_unread:
        return Wait(wanted)
    former = _lock_of_former_holder(wanted, facts)
    if former is not None:
        return _aside(wanted, former)
    lists = facts.inheritance.of_newcomer(wanted.name, wanted.okta_id)
    return _left_memberships(wanted, lists, facts) or Arrive(wanted)


def _obstacle_to_taking_over(
    wanted: WantedUser, found: TeleportUser, owner: str | None, facts: UserFacts
) -> Wait | SetAside | None:
    """Return why a user who is not ours may not be taken over; None if it may."""
    if owner is not None:
        return _aside(wanted, UserOfAnother(owner))
    if not (is_of_connector(found, facts.policy) or labels.is_leftover(found.labels)):
        return _aside(wanted, UserNotOurs())
    if facts.actual.locks_unread:
        return Wait(wanted)
    former = _lock_of_former_holder(wanted, facts)
    if former is not None:
        return _aside(wanted, former)
    lists = facts.inheritance.of_successor(wanted.name, wanted.okta_id)
    left = _left_memberships(wanted, lists, facts)
    if left is not None or facts.may_change(found):
        return left
    return origin_not_okta(found, wanted.okta_id, facts)


def _keep(wanted: WantedUser, found: TeleportUser, cause: Reason, facts: UserFacts) -> Keep | SetAside:
    content = repaired_user(found, wanted, facts.policy)
    if content != found and not facts.may_change(found):
        return origin_not_okta(found, wanted.okta_id, facts)
    return Keep(wanted, found, content, cause, _lock_of_former_holder(wanted, facts))


def _left_memberships(wanted: WantedUser, lists: tuple[Reason, ...], facts: UserFacts) -> SetAside | None:
    """Return that a person waits who would have the memberships that another person left under the name, if so."""
    # A person with a lock had the name before: the lock is about the same Okta id.
    if not lists or facts.locks.about(wanted.name, wanted.okta_id):
        return None
    former = facts.inheritance.holders.get(wanted.name, "")
    return _aside(wanted, NameHasMemberships(wanted.name, former, lists), waits=True)


def _lock_of_former_holder(wanted: WantedUser, facts: UserFacts) -> NameLocked | None:
    locks = facts.locks.of_others(wanted.name, wanted.okta_id)
    if not locks:
        return None
    return NameLocked(wanted.name, tuple(sorted({labels.okta_id_of(lock.labels) or "" for lock in locks})))


def _aside(wanted: WantedUser, problem: Problem, *, waits: bool = False) -> SetAside:
    return SetAside(wanted.name, wanted.okta_id, problem, waits)
