"""Reads events of the System Log, in which null and missing parts are normal (`docs/reference/okta.md` 5.3, 12.2)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teleport_okta.model.log_event import LogEvent, Target
from teleport_okta.okta.fields import UnreadableFactError, text_if_readable

if TYPE_CHECKING:
    from collections.abc import Mapping


def log_event(row: object) -> LogEvent:
    """Read one event. Raises UnreadableFactError if it is not an object, or has no type.

    Other parts that cannot be read are left empty: an event only decides what is read again.
    """
    if not isinstance(row, dict):
        what = f"a log event is not an object but {type(row).__name__}"
        raise UnreadableFactError(what)
    kind = text_if_readable(row, "eventType")
    legacy = text_if_readable(row, "legacyEventType") or ""
    if not (kind or legacy):
        what = "a log event has no type"
        raise UnreadableFactError(what)
    return LogEvent(
        uuid=text_if_readable(row, "uuid") or "",
        type=sys.intern(kind or ""),
        published=_moment(text_if_readable(row, "published")),
        outcome=(text_if_readable(_object(row, "outcome"), "result") or "").upper(),
        targets=tuple(_targets(row.get("target"))),
        legacy_type=legacy,
        actor=text_if_readable(_object(row, "actor"), "id") or "",
    )


def _object(row: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = row.get(name)
    return found if isinstance(found, dict) else {}


def _targets(found: object) -> list[Target]:
    if not isinstance(found, list):
        return []
    return [
        Target(sys.intern(text_if_readable(one, "type") or ""), text_if_readable(one, "id") or "")
        for one in found
        if isinstance(one, dict)
    ]


def _moment(written: str | None) -> datetime | None:
    """Return a time in UTC; None if it is missing, invalid or without a time zone."""
    try:
        moment = datetime.fromisoformat(written) if written else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
