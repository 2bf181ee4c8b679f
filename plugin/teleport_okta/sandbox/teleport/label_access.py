"""Access to resources by label: the selectors `app_labels` and `group_labels` of roles.

An empty selector matches nothing, `*: *` everything. Otherwise every key must be there with one of its values, which
are globs, or RE2 expressions between `^` and `$` (Teleport's public source, `MatchLabelGetter`). Label expressions
(`app_labels_expression`) are not evaluated: they allow nothing and deny everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import re2

from .refusal import bad_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport.legacy.types.types_pb2 import RoleConditions
    from teleport.legacy.types.wrappers.wrappers_pb2 import LabelValues

APP: Final = "app"
USER_GROUP: Final = "user_group"

_WILDCARD: Final = "*"
_QUIET: Final = re2.Options()
_QUIET.log_errors = False


@dataclass(frozen=True, slots=True)
class Selector:
    """The labels that a role requires of a resource: for each key, the values of which one must match."""

    labels: Mapping[str, tuple[str, ...]]

    def reaches(self, labels: Mapping[str, str]) -> bool:
        """Return whether a resource with these labels matches. INVALID_ARGUMENT for a value that does not compile."""
        if not self.labels:
            return False
        if self.labels.get(_WILDCARD) == (_WILDCARD,):
            return True
        return all(
            key in labels and (_WILDCARD in values or any(compiled(value).search(labels[key]) for value in values))
            for key, values in self.labels.items()
        )


EVERYTHING: Final = Selector({_WILDCARD: (_WILDCARD,)})
NOTHING: Final = Selector({})


def selectors_of(conditions: RoleConditions, *, not_understood: Selector) -> dict[str, Selector]:
    """Return the selectors of one side of a role, by kind of resource."""
    return {
        kind: not_understood if expression else _selector(labels)
        for kind, labels, expression in (
            (APP, conditions.AppLabels, conditions.AppLabelsExpression),
            (USER_GROUP, conditions.GroupLabels, conditions.GroupLabelsExpression),
        )
    }


def _selector(labels: LabelValues) -> Selector:
    return Selector({key: tuple(values.Values) for key, values in labels.Values.items()})


@lru_cache(maxsize=1024)
def compiled(expression: str) -> re2._Regexp:
    """Compile an expression as the server does: a glob, unless it is between `^` and `$`."""
    if not (expression.startswith("^") and expression.endswith("$")):
        expression = "^" + "(.*)".join(re2.escape(part) for part in expression.split(_WILDCARD)) + "$"
    try:
        return re2.compile(expression, _QUIET)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise bad_parameter(f"error parsing regexp: {reason}: `{expression}`") from None
