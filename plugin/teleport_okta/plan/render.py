"""A plan as text: one line a change, fields below updates, then what was left alone and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from teleport_okta.observe.text import printable
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, TRAITS, USER, USER_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.model.findings import Held, Hold, PutOff
    from teleport_okta.plan.view import ChangeView, PlanView

_SIGNS: Final = {"create": "+", "update": "~", "lock": "!", "unlock": "o", "delete": "-"}
_LONGEST_NAME: Final = 80

_DEEDS: Final = {
    USER: "would leave",
    LOCK: "would be locked",
    MEMBER: "would lose the membership",
    ROLE: "would grant less",
    TRAITS: "would lose attributes",
}
_GOING: Final = {
    USER_GROUP: "user groups to go",
    APP_SERVER: "app servers to go",
    ACCESS_LIST: "memberships to go with their access lists",
    LOCK: "users to be locked",
    MEMBER: "memberships to go",
    ROLE: "roles to grant less",
    TRAITS: "users to lose attributes",
}


def as_text(view: PlanView) -> str:
    """Render a plan as plain text, complete, without a trailing newline."""
    return "\n".join(map(printable, _lines(view)))


def summary(view: PlanView) -> str:
    """Return one line: how many changes of which action, and what was set aside."""
    counts = Counter(change.action for change in view.changes)
    parts = [f"{counts[action]} {action}" for action in _SIGNS if counts[action]]
    parts = parts or ["nothing to do"]
    parts.append(f"{view.unchanged} unchanged")
    if view.findings.held:
        parts.append(f"{len(view.findings.held)} held")
    if view.put_off:
        parts.append(f"{len(view.put_off)} put off")
    if view.quarantined:
        parts.append(f"{len(view.quarantined)} in quarantine")
    return ", ".join(parts)


def change_line(change: ChangeView) -> str:
    """Return one change on one line."""
    sign = _SIGNS.get(change.action, "?")
    subject = _short(change.subject)
    text = f"{sign} {change.action:<6} {change.kind} {subject}"
    if change.okta_id:
        text += f" ({change.okta_id})"
    return printable(f"{text}: {_short(change.reason)}")


def held_line(held: Held) -> str:
    """Return one harm that is held on one line."""
    deed = _DEEDS.get(held.kind, "would end")
    kind = USER if held.kind == TRAITS else held.kind
    return f"held: {kind} {_short(held.name)} ({held.okta_id}) {deed}: {held.reason} ({held.evidence})"


def hold_line(hold: Hold, digest: str) -> str:
    """Return why harm of one class is held, how many of how many, and the command that admits it."""
    what = _GOING.get(hold.kind, f"{hold.kind}s to go")
    line = f"held: {hold.count} of {hold.of} {what} ({hold.evidence}): {hold.why}"
    return f"{line}; to admit exactly what is held: teleport-okta approve {digest}" if hold.approvable else line


def _lines(view: PlanView) -> Iterator[str]:
    for warning in view.warnings:
        yield f"warning: {warning}"
    for change in view.changes:
        yield change_line(change)
        if change.action == "create" and change.kind == USER:
            roles = next((field.after for field in change.fields if field.field == "roles"), "")
            traits = sum(field.field.startswith("traits.") for field in change.fields)
            yield f"    roles: {roles or 'none'}; {traits} traits"
        elif change.action != "create" or change.kind != MEMBER:
            for field in change.fields:
                yield f"    {field.field}: {field.before or '(none)'} -> {field.after or '(none)'}"
    for hold in view.findings.holds:
        yield hold_line(hold, view.findings.held_digest)
    for held in view.findings.held:
        yield held_line(held)
    for one in view.put_off:
        yield put_off_line(one)
    for row in view.quarantined:
        who = _short(row.name) or "(no name)"
        yield f"quarantine: {row.kind} {who} ({row.okta_id or 'no id'}): {row.reason} -> {row.remedy}"
    yield f"plan {view.digest}: {summary(view)}"


def put_off_line(one: PutOff) -> str:
    """Return one change that waits for its time on one line."""
    until = one.until.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"put off until {until}: {one.row.kind} {_short(one.row.name)}: {one.row.reason}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
