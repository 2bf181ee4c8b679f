"""The SCIM expressions of ``filter`` and ``search`` (`docs/reference/okta.md` 3.1, RFC 7644 §3.4.2.2).

Each endpoint passes a schema with its attributes and operators. Attribute names and ids are case-sensitive; operators
and string values are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from teleport_okta.sandbox.okta.error_bodies import OktaError, refusal


class Kind(Enum):
    """The type of an attribute, which decides the comparison."""

    TEXT = auto()
    ID = auto()
    DATE = auto()
    QUOTED = auto()
    """Like an id, but a value without quotes is refused."""


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute for filters of an endpoint, with its operators."""

    kind: Kind
    operators: frozenset[str]


Schema = Callable[[str], Field | None]
Lookup = Callable[[str], object]
Predicate = Callable[[Lookup], bool]

EQUAL = frozenset({"eq"})
ORDER = frozenset({"eq", "gt", "ge", "lt", "le"})

_TOKEN = re.compile(r'\s*(?:(?P<paren>[()])|(?P<string>"(?:[^"\\]|\\.)*")|(?P<word>[^\s()"]+))')
_OPERATORS = frozenset({"eq", "ne", "gt", "ge", "lt", "le", "co", "sw", "ew", "pr"})


def compile_filter(text: str, schema: Schema, *, negation: bool = False) -> Predicate:
    """Return the predicate of an expression; with `negation` it may have ``not (…)``.

    Raises ``E0000031`` if it cannot be parsed or is not supported here, ``E0000030`` for a bad date.
    """
    parser = _Parser(list(_tokens(text)), schema, negation=negation)
    predicate = parser.expression()
    parser.finish()
    return predicate


def equalities(text: str) -> dict[str, str]:
    """Return the attributes and values of an expression that is only ``eq`` terms joined by ``and``."""
    return {match[1]: match[2] for match in re.finditer(r'(\S+)\s+eq\s+"([^"]*)"', text)}


def _tokens(text: str) -> Iterator[str]:
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unsupported(text)
        yield match.group().strip()
        position = match.end()


class _Parser:
    def __init__(self, tokens: list[str], schema: Schema, *, negation: bool) -> None:
        self._tokens = tokens
        self._schema = schema
        self._negation = negation

    def expression(self) -> Predicate:
        terms = [self._conjunction()]
        while self._accept("or"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else lambda lookup: any(term(lookup) for term in terms)

    def finish(self) -> None:
        if self._tokens:
            raise _unsupported(self._tokens[0])

    def _conjunction(self) -> Predicate:
        terms = [self._term()]
        while self._accept("and"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else lambda lookup: all(term(lookup) for term in terms)

    def _term(self) -> Predicate:
        if self._negation and self._accept("not"):
            negated = self._term()
            return lambda lookup: not negated(lookup)
        if self._accept("("):
            inner = self.expression()
            if not self._accept(")"):
                raise _unsupported("missing )")
            return inner
        attribute, operator = self._take(), self._take().lower()
        field = self._schema(attribute)
        if field is None or operator not in _OPERATORS or operator not in field.operators:
            raise _unsupported(f"{attribute} {operator}")
        if operator == "pr":
            return lambda lookup: lookup(attribute) not in (None, "", [])
        test = _comparison(field.kind, operator, self._take())
        return lambda lookup: any(test(value) for value in _values(lookup(attribute)))

    def _accept(self, word: str) -> bool:
        if self._tokens and self._tokens[0].lower() == word:
            self._tokens.pop(0)
            return True
        return False

    def _take(self) -> str:
        if not self._tokens:
            raise _unsupported("incomplete expression")
        return self._tokens.pop(0)


def _values(value: object) -> list[object]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set) else [value]


def _comparison(kind: Kind, operator: str, literal: str) -> Callable[[object], bool]:
    if kind is Kind.DATE:
        moment = _moment(_unquote(literal))
        return lambda value: isinstance(value, int | float) and _order(operator, value, moment)
    wanted = _unquote(literal) if kind is Kind.QUOTED or literal.startswith('"') else _bare(literal)
    if kind is Kind.TEXT:
        wanted = wanted.lower()
        return lambda value: _order(operator, _text(value).lower(), wanted)
    return lambda value: _order(operator, _text(value), wanted)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _order(operator: str, value: object, wanted: object) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return _TEXT_TESTS[operator](value, wanted)
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return _NUMBER_TESTS[operator](value, wanted)
    return False


_TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "ne": lambda value, wanted: value != wanted,
    "gt": lambda value, wanted: value > wanted,
    "ge": lambda value, wanted: value >= wanted,
    "lt": lambda value, wanted: value < wanted,
    "le": lambda value, wanted: value <= wanted,
    "sw": lambda value, wanted: value.startswith(wanted),
    "ew": lambda value, wanted: value.endswith(wanted),
    "co": lambda value, wanted: wanted in value,
}
_NUMBER_TESTS: dict[str, Callable[[float, float], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "gt": lambda value, wanted: value > wanted,
    "ge": lambda value, wanted: value >= wanted,
    "lt": lambda value, wanted: value < wanted,
    "le": lambda value, wanted: value <= wanted,
}


def _unquote(literal: str) -> str:
    if not literal.startswith('"'):
        raise _unsupported(literal)
    return re.sub(r"\\(.)", r"\1", literal[1:-1])


def _bare(literal: str) -> str:
    if literal.lower() in {"true", "false"} or re.fullmatch(r"-?\d+(\.\d+)?", literal):
        return literal.lower()
    raise _unsupported(literal)


def _moment(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise refusal("E0000030") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _unsupported(what: str) -> OktaError:
    return refusal("E0000031", f"Unsupported expression: {what}")
