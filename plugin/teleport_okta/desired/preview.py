"""The effect of filters: which groups and apps pass, and which lists would be added and removed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from teleport_okta.desired.groups_and_apps import GROUP, desired_directory, lists_wanted
from teleport_okta.desired.import_labels import ImportLabels
from teleport_okta.model.directory_reasons import ListWouldBeEmpty, NotInOkta
from teleport_okta.model.reason_text import text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from datetime import datetime

    from teleport_okta.desired.groups_and_apps import Candidate
    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.directory import Directory


class Verdict(StrEnum):
    """The effect on the list of a group or an app that passes."""

    KEPT = "kept"
    ADDED = "added"
    EMPTY = "empty"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, order=True)
class FilterMatch:
    """A group or an app (`of`) that passes, by which filter.

    `people` counts those whom Okta shows in it, and `members` the users of ours among them; None if not read.
    """

    of: str
    name: str
    okta_id: str
    filter: str
    verdict: Verdict
    people: int | None = None
    members: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class PresentList:
    """A list of ours that exists, with its numbers of imported members, and of members whom people added."""

    okta_id: str
    title: str
    imported: int
    added: int


@dataclass(frozen=True, slots=True, order=True)
class EndingList:
    """A list of ours that would end, and why."""

    present: PresentList
    reason: str


@dataclass(frozen=True, slots=True)
class FilterPreview:
    """What these filters would do to what was seen at `seen_at`.

    `gives_roles`: the cluster has no access lists, and people have the member roles directly. Then a present list
    stands for such a role, and its members for those who have it.
    """

    seen_at: datetime
    group_filters: tuple[str, ...]
    app_filters: tuple[str, ...]
    matches: tuple[FilterMatch, ...] = field(default=(), repr=False)
    ending: tuple[EndingList, ...] = field(default=(), repr=False)
    gives_roles: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the preview in the shape of `filters --format json`."""
        return {**asdict(self), "seen_at": self.seen_at.isoformat()}


def preview(
    directory: Directory, imports: Imports, lists: Mapping[str, PresentList], managed: Set[str]
) -> FilterPreview:
    """Say what the filters of `imports` would do; `managed` are the Okta ids of the people who are users of ours."""
    wanted = lists_wanted(directory.groups.rows, directory.apps.rows, imports)
    desired = desired_directory(directory, imports, ImportLabels(()))
    counts = {group.id: group.users_count for group in directory.groups.rows}
    candidates = [one for one in desired.candidates.values() if one.okta_id in wanted[0 if one.of == GROUP else 1]]
    matches = [_match(one, counts.get(one.okta_id), lists.get(one.okta_id), managed) for one in candidates]
    verdicts = {match.okta_id: match.verdict for match in matches}
    ending = []
    for okta_id, present in lists.items():
        if okta_id not in verdicts:
            cause = desired.no_list.get(okta_id, NotInOkta())
            if okta_id in desired.no_list or okta_id not in desired.present:
                ending.append(EndingList(present, text_of(cause)))
        elif verdicts[okta_id] is Verdict.EMPTY:
            ending.append(EndingList(present, text_of(ListWouldBeEmpty())))
    return FilterPreview(
        seen_at=min(directory.groups.read_at, directory.apps.read_at),
        group_filters=tuple(one.text for one in imports.group_filters.filters),
        app_filters=tuple(one.text for one in imports.app_filters.filters),
        matches=tuple(sorted(matches, key=lambda match: (match.of != GROUP, match.name, match.okta_id))),
        ending=tuple(sorted(ending)),
        gives_roles=imports.gives_roles,
    )


def _match(candidate: Candidate, counted: int | None, present: PresentList | None, managed: Set[str]) -> FilterMatch:
    known = not candidate.unread or counted == 0
    people = len(candidate.people) if known else counted
    members = len(candidate.people & managed) if known else None
    if present is not None and (members is None or members or present.added):
        verdict = Verdict.KEPT
    elif members is None:
        verdict = Verdict.UNKNOWN
    else:
        verdict = Verdict.ADDED if members else Verdict.EMPTY
    return FilterMatch(
        candidate.of,
        candidate.name,
        candidate.okta_id,
        candidate.why,
        verdict,
        people,
        members,
    )
