"""Escapes text from other systems, so that it is safe in a line of a terminal or a log."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that move the cursor, start an escape sequence, are invisible, or reorder text (bidi)."""


class Tone(Enum):
    """The meaning of a line. It decides the colour on a terminal."""

    PLAIN = auto()
    ADDED = auto()
    CHANGED = auto()
    REMOVED = auto()
    WARNING = auto()
    ERROR = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """One line for people, with its tone. The text may contain any characters: it is escaped when it is written."""

    text: str
    tone: Tone = Tone.PLAIN

    def __str__(self) -> str:
        return self.text


def printable(text: str) -> str:
    """Escape control characters, so that a name can neither break its line nor control a terminal."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def printable_lines(text: str) -> str:
    """Escape each line of a text whose line breaks are ours, such as a traceback."""
    return "\n".join(map(printable, text.split("\n")))


def json_text(value: object, *, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """Write a value as JSON that is safe to show: non-ASCII text as it is, control characters as JSON escapes."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, default=str)
    return "\n".join(line if line.isprintable() else _escaped_in_json(line) for line in text.split("\n"))


def _escaped_in_json(line: str) -> str:
    """Escape unsafe characters that JSON permits in its strings: C1 and bidi controls, and lone surrogates."""
    return "".join(
        json.dumps(character)[1:-1] if unicodedata.category(character) in _UNSAFE else character for character in line
    )


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _UNSAFE:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character
