"""The cheapest reads that settle a batch of hints (`docs/reference/okta.md` 5.7).

Hints are combined into looks. Each is a scope that is settled by itself, so that one failure affects one look. Of the
memberships, a group that many people joined or left is listed; the others are read by person, one call for all groups.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.model.hint import Claim, Hint, HintKind
from teleport_okta.model.provisioned import is_person_id
from teleport_okta.model.reasons import DeactivatedInOkta, NoLongerAssigned, PersonDeleted
from teleport_okta.model.scope import OKTA_APP_ID, Scope
from teleport_okta.okta.groups_and_apps import APP_USERS_A_PAGE, MEMBERS_A_PAGE
from teleport_okta.sync.key_reads import WHOLE, AppRead, GroupRead, KeyReads, PersonRead

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LOOKS: Final = (5.0, 25.0)
"""Seconds until a read that contradicts its event is repeated, and then repeated once more and believed."""

_NO_GROUP: Final = GroupRead(row=False, members=False, grants=False)
_NO_APP: Final = AppRead(row=False, all_people=False, granting=False)


@dataclass(frozen=True, slots=True)
class Look:
    """One unit to settle: a scope, the parts of it that are read, and the hints that are finished afterwards."""

    hints: tuple[Hint, ...]
    scope: Scope
    reads: KeyReads = WHOLE

    @property
    def is_urgent(self) -> bool:
        """Whether a person may have to be locked."""
        return any(hint.is_urgent for hint in self.hints)


@dataclass(slots=True)
class _Group:
    read: GroupRead = _NO_GROUP
    hints: list[Hint] = field(default_factory=list)
    pairs: list[Hint] = field(default_factory=list)


@dataclass(slots=True)
class _App:
    read: AppRead = _NO_APP
    hints: list[Hint] = field(default_factory=list)


WIDE_KINDS: Final = frozenset({HintKind.ALL, HintKind.PEOPLE, HintKind.CHANGED_PEOPLE, HintKind.CHANGED_GROUPS})
"""Kinds of hints that name no object: they bring more hints, or a full pass."""


def wide_looks_of(hints: Iterable[Hint]) -> list[Look]:
    """Return a look for each hint that names no object; its scope is empty."""
    return [Look((hint,), Scope.of()) for hint in hints if hint.kind in WIDE_KINDS]


def looks_of(hints: Iterable[Hint], sizes: Mapping[str, int], app_id: str = "") -> list[Look]:
    """Return the looks that settle hints about people, groups and apps, urgent ones first.

    `sizes` are the numbers of people in groups, and with apps, by id; an unknown one counts as small. `app_id` is the
    app that people come from; empty: the whole organisation. Hints of other kinds are left out.
    """
    people: defaultdict[str, list[Hint]] = defaultdict(list)
    groups: defaultdict[str, _Group] = defaultdict(_Group)
    apps: defaultdict[str, _App] = defaultdict(_App)
    grants: defaultdict[str, list[Hint]] = defaultdict(list)
    for hint in hints:
        match hint.kind:
            case HintKind.PERSON | HintKind.STATUS:
                people[hint.of].append(hint)
            case HintKind.GROUP | HintKind.MEMBERS | HintKind.MEMBER:
                _note_group(groups, hint)
            case HintKind.APP | HintKind.APP_PEOPLE | HintKind.APP_PERSON:
                _note_app(apps, hint)
            case HintKind.GRANT:
                grants[hint.of].append(hint)
            case HintKind.OBJECT:
                _note_object(hint, people, groups, apps)
    looks = _looks_at_people(people, sizes, app_id)
    looks += _looks_at_groups(groups, sizes)
    looks += [_look_at_app(app_id, app, sizes) for app_id, app in apps.items()]
    looks += [_look_at_grants(group_id, some) for group_id, some in grants.items()]
    return sorted(looks, key=lambda look: not look.is_urgent)


def _note_group(groups: defaultdict[str, _Group], hint: Hint) -> None:
    if hint.kind is HintKind.MEMBER:
        groups[hint.with_].pairs.append(hint)
        return
    group = groups[hint.of]
    group.hints.append(hint)
    if hint.kind is HintKind.MEMBERS:
        group.read = replace(group.read, members=True)
    else:
        is_deleted = group.read.is_deleted or hint.claim is Claim.DELETED
        group.read = replace(group.read, row=True, is_deleted=is_deleted)


def _note_app(apps: defaultdict[str, _App], hint: Hint) -> None:
    app = apps[hint.with_ if hint.kind is HintKind.APP_PERSON else hint.of]
    app.hints.append(hint)
    match hint.kind:
        case HintKind.APP_PEOPLE:
            app.read = replace(app.read, all_people=True)
        case HintKind.APP_PERSON:
            left = {hint.of} if hint.claim is Claim.GONE else set()
            app.read = replace(app.read, people=app.read.people | {hint.of}, left=app.read.left | left)
        case _:
            app.read = replace(app.read, row=True, is_deleted=app.read.is_deleted or hint.claim is Claim.DELETED)


def _note_object(
    hint: Hint, people: defaultdict[str, list[Hint]], groups: defaultdict[str, _Group], apps: defaultdict[str, _App]
) -> None:
    """Add a hint of an object that changed in Teleport: of a group or an app, nothing is read from Okta for it."""
    if is_person_id(hint.of):
        people[hint.of].append(hint)
    elif hint.of.startswith(OKTA_APP_ID):
        apps[hint.of].hints.append(hint)
    else:
        groups[hint.of].hints.append(hint)


def latest(hints: Iterable[Hint], *claims: Claim) -> Hint | None:
    """Return the hint with the latest of some claims; it replaces the earlier ones."""
    some = [hint for hint in hints if hint.claim in claims]
    return max(some, key=lambda hint: (hint.published or _LONG_AGO, hint.generation), default=None)


def claims_that_count(hints: Sequence[Hint]) -> list[Hint]:
    """Return the hints about one person with the latest claim: one about the status, one about the assignment."""
    of_status = latest(
        [hint for hint in hints if hint.claim is not Claim.GONE or hint.kind is HintKind.STATUS], *_STATUS
    )
    of_assignment = latest([hint for hint in hints if hint.kind is HintKind.PERSON], Claim.THERE, Claim.GONE)
    return [hint for hint in (of_status, of_assignment) if hint is not None]


_STATUS: Final = (Claim.GONE, Claim.LEFT, Claim.DELETED, Claim.BACK)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


def read_of_person(hints: Sequence[Hint]) -> PersonRead:
    """Return how a person is read, by the latest claims about the person."""
    claims = claims_that_count(hints)
    by_claim = {hint.claim: hint for hint in claims}
    if Claim.DELETED in by_claim:
        return PersonRead(is_deleted=True, ended=PersonDeleted())
    away = [hint for hint in claims if hint.claim in {Claim.GONE, Claim.LEFT}]
    unassigned = any(hint.kind is HintKind.PERSON for hint in away)
    ended = DeactivatedInOkta() if Claim.LEFT in by_claim else NoLongerAssigned() if unassigned else None
    of_status = all(hint.kind is HintKind.STATUS for hint in hints) and Claim.BACK not in by_claim
    return PersonRead(
        by_status=bool(of_status),
        ended=ended,
        is_there=Claim.THERE in by_claim,
        published=max((hint.published for hint in away if hint.published is not None), default=None),
        doubt=any(hint.looks < len(LOOKS) for hint in claims),
    )


def _looks_at_people(people: Mapping[str, Sequence[Hint]], sizes: Mapping[str, int], app_id: str) -> list[Look]:
    """Return looks at single people, or one look that lists all people of the app if that takes fewer calls."""
    reads = {okta_id: read_of_person(hints) for okta_id, hints in people.items()}
    singly = {okta_id: read for okta_id, read in reads.items() if read.is_deleted or read.by_status}
    listed = reads.keys() - singly.keys()
    looks = []
    # The number is that of `docs/reference/okta.md` 5.6.
    if app_id and len(listed) > _pages(sizes.get(app_id, 0), APP_USERS_A_PAGE) + 2:
        hints = [hint for okta_id in sorted(listed) for hint in people[okta_id]]
        some = {okta_id: reads[okta_id] for okta_id in listed}
        looks.append(Look(tuple(hints), Scope.of(users=listed), KeyReads(people=some, people_listed=True)))
    else:
        singly = reads
    looks += [
        Look(tuple(people[okta_id]), Scope.of(users=[okta_id]), KeyReads(people={okta_id: read}))
        for okta_id, read in singly.items()
    ]
    return looks


def _listed_groups(groups: Mapping[str, _Group], sizes: Mapping[str, int]) -> set[str]:
    """Return the groups to list: each saves more calls for single people than the listing has pages."""
    listed = {group_id for group_id, group in groups.items() if group.read.members}
    left: defaultdict[str, set[str]] = defaultdict(set)
    for group_id, group in groups.items():
        for pair in group.pairs if group_id not in listed else ():
            left[pair.of].add(group_id)
    by_size = sorted(groups, key=lambda group_id: -len(groups[group_id].pairs))
    for group_id in by_size:
        spared = [okta_id for okta_id in {pair.of for pair in groups[group_id].pairs} if left[okta_id] == {group_id}]
        if group_id not in listed and len(spared) > _pages(sizes.get(group_id, 0), MEMBERS_A_PAGE):
            listed.add(group_id)
            for pair in groups[group_id].pairs:
                left[pair.of].discard(group_id)
    return listed


def _looks_at_groups(groups: Mapping[str, _Group], sizes: Mapping[str, int]) -> list[Look]:
    """Return looks at whole groups, and looks at single memberships, all groups of one person together."""
    looks: list[Look] = []
    by_person: defaultdict[str, list[Hint]] = defaultdict(list)
    listed = _listed_groups(groups, sizes)
    for group_id, group in groups.items():
        is_listed = group_id in listed
        hints = [*group.hints]
        read = group.read
        if is_listed and (group.pairs or group.read.members):
            hints += group.pairs
            left = frozenset(pair.of for pair in group.pairs if pair.claim is Claim.GONE)
            doubted = (pair for pair in group.pairs if pair.claim is Claim.THERE and pair.looks < len(LOOKS))
            read = replace(read, members=True, left=left, there=frozenset(pair.of for pair in doubted))
        else:
            for pair in group.pairs:
                by_person[pair.of].append(pair)
        if hints:
            looks.append(Look(tuple(hints), Scope.of(groups=[group_id]), KeyReads(groups={group_id: read})))
    for okta_id, pairs in by_person.items():
        reads = {
            pair.with_: replace(
                _NO_GROUP,
                people=frozenset({okta_id}),
                left=frozenset({okta_id} if pair.claim is Claim.GONE else ()),
                there=frozenset({okta_id} if pair.claim is Claim.THERE and pair.looks < len(LOOKS) else ()),
            )
            for pair in pairs
        }
        looks.append(Look(tuple(pairs), Scope.of(groups=reads), KeyReads(groups=reads)))
    return looks


def _look_at_app(app_id: str, app: _App, sizes: Mapping[str, int]) -> Look:
    read = app.read
    if len(read.people) > _pages(sizes.get(app_id, 0), APP_USERS_A_PAGE) + 1:
        read = replace(read, all_people=True)
    return Look(tuple(app.hints), Scope.of(apps=[app_id]), KeyReads(apps={app_id: read}))


def _look_at_grants(group_id: str, hints: Sequence[Hint]) -> Look:
    apps = {hint.with_: _NO_APP for hint in hints}
    groups = {group_id: replace(_NO_GROUP, grants=True)}
    return Look(tuple(hints), Scope.of(groups=[group_id], apps=apps), KeyReads(groups=groups, apps=apps))


def _pages(rows: int, a_page: int) -> int:
    return max(1, -(-rows // a_page))
