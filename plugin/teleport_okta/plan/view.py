"""A plan as people and other programs see it: plain values that can be sent, stored and rendered."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from teleport_okta.model.findings import Findings
from teleport_okta.model.teleport import TeleportLock, TeleportUser
from teleport_okta.plan.changes import FieldChange

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from teleport_okta.model.findings import Quarantined
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan

_Content: TypeAlias = TeleportUser | TeleportLock | None


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change in words."""

    action: str
    kind: str
    name: str
    subject: str
    okta_id: str
    reason: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan in words, with its digest."""

    digest: str
    changes: tuple[ChangeView, ...] = field(default=(), repr=False)
    quarantined: tuple[Quarantined, ...] = ()
    findings: Findings = field(default_factory=Findings)
    warnings: tuple[str, ...] = ()
    unchanged: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the plan in the shape of `plan --format json`."""
        fields: dict[str, object] = asdict(self)
        del fields["findings"]
        return fields | self.findings.as_json() | {"held_digest": self.findings.held_digest}


def view_of(plan: Plan) -> PlanView:
    """Put a plan into words."""
    return PlanView(
        digest=plan.digest,
        changes=tuple(change_view(change) for change in plan.changes),
        quarantined=plan.quarantined,
        findings=plan.findings,
        warnings=plan.warnings,
        unchanged=plan.unchanged,
    )


def change_view(change: Change) -> ChangeView:
    """Put one change into words: which field becomes what."""
    before = _fields(change.found, None)
    after = _fields(change.user or change.lock, change.lock_for)
    names = sorted(before.keys() | after.keys()) if change.user or change.lock else []
    return ChangeView(
        action=change.action.value,
        kind=change.kind,
        name=change.name,
        subject=change.subject,
        okta_id=change.okta_id,
        reason=change.reason,
        fields=tuple(
            FieldChange(name, before.get(name, ""), after.get(name, ""))
            for name in names
            if before.get(name, "") != after.get(name, "")
        ),
    )


def _fields(content: _Content, lock_for: timedelta | None) -> dict[str, str]:
    if content is None:
        return {}
    fields = {_field_name("labels", key): value for key, value in content.labels.items()}
    if isinstance(content, TeleportUser):
        fields |= {"roles": ", ".join(content.roles), **_traits(content.traits)}
        fields["expires"] = content.expires.isoformat() if content.expires else ""
        fields["connector"] = f"{content.connector.type}/{content.connector.id}" if content.connector else ""
    else:
        fields |= {"target.user": content.user or "", "message": content.message}
        fields["in force for"] = "" if lock_for is None else _hours(lock_for)
    return fields


def _traits(traits: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {_field_name("traits", name): ", ".join(values) for name, values in traits.items()}


@lru_cache(maxsize=4096)
def _field_name(group: str, key: str) -> str:
    """Return the name of a field; one text for all users, because a plan can hold very many."""
    return f"{group}.{key}"


def _hours(duration: timedelta) -> str:
    minutes = int(duration.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60:02d} min"
