"""Reads fields of Okta's JSON. Null and absent are the same; a field of the wrong type makes the object malformed."""

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
"""Levels of nesting that a value may have. Okta's have a few; `json.dumps` of a very deep one raises RecursionError."""


class UnreadableFactError(TeleportOktaError):
    """An object lacks an indispensable field, or has it with a wrong type. The row is set aside, with this reason."""


def fact_or_malformed(row: object, read: Callable[[Mapping[str, object]], T | MalformedRow]) -> T | MalformedRow:
    """Read a row of a listing; return a MalformedRow with the reason, and the id if there is one, if that fails.

    `read` may itself return a MalformedRow with more in it.
    """
    if not isinstance(row, dict):
        return MalformedRow(None, f"a row is not an object but {type(row).__name__}")
    try:
        return read(row)
    except UnreadableFactError as error:
        return MalformedRow(id_of(row), error.what)


def id_of(row: object) -> str | None:
    """Return the id of a row; None if there is none."""
    okta_id = row.get("id") if isinstance(row, dict) else None
    return okta_id if isinstance(okta_id, str) and okta_id else None


def demanded(body: Mapping[str, object], name: str) -> str:
    """Return a required text, which must not be empty. Raises UnreadableFactError."""
    found = text(body, name)
    if not found:
        what = f"there is no {name}"
        raise UnreadableFactError(what)
    return found


def text(body: Mapping[str, object], name: str) -> str | None:
    """Return a text; None if it is empty. Raises UnreadableFactError for another type."""
    match body.get(name):
        case None | "":
            return None
        case str() as found if is_unicode(found):
            return found
        case str():
            what = f"{name} is not valid Unicode"
        case other:
            what = f"{name} is not a text but {type(other).__name__}"
    raise UnreadableFactError(what)


def text_if_readable(body: Mapping[str, object], name: str) -> str | None:
    """Return a text; None if it is empty, or has another type."""
    found = body.get(name)
    return found if isinstance(found, str) and found and is_unicode(found) else None


def nested(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return an object; an empty one if there is none. Raises UnreadableFactError for another type."""
    match body.get(name):
        case None:
            return {}
        case dict() as value:
            return value
        case other:
            what = f"{name} is not an object but {type(other).__name__}"
            raise UnreadableFactError(what)


def objects(body: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """Return a list of objects; an empty one if there is none. Raises UnreadableFactError for another type."""
    match body.get(name):
        case None:
            return []
        case list() as values if all(isinstance(value, dict) for value in values):
            return values
        case _:
            what = f"{name} is not a list of objects"
            raise UnreadableFactError(what)


def written(moment: datetime) -> str:
    """Return a moment in the form of Okta's queries: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def is_deep(value: object) -> bool:
    """Whether objects and lists are nested more than DEEPEST levels deep. Works level by level, without recursion."""
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
    """Whether the text can be encoded: JSON may contain lone surrogates."""
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
