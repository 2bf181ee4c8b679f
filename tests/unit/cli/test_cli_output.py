"""The one place where verbs write: nothing foreign reaches a terminal as it is, and a pipe gets everything whole."""

from __future__ import annotations

import ast
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import teleport_okta.cli as cli_package
from click.testing import CliRunner
from teleport_okta.cli import output
from teleport_okta.cli.output import Screen, screen_of, show_json, show_lines
from teleport_okta.cli.root import cli, main
from teleport_okta.errors import TeleportOktaError
from teleport_okta.observe.text import Line, Tone

FOREIGN = "eve\x1b[2J\x9b31m\r\n\u202eadmin\u2066\u200b\u2028\x7f\ud800"
ESCAPED = r"eve\x1b[2J\x9b31m\r\n\u202eadmin\u2066\u200b\u2028\x7f\ud800"
WRITERS = {"output.py", "progress.py", "demo.py"}
"""Modules that may name a stream: `progress.py` draws words of ours, `demo.py` what `demo/output.py` escapes."""


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def _writes(tree: ast.AST) -> list[str]:
    """Calls and names by which a module could write without the choke point."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in {"sys.stdout", "sys.stderr", "click.echo", "click.secho", "click.confirm", "click.prompt"}:
                found.append(name)
        if isinstance(node, ast.Name) and node.id in {"print", "Console"}:
            found.append(node.id)
    return found


def test_every_verb_writes_through_the_output_module():
    modules = sorted(Path(cli_package.__file__).parent.glob("*.py"))
    assert len(modules) > 20
    found = {path.name: _writes(ast.parse(path.read_text())) for path in modules if path.name not in WRITERS}
    assert {name: writes for name, writes in found.items() if writes} == {}


@pytest.mark.parametrize("as_line", [str, lambda text: Line(text, Tone.ADDED)])
def test_a_foreign_name_can_neither_break_its_line_nor_control_a_terminal(as_line, capsys):
    show_lines([as_line(FOREIGN), as_line("next")])
    assert capsys.readouterr().out.split("\n") == [ESCAPED, "next", ""]


def test_json_holds_a_foreign_name_unharmed_and_shows_no_control_character(capsys):
    show_json({"name": FOREIGN, "plain": "Grüße"})
    text = capsys.readouterr().out
    assert json.loads(text)["name"] == FOREIGN
    assert all(line.isprintable() for line in text.split("\n"))
    assert "Grüße" in text


def test_an_error_shows_foreign_text_escaped(capsys, monkeypatch):
    def fails() -> None:
        raise TeleportOktaError(f"user {FOREIGN} is broken\n  details of ours\n    more", remedy=FOREIGN)

    monkeypatch.setattr(cli, "main", lambda **_: fails())
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.split("\n") == [
        f"error: user {ESCAPED} is broken",
        "  details of ours",
        "    more",
        f"  try: {ESCAPED}",
        "",
    ]


def test_wrong_usage_is_shown_escaped(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["teleport-okta", "plan", f"--{'x' + chr(27)}[2J"])
    with pytest.raises(SystemExit):
        main()
    assert r"--x\x1b[2J" in capsys.readouterr().err


def test_a_question_is_shown_escaped(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: (shown.write(prompt) and "y") or "y")
    assert output.confirm(f"delete {FOREIGN}?")
    output.show_question(f"whose {FOREIGN}?")
    assert "\x1b" not in shown.getvalue()
    assert shown.getvalue().count(ESCAPED) == 2


def test_a_pipe_gets_lines_whole_and_without_colour(capsys):
    long = Line("+ create user " + "x" * 300, Tone.ADDED)
    show_lines([long])
    assert capsys.readouterr().out == f"{long.text}\n"


def test_a_terminal_of_80_columns_gets_lines_wrapped_at_blanks_and_indented():
    line = f"+ create user {'x' * 30}: {' '.join(['because'] * 12)}"
    drawn = Screen(80).drawn(f"  {line}").split("\n")
    assert all(len(one) <= 80 for one in drawn)
    assert len(drawn) > 1
    assert all(one.startswith("      b") for one in drawn[1:])
    assert " ".join(one.strip() for one in drawn) == line


def test_a_value_that_does_not_fit_beside_its_key_leaves_the_key_where_it_was():
    drawn = Screen(40).drawn("    allow.app_labels.teleport.internal/okta-app-id: 0oaAAA, 0oaBBB")
    assert drawn.split("\n") == ["    allow.app_labels.teleport.internal/okta-app-id:", "        0oaAAA, 0oaBBB"]


def test_a_name_longer_than_the_terminal_is_not_cut():
    assert "x" * 200 in Screen(80).drawn("+ create user " + "x" * 200)


@pytest.mark.parametrize(
    ("environment", "has_colours"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_has_colours_unless_the_environment_forbids_it(environment, has_colours, monkeypatch):
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    screen = screen_of(Terminal())
    assert screen.has_colours is has_colours
    drawn = screen.drawn(Line("- delete user", Tone.REMOVED))
    assert drawn == ("\x1b[31m- delete user\x1b[0m" if has_colours else "- delete user")
    assert screen_of(io.StringIO()) == Screen()


def test_the_example_configuration_comes_whole():
    assert "\\n" not in CliRunner().invoke(cli, ["configure"]).output


def run_with(closed, *words):
    """Run a verb with some standard streams closed, which a shell does for `>&-`; return its code and its output."""
    command = f'"$@" {closed}'
    script = "from teleport_okta.cli import main; main()"
    done = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-c", script, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_streams_that_are_closed_harm_nothing(tmp_path):
    missing = ("status", "--config", tmp_path / "none.toml")
    assert run_with("<&- >&-", "version") == (0, "", "")
    code, output, errors = run_with(">&-", *missing)
    assert (code, output, errors.splitlines()[0]) == (
        1,
        "",
        f"error: {tmp_path}/none.toml: there is no such configuration file",
    )
    assert run_with("<&- >&- 2>&-", *missing) == (1, "", "")


@pytest.mark.parametrize("words", ["configure", "version", "--version"])
def test_output_that_cannot_be_written_is_named_once(words):
    code, _, errors = run_with(">/dev/full", words)
    assert (code, errors.splitlines()) == (
        1,
        ["error: standard output: No space left on device", "  try: free some space on that file system"],
    )


def test_help_that_cannot_be_written_ends_in_words_too():
    code, _, errors = run_with(">/dev/full", "--help")
    assert (code, len(errors.splitlines()), "No space left" in errors) == (1, 2, True)


def test_an_error_that_cannot_be_written_keeps_the_exit_code(tmp_path):
    assert run_with("2>/dev/full", "status", "--config", tmp_path / "none.toml") == (1, "", "")
    assert run_with(">/dev/full 2>/dev/full", "configure") == (1, "", "")
    assert run_with("2>/dev/full", "no-such-verb") == (2, "", "")


@pytest.mark.parametrize(
    ("encoding", "shown"), [("utf-8", "Zoë 日本 \\ud800\n"), ("latin-1", "Zoë \\u65e5\\u672c \\ud800\n")]
)
def test_a_name_that_the_terminal_cannot_show_is_escaped(encoding, shown):
    script = (
        "from teleport_okta.cli import output, root;"
        "root.cli.main = lambda **_: output.show('Zo\\xeb \\u65e5\\u672c \\ud800') or 0; root.main()"
    )
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode(encoding)) == (0, shown), done.stderr


def exit_code(script, streams):
    """Run a script with standard streams that a shell has redirected."""
    words = ["sh", "-c", f'"$@" {streams}', "sh", sys.executable, "-c", script]
    return subprocess.run(words, check=False).returncode


def test_errors_that_are_left_at_the_end_change_no_exit_code():
    script = (
        "import sys; from teleport_okta.cli import root; sys.stderr = open(2, 'w', closefd=False);"
        "root.cli.main = lambda **_: print('left', file=sys.stderr) or 0; root.main()"
    )
    assert exit_code(script, "2>/dev/full") == 0


def test_no_file_gets_the_number_of_a_stream_that_is_closed():
    script = (
        "import os; from teleport_okta.cli.output import open_closed_streams; open_closed_streams();"
        "print('printed', flush=True); raise SystemExit(os.open('/dev/null', os.O_RDONLY) < 3)"
    )
    assert exit_code(script, "<&- >&- 2>&-") == 0
