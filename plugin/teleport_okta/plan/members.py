"""Planning the members of one list: the people in Okta against the imported members. Members added by people stay.

A membership has its origin in a label, so the plan is the same after the state is lost (`docs/design.md` 4.6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.desired.trust import PEOPLE, members_of
from teleport_okta.model import labels
from teleport_okta.model.access import TeleportMember
from teleport_okta.model.directory_reasons import (
    InGroup,
    InPushedGroup,
    MemberLeft,
    MemberNotOurs,
    MemberWithoutUser,
    NestedListGone,
    NoLongerInGroup,
    NoLongerInPushedGroup,
)
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.problems import MembershipExpired
from teleport_okta.plan.changes import MEMBER, USER, Action, Change, Harm
from teleport_okta.plan.needs import ended, locked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Set
    from datetime import datetime

    from teleport_okta.desired.groups_and_apps import Candidate
    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.model.reasons import Reason
    from teleport_okta.plan.changes import Need
    from teleport_okta.plan.holders import Holders


@dataclass(frozen=True, slots=True)
class MembersPlan:
    """The names of the users to add to one list, and the steps that remove others.

    `stays` says whether the list will have a member. `aside` reports memberships that have expired.
    """

    joining: tuple[str, ...]
    leaving: tuple[Change, ...]
    unchanged: int
    stays: bool
    aside: tuple[Quarantined, ...] = ()

    @property
    def ends(self) -> tuple[Need, ...]:
        """The needs that all removals are done."""
        return tuple(ended(MEMBER, change.label) for change in self.leaving)


def plan_members(
    candidate: Candidate,
    members: ListMembers,
    holders: Holders,
    *,
    people: frozenset[str],
    nested: Set[str],
    dangling: Sequence[str],
    ended: Set[str],
    now: datetime,
) -> MembersPlan:
    """Compare the members of a list with its people; all are names of users.

    `nested` are the users who are in it through another list: they are not added. `dangling` are the nested lists that
    do not exist, and `ended` the lists that end in this plan.
    """
    given_an_end = {name: one for name, one in members.others.items() if one.is_imported}
    added_by_people = members.others.keys() - given_an_end.keys()
    present = members.imported | given_an_end.keys()
    gone = sorted(present - people)
    return MembersPlan(
        joining=tuple(sorted(people - present - added_by_people - nested)),
        leaving=tuple(_leaving(candidate, name, holders) for name in gone),
        unchanged=len(present) - len(gone),
        stays=bool(people or added_by_people - set(dangling) - ended),
        aside=tuple(_ended(candidate, people, members, now)),
    )


def staying_while_waiting(candidate: Candidate, members: ListMembers, holders: Holders) -> set[str]:
    """Return the names of imported members who wait for a user: they are still in Okta, so they stay."""
    names = (holders.waiting[okta_id] for okta_id in holders.waiting.keys() & candidate.people)
    return {name for name in names if members.has_import(name)}


def joining(candidate: Candidate, names: Iterable[str], holders: Holders, *, owner: str, title: str) -> list[Change]:
    """Return the steps that add people to a list that is there; each needs that the user stands for the person."""
    carried = {labels.OWNER: owner, labels.GRANT: labels.GRANT_IMPORTED}
    cause = (InPushedGroup if candidate.is_pushed else InGroup)(candidate.name)
    return [
        Change(
            action=Action.CREATE,
            kind=MEMBER,
            name=name,
            subject=candidate.okta_id,
            okta_id=holders.ids.get(name, ""),
            cause=cause,
            content=TeleportMember(name, labels=carried),
            needs=(holders.standing(name),),
            title=title,
        )
        for name in names
    ]


def dropping(list_name: str, dangling: Iterable[str], *, title: str) -> list[Change]:
    """Return the steps that remove nested lists that do not exist any more from a list."""
    return [
        Change(
            action=Action.DELETE,
            kind=MEMBER,
            name=child,
            subject=list_name,
            okta_id="",
            cause=NestedListGone(),
            found=TeleportMember(child, is_list=True),
            title=title,
        )
        for child in dangling
    ]


def emptying(
    members: ListMembers, found: TeleportAccessList, cause: Reason, harm: Harm, holders: Holders
) -> list[Change]:
    """Return the steps, all of one harm, that remove the imported members, except leavers, who have their own steps."""
    names = members.imported | {name for name, one in members.others.items() if one.is_imported}
    return [
        _removal(found.name, name, "", cause, harm=harm, title=found.title)
        for name in sorted(names - holders.departing.keys())
    ]


def leaver_out(list_name: str, departure: Change, *, title: str) -> Change:
    """Return the step that removes a leaver from a list: it is a part of the harm of the departure."""
    name, okta_id, harm = departure.name, departure.okta_id, departure.harm
    needs = (locked(name, okta_id, is_found=harm is not None and harm.continues),)
    return _removal(list_name, name, okta_id, departure.cause, harm=harm, needs=needs, title=title)


def harm_of_leaving(candidate: Candidate, name: str, okta_id: str) -> Harm:
    """Return the harm that a person loses what a group or an app grants, because Okta has the person in it no more."""
    harmed = Harmed(MEMBER, f"{candidate.okta_id}/{name}", okta_id)
    if okta_id in candidate.left or candidate.is_pushed:
        return Harm(harmed, Evidence.STATED)
    return Harm(harmed, Evidence.ABSENT, listing=members_of(candidate.okta_id))


def no_longer_in(candidate: Candidate) -> Reason:
    """Return the reason why a person is taken out of what a group or an app grants."""
    return (NoLongerInPushedGroup if candidate.is_pushed else NoLongerInGroup)(candidate.name)


def _leaving(candidate: Candidate, name: str, holders: Holders) -> Change:
    departure = holders.departing.get(name)
    if departure is not None:
        return leaver_out(candidate.okta_id, departure, title=candidate.name)
    okta_id = holders.ids.get(name, "")
    if not okta_id and name in holders.left and name not in holders.strangers:
        # The person left, and became a member after the plan of that was made: this is the rest of the same harm.
        of_leaver = Harm(Harmed(USER, name, holders.left[name]), Evidence.STATED, continues=True)
        return _of(candidate, name, holders.left[name], MemberLeft(), of_leaver)
    if not okta_id:
        # A login replaced the record of the user, or the user was deleted in Teleport. Only the listing of people shows
        # whether the user comes back, so its absences are the evidence.
        harmed = Harmed(MEMBER, f"{candidate.okta_id}/{name}", "")
        cause = MemberNotOurs() if name in holders.strangers else MemberWithoutUser()
        return _of(candidate, name, "", cause, Harm(harmed, Evidence.ABSENT, listing=PEOPLE))
    harm = harm_of_leaving(candidate, name, okta_id)
    return _of(candidate, name, okta_id, no_longer_in(candidate), harm)


def _of(candidate: Candidate, name: str, okta_id: str, cause: Reason, harm: Harm) -> Change:
    return _removal(candidate.okta_id, name, okta_id, cause, harm=harm, title=candidate.name)


def _removal(
    list_name: str,
    name: str,
    okta_id: str,
    cause: Reason,
    *,
    harm: Harm | None,
    title: str,
    needs: tuple[Need, ...] = (),
) -> Change:
    return Change(
        action=Action.DELETE,
        kind=MEMBER,
        name=name,
        subject=list_name,
        okta_id=okta_id,
        cause=cause,
        found=TeleportMember(name, labels={labels.GRANT: labels.GRANT_IMPORTED}),
        needs=needs,
        harm=harm,
        title=title,
    )


def _ended(candidate: Candidate, people: frozenset[str], members: ListMembers, now: datetime) -> Iterable[Quarantined]:
    """Report memberships whose end, set by people, has passed, while Okta still has the person in the group."""
    for member in members.others.values():
        if not member.is_list and member.expires is not None and member.expires <= now and member.name in people:
            yield Quarantined(MEMBER, f"{candidate.okta_id}/{member.name}", "", MembershipExpired(candidate.name))
