"""The progress bar of commands that read or apply."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from teleport_okta.cli import progress
from teleport_okta.cli.progress import progress_bar
from teleport_okta.observe.waits import waiting_for
from waiting import eventually


@pytest.fixture
def screen(monkeypatch):
    """A terminal of 80 columns, on which a wait is shown at once."""
    monkeypatch.setattr(progress, "_SHORTEST_SHOWN", 0.0)
    return Console(file=StringIO(), force_terminal=True, width=80, color_system=None)


@pytest.mark.parametrize("label", ["reading Okta", "reading, then applying"])
def test_a_wait_for_a_limit_is_shown_whole_in_80_columns(screen, label):
    wait = "the rate limit of GET /api/v1/users/{id}, for 42 s"
    with progress_bar(label, screen) as on_progress, waiting_for(wait):
        on_progress(350, 1000)
        eventually(lambda: f"waiting for {wait}" in screen.file.getvalue(), "the wait is shown", within=10)
    assert "35%" in screen.file.getvalue()


def test_a_wait_that_is_too_long_for_its_line_ends_with_an_ellipsis(screen):
    with progress_bar("reading Okta", screen), waiting_for("x" * 200):
        eventually(lambda: "x…" in screen.file.getvalue(), "the wait is shown", within=10)
    assert max(map(len, screen.file.getvalue().splitlines())) < 120


def test_without_a_terminal_nothing_is_drawn():
    console = Console(file=StringIO())
    with progress_bar("reading Okta", console) as on_progress, waiting_for("the rate limit of apps"):
        on_progress(1, 2)
    assert console.file.getvalue() == ""
