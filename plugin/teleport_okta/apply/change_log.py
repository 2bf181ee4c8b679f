"""The log line of each change: the object, the action, the reason and the result."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from teleport_okta.observe.logs import with_fields
from teleport_okta.plan.view import title_of
from teleport_okta.plan.words import deed_words

if TYPE_CHECKING:
    from teleport_okta.apply.outcome import Outcome

_log = logging.getLogger(__name__)


def log_outcome(outcome: Outcome, trigger: str, who: str = "") -> None:
    """Log the outcome of a change. The keys of the JSON line are part of the interface (`docs/reading.md`)."""
    change = outcome.change
    title = title_of(change)
    fields = {
        "event": "change",
        "kind": change.kind,
        "name": change.label,
        "title": title,
        "okta_id": change.okta_id,
        "action": change.action.value,
        "outcome": outcome.result.value,
        "reason": change.reason,
        "trigger": trigger,
        "detail": outcome.error,
        "who": who,
    }
    what = deed_words(change.action.value, change.kind, change.label, change.okta_id, title)
    noted = f": {outcome.error}" if outcome.error else ""
    by = f" by {who}" if who else ""
    _log.info(
        "%s: %s: %s [%s%s]%s",
        outcome.result.value,
        what,
        change.reason,
        trigger,
        by,
        noted,
        extra=with_fields({key: value for key, value in fields.items() if value}),
    )
