"""PATCH of the values of a multi-valued attribute (RFC 7644 §3.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from teleport_okta.scim.protocol.json_body import is_clean
from teleport_okta.scim.protocol.matching import Predicate, element_predicate
from teleport_okta.scim.protocol.values import MAX_VALUES, Element, is_unassigned, read_element, read_elements, read_sub
from teleport_okta.scim.scim_errors import ScimType, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from teleport_okta.scim.protocol.attributes import Attribute
    from teleport_okta.scim.protocol.paths import Target

_PRIMARY: Final = "primary"


def assigned_values(
    before: Sequence[Element], target: Target, attribute: Attribute, value: object, *, is_add: bool
) -> list[Element]:
    """Return the values after an add or a replace. A value that becomes the primary one makes the others secondary.

    Raises ScimError: invalidValue for a value that does not fit, for two primary values and for too many values;
    noTarget for a replace of selected values where none is selected. An add then creates the value that the selection
    describes, which is how Entra ID adds a phone number of a type.
    """
    if target.selected is None and target.sub is None:
        new = read_elements(attribute, value)
        values, changed = _appended(before, new) if is_add else (new, list(range(len(new))))
    else:
        values, changed = list(before), _chosen(before, target, attribute)
        if not changed:
            changed = [len(values)]
            values.append(_created(target, attribute, is_add=is_add))
        for index in changed:
            values[index] = _changed(values[index], target, attribute, value, is_add=is_add)
    if len(values) > MAX_VALUES:
        raise bad_request(ScimType.INVALID_VALUE, f"{attribute.name} has more than {MAX_VALUES} values.")
    return [one for one in _with_one_primary(values, changed, attribute) if one]


def remaining_values(before: Sequence[Element], target: Target, attribute: Attribute, listed: object) -> list[Element]:
    """Return the values after a remove: of those selected, or of those `listed`, or of all."""
    if target.selected is None and target.sub is None and listed not in (None, ""):
        return _not_listed(before, read_elements(attribute, listed))
    chosen = set(_chosen(before, target, attribute))
    if target.sub is None:
        return [one for index, one in enumerate(before) if index not in chosen]
    rest = [without(one, target.sub) if index in chosen else one for index, one in enumerate(before)]
    return [one for one in rest if one]


def without(value: Mapping[str, Any], sub: Attribute) -> Element:
    """Return a complex value without a sub-attribute."""
    return {name: one for name, one in value.items() if name != sub.name}


def _appended(before: Sequence[Element], new: Sequence[Element]) -> tuple[list[Element], list[int]]:
    """Append missing values. `primary` is not compared: adding the same value twice changes nothing."""
    values, changed = list(before), []
    places = {_identity(one): index for index, one in enumerate(values)}
    for one in new:
        index = places.setdefault(_identity(one), len(values))
        if index == len(values):
            values.append(one)
        elif _PRIMARY in one:
            values[index] = one
        else:
            continue
        changed.append(index)
    return values, sorted(set(changed))


def _identity(one: Element) -> frozenset[tuple[str, Any]]:
    return frozenset(item for item in one.items() if item[0] != _PRIMARY)


def _chosen(before: Sequence[Element], target: Target, attribute: Attribute) -> list[int]:
    if target.selected is None:
        return list(range(len(before)))
    matches: Predicate = element_predicate(target.selected, attribute)
    return [index for index, one in enumerate(before) if matches(one)]


def _created(target: Target, attribute: Attribute, *, is_add: bool) -> Element:
    if target.selected is None:
        return {}
    described = _described(target.selected, attribute) if is_add else None
    if described is None:
        raise bad_request(ScimType.NO_TARGET, f"No value of {attribute.name} matches the filter in the path.")
    return described


def _changed(one: Element, target: Target, attribute: Attribute, value: object, *, is_add: bool) -> Element:
    if target.sub is not None:
        stored = read_sub(attribute, target.sub, value)
        rest = without(one, target.sub)
        return rest if stored is None else {**rest, target.sub.name: stored}
    new = read_element(attribute, value)
    if is_add:
        return {**one, **new}
    # What the selection says of the value stays true, so that the same request finds it again.
    described = (target.selected and new and _described(target.selected, attribute)) or {}
    return {**described, **new}


def _described(node: FilterNode, attribute: Attribute) -> Element | None:
    """Return the value that equalities joined by `and` describe; None for any other selection."""
    match node:
        case Comparison(op=CompareOperator.eq, attr_path=path, value=operand):
            sub = attribute.sub(path.attr)
            if sub is None or is_unassigned(operand):
                return None
            if isinstance(operand, str) and not is_clean(operand):
                raise bad_request(ScimType.INVALID_VALUE, f"The path of {attribute.name} has a control character.")
            return {sub.name: read_sub(attribute, sub, operand)}
        case LogicalExpr(op=LogicalOperator.and_, terms=terms):
            described: Element = {}
            for term in terms:
                part = _described(term, attribute)
                if part is None:
                    return None
                described |= part
            return described
        case _:
            return None


def _with_one_primary(values: list[Element], changed: Sequence[int], attribute: Attribute) -> list[Element]:
    primary = [index for index in changed if values[index].get(_PRIMARY) is True]
    if len(primary) > 1:
        raise bad_request(ScimType.INVALID_VALUE, f"{attribute.name} has more than one primary value.")
    if not primary:
        return values
    return [
        {**one, _PRIMARY: False} if one.get(_PRIMARY) is True and index != primary[0] else one
        for index, one in enumerate(values)
    ]


def _not_listed(before: Sequence[Element], listed: Sequence[Element]) -> list[Element]:
    by_value = {one["value"] for one in listed if "value" in one}
    others = [one.items() for one in listed if "value" not in one]
    return [
        one for one in before if one.get("value") not in by_value and not any(part <= one.items() for part in others)
    ]
