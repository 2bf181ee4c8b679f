"""Renders a cleanup as text or JSON: a preview, and the report of a run."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from teleport_okta.cleanup.inventory import moment
from teleport_okta.cleanup.ownership import Provenance
from teleport_okta.cleanup.plan import DELETE, DETACH, HAND_BACK, UNLOCK
from teleport_okta.model.reason_text import quoted
from teleport_okta.plan.render import change_line
from teleport_okta.plan.view import change_view
from teleport_okta.plan.words import noun
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from teleport_okta.cleanup.plan import CleanupPlan, Item
    from teleport_okta.cleanup.run import Preview, Report
    from teleport_okta.cleanup.values import Kept

SOME: Final = 20
"""How many objects of a kind are named by default."""

_KEPT_IN_A_LINE: Final = 5
"""The same for objects that are kept for one reason, which are named in one line."""

_SIGNS: Final = {DELETE: "-", HAND_BACK: "~", DETACH: "~", UNLOCK: "o"}
_PLURALS: Final = {
    "access_list": "access lists",
    "role": "roles",
    "user_group": "user groups",
    "app_server": "app servers",
    "user": "users",
    "lock": "locks",
    "member": "members of access lists",
    "saml": "SAML connectors",
}


def preview_json(preview: Preview) -> dict[str, object]:
    """Return a preview as plain values."""
    blockers = [asdict(blocker) for blocker in preview.blockers]
    plan = _plan_json(preview.plan) | {"warnings": [*preview.plan.warnings, *preview.doubts]}
    return {"cluster": preview.cluster, "applied": False, **plan, "blockers": blockers}


def report_json(report: Report) -> dict[str, object]:
    """Return a report as plain values."""
    return {
        "cluster": report.cluster,
        "applied": True,
        **_plan_json(report.plan),
        "left_nothing": report.left_nothing,
        "locked_until": None if report.locked_until is None else moment(report.locked_until),
        "stop": report.stop,
        "outcomes": [
            {
                "action": outcome.change.action.value,
                "kind": outcome.change.kind,
                "name": outcome.change.label,
                "result": outcome.result.value,
                "error": outcome.error,
            }
            for outcome in report.outcomes
        ],
    }


def _plan_json(plan: CleanupPlan) -> dict[str, object]:
    return {
        "digest": plan.digest,
        "counts": dict(Counter(item.kind for item in plan.items if item.action in {DELETE, HAND_BACK})),
        "items": [{key: value for key, value in asdict(item).items() if key != "seal"} for item in plan.items],
        "kept": [asdict(row) for row in plan.kept],
        "unread": dict(plan.unread),
        "warnings": list(plan.warnings),
    }


def preview_lines(preview: Preview, command: Sequence[str], *, most: int | None = SOME) -> Iterator[str]:
    """Yield what would be removed. `command` is the command line; `most` is how many objects of a kind are named."""
    plan = preview.plan
    yield f"to remove from {preview.cluster}: {_counts(plan.items)}"
    yield from _item_lines(plan.items, most)
    yield from _kept_lines(plan, most)
    for warning in plan.warnings:
        yield f"warning: {warning}"
    for doubt in preview.doubts:
        yield f"warning: {doubt}"
    for blocker in preview.blockers:
        yield f"blocked: the sync is active: {blocker.what}"
        yield f"  try: {blocker.remedy}"
    if plan.items:
        yield f"cleanup {plan.digest}: nothing has been changed"
        yield f"to apply exactly this: {shlex.join([*command, '--no-dry-run', '--plan', plan.digest])}"


def report_lines(report: Report) -> Iterator[str]:
    """Yield what a cleanup did."""
    results = Counter(outcome.result for outcome in report.outcomes)
    for outcome in report.failed:
        yield f"{outcome.result}: {change_line(change_view(outcome.change))}: {outcome.error}"
    yield from _kept_lines(report.plan, SOME)
    if report.stop:
        yield f"error: {report.stop}"
    done = ", ".join(f"{results[result]} {result}" for result in Result if results[result]) or "nothing to do"
    yield f"cleanup: {done}"
    if report.locked_until is not None:
        yield f"the locks of the removed users end at {moment(report.locked_until)} at the latest"
    if report.left_nothing:
        yield "everything is removed; docs/cleanup.md lists what to remove by hand"
    else:
        yield "not everything is removed: see above. The same command does the rest"


def _item_lines(items: Iterable[Item], most: int | None) -> Iterator[str]:
    groups: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in items:
        groups[item.action, item.kind].append(item)
    for (action, kind), some in groups.items():
        yield from map(_item_line, some[:most])
        if most is not None and len(some) > most:
            yield f"  and {len(some) - most} more {_PLURALS[kind]} to {action}; --all lists them"


def _item_line(item: Item) -> str:
    of = f" ({item.okta_id})" if item.okta_id not in {"", item.name} else ""
    made_by = " of the vendor's integration" if item.provenance is Provenance.VENDOR else ""
    note = f": {item.note}" if item.note else ""
    return f"{_SIGNS[item.action]} {item.action} {noun(item.kind)} {quoted(item.name)}{of}{made_by}{note}"


def _kept_lines(plan: CleanupPlan, most: int | None) -> Iterator[str]:
    """Yield a line for all objects that are kept for one reason, and one for each kind that could not be read."""
    groups: dict[tuple[str, str, str], list[Kept]] = defaultdict(list)
    for row in plan.kept:
        groups[row.kind, row.why, row.remedy].append(row)
    named = None if most is None else min(most, _KEPT_IN_A_LINE)
    for (kind, why, remedy), some in groups.items():
        names = ", ".join(f"{quoted(row.name)} {row.detail}".rstrip() for row in some[:named])
        more = f" and {len(some) - named} more" if named is not None and len(some) > named else ""
        what = f"{noun(kind)} {names}" if len(some) == 1 else f"{len(some)} {_PLURALS[kind]} ({names}{more})"
        yield f"kept: {what}: {why}" + (f" -> {remedy}" if remedy else "")
    for kind, why in plan.unread.items():
        yield f"error: {_PLURALS.get(kind, kind)} could not be read and are left as they are: {why}"


def _counts(items: Iterable[Item]) -> str:
    counts = Counter((item.action, item.kind) for item in items)
    deleted = [f"{counts[DELETE, kind]} {plural}" for kind, plural in _PLURALS.items() if counts[DELETE, kind]]
    others = [
        f"{sum(count for (one, _), count in counts.items() if one == action)} to {action}"
        for action in (HAND_BACK, DETACH, UNLOCK)
        if any(one == action for one, _ in counts)
    ]
    return ", ".join([*deleted, *others]) or "nothing"
