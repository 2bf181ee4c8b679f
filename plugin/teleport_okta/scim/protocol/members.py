"""The members of a group, read by hand in time that grows with their number only: a push may have thousands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from teleport_okta.scim.protocol.json_body import is_clean
from teleport_okta.scim.protocol.values import is_unassigned
from teleport_okta.scim.scim_errors import ScimError, ScimType, bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING: Final = r'"(?:[^"\\\x00-\x1f]|\\.)*"'
_TERM: Final = re.compile(rf"value\s+eq\s+({_STRING})", re.IGNORECASE)
_SELECTION: Final = re.compile(
    rf"members\[\s*value\s+eq\s+{_STRING}(?:\s+or\s+value\s+eq\s+{_STRING})*\s*\]", re.IGNORECASE
)


def read_members(value: object) -> tuple[str, ...]:
    """Return the ids in a list of members, in order and without repetition. A member without a type is a user.

    Raises ScimError (invalidValue) for what is not a list of members, and for a group as a member.
    """
    if is_unassigned(value):
        return ()
    if isinstance(value, Mapping):
        value = [value]
    if not isinstance(value, list):
        raise bad_request(ScimType.INVALID_VALUE, "members must be a list of objects.")
    return tuple(dict.fromkeys(_ids(value)))


def selected_members(path: str) -> tuple[str, ...] | None:
    """Return the ids in a path such as `members[value eq "2819c223"]`, several joined by `or`; None for other paths.

    Raises ScimError (invalidPath) for an id that is not a JSON string.
    """
    if _SELECTION.fullmatch(path.strip()) is None:
        return None
    try:
        ids = [str(json.loads(found)) for found in _TERM.findall(path)]
    except ValueError:
        raise _unsupported() from None
    if not all(map(is_clean, ids)):
        raise _unsupported()
    return tuple(dict.fromkeys(ids))


def described_members(node: FilterNode) -> tuple[str, ...]:
    """Return the ids that a parsed selection names.

    Raises ScimError (invalidPath) for a selection by anything but ids.
    """
    match node:
        case Comparison(op=CompareOperator.eq, value=str(operand)) if (
            node.attr_path.attr.lower() == "value" and is_clean(operand)
        ):
            return (operand,)
        case LogicalExpr(op=LogicalOperator.or_, terms=terms):
            return tuple(dict.fromkeys(one for term in terms for one in described_members(term)))
        case _:
            raise _unsupported()


def _ids(members: list[object]) -> Iterator[str]:
    for index, member in enumerate(members):
        if not isinstance(member, Mapping):
            raise bad_request(ScimType.INVALID_VALUE, f"members[{index}] must be an object.")
        found, kind = member.get("value"), member.get("type")
        if found is None or kind is None:
            folded = {name.lower(): one for name, one in member.items()}
            found, kind = folded.get("value"), folded.get("type")
        if not isinstance(found, str) or not found or not is_clean(found):
            raise bad_request(ScimType.INVALID_VALUE, f"members[{index}].value must be the id of a user.")
        if not is_unassigned(kind) and (not isinstance(kind, str) or kind.lower() != "user"):
            raise bad_request(ScimType.INVALID_VALUE, f"members[{index}].type must be User: groups cannot be members.")
        yield found


def _unsupported() -> ScimError:
    return bad_request(ScimType.INVALID_PATH, 'Members can be selected by their ids only: members[value eq "<id>"].')
