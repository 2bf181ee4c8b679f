"""Which people should be Teleport users: the people of one snapshot, sorted into wanted, gone and set aside.

This decides about names too. `Ada@x.io` and `ada@x.io` are two names for Teleport, and one for Okta. So of people whose
names differ only in case, the one whose user has the name keeps it; if there is no such user, all of them wait.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.traits import traits_of
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.names import name_problem
from teleport_okta.model.okta import (
    APP_USER_ASSIGNED,
    APP_USER_ENDED,
    STATUS_NOT_GIVEN,
    MalformedRow,
    PersonFacts,
    UserStatus,
)
from teleport_okta.model.problems import (
    CollidingLogins,
    Named,
    NoLogin,
    NoStatus,
    UnknownStatus,
    UnreadablePerson,
    UnusableLogin,
)
from teleport_okta.model.reasons import AssignmentEnded, DeactivatedInOkta, NoLongerAssigned
from teleport_okta.model.scope import ALL, EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.okta import OktaApp, Snapshot
    from teleport_okta.model.problems import Problem
    from teleport_okta.model.reasons import Reason
    from teleport_okta.model.scope import Scope

KIND: Final = "user"

_SETTLED: Final = frozenset(
    {
        UserStatus.ACTIVE,
        UserStatus.RECOVERY,
        UserStatus.PASSWORD_EXPIRED,
        UserStatus.LOCKED_OUT,
        UserStatus.SUSPENDED,
    }
)
_UNACTIVATED: Final = frozenset({UserStatus.STAGED, UserStatus.PROVISIONED})


@dataclass(frozen=True, slots=True)
class WantedUser:
    """A person who should be a user of that name; with `create` False, only a user who exists is kept."""

    okta_id: str
    name: str
    person: PersonFacts
    create: bool
    suspended: bool = False

    def traits(self) -> dict[str, tuple[str, ...]]:
        """Return the `okta/*` traits of the person. They are computed when needed, to keep them out of memory."""
        return traits_of(self.person)


@dataclass(frozen=True, slots=True)
class DesiredUsers:
    """The result of sorting one snapshot.

    `wanted` are people by the name of their user. `gone` maps the Okta ids of people whose own row states that they
    left to the reason. `present` are the Okta ids of all other people in the snapshot, those set aside included, and
    `present_names` their names: none of them may leave. Of these, `suspended` must be locked, and `active` must not be;
    for the rest a lock stays as it is. Rows that could be read only in part are sorted by their statuses like others,
    but never wanted. `scim_only` are people whom only a SCIM client shows. Of the `gone`, a SCIM client took away
    `deprovisioned`, and a listing lacks `unassigned`, with a reason from a read by id. `unconfirmed` are absent, and
    could not be read by id.
    """

    wanted: Mapping[str, WantedUser]
    gone: Mapping[str, Reason]
    present: frozenset[str]
    present_names: frozenset[str]
    suspended: frozenset[str] = frozenset()
    active: frozenset[str] = frozenset()
    quarantined: tuple[Quarantined, ...] = field(default=())
    unassigned: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    deprovisioned: frozenset[str] = frozenset()
    scim_only: frozenset[str] = frozenset()


def desired_users(
    snapshot: Snapshot,
    policy: Policy,
    owned_names: Mapping[str, str],
    scope: Scope = EVERYTHING,
    *,
    app: OktaApp | None = None,
) -> DesiredUsers:
    """Sort a snapshot; `owned_names` maps the names of the users that we own to the Okta ids they stand for.

    People outside the `scope` can have a name that another person wants too, but are not in the result.

    `app` is the app whose people were listed. While it is not active, Okta gives all assignments another status, so no
    person leaves and no user is made because of one. The status of a person counts nevertheless.
    """
    statuses = _Statuses(policy, assignments_count=app is None or app.is_active)
    gone: dict[str, Reason] = {}
    present: set[str] = set()
    present_names: set[str] = set()
    suspended: set[str] = set()
    active: set[str] = set()
    candidates: list[WantedUser] = []
    aside: list[Quarantined] = []
    rows: Iterable[PersonFacts | MalformedRow] = chain(snapshot.malformed, snapshot.people)
    for row in rows:
        cause = statuses.gone(row)
        if cause is not None and row.okta_id:
            gone[row.okta_id] = cause
            continue
        if row.okta_id:
            present.add(row.okta_id)
            if statuses.is_suspended(row):
                suspended.add(row.okta_id)
            elif statuses.is_active(row):
                active.add(row.okta_id)
        if isinstance(row, MalformedRow):
            aside.append(_malformed(row))
            continue
        present_names.add(row.name or "")
        verdict = _judge(row, statuses)
        if isinstance(verdict, Quarantined):
            aside.append(verdict)
        else:
            candidates.append(verdict)
    gone |= snapshot.ended
    by_id = snapshot.suspended - snapshot.unassigned if policy.lock_suspended else frozenset()
    locked = (by_id | snapshot.leaving) - gone.keys()
    present |= locked
    suspended |= locked
    active -= locked
    candidates = [replace(one, create=one.create and one.okta_id not in snapshot.leaving) for one in candidates]
    wanted, colliding = _settle_names(candidates, owned_names)
    gone = {okta_id: cause for okta_id, cause in gone.items() if okta_id not in present}
    unassigned = snapshot.unassigned - present - gone.keys()
    gone |= dict.fromkeys(unassigned, NoLongerAssigned())
    desired = DesiredUsers(
        wanted=wanted,
        gone=gone,
        present=frozenset(present),
        present_names=frozenset(present_names),
        suspended=frozenset(suspended),
        active=frozenset(active),
        quarantined=tuple(sorted([*aside, *colliding])),
        unassigned=unassigned,
        unconfirmed=snapshot.unconfirmed,
        deprovisioned=snapshot.deprovisioned - present,
        scim_only=frozenset(row.okta_id for row in snapshot.people if row.is_scim_only) - locked,
    )
    return desired if scope.users is ALL else _within(desired, scope)


def _within(desired: DesiredUsers, scope: Scope) -> DesiredUsers:
    ids = scope.users
    return DesiredUsers(
        wanted={name: user for name, user in desired.wanted.items() if user.okta_id in ids},
        gone={okta_id: cause for okta_id, cause in desired.gone.items() if okta_id in ids},
        present=frozenset(okta_id for okta_id in desired.present if okta_id in ids),
        present_names=desired.present_names,
        suspended=frozenset(okta_id for okta_id in desired.suspended if okta_id in ids),
        active=frozenset(okta_id for okta_id in desired.active if okta_id in ids),
        quarantined=tuple(row for row in desired.quarantined if row.okta_id in ids),
        unassigned=frozenset(okta_id for okta_id in desired.unassigned if okta_id in ids),
        unconfirmed=frozenset(okta_id for okta_id in desired.unconfirmed if okta_id in ids),
        deprovisioned=frozenset(okta_id for okta_id in desired.deprovisioned if okta_id in ids),
        scim_only=frozenset(okta_id for okta_id in desired.scim_only if okta_id in ids),
    )


@dataclass(frozen=True, slots=True)
class _Statuses:
    """The meaning of the statuses of a row under a policy. `assignments_count` is False while the app is not active.

    The assignment is None in a listing of the whole organisation, which has no assignments.
    """

    policy: Policy
    assignments_count: bool

    def gone(self, row: PersonFacts | MalformedRow) -> Reason | None:
        """Return why the row means that the person left; None if it does not."""
        if row.status == UserStatus.DEPROVISIONED:
            return DeactivatedInOkta()
        if self.assignments_count and row.assignment_status in APP_USER_ENDED:
            return AssignmentEnded(row.assignment_status or "")
        return None

    def is_suspended(self, row: PersonFacts | MalformedRow) -> bool:
        """Whether the person must be locked."""
        return self.policy.lock_suspended and row.status == UserStatus.SUSPENDED

    def is_active(self, row: PersonFacts | MalformedRow) -> bool:
        """Whether the person must not be locked: both statuses must allow it."""
        is_scim_only = isinstance(row, PersonFacts) and row.is_scim_only
        return row.status in set(UserStatus) and self.is_assigned(row) and not is_scim_only

    def is_assigned(self, row: PersonFacts | MalformedRow) -> bool:
        """Whether the person is assigned by the status of the assignment, if there is one."""
        return row.assignment_status is None or row.assignment_status in APP_USER_ASSIGNED

    def unknown(self, row: PersonFacts) -> Problem | None:
        """Return which status is not known; None if both are, or if the assignment's has no meaning."""
        if self.assignments_count and not self.is_assigned(row):
            return _unknown("assignment", row.assignment_status or STATUS_NOT_GIVEN)
        if row.status not in set(UserStatus):
            return _unknown("person", row.status)
        return None


