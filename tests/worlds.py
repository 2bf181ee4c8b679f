"""Small worlds for tests of the pure core: people, users and locks in a line each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from teleport_okta.desired.people import desired_users
from teleport_okta.desired.policy import Policy
from teleport_okta.desired.trust import BELIEVED, PEOPLE
from teleport_okta.model import labels
from teleport_okta.model.findings import Findings, Held
from teleport_okta.model.harm import Evidence
from teleport_okta.model.inheritance import NOTHING_LEFT
from teleport_okta.model.names import lock_name
from teleport_okta.model.okta import MalformedRow, PersonFacts, Snapshot
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.scope import EVERYTHING, Scope
from teleport_okta.model.teleport import ConnectorRef, TeleportLock, TeleportUser
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.brake import BrakeFacts, brake
from teleport_okta.plan.changes import USER
from teleport_okta.plan.user_facts import owned_names
from teleport_okta.plan.users import plan_users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport_okta.desired.trust import Absences
    from teleport_okta.model.harm import Harmed
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.plan.plan import Plan

ORG = "00oORG"
ORG_URL = "https://example.okta.com"
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
POLICY = Policy(owner=ORG, organization_url=ORG_URL, connector="okta", default_roles=("okta-requester",))


def person(okta_id: str, name: str | None = None, **changes: object) -> PersonFacts:
    """An active person who is assigned to the app."""
    fields: dict[str, object] = {
        "okta_id": okta_id,
        "name": name,
        "status": "ACTIVE",
        "assignment_status": "ACTIVE",
        "profile": {"login": name or "", "department": "Engines"} if name else {},
        "app_profile": {},
    }
    return PersonFacts(**(fields | changes))  # type: ignore[arg-type]


def listing(*people: PersonFacts, malformed: Iterable[MalformedRow] = (), **trouble: str) -> Snapshot:
    """A listing of these people; `incomplete` or `untrusted` as keywords."""
    return Snapshot(people=people, malformed=tuple(malformed), read_at=NOW, **trouble)


def owned_user(okta_id: str, name: str, **changes: object) -> TeleportUser:
    """A user as we create it for `person(okta_id, name)`."""
    fields: dict[str, object] = {
        "name": name,
        "labels": {
            labels.OWNER: ORG,
            labels.OKTA_ID: okta_id,
            labels.ORIGIN: labels.ORIGIN_OKTA,
            labels.OKTA_ORG: ORG_URL,
        },
        "roles": ("okta-requester",),
        "traits": {"okta/login": (name,), "okta/department": ("Engines",)},
        "connector": ConnectorRef("saml", "okta", name),
        "revision": "r1",
        "raw": b"",
    }
    return TeleportUser(**(fields | changes))  # type: ignore[arg-type]


def leaver_lock(okta_id: str, name: str, *, ends_in: timedelta | None = timedelta(hours=30)) -> TeleportLock:
    """The lock that we set on a leaver."""
    return TeleportLock(
        name=lock_name(name, okta_id),
        user=name,
        labels={labels.OWNER: ORG, labels.OKTA_ID: okta_id, labels.ORIGIN: labels.ORIGIN_OKTA},
        expires=None if ends_in is None else NOW + ends_in,
    )


def held_findings(*harmed: Harmed) -> Findings:
    """Return findings in which these are held, as absent."""
    return Findings(tuple(Held(one.kind, one.name, one.okta_id, Verbatim("left"), Evidence.ABSENT) for one in harmed))


def planned(
    snapshot: Snapshot,
    users: Iterable[TeleportUser] = (),
    locks: Iterable[TeleportLock] = (),
    *,
    policy: Policy = POLICY,
    now: datetime = NOW,
    aside_since: Mapping[tuple[str, str, str], datetime] | None = None,
    inheritance: Inheritance = NOTHING_LEFT,
    scope: Scope = EVERYTHING,
    locks_unread: str = "",
    replaced: Mapping[str, str] | None = None,
) -> Plan:
    """Plan a snapshot against a cluster, without the brake; `locks_unread` says why its locks were not read."""
    actual = ActualUsers({user.name: user for user in users}, {lock.name: lock for lock in locks}, locks_unread)
    desired = desired_users(snapshot, policy, owned_names(actual.users.values(), policy.owner), scope)
    return plan_users(
        desired,
        actual,
        policy,
        now=now,
        aside_since=aside_since,
        inheritance=inheritance,
        replaced=replaced,
        scope=scope,
    )


def braked(plan: Plan, *, owned: Iterable[str] = (), absences: Absences = BELIEVED, **facts: object) -> Plan:
    """Return a plan after the brake, in a cluster where these names are ours; other BrakeFacts as keywords."""
    return brake(plan, BrakeFacts(owned={USER: frozenset(owned)}, absences={PEOPLE: absences}, **facts))  # type: ignore[arg-type]


def steps(plan: Plan) -> list[tuple[str, str]]:
    """The plan as (action, user name) pairs."""
    return [(change.action.value, change.subject) for change in plan.changes]
