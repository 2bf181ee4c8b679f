"""Labels that import rules add to user groups and app servers (`reference/teleport.md` 4.15).

Rules are evaluated from the lowest priority number upward, and a later one overrides the labels of an earlier one. A
name is found anywhere by an expression, unless it is anchored. Labels that are ours or Teleport's own are not a rule's
to set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import re2

from teleport_okta.model.findings import Quarantined
from teleport_okta.model.name_filter import NameFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport_okta.model.access import ImportMatch, ImportRule

KIND: Final = "okta_import_rule"

_KEY: Final = re.compile(r"[A-Za-z0-9/._:*-]+")
_RESERVED: Final = ("teleport-okta/", "teleport.dev/", "teleport.internal/", "okta/")

_GLOB: Final = re.compile(r"[^.+?()\[\]{}|\\^$]+")
"""No character of an expression but `*`."""

_QUIET: Final = re2.Options()
_QUIET.log_errors = False


@dataclass(frozen=True)
class _Match:
    app_ids: frozenset[str]
    group_ids: frozenset[str]
    app_names: tuple[re2._Regexp, ...]
    group_names: tuple[re2._Regexp, ...]

    def fits_app(self, okta_id: str, name: str) -> bool:
        return okta_id in self.app_ids or any(one.search(name) for one in self.app_names)

    def fits_group(self, okta_id: str, name: str) -> bool:
        return okta_id in self.group_ids or any(one.search(name) for one in self.group_names)


@dataclass(frozen=True)
class _Mapping:
    matches: tuple[_Match, ...]
    labels: Mapping[str, str]


class ImportLabels:
    """The rules of a cluster, compiled. `quarantined` are those that could not be, which are left out."""

    def __init__(self, rules: Iterable[ImportRule]) -> None:
        self._mappings: list[_Mapping] = []
        self.quarantined: tuple[Quarantined, ...] = ()
        for rule in sorted(rules, key=lambda one: (one.priority, one.name)):
            try:
                self._mappings += _compiled(rule)
            except ValueError as error:
                row = Quarantined(KIND, rule.name, "", str(error), "correct the rule; until then it is left out")
                self.quarantined += (row,)

    def of_app(self, okta_id: str, name: str) -> dict[str, str]:
        """Return the labels for an app of this label (`name`)."""
        labels: dict[str, str] = {}
        for mapping in self._mappings:
            if any(match.fits_app(okta_id, name) for match in mapping.matches):
                labels.update(mapping.labels)
        return labels

    def of_group(self, okta_id: str, name: str) -> dict[str, str]:
        """Return the labels for a group."""
        labels: dict[str, str] = {}
        for mapping in self._mappings:
            if any(match.fits_group(okta_id, name) for match in mapping.matches):
                labels.update(mapping.labels)
        return labels


def _compiled(rule: ImportRule) -> list[_Mapping]:
    for mapping in rule.mappings:
        for key in mapping.labels:
            if not _KEY.fullmatch(key):
                msg = f"{key!r} is no label: Teleport accepts letters, digits and / . _ : * - only"
                raise ValueError(msg)
            if key.startswith(_RESERVED):
                msg = f"the label {key!r} is not a rule's to set"
                raise ValueError(msg)
    return [
        _Mapping(tuple(_compiled_match(match) for match in mapping.matches), mapping.labels)
        for mapping in rule.mappings
    ]


def _compiled_match(match: ImportMatch) -> _Match:
    return _Match(
        frozenset(match.app_ids),
        frozenset(match.group_ids),
        tuple(map(_expression, match.app_names)),
        tuple(map(_expression, match.group_names)),
    )


def _expression(text: str) -> re2._Regexp:
    """Compile an expression. A glob, which servers store too, is one where it cannot be an expression (`*-prod`)."""
    try:
        return re2.compile(text, _QUIET)
    except re2.error:
        if _GLOB.fullmatch(text):
            return re2.compile(NameFilter(text).expression, _QUIET)
        msg = f"{text!r} is no RE2 expression"
        raise ValueError(msg) from None
