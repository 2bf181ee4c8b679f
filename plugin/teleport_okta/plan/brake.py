"""The brake: which harm of a plan is done now, and which is held until there is room, or an operator approves it.

What can go wrong without it: an administrator narrows our admin role, an API returns an empty page, a mapping changes,
or a whole department is deactivated by mistake. Each of these looks as if many people had left. So harm is counted over
a rolling hour (`docs/design.md` 4.3), for each kind of object and each evidence apart:

- **Stated** harm is done one by one while there is room: each row that states an end is a fact of its own.
- **Absent** harm is done as a whole or not at all. A set that is too large means that the listing is wrong, and then
  no part of the set is proven.
- Harm that is held takes no room, because it may never be done. Otherwise one wrong listing would keep real leavers
  from being locked.
- A step that needs a held one is held with it: a leaver whose lock is held keeps the memberships too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.trust import APPS, BELIEVED, GROUPS, PEOPLE, UNCONFIRMED
from teleport_okta.model.directory_reasons import HeldList, ListEmpty
from teleport_okta.model.doubts import (
    AndOthers,
    LimitReached,
    LimitUsed,
    NothingEnds,
    NoUserLeaves,
    OnlyApprovedEnds,
    OnlyApprovedUsersLeave,
)
from teleport_okta.model.findings import Held, Hold
from teleport_okta.model.harm import Evidence, Harmed, Limits
from teleport_okta.model.reason_text import text_of
from teleport_okta.plan.changes import ACCESS_LIST, LOCK, TRAITS, USER
from teleport_okta.plan.needs import without
from teleport_okta.plan.owned import OwnedLists
from teleport_okta.plan.view import title_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from teleport_okta.desired.trust import Absences
    from teleport_okta.model.harm import Approval, PastHarm
    from teleport_okta.model.reasons import Reason
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan


WHOLE_LISTINGS: Final = frozenset({PEOPLE, UNCONFIRMED, GROUPS, APPS})
"""The listings that get a hold and a warning each. Rosters share one: there are as many as groups and apps."""

_ROSTERS: Final = "rosters"


@dataclass(frozen=True, slots=True)
class BrakeFacts:
    """The facts from which the brake decides: the limits, the harm of the last hour, what we own, what was approved.

    `owned` maps each kind to the names that we own. `absences` has the listings whose absences are judged; those of any
    other listing are believed. `held_whole` is the harm that the last full pass held because a
    listing lacked it.
    """

    limits: Limits = field(default_factory=Limits)
    past: tuple[PastHarm, ...] = ()
    owned: Mapping[str, Collection[str]] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    absences: Mapping[str, Absences] = field(default_factory=dict)
    held_whole: frozenset[Harmed] = frozenset()


def brake(plan: Plan, facts: BrakeFacts) -> Plan:
    """Return the plan without the harm that may not be done now, which is in `held` and `holds` instead."""
    return _Braking(plan, facts, _harm_of(plan.changes)).plan()


def _harm_of(changes: Iterable[Change]) -> dict[Harmed, list[Change]]:
    """Group the harmful changes by the object or person that is harmed, in the order of the plan.

    The steps of one harm, such as the lock and the deletion of a leaver, are held together and count once.
    """
    groups: dict[Harmed, list[Change]] = defaultdict(list)
    for change in changes:
        if change.harmed is not None:
            groups[change.harmed].append(change)
    return groups


class _Braking:
    def __init__(self, plan: Plan, facts: BrakeFacts, groups: dict[Harmed, list[Change]]) -> None:
        self._plan = plan
        self._facts = facts
        self._groups = groups
        self._open = {past.harmed for past in facts.past if past.is_open}
        self._held: dict[Harmed, Held] = {}
        self._holds: list[Hold] = []
        # The doubts that a hold names, and whether that hold can be approved: they need no warning of their own.
        self._named: dict[Reason, bool] = {}

    def plan(self) -> Plan:
        for kind in sorted({harmed.kind for harmed in self._groups}):
            self._brake_stated(kind)
            self._brake_absent(kind)
        # Only now: an approval covers a whole set of held harm, so the set must be complete.
        approved = self._release_approved()
        going = without(self._plan.changes, lambda change: change.harmed in self._held)
        return replace(
            self._plan,
            changes=tuple(self._marked(change, approved) for change in going),
            held=tuple(sorted(self._held.values())),
            holds=tuple(sorted(self._holds)),
            warnings=(*self._plan.warnings, *map(text_of, self._warnings(approved))),
        )

    def _warnings(self, approved: Mapping[Harmed, str]) -> list[Reason]:
        """Return the doubts that no hold names. Of several rosters one is named, and the others are counted."""
        doubted = {
            listing: absences.cause
            for listing, absences in sorted(self._facts.absences.items())
            if absences.cause is not None and absences.cause not in self._named
        }
        of_people = OnlyApprovedUsersLeave if approved else NoUserLeaves
        of_objects = OnlyApprovedEnds if approved else NothingEnds
        warnings: list[Reason] = [
            (of_people if listing in {PEOPLE, UNCONFIRMED} else of_objects)(doubt)
            for listing, doubt in doubted.items()
            if listing in WHOLE_LISTINGS
        ]
        rosters = [doubt for listing, doubt in doubted.items() if listing not in WHOLE_LISTINGS]
        if rosters:
            warnings.append(of_objects(_together(rosters)))
        return warnings

    def _brake_stated(self, kind: str) -> None:
        """Let stated harm through one by one, in the order of the plan, up to the limit.

        Harm that begins with an absence from a listing, and that a read by id states, comes after it, as a whole or
        not at all: many at once are more likely a mistake in Okta than many people who left.
        """
        room = self._limit(kind, Evidence.STATED) - self._used(kind, Evidence.STATED)
        held: list[Harmed] = []
        missing: list[Harmed] = []
        for harmed in self._of(kind, Evidence.STATED):
            if self._continues(harmed):
                continue
            if self._listing_behind(harmed):
                missing.append(harmed)
            elif self._people(harmed) <= room:
                room -= self._people(harmed)
            else:
                held.append(harmed)
        is_too_much = sum(map(self._people, missing)) > room
        # What a full pass held as part of a whole stays held when a hint plans one person of it alone. Otherwise a set
        # that is too large would be done after all, one person at a time.
        held += [harmed for harmed in missing if is_too_much or harmed in self._facts.held_whole]
        if held:
            self._hold(kind, Evidence.STATED, held, self._over(kind, Evidence.STATED))

    def _brake_absent(self, kind: str) -> None:
        """Let absences through as a whole, if their listing is believed and there is room for all of them."""
        believed: list[Harmed] = []
        doubted: dict[tuple[str, bool], list[tuple[Harmed, Reason]]] = defaultdict(list)
        for harmed in self._of(kind, Evidence.ABSENT):
            listing, absences = self._absences_behind(harmed)
            if absences.cause is None:
                believed.append(harmed)
            else:
                behind = listing if listing in WHOLE_LISTINGS else _ROSTERS
                doubted[behind, absences.approvable].append((harmed, absences.cause))
        for (_, approvable), gone in doubted.items():
            doubts = list(dict.fromkeys(doubt for _, doubt in gone))
            self._named |= dict.fromkeys(doubts, approvable)
            harmed_by_doubt = [harmed for harmed, _ in gone]
            self._hold(kind, Evidence.ABSENT, harmed_by_doubt, _together(doubts), approvable=approvable)
        new = [harmed for harmed in believed if not self._continues(harmed)]
        room = self._limit(kind, Evidence.ABSENT) - self._used(kind, Evidence.ABSENT)
        is_too_much = sum(map(self._people, new)) > room
        if new and (is_too_much or not self._facts.held_whole.isdisjoint(new)):
            self._hold(kind, Evidence.ABSENT, new, self._over(kind, Evidence.ABSENT))

    def _absences_behind(self, harmed: Harmed) -> tuple[str, Absences]:
        """Return the listing that lacks a person or an object, and what its absences are worth."""
        listing = self._listing_behind(harmed)
        return listing, self._facts.absences.get(listing, BELIEVED)

    def _listing_behind(self, harmed: Harmed) -> str:
        harm = self._groups[harmed][0].harm
        return "" if harm is None else harm.listing

    def _hold(
        self, kind: str, evidence: Evidence, harmed: list[Harmed], cause: Reason, *, approvable: bool = True
    ) -> None:
        for one in harmed:
            of_change = _cause_of(self._groups[one][0])
            self._held[one] = Held(
                one.kind, one.name, one.okta_id, of_change, evidence, approvable, cause, self._people(one)
            )
        self._holds.append(
            Hold(
                kind=kind,
                evidence=evidence,
                count=sum(map(self._people, harmed)),
                of=self._population(kind),
                limit=self._limit(kind, evidence),
                used=self._used(kind, evidence),
                cause=cause,
                approvable=approvable,
            )
        )

    def _release_approved(self) -> dict[Harmed, str]:
        """Release everything that can be approved if one approval covers it all; return its digest for each.

        An approval of a part releases nothing: the operator saw a smaller set, and might not have approved this one.
        """
        waiting = {harmed for harmed, held in self._held.items() if held.approvable}
        approval = next((one for one in self._facts.approvals if waiting <= one.harmed), None)
        if not waiting or approval is None:
            return {}
        self._held = {harmed: held for harmed, held in self._held.items() if not held.approvable}
        self._holds = [hold for hold in self._holds if not hold.approvable]
        self._named = {doubt: approvable for doubt, approvable in self._named.items() if not approvable}
        return dict.fromkeys(waiting, approval.digest)

    def _marked(self, change: Change, approved: Mapping[Harmed, str]) -> Change:
        """Return a change that is done, with the reason why its harm is not counted, if there is one."""
        if change.harm is None or change.harmed is None:
            return change
        harm = replace(change.harm, continues=self._continues(change.harmed), approval=approved.get(change.harmed, ""))
        return change if harm == change.harm else replace(change, harm=harm)

    def _of(self, kind: str, evidence: Evidence) -> list[Harmed]:
        return [
            harmed
            for harmed, changes in self._groups.items()
            if harmed.kind == kind and changes[0].harm is not None and changes[0].harm.evidence is evidence
        ]

    def _continues(self, harmed: Harmed) -> bool:
        """Whether an earlier run began this harm: it counted then, and is finished without being counted again."""
        harm = self._groups[harmed][0].harm
        return harmed in self._open or (harm is not None and harm.continues)

    def _used(self, kind: str, evidence: Evidence) -> int:
        return sum(
            past.people
            for past in self._facts.past
            if past.counted and past.harmed.kind == kind and past.evidence is evidence
        )

    def _limit(self, kind: str, evidence: Evidence) -> int:
        """Return the limit of the hour."""
        limits, owned = self._facts.limits, self._facts.owned.get(kind)
        most = limits.most(evidence, self._population(kind))
        # A list ends as a whole. If it alone were above the limit, it could never end; so one list with at most as many
        # members as the floor may always end.
        return max(most, owned.largest(limits.floor)) if isinstance(owned, OwnedLists) else most

    def _population(self, kind: str) -> int:
        """How many there are of a kind: users for locks and lost attributes, imported members for access lists.

        What was harmed within the hour still counts: otherwise the limit, a share of this number, would shrink with
        every step, and a large departure would stop half way.
        """
        of = USER if kind in {LOCK, TRAITS} else kind
        owned = self._facts.owned.get(of, frozenset())
        gone = {past.harmed.name: past.people for past in self._facts.past if past.harmed.kind == of}
        there = owned.people if isinstance(owned, OwnedLists) else len(owned)
        return there + sum(people for name, people in gone.items() if name not in owned)

    def _people(self, harmed: Harmed) -> int:
        """How many people a harm counts for."""
        harm = self._groups[harmed][0].harm
        return 1 if harm is None else harm.people

    def _over(self, kind: str, evidence: Evidence) -> Reason:
        limit, used = self._limit(kind, evidence), self._used(kind, evidence)
        return LimitUsed(limit, used) if used else LimitReached(limit)


def _together(doubts: Sequence[Reason]) -> Reason:
    """Return one reason for several doubts of the same kind."""
    return AndOthers(doubts[0], len(doubts) - 1) if len(doubts) > 1 else doubts[0]


def _cause_of(change: Change) -> Reason:
    """Return why a harm would be done; for an access list with its title, if the reason does not contain it."""
    title = title_of(change) if change.kind == ACCESS_LIST else ""
    return HeldList(title, change.cause) if title and not isinstance(change.cause, ListEmpty) else change.cause