def _unknown(of: str, status: str) -> Problem:
    return NoStatus(of) if status == STATUS_NOT_GIVEN else UnknownStatus(of, status)


def _judge(person: PersonFacts, statuses: _Statuses) -> WantedUser | Quarantined:
    name = person.name or ""
    unknown = statuses.unknown(person)
    if unknown is not None:
        return _aside(person, unknown)
    if not name:
        return _aside(person, NoLogin())
    problem = name_problem(name)
    if problem:
        return _aside(person, UnusableLogin(problem))
    is_early = statuses.policy.create_unactivated or bool(person.scim_id)
    settled = person.status in _SETTLED or (is_early and person.status in _UNACTIVATED)
    return WantedUser(
        person.okta_id,
        name,
        person,
        create=settled and statuses.is_assigned(person) and not person.is_unasked,
        suspended=statuses.is_suspended(person),
    )


def _settle_names(
    candidates: Iterable[WantedUser], owned_names: Mapping[str, str]
) -> tuple[dict[str, WantedUser], list[Quarantined]]:
    by_folded_name: dict[str, list[WantedUser]] = defaultdict(list)
    for candidate in candidates:
        if candidate.create or owned_names.get(candidate.name) in {candidate.okta_id, ""}:
            by_folded_name[candidate.name.casefold()].append(candidate)
    wanted: dict[str, WantedUser] = {}
    aside: list[Quarantined] = []
    for rivals in by_folded_name.values():
        kept = rivals if len(rivals) == 1 else [user for user in rivals if owned_names.get(user.name) == user.okta_id]
        for rival in rivals:
            if rival in kept:
                wanted[rival.name] = rival
            else:
                others = sorted((user.name, user.okta_id) for user in rivals if user is not rival)
                aside.append(_aside(rival.person, CollidingLogins(tuple(Named(*one) for one in others))))
    return wanted, aside


def _aside(person: PersonFacts, problem: Problem) -> Quarantined:
    return Quarantined(KIND, person.name or "", person.okta_id, problem)


def _malformed(row: MalformedRow) -> Quarantined:
    return Quarantined(KIND, "", row.okta_id or "", UnreadablePerson(row.reason))
