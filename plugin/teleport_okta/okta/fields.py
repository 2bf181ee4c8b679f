"""Single fields of Okta's JSON: null and absent are the same, a field of another shape makes the object unreadable."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.okta import MalformedRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

T = TypeVar("T")

DEEPEST: Final = 64
"""Levels of nesting that a value may have. Okta's have a few; writing down a very deep one raises RecursionError."""


class UnreadableFactError(TeleportOktaError):
    """An object lacks what we cannot do without, or has it in another shape. The row is set aside, with this reason."""


def fact_or_malformed(row: object, read: Callable[[Mapping[str, object]], T | MalformedRow]) -> T | MalformedRow:
    """Read a row of a listing, or say why it cannot be read, with its id where at least that is there.

    `read` may also return a MalformedRow that says more.
    """
    if not isinstance(row, dict):
        return MalformedRow(None, f"a row is no object but {type(row).__name__}")
    try:
        return read(row)
    except UnreadableFactError as error:
        return MalformedRow(id_of(row), error.what)


def id_of(row: object) -> str | None:
    """Return the id of a row; None where there is none."""
    okta_id = row.get("id") if isinstance(row, dict) else None
    return okta_id if isinstance(okta_id, str) and okta_id else None


def demanded(body: Mapping[str, object], name: str) -> str:
    """Return a text that must be there and not be empty. Raises UnreadableFactError."""
    found = text(body, name)
    if not found:
        what = f"there is no {name}"
        raise UnreadableFactError(what)
    return found


def text(body: Mapping[str, object], name: str) -> str | None:
    """Return a text; None where it is empty. Raises UnreadableFactError where something else stands there."""
    match body.get(name):
        case None | "":
            return None
        case str() as found if is_unicode(found):
            return found
        case str():
            what = f"{name} is not valid Unicode"
        case other:
            what = f"{name} is no text but {type(other).__name__}"
    raise UnreadableFactError(what)


def text_if_readable(body: Mapping[str, object], name: str) -> str | None:
    """Return a text; None where it is empty, or something else stands there."""
    found = body.get(name)
    return found if isinstance(found, str) and found and is_unicode(found) else None


def nested(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return an object; an empty one where there is none. Raises UnreadableFactError where it is something else."""
    match body.get(name):
        case None:
            return {}
        case dict() as value:
            return value
        case other:
            what = f"{name} is no object but {type(other).__name__}"
            raise UnreadableFactError(what)


def objects(body: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """Return a list of objects; an empty one where there is none. Raises UnreadableFactError where it is no such."""
    match body.get(name):
        case None:
            return []
        case list() as values if all(isinstance(value, dict) for value in values):
            return values
        case _:
            what = f"{name} is no list of objects"
            raise UnreadableFactError(what)


def written(moment: datetime) -> str:
    """Return a moment as Okta writes it in queries: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def is_deep(value: object) -> bool:
    """Whether objects and lists are nested in more than DEEPEST levels. Goes level by level, so it never recurses."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return bool(level)


def is_unicode(value: str) -> bool:
    """Whether the text can be written at all: JSON may escape halves of characters."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
