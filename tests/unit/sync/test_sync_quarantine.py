"""Rows in quarantine from pass to pass."""

from __future__ import annotations

from datetime import timedelta

import pytest
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Limits
from teleport_okta.sync.quarantine import QuarantineRules, log_new
from worlds import NOW

INTERVAL = timedelta(hours=1)
LATER = NOW + INTERVAL


def unread(request_id, status=503):
    """A group whose members Okta does not return."""
    reason = f"GET /api/v1/groups/00gENG/users failed: {status} [request id {request_id}, error id oa{request_id}]"
    return Quarantined.from_text("access_list", "00gENG", "00gENG", reason, "it is read again in the next pass")


@pytest.mark.parametrize(
    ("second", "since"), [(unread("Cb"), NOW), (unread("Ca"), NOW), (unread("Ca", status=500), LATER)]
)
def test_a_row_whose_call_has_another_id_is_in_quarantine_since_before_and_logged_once(second, since, caplog):
    rules = QuarantineRules(INTERVAL, Limits(), 100)
    first = rules.entries([unread("Ca")], [], [], [], NOW)
    log_new(first, [])
    entries = rules.entries([second], [], [], first, LATER)
    log_new(entries, first)
    assert [(entry.row, entry.since, entry.next_try) for entry in entries] == [(second, since, LATER + INTERVAL)]
    assert len(caplog.messages) == (1 if since == NOW else 2)
