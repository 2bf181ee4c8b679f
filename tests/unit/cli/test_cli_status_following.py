"""`status` shows how the System Log is followed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from teleport_okta.cli.status import _following
from teleport_okta.model.follow_status import Following

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
FOLLOWED = "System Log: followed, last read 2026-11-30T12:00:00Z"


@pytest.mark.parametrize(
    ("following", "said"),
    [
        (Following("following", polled_at=NOON), f"{FOLLOWED}; no event yet"),
        (
            Following("following", polled_at=NOON, published=NOON, lag=245.4),
            f"{FOLLOWED}; newest event of 2026-11-30T12:00:00Z, read 245 s later",
        ),
        (Following("failing", reason="429"), "System Log: failing: 429; full passes go on"),
    ],
    ids=["quiet", "an event", "failing"],
)
def test_one_line_shows_how_the_log_is_followed(following, said):
    assert next(_following(following)) == said
