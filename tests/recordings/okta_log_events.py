"""Drive genuine System Log events through the reader and the table of meanings: `python okta_log_events.py DIR`.

A file of events is a JSON object whose `events` hold one `event` each, or a list of events as Okta's log gives it.
One line a file and one an event, with what the event became; exit status 1 where an event cannot be read, or a part
of it is lost. What is expected is taken from the raw JSON, not by the code under test. A time without a zone is no
loss: databases into which events are exported write such, Okta does not.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.okta.fields import UnreadableFactError
from teleport_okta.okta.log_events import log_event
from teleport_okta.sync.event_alarms import Source
from teleport_okta.sync.event_hints import EventContent, content_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from teleport_okta.model.log_event import LogEvent

SOURCE: Final = Source()
"""Neither the app that people come from nor our client is among recorded events: alarms about ours never show."""

_ZONED: Final = re.compile(r"T.*(Z|[+-]\d\d:?\d\d)$")


@dataclass(frozen=True)
class Checked:
    """A file, the lines about its events, and whether each of them was read without loss."""

    lines: tuple[str, ...]
    fine: bool


def events_of(path: Path) -> list[Any]:
    """Return the raw events of a file; none where it is of another kind."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if isinstance(content, dict):
        rows = content.get("events")
        if isinstance(rows, list) and all(isinstance(row, dict) and "event" in row for row in rows):
            return [row["event"] for row in rows]
        return []
    is_log = isinstance(content, list) and all(isinstance(row, dict) and "eventType" in row for row in content)
    return content if is_log else []


def check(path: Path) -> Checked:
    """Check every event of a file."""
    raw = events_of(path)
    lines, failed = [], 0
    for number, row in enumerate(raw, 1):
        line, fine = _check_event(row)
        lines.append(f"  {number}. {line}")
        failed += not fine
    verdict = f"{failed} could not be read" if failed else "no loss"
    return Checked((f"{path.name}: {len(raw)} {'event' if len(raw) == 1 else 'events'}: {verdict}", *lines), not failed)


def _check_event(row: Any) -> tuple[str, bool]:
    try:
        event = log_event(row)
    except UnreadableFactError as error:
        kind = row.get("eventType") if isinstance(row, dict) else None
        return f"FAIL {kind}: {error.what}", False
    lost = list(losses(row, event))
    if lost:
        return f"FAIL {event.type}: {'; '.join(lost)}", False
    undated = "" if event.published else ", without a time"
    return f"{event.type} {event.outcome or 'without an outcome'}{undated}: {became(content_of(event, SOURCE))}", True


def losses(raw: Mapping[str, Any], event: LogEvent) -> Iterator[str]:
    """Yield what differs between the raw JSON of an event and what was read of it."""
    if event.published is None and _ZONED.search(raw.get("published") or ""):
        yield f"published {raw['published']!r} was not read"
    outcome = (raw.get("outcome") or {}).get("result") or ""
    if event.outcome != outcome.upper():
        yield f"the outcome is {outcome!r}, read as {event.outcome!r}"
    expected = [(one.get("type"), one.get("id")) for one in raw.get("target") or [] if one]
    found = [(one.type or None, one.id or None) for one in event.targets]
    if found != expected:
        yield f"the targets are {expected}, read as {found}"


def became(told: EventContent) -> str:
    """Put into words what an event tells."""
    if not told.is_known:
        return "unknown"
    if told.names_no_object:
        return "names no object: a full pass"
    hints = ", ".join(f"{hint.kind.value} ({hint.claim.value})" if hint.claim else hint.kind for hint in told.hints)
    return "; ".join(filter(None, (hints, f"alarm: {told.alarm}" if told.alarm else ""))) or "nothing"


def main(arguments: list[str]) -> int:
    """Check every file of events below the folder that is given."""
    if len(arguments) != 1:
        sys.stderr.write("usage: okta_log_events.py DIR\n")
        return 2
    results = [check(path) for path in sorted(Path(arguments[0]).rglob("*.json")) if events_of(path)]
    if not results:
        sys.stderr.write(f"{arguments[0]}: there are no log events here\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for result in results for line in result.lines)
    return 0 if all(result.fine for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
