"""The calls of the control listener about the System Log and about group rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import Json
from teleport_okta.sandbox.okta.control_input import maybe, seconds_of, text_of, texts_of
from teleport_okta.sandbox.okta.log_faults import LogFault, LogFaultKind

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.group_rules import GroupRule
    from teleport_okta.sandbox.okta.organization import OktaOrganization

Action = Callable[[dict[str, str], Json], object]

_FAULT_FIELDS = frozenset({"kind", "match", "count", "seconds"})


def log_actions(org: OktaOrganization) -> dict[str, Action]:
    """Return the calls by method and path."""
    log = org.log

    def fail(_: dict[str, str], body: Json) -> Json:
        unknown = set(body) - _FAULT_FIELDS
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        count = body.get("count")
        if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
            raise ValueError("count must be a whole number")
        kind = LogFaultKind(text_of(body, "kind"))
        match, seconds = maybe(body, "match", str) or "", seconds_of(body, "seconds", 0)
        return _fault(log.faults.add(LogFault(kind, match, count, seconds)))

    def events(at: dict[str, str], _: Json) -> list[Json]:
        return log.since(int(at["mark"]))

    def invalidate(_: dict[str, str], body: Json) -> None:
        log.invalidate_cursors(maybe(body, "code", str) or "E0000031")

    def switch(_: dict[str, str], body: Json) -> Json:
        unknown_names, silent_rules = maybe(body, "unknown_user_names", bool), maybe(body, "silent_rules", bool)
        if unknown_names is not None:
            log.unknown_user_names = unknown_names
        if silent_rules is not None:
            org.rules.silent = silent_rules
        if "widest" in body:
            log.fail_wide_ranges(None if body["widest"] is None else seconds_of(body, "widest"))
        return state({}, {})

    def state(_: dict[str, str], __: Json) -> Json:
        return {
            "events": log.mark(),
            "faults": [_fault(fault) for fault in log.faults.orders],
            "widest": log.widest,
            "unknown_user_names": log.unknown_user_names,
            "silent_rules": org.rules.silent,
        }

    def create_rule(_: dict[str, str], body: Json) -> Json:
        condition = (text_of(body, "attribute"), body.get("value"))
        return _rule(org.create_group_rule(text_of(body, "name"), texts_of(body, "groups"), condition))

    return {
        "GET /log": state,
        "PATCH /log": switch,
        "GET /log/events/{mark}": events,
        "POST /log/events": lambda _, body: log.append_raw(body),
        "POST /log/faults": fail,
        "DELETE /log/faults": lambda _, __: log.recover(),
        "POST /log/cursors/invalidate": invalidate,
        "POST /rules": create_rule,
        "POST /rules/{rule}/activate": lambda at, _: _rule(org.activate_rule(at["rule"])),
        "POST /rules/{rule}/deactivate": lambda at, _: _rule(org.deactivate_rule(at["rule"])),
    }


def _fault(fault: LogFault) -> Json:
    return {
        "kind": fault.kind,
        "match": fault.match,
        "count": fault.count,
        "seconds": fault.seconds,
        "hits": fault.hits,
    }


def _rule(rule: GroupRule) -> Json:
    return {"id": rule.id, "name": rule.name, "status": rule.status, "groups": list(rule.group_ids)}
