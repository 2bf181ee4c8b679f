"""Whether JSON matches a parsed filter (RFC 7644 §3.4.2.2).

A filter is checked against the schema and turned into a function once; the function is then called for each resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from unicodedata import normalize

from scim2_models.path import (
    ORDERING_OPERATORS,
    STRING_OPERATORS,
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from teleport_okta.scim.protocol.attributes import Attribute, Kind, ResourceType, Returned
from teleport_okta.scim.protocol.json_body import is_clean
from teleport_okta.scim.protocol.values import parse_boolean
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

Predicate: TypeAlias = Callable[[Mapping[str, Any]], bool]

MAX_TERMS: Final = 100
"""The most comparisons of one filter."""

_Test: TypeAlias = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class _Found:
    """An attribute that a filter names; `keys` lead to it in a resource."""

    keys: tuple[str, ...]
    attribute: Attribute

    def values(self, resource: Mapping[str, Any]) -> Iterator[Any]:
        """Return the attribute's values, those of all elements of lists on the way."""
        values: list[Any] = [resource]
        for key in self.keys:
            values = [one.get(key) for one in _flat(values) if isinstance(one, Mapping)]
        return (one for one in _flat(values) if one is not None)


_Find: TypeAlias = Callable[[AttrPath], _Found | None]


def comparison_key(text: str, *, case_exact: bool = False) -> str:
    """Return the form in which two strings are compared: NFC, and lower case unless case counts.

    `userName` is compared so (RFC 7644 §5, reduced to what matters in practice).
    """
    if text.isascii():
        return text if case_exact else text.lower()
    text = normalize("NFC", text)
    return text if case_exact else normalize("NFC", text.lower())


def resource_predicate(node: FilterNode, resource_type: ResourceType) -> Predicate:
    """Return the function that tells whether a resource, as it is shown, matches.

    Raises ScimError (invalidFilter) for what the schema does not know or cannot compare, and 403 (sensitive) for an
    attribute that is never returned: matches would give it away.
    """
    _check_size(node)

    def find(path: AttrPath) -> _Found | None:
        schema = resource_type.core if path.uri is None else resource_type.schema(path.uri)
        attribute = None if schema is None else resource_type.attribute(schema, path.attr)
        if schema is None or attribute is None:
            return None
        keys = (attribute.name,) if schema is resource_type.core else (schema.urn, attribute.name)
        if path.sub_attr is None:
            return _Found(keys, attribute)
        sub = attribute.sub(path.sub_attr)
        return None if sub is None else _Found((*keys, sub.name), sub)

    return _predicate(node, find)


def text_equality(attribute: Attribute, value: str) -> Predicate:
    """Return the function that tells whether a string attribute of the core equals a value."""
    name, case_exact = attribute.name, attribute.case_exact
    key = comparison_key(value, case_exact=case_exact)

    def matches(resource: Mapping[str, Any]) -> bool:
        found = resource.get(name)
        return isinstance(found, str) and comparison_key(found, case_exact=case_exact) == key

    return matches


def element_predicate(node: FilterNode, attribute: Attribute) -> Predicate:
    """Return the function that tells whether one value of a multi-valued attribute matches.

    Raises ScimError (invalidFilter) for what the attribute does not have or cannot be compared.
    """
    _check_size(node)
    return _predicate(node, lambda path: _find_sub(attribute, path))


def _find_sub(attribute: Attribute, path: AttrPath) -> _Found | None:
    sub = attribute.sub(path.attr) if path.uri is None and path.sub_attr is None else None
    return None if sub is None else _Found((sub.name,), sub)


def _predicate(node: FilterNode, find: _Find) -> Predicate:
    match node:
        case LogicalExpr():
            parts = [_predicate(term, find) for term in node.terms]
            if node.op is LogicalOperator.and_:
                return lambda resource: all(part(resource) for part in parts)
            return lambda resource: any(part(resource) for part in parts)
        case Not():
            inner = _predicate(node.expr, find)
            return lambda resource: not inner(resource)
        case Present():
            found = _required(find, node.attr_path)
            return lambda resource: any(map(_is_present, found.values(resource)))
        case Comparison():
            return _comparison(node, find)
        case ValuePath():
            return _selection(node, find)
        case _:
            raise _invalid("the filter has a part that is not supported")


def _selection(node: ValuePath, find: _Find) -> Predicate:
    found = _required(find, node.attr_path)
    attribute = found.attribute
    if not (attribute.multi_valued and attribute.is_complex):
        raise _invalid(f"{_shown(node.attr_path)} is not a list of objects, and cannot have [ ]")
    inner = _predicate(node.val_filter, lambda path: _find_sub(attribute, path))
    return lambda resource: any(inner(one) for one in found.values(resource) if isinstance(one, Mapping))


