"""The reasons of a plan, for the log at level `debug`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from teleport_okta.plan.render import hold_line, summary
from teleport_okta.plan.view import view_of

if TYPE_CHECKING:
    from teleport_okta.plan.plan import Plan
    from teleport_okta.sync.reading import Reading

_log = logging.getLogger(__name__)


def log_decisions(reading: Reading, plan: Plan) -> None:
    """Log which absences are believed, which harm is held, and the summary of the plan."""
    if not _log.isEnabledFor(logging.DEBUG):
        return
    for listing, absences in sorted(reading.absences.items()):
        verdict = "are believed" if absences.believed else f"are not believed: {absences.doubt}"
        _log.debug("absences of %s %s", listing, verdict)
    for hold in plan.holds:
        _log.debug("%s", hold_line(hold, plan.findings.held_digest))
    _log.debug("planned %s: %s", plan.digest, summary(view_of(plan)))
