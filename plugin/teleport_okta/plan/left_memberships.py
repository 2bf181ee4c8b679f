"""Finding memberships that were left in lists of ours under names without a user, and reporting them.

Only lists of ours count: other lists often have names of people who sign in without a record. Members that are lists,
and memberships that have ended, give no access to the next person of a name.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.inheritance import Inheritance, LeftMembership
from teleport_okta.model.problems import AddedMembershipLeft, ImportedMembershipLeft
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan.changes import MEMBER, USER, Action
from teleport_okta.plan.scope_filter import covers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.model.directory import Directory, Roster
    from teleport_okta.model.scope import Scope
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Change


def inheritance_of(
    actual: ActualDirectory,
    okta: Directory,
    *,
    owned: dict[str, str],
    users: Collection[str],
    owner: str,
    now: datetime,
) -> Inheritance:
    """Return what is left, except for the part that is only in the state.

    `owned` are the names of the users of ours, `users` those of all users.
    """
    left: defaultdict[str, list[LeftMembership]] = defaultdict(list)
    imports: defaultdict[str, list[str]] = defaultdict(list)
    rosters: dict[str, frozenset[str]] = {}
    for list_name, members in actual.members.items():
        found = actual.access_lists.get(list_name)
        if found is None or labels.owner_of(found.labels) != owner:
            continue
        people = _people(okta, list_name)
        for name in _imports_without_user(members, owned, now):
            if people is None:
                left[name].append(_left(name, found, users, imported=True))
            else:
                rosters[list_name] = people
                imports[name].append(list_name)
        for name in _additions_without_user(members, owned, now):
            left[name].append(_left(name, found, users))
    return Inheritance(
        left={name: tuple(sorted(some)) for name, some in left.items()},
        imports={name: tuple(sorted(some)) for name, some in imports.items()},
        rosters=rosters,
    )


def reports(inheritance: Inheritance, changes: Iterable[Change], scope: Scope = EVERYTHING) -> list[Quarantined]:
    """Report memberships under names without a user, except for names whose user a plan makes now."""
    coming = {change.name for change in changes if change.kind == USER and change.action is Action.CREATE}
    return [
        _report(one)
        for one in inheritance.unreleased()
        if one.name not in coming and covers(scope, MEMBER, one.label, "")
    ]


def _report(one: LeftMembership) -> Quarantined:
    problem = (ImportedMembershipLeft if one.imported else AddedMembershipLeft)(one.name, one.title)
    return Quarantined(MEMBER, one.label, "", problem)


def _left(name: str, found: TeleportAccessList, users: Collection[str], *, imported: bool = False) -> LeftMembership:
    return LeftMembership(name, found.name, found.title, imported=imported, has_user=name in users)


def _people(okta: Directory, list_name: str) -> frozenset[str] | None:
    """Return the people whom Okta shows in a list; None if they could not be read, or if the list is about to end."""
    roster: Roster | None = okta.members.get(list_name) or okta.direct.get(list_name)
    return None if roster is None or roster.problem else roster.ids


def _imports_without_user(members: ListMembers, owned: dict[str, str], now: datetime) -> Iterator[str]:
    yield from members.imported.difference(owned)
    for one in members.others.values():
        if one.is_imported and one.name not in owned and (one.expires is None or one.expires > now):
            yield one.name


def _additions_without_user(members: ListMembers, owned: Mapping[str, str], now: datetime) -> Iterator[str]:
    for one in members.others.values():
        is_person = not one.is_list and not one.is_imported
        if is_person and one.name not in owned and (one.expires is None or one.expires > now):
            yield one.name
