"""The JSON of a request: parsed, and refused where it could do harm later."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH: Final = 32
"""How many objects and arrays may be inside one another. SCIM needs five."""

_MAX_DIGITS: Final = 18
"""Every integer of so many digits fits into 64 bits."""

# Control characters, except tab, line feed and carriage return; and lone surrogates, which UTF-8 cannot encode.
_REFUSED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

# What makes it necessary to look at each string: an escape, or a control character that JSON itself lets pass.
_SUSPECT: Final = re.compile(r"[\\\x7f-\x9f]")

_SHOWN_NAME: Final = re.compile(r"[\w$.:-]{1,80}", re.ASCII)

_NESTING: Final = (dict, list)

_Place: TypeAlias = "tuple[_Place, str | int] | None"


def parse_json(body: bytes) -> object:
    """Parse a body. A byte order mark is accepted; of a name that is repeated, the last value counts.

    Raises ScimError (invalidSyntax or invalidValue) for what is not UTF-8 or not JSON, NaN, Infinity and numbers out of
    range, nesting beyond `MAX_DEPTH`, and strings with control characters or lone surrogates.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise bad_request(ScimType.INVALID_SYNTAX, f"The body is not UTF-8: byte {error.start}.") from None
    if not text.strip():
        raise bad_request(ScimType.INVALID_SYNTAX, "The body is empty; send a JSON object.")
    try:
        value: object = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise bad_request(ScimType.INVALID_SYNTAX, f"The body is not JSON: {place}: {error.msg}.") from None
    except RecursionError:
        raise _too_deep() from None
    _check(value, look_at_strings=_SUSPECT.search(text) is not None)
    return value


def is_clean(text: str) -> bool:
    """Whether a string may be stored: no control characters, except tab and line ends, and no lone surrogates."""
    return _REFUSED.search(text) is None


def _check(value: object, *, look_at_strings: bool) -> None:
    # Without recursion: the depth is the client's choice.
    waiting: list[tuple[object, int, _Place]] = [(value, 1, None)]
    while waiting:
        one, depth, place = waiting.pop()
        if isinstance(one, dict):
            children: Iterable[tuple[str | int, object]] = one.items()
            if look_at_strings and not all(map(is_clean, one)):
                raise _unclean("A name", place)
        elif isinstance(one, list):
            children = enumerate(one)
        else:
            if look_at_strings and isinstance(one, str) and not is_clean(one):
                raise _unclean("The text", place)
            continue
        if depth > MAX_DEPTH:
            raise _too_deep()
        waiting.extend(
            (child, depth + 1, (place, step))
            for step, child in children
            if look_at_strings or isinstance(child, _NESTING)
        )


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise bad_request(ScimType.INVALID_VALUE, f"The body has a number of more than {_MAX_DIGITS} digits.")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise bad_request(ScimType.INVALID_VALUE, "The body has a number that is out of range.")
    return number


def _constant(name: str) -> NoReturn:
    raise bad_request(ScimType.INVALID_SYNTAX, f"The body is not JSON: it contains {name}.")


def _too_deep() -> ScimError:
    return bad_request(
        ScimType.INVALID_SYNTAX, f"The body nests more than {MAX_DEPTH} objects and arrays inside one another."
    )


def _unclean(what: str, place: _Place) -> ScimError:
    return bad_request(
        ScimType.INVALID_VALUE, f"{what} at {_where(place)} has a control character or half of a surrogate pair."
    )


def _where(place: _Place) -> str:
    steps: list[str] = []
    while place is not None:
        place, step = place
        if isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            steps.append(f".{step}" if _SHOWN_NAME.fullmatch(step) else ".?")
    return "".join(reversed(steps)).lstrip(".") or "the top"
