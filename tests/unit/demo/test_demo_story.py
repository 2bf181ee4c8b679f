"""How scenes are shown, and when they pass."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from teleport_okta.demo.output import print_end, print_scene
from teleport_okta.demo.scenes import Check, Scene, Story

HELD = Scene("A quiet day", "no person does anything", (Check("nothing happens", held=True),))
BROKEN = Scene(
    "A loud day", "a person shouts", (Check("the others stay", held=True), Check("the others sleep", held=False))
)


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=120)


def text_of(console):
    return console.file.getvalue()


def test_a_story_holds_only_if_every_check_of_every_scene_does():
    assert Story((HELD,)).held
    assert not Story((HELD, BROKEN)).held
    assert Story((HELD, BROKEN)).as_json()["held"] is False


def test_a_check_that_did_not_hold_stands_out(console):
    print_scene(console, BROKEN)
    assert "  ok   the others stay" in text_of(console)
    assert "  FAIL the others sleep" in text_of(console)


def test_the_output_of_a_command_is_shown(console):
    asked = Scene("A look", "teleport-okta filters", (), output=("+ group Engineers",))
    print_scene(console, asked)
    assert "  + group Engineers" in text_of(console)
    assert Story((asked,)).as_json()["scenes"][0]["output"] == ["+ group Engineers"]


def test_the_end_has_the_tables_and_the_verdict(console):
    lists = {"Access lists": (("title", "members"), (("Engineers", "2"),))}
    print_end(console, Story((HELD, BROKEN), lists))
    assert "Engineers" in text_of(console)
    assert "2 of 3 checks passed" in text_of(console)
