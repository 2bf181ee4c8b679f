"""`status` shows that Teleport does not answer."""

from __future__ import annotations

from datetime import UTC, datetime

from teleport_okta.cli.status import _lines
from teleport_okta.model.teleport import Outage
from teleport_okta.serve.messages import status_from_message, status_to_message
from teleport_okta.sync.status import Status

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
AWAY = "Teleport has not answered since "


def said(outage):
    """The status, after its way through the admin socket."""
    status = Status("0.1.0", "failing", None, (), outage=outage)
    return status_from_message(status_to_message(status))


def test_an_outage_is_shown_with_its_time_and_its_last_error():
    status = said(Outage(NOON, "AuthService/Ping on the cluster: connection refused"))
    [line] = [line for line in _lines(status) if line.startswith(AWAY)]
    assert line == (
        "Teleport has not answered since 2026-11-30T12:00:00Z; last error: "
        "AuthService/Ping on the cluster: connection refused"
    )
    assert status.as_json()["outage"] == {
        "since": "2026-11-30T12:00:00+00:00",
        "error": "AuthService/Ping on the cluster: connection refused",
    }


def test_while_teleport_answers_no_outage_is_shown():
    assert not [line for line in _lines(said(None)) if line.startswith(AWAY)]
    assert said(None).as_json()["outage"] is None
