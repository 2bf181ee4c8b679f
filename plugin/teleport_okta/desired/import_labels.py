"""Labels that import rules add to user groups and app servers (`docs/reference/teleport.md` 4.15).

Rules are evaluated from the lowest priority number upward, and a later one overrides the labels of an earlier one. A
An expression matches anywhere in a name, unless it is anchored. A rule may not set labels that are ours or Teleport's
own.

If a rule cannot be used, its labels are unknown: those that it added before stay where they are (`docs/design.md` 4.2).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import re2

from teleport_okta.model.findings import Quarantined
from teleport_okta.model.name_filter import NameFilter
from teleport_okta.model.problems import UnusableImportRule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

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


@dataclass(frozen=True, slots=True)
class RuleLabels:
    """What the rules say of the labels of one object.

    `added` are the labels that it gets. `unsettled` are the keys of labels that a rule may give which cannot be used
    now: what an earlier reading of the rules added under such a key stays as it is.
    """

    added: Mapping[str, str] = field(default_factory=dict)
    unsettled: frozenset[str] = frozenset()
    all_unsettled: bool = False
    """Whether the rules could not be read, so that every label stays that they added."""

    def leaves(self, key: str) -> bool:
        """Whether a label that rules added before stays as it was found."""
        return self.all_unsettled or key in self.unsettled


NO_LABELS: Final = RuleLabels()
"""The answer about an object that no rule says anything of."""

_UNREAD: Final = RuleLabels(all_unsettled=True)


class ImportLabels:
    """The rules of a cluster, compiled. `quarantined` are those that could not be, which are left out.

    `unread`: the rules could not be read at all.
    """

    def __init__(self, rules: Iterable[ImportRule], *, unread: bool = False) -> None:
        self._unread = unread
        self._steps: list[_Mapping | frozenset[str]] = []
        self.quarantined: tuple[Quarantined, ...] = ()
        for rule in sorted(rules, key=lambda one: (one.priority, one.name)):
            try:
                self._steps += _compiled(rule)
            except ValueError as error:
                self.quarantined += (Quarantined(KIND, rule.name, "", UnusableImportRule(str(error))),)
                self._steps.append(frozenset(key for mapping in rule.mappings for key in mapping.labels))

    def of_app(self, okta_id: str, name: str) -> RuleLabels:
        """Return the labels for an app of this label (`name`)."""
        return self._of(lambda match: match.fits_app(okta_id, name))

    def of_group(self, okta_id: str, name: str) -> RuleLabels:
        """Return the labels for a group."""
        return self._of(lambda match: match.fits_group(okta_id, name))

    def _of(self, fits: Callable[[_Match], bool]) -> RuleLabels:
        """Go through the rules in their order: of each key the last rule that may give it decides."""
        if self._unread:
            return _UNREAD
        added: dict[str, str] = {}
        unsettled: set[str] = set()
        for step in self._steps:
            if not isinstance(step, _Mapping):
                unsettled |= step
            elif any(fits(match) for match in step.matches):
                added.update(step.labels)
                unsettled -= step.labels.keys()
        return RuleLabels(added, frozenset(unsettled)) if added or unsettled else NO_LABELS


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
