"""Who should be a Teleport user: the people of one snapshot, sorted into wanted, gone and set aside.

Names are contended here as well: Teleport tells `Ada@x.io` from `ada@x.io`, Okta does not, so of people whose names
differ only in case the one who owns the name keeps it, and without an owner all of them wait.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.traits import traits_of
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.names import name_problem
from teleport_okta.model.okta import APP_USER_ASSIGNED, APP_USER_ENDED, UserStatus
from teleport_okta.model.scope import ALL, EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.okta import PersonFacts, Snapshot
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
    """A person who should be a user of that name; `create` is False for one who is only kept if already there."""

    okta_id: str
    name: str
    person: PersonFacts
    create: bool
    suspended: bool = False

    def traits(self) -> dict[str, tuple[str, ...]]:
        """Return the person's `okta/*` traits; made when asked, so that an organisation is not held twice."""
        return traits_of(self.person)


@dataclass(frozen=True, slots=True)
class DesiredUsers:
    """The whole of what one snapshot says about users.

    `wanted` by name; `gone` maps the Okta ids of people whose own row says that they left to the reason; `present` are
    the Okta ids of everybody else in the snapshot, those set aside included, and `present_names` their names: none of
    them may leave. Of those, `suspended` must be locked and `active` must not be; of the rest nobody knows.
    """

    wanted: Mapping[str, WantedUser]
    gone: Mapping[str, str]
    present: frozenset[str]
    present_names: frozenset[str]
    suspended: frozenset[str] = frozenset()
    active: frozenset[str] = frozenset()
    quarantined: tuple[Quarantined, ...] = field(default=())


def desired_users(
    snapshot: Snapshot, policy: Policy, owned_names: Mapping[str, str], scope: Scope = EVERYTHING
) -> DesiredUsers:
    """Sort a snapshot; `owned_names` maps the names of the users that we own to the Okta ids they stand for.

    People outside the `scope` contend for names like everybody else, and the result does not mention them.
    """
    gone: dict[str, str] = {}
    present: set[str] = {row.okta_id for row in snapshot.malformed if row.okta_id}
    present_names: set[str] = set()
    suspended: set[str] = set()
    active: set[str] = set()
    candidates: list[WantedUser] = []
    aside = [_malformed(row.okta_id, row.reason) for row in snapshot.malformed]
    for person in snapshot.people:
        reason = _gone(person)
        if reason:
            gone[person.okta_id] = reason
            continue
        present.add(person.okta_id)
        present_names.add(person.name or "")
        if _is_suspended(person, policy):
            suspended.add(person.okta_id)
        elif not _unknown_status(person):
            active.add(person.okta_id)
        verdict = _judge(person, policy)
        if isinstance(verdict, Quarantined):
            aside.append(verdict)
        else:
            candidates.append(verdict)
    wanted, contended = _settle_names(candidates, owned_names)
    desired = DesiredUsers(
        wanted=wanted,
        gone={okta_id: reason for okta_id, reason in gone.items() if okta_id not in present},
        present=frozenset(present),
        present_names=frozenset(present_names),
        suspended=frozenset(suspended),
        active=frozenset(active),
        quarantined=tuple(sorted([*aside, *contended])),
    )
    return desired if scope.users is ALL else _within(desired, scope)


def _within(desired: DesiredUsers, scope: Scope) -> DesiredUsers:
    ids = scope.users
    return DesiredUsers(
        wanted={name: user for name, user in desired.wanted.items() if user.okta_id in ids},
        gone={okta_id: reason for okta_id, reason in desired.gone.items() if okta_id in ids},
        present=frozenset(okta_id for okta_id in desired.present if okta_id in ids),
        present_names=desired.present_names,
        suspended=frozenset(okta_id for okta_id in desired.suspended if okta_id in ids),
        active=frozenset(okta_id for okta_id in desired.active if okta_id in ids),
        quarantined=tuple(row for row in desired.quarantined if row.okta_id in ids),
    )


def _gone(person: PersonFacts) -> str | None:
    if person.status == UserStatus.DEPROVISIONED:
        return "deactivated in Okta"
    if person.assignment_status in APP_USER_ENDED:
        return f"the assignment to the app is {person.assignment_status}"
    return None


def _judge(person: PersonFacts, policy: Policy) -> WantedUser | Quarantined:
    name = person.name or ""
    unknown = _unknown_status(person)
    if unknown:
        return _aside(person, unknown, "left as found; report the status, so that it can be told what it means")
    if not name:
        return _aside(person, "there is no login to name the user by", "set the username of the assignment in Okta")
    problem = name_problem(name)
    if problem:
        return _aside(person, problem, "change the login, or the app's username format, in Okta")
    create = person.status in _SETTLED or (policy.create_unactivated and person.status in _UNACTIVATED)
    return WantedUser(person.okta_id, name, person, create=create, suspended=_is_suspended(person, policy))


def _unknown_status(person: PersonFacts) -> str | None:
    if person.assignment_status is not None and person.assignment_status not in APP_USER_ASSIGNED:
        return f"the assignment has the unknown status {person.assignment_status!r}"
    if person.status not in set(UserStatus):
        return f"the person has the unknown status {person.status!r}"
    return None


def _is_suspended(person: PersonFacts, policy: Policy) -> bool:
    return policy.lock_suspended and person.status == UserStatus.SUSPENDED


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
        keepers = (
            rivals if len(rivals) == 1 else [user for user in rivals if owned_names.get(user.name) == user.okta_id]
        )
        for rival in rivals:
            if rival in keepers:
                wanted[rival.name] = rival
            else:
                others = ", ".join(sorted(f"{user.name} ({user.okta_id})" for user in rivals if user is not rival))
                aside.append(
                    _aside(
                        rival.person,
                        f"the name differs only in case, or not at all, from that of {others}",
                        "give one of them another login in Okta",
                    )
                )
    return wanted, aside


def _aside(person: PersonFacts, reason: str, remedy: str) -> Quarantined:
    return Quarantined(KIND, person.name or "", person.okta_id, reason, remedy)


def _malformed(okta_id: str | None, reason: str) -> Quarantined:
    return Quarantined(KIND, "", okta_id or "", reason, "look at this row in Okta's API; nobody leaves because of it")
