"""A plan as lines for people: a line for each change with its fields, then what is held, put off or set aside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.model.reason_text import quoted, some_of
from teleport_okta.observe.text import Line, Tone, printable
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, TRAITS, USER, USER_GROUP
from teleport_okta.plan.words import counted, deed_words, noun, object_words, without_own_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from teleport_okta.model.findings import Held, Hold, PutOff, Quarantined
    from teleport_okta.plan.view import ChangeView, PlanView

SIGNS: Final = {"create": "+", "update": "~", "lock": "!", "unlock": "o", "delete": "-"}
_TONES: Final = {
    "create": Tone.ADDED,
    "update": Tone.CHANGED,
    "lock": Tone.REMOVED,
    "unlock": Tone.CHANGED,
    "delete": Tone.REMOVED,
}
_MEMBERS_SHOWN: Final = 8
_ROWS_SHOWN: Final = 8
"""How many objects are named that are set aside for the same reason: a few show what they have in common."""

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


@dataclass(frozen=True, slots=True)
class Selection:
    """The part of a plan that is shown: changes of these `kinds` (none: of all), and with `all_members` every member.

    With `is_summary` no change is shown, only warnings, holds and counts.
    """

    kinds: frozenset[str] = frozenset()
    all_members: bool = False
    is_summary: bool = False

    def of(self, changes: Iterable[ChangeView]) -> tuple[ChangeView, ...]:
        """Return the changes that are shown one by one."""
        if self.is_summary:
            return ()
        return tuple(change for change in changes if not self.kinds or change.kind in self.kinds)

    def rows(self, rows: Iterable[Quarantined]) -> tuple[Quarantined, ...]:
        """Return the rows in quarantine that are shown."""
        return tuple(row for row in rows if not self.kinds or row.kind in self.kinds)


EVERYTHING: Final = Selection()


def as_text(view: PlanView, selection: Selection = EVERYTHING) -> str:
    """Render a plan as plain text, without a trailing newline."""
    return "\n".join(printable(line.text) for line in plan_lines(view, selection))


def as_json(view: PlanView, selection: Selection = EVERYTHING) -> dict[str, object]:
    """Return a plan in the shape of `plan --format json`; the counts are of the whole plan."""
    fields = replace(view, changes=selection.of(view.changes), quarantined=selection.rows(view.quarantined)).as_json()
    return {**fields, "counts": view.counts}


def plan_lines(view: PlanView, selection: Selection = EVERYTHING) -> Iterator[Line]:
    """Yield the lines of a plan. The last one has its digest, and counts the whole plan."""
    for warning in view.warnings:
        yield Line(f"warning: {warning}", Tone.WARNING)
    for change in selection.of(view.changes):
        yield Line(change_line(change), _TONES.get(change.action, Tone.PLAIN))
        yield from map(Line, detail_lines(change, all_members=selection.all_members))
    for hold in view.findings.holds:
        yield Line(hold_line(hold, view.findings.held_digest), Tone.WARNING)
    if not selection.is_summary:
        for held in view.findings.held:
            yield Line(held_line(held), Tone.WARNING)
        for one in view.put_off:
            yield Line(put_off_line(one), Tone.WARNING)
    yield from quarantine_lines(selection.rows(view.quarantined))
    yield Line(f"plan {view.digest}: {summary(view)}")


def summary(view: PlanView) -> str:
    """Return one line that counts the changes by action and kind, and what is held, put off and set aside."""
    parts = counted(view.changes) or ["nothing to do"]
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
    what = deed_words(f"{change.action:<6}", change.kind, change.subject, change.okta_id, change.title)
    return printable(f"{SIGNS.get(change.action, '?')} {what}: {change.reason}")


def detail_lines(change: ChangeView, *, all_members: bool = False) -> Iterator[str]:
    """Yield the fields that change, and the members of a new list.

    Labels and traits of a new object are counted; `--format json` has them.
    """
    if change.action == "create" and change.kind == USER:
        roles = next((field.after for field in change.fields if field.field == "roles"), "")
        traits = sum(field.field.startswith("traits.") for field in change.fields)
        yield f"    roles: {roles or 'none'}; {traits} traits"
    elif change.action == "create" and change.kind != MEMBER:
        labels = sum(field.field.startswith("labels.") for field in change.fields)
        for field in change.fields:
            if field.field != "title" and not field.field.startswith("labels."):
                yield f"    {field.field}: {field.after}"
        if labels:
            yield f"    {labels} label{'s' * (labels != 1)}"
    elif change.action != "create":
        for field in change.fields:
            yield f"    {field.field}: {field.before or '(none)'} -> {field.after or '(none)'}"
    if change.members:
        yield member_line(change.members, all_members=all_members)


def member_line(members: tuple[str, ...], *, all_members: bool) -> str:
    """Return the line of the members with whom a new list begins: the first few, or all."""
    most = None if all_members else _MEMBERS_SHOWN
    noun_of = "member" if len(members) == 1 else "members"
    return f"    {len(members)} {noun_of}: {some_of([*map(quoted, members)], most, option='--members')}"


def held_line(held: Held) -> str:
    """Return one harm that is held on one line."""
    deed = _DEEDS.get(held.kind, "would end")
    what = object_words(USER if held.kind == TRAITS else held.kind, held.name, held.okta_id)
    return f"held: {what} {deed}: {held.reason} ({held.evidence})"


def hold_line(hold: Hold, digest: str) -> str:
    """Return how much harm of one kind and evidence is held, of how much, why, and the command that approves it."""
    what = _GOING.get(hold.kind, f"{noun(hold.kind, 2)} to go")
    line = f"held: {hold.count} of {hold.of} {what} ({hold.evidence}): {hold.why}"
    return f"{line}; to approve exactly what is held: teleport-okta approve {digest}" if hold.approvable else line


def quarantine_lines(rows: Iterable[Quarantined]) -> Iterator[Line]:
    """Yield the rows in quarantine, those of one kind and reason together."""
    for (kind, reason, remedy), some in grouped(rows):
        yield Line(f"quarantine: {rows_words(kind, some)}: {reason} -> {remedy}", Tone.WARNING)
        if len(some) > 1:
            yield Line(f"    {row_names(some)}", Tone.WARNING)


def grouped(rows: Iterable[Quarantined]) -> Iterator[tuple[tuple[str, str, str], list[Quarantined]]]:
    """Put rows together that are set aside for one reason: by kind, reason and remedy, in the order of the first.

    In the reason and the remedy of several rows their own names are left out.
    """
    groups: dict[tuple[str, str, str], list[Quarantined]] = {}
    for row in rows:
        reason, remedy = (without_own_names(text, row.name, row.okta_id) for text in (row.reason, row.remedy))
        groups.setdefault((row.kind, reason, remedy), []).append(row)
    for key, some in groups.items():
        yield (key[0], some[0].reason, some[0].remedy) if len(some) == 1 else key, some


def rows_words(kind: str, rows: list[Quarantined]) -> str:
    """Return the name of a single row, or the count of several."""
    if len(rows) == 1:
        return f"{noun(kind)} {_row_name(rows[0])}"
    return f"{len(rows)} {noun(kind, len(rows))}"


def row_names(rows: list[Quarantined]) -> str:
    """Return the names of some of several rows; `--format json` has them all."""
    return some_of([*map(_row_name, rows)], _ROWS_SHOWN, option="--format json")


def put_off_line(one: PutOff) -> str:
    """Return one change that is put off on one line."""
    until = one.until.isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"put off until {until}: {noun(one.row.kind)} {_row_name(one.row)}: {one.row.reason}"


def _row_name(row: Quarantined) -> str:
    name = quoted(row.name) if row.name else "(no name)"
    return name if row.name and row.okta_id == row.name else f"{name} ({row.okta_id or 'no id'})"
