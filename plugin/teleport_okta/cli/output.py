"""The output of every verb. Text from outside is escaped here; on a terminal, lines are coloured and wrapped.

No other module of `cli/` writes to standard output or standard error (a test checks it). A pipe or a file gets every
line whole and without colour.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Final, TextIO

import click
from rich.console import Console

from teleport_okta.observe.text import Line, Tone, json_text, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

_COLOURS: Final = {
    Tone.ADDED: "green",
    Tone.CHANGED: "yellow",
    Tone.REMOVED: "red",
    Tone.WARNING: "magenta",
    Tone.ERROR: "bright_red",
}
_HANGING: Final = 4
"""Extra indentation, in columns, of the rest of a wrapped line."""

_NARROWEST: Final = 40

STANDARD_OUTPUT: Final = "standard output"
"""The file name in an error of the operating system about standard output."""


@dataclass(frozen=True)
class Screen:
    """How lines are drawn: wrapped at a width (None: never), with colours or without."""

    width: int | None = None
    has_colours: bool = False

    def drawn(self, line: Line | str) -> str:
        """Return a line as it is written: escaped, wrapped and coloured."""
        tone = line.tone if isinstance(line, Line) else Tone.PLAIN
        text = self._wrapped(printable(str(line)))
        colour = _COLOURS.get(tone)
        if colour is None or not self.has_colours:
            return text
        return "\n".join(click.style(part, fg=colour) for part in text.split("\n"))

    def _wrapped(self, text: str) -> str:
        if self.width is None or len(text) <= self.width:
            return text
        indent = len(text) - len(text.lstrip(" "))
        return textwrap.fill(
            text[indent:],
            width=max(self.width, _NARROWEST),
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + _HANGING),
            break_long_words=False,
            break_on_hyphens=False,
        )


def screen_of(stream: TextIO) -> Screen:
    """Return how lines are drawn on a stream: plainly, unless it is a terminal (https://no-color.org)."""
    if not stream.isatty():
        return Screen()
    is_plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    return Screen(shutil.get_terminal_size().columns, has_colours=not is_plain)


def show(*lines: Line | str, err: bool = False) -> None:
    """Write lines to standard output, or to standard error."""
    show_lines(lines, err=err)


def show_lines(lines: Iterable[Line | str], *, err: bool = False) -> None:
    """Write lines as they come. A line break inside a line comes from outside, and is escaped."""
    screen = screen_of(sys.stderr if err else sys.stdout)
    for line in lines:
        _write(screen.drawn(line), err=err, color=screen.has_colours)


def show_text(text: str) -> None:
    """Write a text whose line breaks are our own, never wrapped: it is for a program or a document."""
    _write(printable_lines(text))


def show_json(value: object) -> None:
    """Write one JSON object, non-ASCII text as it is."""
    _write(json_text(value, indent=2))


def show_json_line(value: object) -> None:
    """Write one JSON object on one line, for another program that waits for it."""
    _write(json_text(value, separators=(",", ":")))


def show_usage_error(error: click.ClickException) -> None:
    """Write the error of a command line with wrong usage."""
    text = StringIO()
    error.show(file=text)
    _write(printable_lines(text.getvalue().rstrip("\n")), err=True)


def _write(text: str, *, err: bool = False, color: bool = False) -> None:
    """Write a text and a line break. Raises OSError with the name of the stream if standard output cannot be written.

    A text for standard error that cannot be written is dropped: there is no other place for it, and the exit code
    still shows the result.
    """
    try:
        click.echo(text, err=err, color=color)
    except OSError as error:
        if not err:
            error.filename = error.filename or STANDARD_OUTPUT
            raise


def open_closed_streams() -> None:
    """Open the null device in place of each standard stream that the caller closed (`>&-`).

    Otherwise the next file that is opened has the number of the closed stream: the state could get what is printed.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            if os.open(os.devnull, os.O_RDWR) == number:
                os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def escape_unencodable() -> None:
    """Write a character that the terminal's encoding lacks as an escape: a foreign name must not end a command."""
    if isinstance(sys.stdout, TextIOWrapper):
        with suppress(OSError):  # a stream whose position cannot be read is used as it is
            sys.stdout.reconfigure(errors="backslashreplace")


def is_output_broken() -> bool:
    """Whether standard output still has text that cannot be written: its disk is full, for example."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def drop_unwritten_errors() -> None:
    """Discard what standard error cannot take, at exit: the interpreter would change the exit code to 120."""
    try:
        sys.stderr.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())


def give_up_output() -> None:
    """Discard further output and what is buffered: nothing can be written, or the reader has closed it (`head`)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def has_terminal() -> bool:
    """Whether a person at a terminal can see a question and answer it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def confirm(question: str, *, default: bool = False, err: bool = False) -> bool:
    """Ask a yes-or-no question. Raises Abort at the end of the input."""
    return click.confirm(printable(question), default=default, err=err)


def show_question(question: str, *, err: bool = False) -> None:
    """Write a question, so that the answer is on the same line."""
    click.echo(f"{printable(question)}: ", nl=False, err=err)


def read_answer() -> str:
    """Read a line of standard input. Raises Abort at its end."""
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.strip()


def working(what: str) -> AbstractContextManager[object]:
    """Show a spinner on a terminal until the block ends."""
    return Console(stderr=True).status(what)
