"""A plan as people and other programs see it: plain values that can be sent, stored and rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportAppServer, TeleportUserGroup
from teleport_okta.model.content import FIELDS
from teleport_okta.model.findings import Findings
from teleport_okta.model.teleport import ConnectorRef, RoleAllow, TeleportLock, TeleportRole
from teleport_okta.plan.changes import FieldChange
from teleport_okta.plan.gc_pause import garbage_collection_paused
from teleport_okta.plan.words import counts_of

if TYPE_CHECKING:
    from datetime import timedelta

    from teleport_okta.model.content import Content
    from teleport_okta.model.cost import PassCost
    from teleport_okta.model.findings import PutOff, Quarantined
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan


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
    title: str = ""
    """The title of the object, or of the list of a membership; empty if people use its name."""

    members: tuple[str, ...] = field(default=(), repr=False)
    """The first members of a new list."""


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan in words, with its digest."""

    digest: str
    changes: tuple[ChangeView, ...] = field(default=(), repr=False)
    quarantined: tuple[Quarantined, ...] = ()
    findings: Findings = field(default_factory=Findings)
    put_off: tuple[PutOff, ...] = ()
    warnings: tuple[str, ...] = ()
    unchanged: int = 0
    cost: PassCost | None = None
    """The calls that the reading behind it took, and those that the next one will take."""

    error: str = ""
    """Why the reading behind it is not complete; empty if it is."""

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """How many changes there are, by action and kind."""
        return counts_of(self.changes)

    def as_json(self) -> dict[str, object]:
        """Return the plan in the shape of `plan --format json`."""
        fields: dict[str, object] = asdict(self)
        del fields["findings"]
        fields["quarantined"] = [row.as_json() for row in self.quarantined]
        fields["put_off"] = [{**one.row.as_json(), "until": one.until.isoformat()} for one in self.put_off]
        return fields | self.findings.as_json() | {"held_digest": self.findings.held_digest}


@garbage_collection_paused()
def view_of(plan: Plan, cost: PassCost | None = None, *, error: str = "") -> PlanView:
    """Put a plan into words, with the cost of its reading, and the reason if the reading is not complete."""
    return PlanView(
        digest=plan.digest,
        changes=tuple(change_view(change) for change in plan.changes),
        quarantined=plan.quarantined,
        findings=plan.findings,
        put_off=plan.put_off,
        warnings=plan.warnings,
        unchanged=plan.unchanged,
        cost=cost,
        error=error,
    )


def change_view(change: Change) -> ChangeView:
    """Put one change into words, with each field before and after."""
    before = _fields(change.found, None)
    after = _fields(change.content, change.lock_for)
    names = sorted(before.keys() | after.keys()) if change.content else []
    return ChangeView(
        action=change.action.value,
        kind=change.kind,
        name=change.name,
        subject=change.label,
        okta_id=change.okta_id,
        reason=change.reason,
        fields=tuple(
            FieldChange(name, old, new)
            for name in names
            if (old := before.get(name, "")) != (new := after.get(name, ""))
        ),
        title=title_of(change),
        members=tuple(need.name for need in change.members),
    )


def title_of(change: Change) -> str:
    """Return the title of the object of a change, whose name is made of an Okta id."""
    content = change.content or change.found
    match content:
        case TeleportAccessList():
            return content.title
        case TeleportUserGroup():
            return content.labels.get(labels.GROUP_NAME, "")
        case TeleportAppServer():
            return content.labels.get(labels.APP_NAME, "")
        case TeleportRole():
            return content.labels.get(labels.ROLE_NAME, "")
        case _:
            return change.title


def _fields(content: Content | None, lock_for: timedelta | None) -> dict[str, str]:
    if content is None:
        return {}
    fields = _of_mapping("labels", content.labels)
    for one in FIELDS[type(content)]:
        name = one.name if one.shown is None else one.shown
        if name:
            fields |= _shown(name, getattr(content, one.name))
    if isinstance(content, TeleportLock):
        fields["in force for"] = "" if lock_for is None else _hours(lock_for)
    return fields


def _shown(name: str, value: object) -> Mapping[str, str]:
    """Return the texts of a field by name: one, or one for each key of a mapping."""
    match value:
        case RoleAllow():
            return {
                **_of_mapping(f"{name}.app_labels", value.app_labels),
                **_of_mapping(f"{name}.group_labels", value.group_labels),
                f"{name}.review_requests": _text(value.review),
            }
        case Mapping():
            return _of_mapping(name, value)
    return {name: _text(value)}


def _of_mapping(name: str, values: Mapping[str, object]) -> dict[str, str]:
    return {_field_name(name, key): _text(value) for key, value in values.items()}


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case tuple():
            return ", ".join(map(_text, value))
        case datetime():
            return value.isoformat()
        case ConnectorRef():
            return f"{value.type}/{value.id}"
        case ListOwner():
            return f"list {value.name}" if value.is_list else value.name
    return str(value)


@lru_cache(maxsize=4096)
def _field_name(group: str, key: str) -> str:
    """Return the name of a field; one text for all users, because a plan can hold very many."""
    return f"{group}.{key}"


def _hours(duration: timedelta) -> str:
    minutes = int(duration.total_seconds()) // 60
    return f"{minutes // 60} h {minutes % 60:02d} min"