def _comparison(node: Comparison, find: _Find) -> Predicate:
    found = _required(find, node.attr_path)
    if found.attribute.is_complex:
        value = found.attribute.sub("value")
        if value is None:
            raise _invalid(f"{_shown(node.attr_path)} is an object; compare one of its sub-attributes")
        found = _Found((*found.keys, value.name), value)
    shown = _shown(node.attr_path)
    if node.value is None:
        if node.op is CompareOperator.eq:
            return lambda resource: not any(map(_is_present, found.values(resource)))
        if node.op is CompareOperator.ne:
            return lambda resource: any(map(_is_present, found.values(resource)))
        raise _invalid(f"null can be compared by eq and ne only, not {node.op} ({shown})")
    test = _test(found.attribute, node.op, node.value, shown)
    if node.op is CompareOperator.ne:
        # The reading that makes `ne` the opposite of `eq`: no value is equal, which holds without any value as well.
        return lambda resource: not any(map(test, found.values(resource)))
    return lambda resource: any(map(test, found.values(resource)))


def _test(attribute: Attribute, op: CompareOperator, operand: object, shown: str) -> _Test:
    """Return the test of one value; of `ne`, that of `eq`."""
    if attribute.kind is Kind.BOOLEAN:
        wanted = parse_boolean(operand)
        if wanted is None or op in ORDERING_OPERATORS | STRING_OPERATORS:
            raise _invalid(f"{shown} is true or false, and is compared by eq and ne only")
        return lambda value: value is wanted
    if not isinstance(operand, str) or not is_clean(operand):
        # What cannot be stored cannot be looked up either: a database would refuse it as a parameter.
        raise _invalid(f"{shown} is compared with a text in double quotes, without control characters")
    if attribute.kind is Kind.DATE_TIME and op not in STRING_OPERATORS:
        moment = _moment(operand)
        if moment is None:
            raise _invalid(f'{shown} is compared with a time such as "2026-01-31T12:00:00Z"')
        holds = _OPERATIONS[op]
        return lambda value: (time := _moment(value)) is not None and holds(time, moment)
    case_exact = attribute.case_exact
    key = comparison_key(operand, case_exact=case_exact)
    holds = _OPERATIONS[op]
    return lambda value: isinstance(value, str) and holds(comparison_key(value, case_exact=case_exact), key)


_OPERATIONS: Final[Mapping[CompareOperator, Callable[[Any, Any], bool]]] = {
    CompareOperator.eq: lambda value, operand: value == operand,
    CompareOperator.ne: lambda value, operand: value == operand,
    CompareOperator.co: lambda value, operand: operand in value,
    CompareOperator.sw: lambda value, operand: value.startswith(operand),
    CompareOperator.ew: lambda value, operand: value.endswith(operand),
    CompareOperator.gt: lambda value, operand: value > operand,
    CompareOperator.ge: lambda value, operand: value >= operand,
    CompareOperator.lt: lambda value, operand: value < operand,
    CompareOperator.le: lambda value, operand: value <= operand,
}


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _required(find: _Find, path: AttrPath) -> _Found:
    found = find(path)
    if found is None:
        raise _invalid(f"the attribute {_shown(path)} does not exist")
    if found.attribute.returned is Returned.NEVER:
        raise ScimError(HTTPStatus.FORBIDDEN, f"{found.attribute.name} cannot be used in a filter.", ScimType.SENSITIVE)
    return found


def _check_size(node: FilterNode) -> None:
    waiting, terms = [node], 0
    while waiting:
        match waiting.pop():
            case LogicalExpr(terms=parts):
                waiting.extend(parts)
            case Not(expr=inner) | ValuePath(val_filter=inner):
                waiting.append(inner)
            case _:
                terms += 1
    if terms > MAX_TERMS:
        raise _invalid(f"the filter has more than {MAX_TERMS} comparisons")


def _is_present(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_present, value.values()))
    if isinstance(value, list):
        return any(map(_is_present, value))
    return value is not None and value != ""


def _flat(values: list[Any]) -> Iterator[Any]:
    for one in values:
        if isinstance(one, list):
            yield from one
        else:
            yield one


def _shown(path: AttrPath) -> str:
    return str(path)[:80]


def _invalid(why: str) -> ScimError:
    return bad_request(ScimType.INVALID_FILTER, f"The filter is not valid: {why}.")
