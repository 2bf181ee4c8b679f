"""The brake: what of a plan's harm goes through now, and what is held until there is room, or a person approves it.

Harm is counted by kind and evidence over a rolling hour, the end of an access list by its imported members. What rows
state is let through one by one while there is room; what is merely absent from a listing goes through as a whole or not
at all, because a set that is too large says that the listing is wrong, not that so many people left. Held harm uses up
nothing (`docs/design.md` 4.3). What needs a harm that is held waits with it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.trust import APPS, BELIEVED, GROUPS, PEOPLE, UNCONFIRMED
from teleport_okta.model.findings import Held, Hold
from teleport_okta.model.harm import Evidence, Harmed, Limits
from teleport_okta.plan.changes import LOCK, TRAITS, USER
from teleport_okta.plan.needs import without
from teleport_okta.plan.owned import OwnedLists

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from teleport_okta.desired.trust import Absences
    from teleport_okta.model.harm import Approval, PastHarm
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan


WHOLE_LISTINGS: Final = frozenset({PEOPLE, UNCONFIRMED, GROUPS, APPS})
"""The listings that are doubted one by one; of rosters there are as many as there are groups."""

_ROSTERS: Final = "rosters"


@dataclass(frozen=True, slots=True)
class BrakeFacts:
    """What the brake goes by: the limits, the harm of the last hour, what is owned now, what was approved.

    `owned` maps each kind to the names that we own; `absences` says what the absences of each listing are worth: of one
    that is not named they are believed. `held_whole` is the harm that a full pass held because of what a listing lacks:
    one of those alone is still one of those, unless a row states its end.
    """

    limits: Limits = field(default_factory=Limits)
    past: tuple[PastHarm, ...] = ()
    owned: Mapping[str, Collection[str]] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    absences: Mapping[str, Absences] = field(default_factory=dict)
    held_whole: frozenset[Harmed] = frozenset()


def brake(plan: Plan, facts: BrakeFacts) -> Plan:
    """Return the plan with the harm that may not happen now moved from its changes to what it holds."""
    return _Braking(plan, facts, _harm_of(plan.changes)).plan()


def _harm_of(changes: Iterable[Change]) -> dict[Harmed, list[Change]]:
    """Group the harmful changes by whom they are about, in the plan's order."""
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
        self._said: dict[str, bool] = {}

    def plan(self) -> Plan:
        for kind in sorted({harmed.kind for harmed in self._groups}):
            self._brake_stated(kind)
            self._brake_absent(kind)
        approved = self._admit_what_is_approved()
        going = without(self._plan.changes, lambda change: change.harmed in self._held)
        return replace(
            self._plan,
            changes=tuple(self._marked(change, approved) for change in going),
            held=tuple(sorted(self._held.values())),
            holds=tuple(sorted(self._holds)),
            warnings=(*self._plan.warnings, *self._doubt(approved)),
        )

    def _doubt(self, approved: Mapping[Harmed, str]) -> list[str]:
        """Say which absences are not believed, where no hold says it; of rosters how many, and one of them."""
        nobody, nothing = "nobody leaves", "nothing ends"
        if approved:
            nobody, nothing = "nobody but those approved leaves", "nothing but what is approved ends"
        doubted = {
            listing: absences.doubt
            for listing, absences in sorted(self._facts.absences.items())
            if not absences.believed and absences.doubt not in self._said
        }
        rosters = [doubt for listing, doubt in doubted.items() if listing not in WHOLE_LISTINGS]
        says = [
            f"{nobody if listing in {PEOPLE, UNCONFIRMED} else nothing} for being absent in this pass: {doubt}"
            for listing, doubt in doubted.items()
            if listing in WHOLE_LISTINGS
        ]
        return [*says, f"{nothing} for being absent in this pass: {_together(rosters)}"] if rosters else says

    def _brake_stated(self, kind: str) -> None:
        """Let stated harm through one by one, in the plan's order, until the limit; rows that were read come first.

        Those whom a listing lacks and a read by id states go through as a whole or not at all, as absences do: so many
        at once are more likely a mistake in Okta than so many people who left.
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
        held += [harmed for harmed in missing if is_too_much or harmed in self._facts.held_whole]
        if held:
            self._hold(kind, Evidence.STATED, held, self._over(kind, Evidence.STATED))

    def _brake_absent(self, kind: str) -> None:
        """Let absences through as a whole, if their listings are believed and there is room for all of them."""
        believed: list[Harmed] = []
        doubted: dict[tuple[str, bool], list[tuple[Harmed, str]]] = defaultdict(list)
        for harmed in self._of(kind, Evidence.ABSENT):
            listing, absences = self._absences_behind(harmed)
            if absences.believed:
                believed.append(harmed)
            else:
                behind = listing if listing in WHOLE_LISTINGS else _ROSTERS
                doubted[behind, absences.approvable].append((harmed, absences.doubt))
        for (_, approvable), gone in doubted.items():
            doubts = list(dict.fromkeys(doubt for _, doubt in gone))
            self._said |= dict.fromkeys(doubts, approvable)
            everybody = [harmed for harmed, _ in gone]
            self._hold(kind, Evidence.ABSENT, everybody, _together(doubts), approvable=approvable)
        new = [harmed for harmed in believed if not self._continues(harmed)]
        room = self._limit(kind, Evidence.ABSENT) - self._used(kind, Evidence.ABSENT)
        is_too_much = sum(map(self._people, new)) > room
        if new and (is_too_much or not self._facts.held_whole.isdisjoint(new)):
            self._hold(kind, Evidence.ABSENT, new, self._over(kind, Evidence.ABSENT))

    def _absences_behind(self, harmed: Harmed) -> tuple[str, Absences]:
        """Return the listing that lacks somebody or something, and what its absences are worth."""
        listing = self._listing_behind(harmed)
        return listing, self._facts.absences.get(listing, BELIEVED)

    def _listing_behind(self, harmed: Harmed) -> str:
        harm = self._groups[harmed][0].harm
        return "" if harm is None else harm.listing

    def _hold(self, kind: str, evidence: Evidence, harmed: list[Harmed], why: str, *, approvable: bool = True) -> None:
        for one in harmed:
            reason = self._groups[one][0].reason
            self._held[one] = Held(
                one.kind, one.name, one.okta_id, reason, evidence, approvable, why, self._people(one)
            )
        self._holds.append(
            Hold(
                kind=kind,
                evidence=evidence,
                count=sum(map(self._people, harmed)),
                of=self._population(kind),
                limit=self._limit(kind, evidence),
                used=self._used(kind, evidence),
                why=why,
                approvable=approvable,
            )
        )

    def _admit_what_is_approved(self) -> dict[Harmed, str]:
        """Let go of everything that can be approved if one approval covers it all; return its digest for each."""
        waiting = {harmed for harmed, held in self._held.items() if held.approvable}
        approval = next((one for one in self._facts.approvals if waiting <= one.harmed), None)
        if not waiting or approval is None:
            return {}
        self._held = {harmed: held for harmed, held in self._held.items() if not held.approvable}
        self._holds = [hold for hold in self._holds if not hold.approvable]
        self._said = {doubt: approvable for doubt, approvable in self._said.items() if not approvable}
        return dict.fromkeys(waiting, approval.digest)

    def _marked(self, change: Change, approved: Mapping[Harmed, str]) -> Change:
        """Note on a harmful change that goes through why it is not counted, if it is not."""
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
        """Whether this is the rest of a harm that went through before."""
        harm = self._groups[harmed][0].harm
        return harmed in self._open or (harm is not None and harm.continues)

    def _used(self, kind: str, evidence: Evidence) -> int:
        return sum(
            past.people
            for past in self._facts.past
            if past.counted and past.harmed.kind == kind and past.evidence is evidence
        )

    def _limit(self, kind: str, evidence: Evidence) -> int:
        """Return the limit of the hour; one list of at most as many members as the floor may always end."""
        limits, owned = self._facts.limits, self._facts.owned.get(kind)
        most = limits.most(evidence, self._population(kind))
        return max(most, owned.largest(limits.floor)) if isinstance(owned, OwnedLists) else most

    def _population(self, kind: str) -> int:
        """How many there are of a kind, those who were harmed within the hour among them.

        Of locks and of lost attributes it is the users, of access lists their imported members.
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

    def _over(self, kind: str, evidence: Evidence) -> str:
        used = self._used(kind, evidence)
        return f"the limit is {self._limit(kind, evidence)} an hour" + (f", {used} of it used" if used else "")


def _together(doubts: Sequence[str]) -> str:
    """Return one sentence about several rosters that are doubted."""
    others = len(doubts) - 1
    return f"{doubts[0]} (and so for {others} more)" if others else doubts[0]
