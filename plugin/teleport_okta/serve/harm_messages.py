"""Conversion of held, approved and released harm to and from messages."""

from __future__ import annotations

from datetime import UTC

from teleport_okta_api import admin_pb2 as api

from teleport_okta.model.findings import Findings, Held, Hold, Leftover
from teleport_okta.model.harm import Approval, Evidence, Harmed
from teleport_okta.model.inheritance import LeftMembership, Released
from teleport_okta.model.labels import OKTA_ID, okta_id_of
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.teleport import TeleportLock


def findings_to_message(findings: Findings) -> api.Findings:
    """Convert the findings of a pass to a message."""
    return api.Findings(
        held=[
            api.Held(
                kind=row.kind,
                name=row.name,
                okta_id=row.okta_id,
                reason=row.reason,
                evidence=row.evidence.value,
                approvable=row.approvable,
                why=row.why,
                people=row.people,
            )
            for row in findings.held
        ],
        holds=[
            api.Hold(
                kind=hold.kind,
                evidence=hold.evidence.value,
                count=hold.count,
                of=hold.of,
                limit=hold.limit,
                used=hold.used,
                why=hold.why,
                approvable=hold.approvable,
            )
            for hold in findings.holds
        ],
        leftovers=[
            api.Leftover(kind=row.kind, name=row.name, organization=row.organization) for row in findings.leftovers
        ],
    )


def findings_from_message(message: api.Findings) -> Findings:
    """Convert the findings of a pass from a message."""
    return Findings(
        held=tuple(
            Held(
                row.kind,
                row.name,
                row.okta_id,
                Verbatim(row.reason),
                Evidence(row.evidence),
                row.approvable,
                Verbatim(row.why),
                row.people,
            )
            for row in message.held
        ),
        holds=tuple(
            Hold(
                kind=hold.kind,
                evidence=Evidence(hold.evidence),
                count=hold.count,
                of=hold.of,
                limit=hold.limit,
                used=hold.used,
                cause=Verbatim(hold.why),
                approvable=hold.approvable,
            )
            for hold in message.holds
        ),
        leftovers=tuple(Leftover(row.kind, row.name, row.organization) for row in message.leftovers),
    )


def approval_to_message(approval: Approval) -> api.Approval:
    """Convert an approval to a message."""
    message = api.Approval(
        held_digest=approval.digest,
        harmed=[api.Harmed(kind=one.kind, name=one.name, okta_id=one.okta_id) for one in sorted(approval.harmed)],
    )
    message.expires.FromDatetime(approval.expires)
    return message


def approval_from_message(message: api.Approval) -> Approval:
    """Convert an approval from a message."""
    harmed = frozenset(Harmed(one.kind, one.name, one.okta_id) for one in message.harmed)
    return Approval(message.held_digest, harmed, message.expires.ToDatetime(UTC))


def released_to_message(released: Released) -> api.ReleaseResponse:
    """Convert the result of a release to a message."""
    response = api.ReleaseResponse()
    for lock in released.locks:
        message = response.locks.add(name=lock.name, okta_id=okta_id_of(lock.labels) or "")
        if lock.expires is not None:
            message.expires.FromDatetime(lock.expires)
    for membership in released.memberships:
        response.memberships.add(list_name=membership.list_name, title=membership.title)
    return response


def released_from_message(message: api.ReleaseResponse, user_name: str) -> Released:
    """Convert the result of a release from a message."""
    locks = (
        TeleportLock(
            lock.name,
            user_name,
            {OKTA_ID: lock.okta_id},
            expires=lock.expires.ToDatetime(UTC) if lock.HasField("expires") else None,
        )
        for lock in message.locks
    )
    return Released(
        tuple(locks), tuple(LeftMembership(user_name, one.list_name, one.title) for one in message.memberships)
    )
