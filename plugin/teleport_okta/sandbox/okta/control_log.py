"""The routes of the control interface about the System Log and about group rules."""

import math

from teleport_okta.sandbox.control_api import Route, Seconds, Text
from teleport_okta.sandbox.okta.app_defaults import Json
from teleport_okta.sandbox.okta.group_rules import GroupRule
from teleport_okta.sandbox.okta.log_faults import LogFault, LogFaultKind
from teleport_okta.sandbox.okta.organization import OktaOrganization

_UNCHANGED = math.inf


def log_routes(org: OktaOrganization) -> list[Route]:
    """Return the routes."""
    log = org.log

    def fail(kind: LogFaultKind, match: str | None = None, count: int | None = None, seconds: Seconds = 0) -> Json:
        return _fault(log.faults.add(LogFault(kind, match or "", count, seconds)))

    def invalidate(code: str | None = None) -> None:
        log.invalidate_cursors(code or "E0000031")

    def switch(
        unknown_user_names: bool | None = None,
        silent_rules: bool | None = None,
        widest: Seconds | None = _UNCHANGED,
    ) -> Json:
        if unknown_user_names is not None:
            log.unknown_user_names = unknown_user_names
        if silent_rules is not None:
            org.rules.silent = silent_rules
        if widest != _UNCHANGED:
            log.fail_wide_ranges(widest)
        return state()

    def state() -> Json:
        return {
            "events": log.mark(),
            "faults": [_fault(fault) for fault in log.faults.orders],
            "widest": log.widest,
            "unknown_user_names": log.unknown_user_names,
            "silent_rules": org.rules.silent,
        }

    def create_rule(name: Text, attribute: Text, groups: list[str] | None = None, value: object = None) -> Json:
        return _rule(org.create_group_rule(name, groups or [], (attribute, value)))

    return [
        Route("GET /log", state),
        Route("PATCH /log", switch),
        Route("GET /log/events/{mark}", lambda mark: log.since(int(mark))),
        Route("POST /log/events", lambda **event: log.append_raw(event)),
        Route("POST /log/faults", fail, exact=True),
        Route("DELETE /log/faults", log.recover),
        Route("POST /log/cursors/invalidate", invalidate),
        Route("POST /rules", create_rule),
        Route("POST /rules/{rule}/activate", lambda rule: _rule(org.activate_rule(rule))),
        Route("POST /rules/{rule}/deactivate", lambda rule: _rule(org.deactivate_rule(rule))),
    ]


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
