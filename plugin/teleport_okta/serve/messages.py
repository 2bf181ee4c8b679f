"""Conversion of our values to and from the messages of the admin API (`proto/teleport_okta_api/admin.proto`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp
from teleport_okta_api import admin_pb2 as api

from teleport_okta.model.findings import PutOff, Quarantined
from teleport_okta.model.follow_status import Following
from teleport_okta.model.part_result import FailureKind
from teleport_okta.model.teleport import Cluster, Feature, IdentityState, Outage
from teleport_okta.plan.changes import FieldChange
from teleport_okta.plan.view import ChangeView, PlanView
from teleport_okta.serve.directory_messages import (
    cost_from_message,
    cost_to_message,
    progress_from_message,
    progress_to_message,
)
from teleport_okta.serve.harm_messages import findings_from_message, findings_to_message
from teleport_okta.serve.managed_messages import (
    holdings_from_message,
    managed_from_message,
    parts_from_message,
    write_managed,
)
from teleport_okta.serve.scim_messages import door_from_message, door_to_message
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import QuarantineEntry
from teleport_okta.sync.report import OutcomeView, PassReport
from teleport_okta.sync.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable


def plan_to_message(plan: PlanView) -> api.Plan:
    """Convert a plan to a message."""
    message = api.Plan(
        digest=plan.digest,
        changes=[_change_to_message(change) for change in plan.changes],
        quarantined=[_quarantined_to_message(row) for row in plan.quarantined],
        findings=findings_to_message(plan.findings),
        put_off=[_put_off_to_message(one) for one in plan.put_off],
        warnings=plan.warnings,
        unchanged=plan.unchanged,
        error=plan.error,
    )
    if plan.cost is not None:
        message.cost.CopyFrom(cost_to_message(plan.cost))
    return message


def plan_from_message(message: api.Plan) -> PlanView:
    """Convert a plan from a message."""
    return PlanView(
        digest=message.digest,
        changes=tuple(_change_from_message(change) for change in message.changes),
        quarantined=tuple(_quarantined_from_message(row) for row in message.quarantined),
        findings=findings_from_message(message.findings),
        put_off=tuple(PutOff(_quarantined_from_message(one), one.next_try.ToDatetime(UTC)) for one in message.put_off),
        warnings=tuple(message.warnings),
        unchanged=message.unchanged,
        cost=cost_from_message(message.cost) if message.HasField("cost") else None,
        error=message.error,
    )


def report_to_message(report: PassReport) -> api.PassReport:
    """Convert the report of a pass to a message."""
    return api.PassReport(
        plan=plan_to_message(report.plan),
        outcomes=[
            api.Outcome(change=_change_to_message(outcome.change), result=outcome.result, error=outcome.error)
            for outcome in report.outcomes
        ],
        started=_time_to_message(report.started),
        finished=_time_to_message(report.finished),
        okta_calls=dict(report.okta_calls),
        trigger=report.trigger,
        error=report.error,
        id=report.id,
    )


def report_from_message(message: api.PassReport) -> PassReport:
    """Convert the report of a pass from a message."""
    return PassReport(
        trigger=message.trigger,
        plan=plan_from_message(message.plan),
        outcomes=tuple(
            OutcomeView(_change_from_message(outcome.change), outcome.result, outcome.error)
            for outcome in message.outcomes
        ),
        started=message.started.ToDatetime(UTC),
        finished=message.finished.ToDatetime(UTC),
        okta_calls=dict(message.okta_calls),
        error=message.error,
        id=message.id,
    )


def status_to_message(status: Status) -> api.GetStatusResponse:
    """Convert a status to a message."""
    message = api.GetStatusResponse(
        version=status.version,
        state=status.state,
        last_success=_time_to_message(status.last_success),
        next_pass=_time_to_message(status.next_pass),
        last_error=status.last_error,
        quarantined=[_entry_to_message(entry) for entry in status.quarantine],
        findings=findings_to_message(status.findings),
    )
    if status.cluster is not None:
        message.teleport_cluster = status.cluster.name
        message.teleport_version = status.cluster.version
        message.features.extend(
            api.Feature(name=feature.name, enabled=feature.enabled, reason=feature.reason, unknown=feature.unknown)
            for feature in status.cluster.features
        )
        message.warnings.extend(status.cluster.warnings)
    message.identities.extend(
        api.Identity(
            which=state.which,
            source=state.source,
            subject=state.subject,
            expires=_time_to_message(state.expires),
            problem=state.problem,
        )
        for state in status.identities
    )
    message.role_warnings.extend(status.warnings)
    if status.cost is not None:
        message.cost.CopyFrom(cost_to_message(status.cost))
    if status.progress is not None:
        message.progress.CopyFrom(progress_to_message(status.progress))
    if status.following is not None:
        message.following.CopyFrom(_following_to_message(status.following))
    if status.door is not None:
        message.scim_door.CopyFrom(door_to_message(status.door))
    if status.last_pass is not None:
        message.last_pass.CopyFrom(report_to_message(status.last_pass))
    if status.outage is not None:
        since = _time_to_message(status.outage.since)
        message.outage.CopyFrom(api.Outage(since=since, error=status.outage.error))
    write_managed(message, status)
    return message


def status_from_message(message: api.GetStatusResponse) -> Status:
    """Convert a status from a message."""
    features = tuple(
        Feature(feature.name, feature.enabled, feature.reason, unknown=feature.unknown) for feature in message.features
    )
    return Status(
        version=message.version,
        state=message.state,
        last_success=_time_from_message(message, "last_success"),
        next_pass=_time_from_message(message, "next_pass"),
        last_error=message.last_error,
        quarantine=tuple(
            QuarantineEntry(
                _quarantined_from_message(row), row.since.ToDatetime(UTC), row.next_try.ToDatetime(UTC), row.tries
            )
            for row in message.quarantined
        ),
        findings=findings_from_message(message.findings),
        cluster=Cluster(message.teleport_cluster, message.teleport_version, features, tuple(message.warnings))
        if message.teleport_cluster
        else None,
        identities=tuple(
            IdentityState(state.which, state.source, state.subject, _time_from_message(state, "expires"), state.problem)
            for state in message.identities
        ),
        last_pass=report_from_message(message.last_pass) if message.HasField("last_pass") else None,
        cost=cost_from_message(message.cost) if message.HasField("cost") else None,
        progress=progress_from_message(message.progress) if message.HasField("progress") else None,
        warnings=tuple(message.role_warnings),
        following=_following_from_message(message.following) if message.HasField("following") else None,
        door=door_from_message(message.scim_door) if message.HasField("scim_door") else None,
        managed=managed_from_message(message),
        failure=FailureKind(message.failure),
        parts=parts_from_message(message),
        holdings=holdings_from_message(message.holdings),
        outage=Outage(message.outage.since.ToDatetime(UTC), message.outage.error)
        if message.HasField("outage")
        else None,
    )


def _following_to_message(following: Following) -> api.Following:
    return api.Following(
        state=following.state,
        reason=following.reason,
        since=_time_to_message(following.since),
        polled_at=_time_to_message(following.polled_at),
        published=_time_to_message(following.published),
        lag=following.lag,
        events=following.events,
        unknown=following.unknown,
        unreadable=following.unreadable,
        waiting=following.waiting,
        pages_behind=following.pages_behind,
        alarms=following.alarms,
    )


def _following_from_message(message: api.Following) -> Following:
    return Following(
        state=message.state,
        reason=message.reason,
        since=_time_from_message(message, "since"),
        polled_at=_time_from_message(message, "polled_at"),
        published=_time_from_message(message, "published"),
        lag=message.lag if message.HasField("lag") else None,
        events=message.events,
        unknown=message.unknown,
        unreadable=message.unreadable,
        waiting=message.waiting,
        pages_behind=message.pages_behind,
        alarms=tuple(message.alarms),
    )


def history_to_message(entries: Iterable[JournalEntry]) -> api.ListHistoryResponse:
    """Convert journal entries to a message."""
    return api.ListHistoryResponse(
        entries=[
            api.JournalEntry(
                sequence=entry.sequence,
                time=_time_to_message(entry.time),
                trigger=entry.trigger,
                kind=entry.kind,
                name=entry.name,
                okta_id=entry.okta_id,
                action=entry.action,
                reason=entry.reason,
                before_digest=entry.before_digest,
                after_digest=entry.after_digest,
                outcome=entry.outcome.value,
                harm=entry.harm,
                evidence=entry.evidence,
                counted=entry.counted,
                approval=entry.approval,
                error=entry.error,
                who=entry.who,
                title=entry.title,
                members=entry.members,
            )
            for entry in entries
        ]
    )


def history_from_message(message: api.ListHistoryResponse) -> list[JournalEntry]:
    """Convert journal entries from a message."""
    return [
        JournalEntry(
            sequence=entry.sequence,
            harm=entry.harm,
            evidence=entry.evidence,
            counted=entry.counted,
            approval=entry.approval,
            who=entry.who,
            title=entry.title,
            members=tuple(entry.members),
            time=entry.time.ToDatetime(UTC),
            trigger=entry.trigger,
            kind=entry.kind,
            name=entry.name,
            okta_id=entry.okta_id,
            action=entry.action,
            reason=entry.reason,
            before_digest=entry.before_digest,
            after_digest=entry.after_digest,
            outcome=Result(entry.outcome),
            error=entry.error,
        )
        for entry in message.entries
    ]


def _change_to_message(change: ChangeView) -> api.Change:
    return api.Change(
        action=change.action,
        kind=change.kind,
        name=change.name,
        subject=change.subject,
        okta_id=change.okta_id,
        reason=change.reason,
        fields=[api.FieldChange(field=field.field, before=field.before, after=field.after) for field in change.fields],
        title=change.title,
        members=change.members,
    )


def _change_from_message(message: api.Change) -> ChangeView:
    return ChangeView(
        action=message.action,
        kind=message.kind,
        name=message.name,
        subject=message.subject,
        okta_id=message.okta_id,
        reason=message.reason,
        fields=tuple(FieldChange(field.field, field.before, field.after) for field in message.fields),
        title=message.title,
        members=tuple(message.members),
    )


def _quarantined_to_message(row: Quarantined) -> api.Quarantined:
    return api.Quarantined(kind=row.kind, name=row.name, okta_id=row.okta_id, reason=row.reason, remedy=row.remedy)


def _put_off_to_message(one: PutOff) -> api.Quarantined:
    message = _quarantined_to_message(one.row)
    message.next_try.FromDatetime(one.until)
    return message


def _entry_to_message(entry: QuarantineEntry) -> api.Quarantined:
    message = _quarantined_to_message(entry.row)
    message.since.FromDatetime(entry.since)
    message.next_try.FromDatetime(entry.next_try)
    message.tries = entry.tries
    return message


def _quarantined_from_message(message: api.Quarantined) -> Quarantined:
    return Quarantined.from_text(message.kind, message.name, message.okta_id, message.reason, message.remedy)


def _time_to_message(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def _time_from_message(message: api.GetStatusResponse | api.Identity | api.Following, field: str) -> datetime | None:
    if not message.HasField(field):  # type: ignore[arg-type]  # the stub lists the literal names
        return None
    moment: Timestamp = getattr(message, field)
    return moment.ToDatetime(UTC)
