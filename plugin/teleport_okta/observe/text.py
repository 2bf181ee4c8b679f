"""Text from elsewhere, made safe for a line of a terminal or a log."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """Escape control characters, so that a name can neither break its line nor talk to a terminal."""
    if text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def _escaped(character: str) -> str:
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character
