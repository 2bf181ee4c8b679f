"""Small worlds of groups, apps and access lists for tests of the pure core, in a line each.

`organization` makes Okta's directory of `group` and `app` rows, `Cluster` is a model of Teleport that a plan can be
applied to and that refuses what a server refuses, `whole_plan` plans the one against the other, with the users.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from teleport_okta.desired.groups_and_apps import desired_directory
from teleport_okta.desired.policy import Imports
from teleport_okta.desired.trust import APPS, GROUPS, doubted_rosters, judge_listing
from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers, TeleportAccessList, TeleportMember
from teleport_okta.model.direct_roles import DirectRole, direct_roles, given_ids, with_role, without_role
from teleport_okta.model.directory import Directory, Listing, OktaGroup, Roster
from teleport_okta.model.harm import Limits
from teleport_okta.model.inheritance import NOTHING_LEFT
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import lock_name, member_role
from teleport_okta.model.okta import OktaApp
from teleport_okta.model.scope import EVERYTHING, Scope
from teleport_okta.plan.actual import ActualDirectory, ActualUsers
from teleport_okta.plan.brake import BrakeFacts, brake
from teleport_okta.plan.changes import USER, Action
from teleport_okta.plan.groups_and_apps import merged, plan_directory
from teleport_okta.plan.holders import holders_after, known_users
from teleport_okta.plan.needs import met_by
from teleport_okta.plan.owned import owned_apps, owned_groups, owned_objects
from teleport_okta.plan.user_facts import owned_names
from worlds import NOW, ORG, POLICY, listing, person, planned

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from datetime import datetime

    from teleport_okta.desired.trust import Absences
    from teleport_okta.model.access import ImportRule, TeleportAppServer, TeleportUserGroup
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.model.okta import MalformedRow, Snapshot
    from teleport_okta.model.teleport import TeleportLock, TeleportRole, TeleportUser
    from teleport_okta.plan.changes import Change, Need
    from teleport_okta.plan.plan import Plan

HOST = "host-of-ours"
IMPORTS = Imports(policy=POLICY, host_id=HOST, default_owners=("olga",))
COMMUNITY = replace(IMPORTS, lists_off="the cluster has no access lists", reviews=False, gives_roles=True)
PEOPLE = listing(*(person(f"00u{name.upper()}", name) for name in ("ada", "bob", "cy")))
"""Ada, Bob and Cy, who are users of ours after this listing was planned."""

ADA, BOB, CY = (one.okta_id for one in PEOPLE.people)


@dataclass(frozen=True)
class GroupRow:
    """A group with its two rosters; None: not read."""

    group: OktaGroup
    members: Roster | None
    grants: Roster | None


@dataclass(frozen=True)
class AppRow:
    """An app with the people who have it individually."""

    app: OktaApp
    direct: Roster | None


def roster(ids: Iterable[str] | None, *, problem: str = "", refused: bool = False) -> Roster | None:
    """A roster of these ids; None stays None."""
    return None if ids is None else Roster(frozenset(ids), NOW, problem, refused)


def group(
    okta_id: str,
    name: str | None = None,
    members: Iterable[str] | None = (),
    grants: Iterable[str] | None = (),
    **changes: object,
) -> GroupRow:
    """A group of people that grants apps."""
    row = replace(OktaGroup(okta_id, "OKTA_GROUP", okta_id[3:].title() if name is None else name), **changes)  # type: ignore[arg-type]
    return GroupRow(row, roster(members), roster(grants))


def unread(row: GroupRow, problem: str = "503", *, refused: bool = False) -> GroupRow:
    """The same group, whose members could not be read."""
    return replace(row, members=roster((), problem=problem, refused=refused))


def app(okta_id: str, label: str | None = None, direct: Iterable[str] | None = (), **changes: object) -> AppRow:
    """An active app with a link, and the people who have it individually."""
    fields: dict[str, object] = {
        "id": okta_id,
        "name": "bookmark",
        "label": okta_id[3:].title() if label is None else label,
        "status": "ACTIVE",
        "sign_on_mode": "BOOKMARK",
        "links": (f"https://example.okta.com/home/{okta_id}",),
    }
    return AppRow(OktaApp(**(fields | changes)), roster(direct))  # type: ignore[arg-type]


def organization(
    *rows: GroupRow | AppRow,
    groups: Mapping[str, str] | None = None,
    apps: Mapping[str, str] | None = None,
    malformed_groups: Iterable[MalformedRow] = (),
    malformed_apps: Iterable[MalformedRow] = (),
) -> Directory:
    """The directory in Okta; `groups` and `apps` may have `incomplete` or `untrusted` of their listings."""
    of_groups = [row for row in rows if isinstance(row, GroupRow)]
    of_apps = [row for row in rows if isinstance(row, AppRow)]
    return Directory(
        Listing(tuple(row.group for row in of_groups), tuple(malformed_groups), NOW, **(groups or {})),
        Listing(tuple(row.app for row in of_apps), tuple(malformed_apps), NOW, **(apps or {})),
        members={row.group.id: row.members for row in of_groups if row.members is not None},
        grants={row.group.id: row.grants for row in of_groups if row.grants is not None},
        direct={row.app.id: row.direct for row in of_apps if row.direct is not None},
    )


def imports(**changes: object) -> Imports:
    """The usual settings with some changed; `groups` and `apps` are filters."""
    for key in ("group_filters", "app_filters"):
        if key in changes:
            changes[key] = NameFilters.of(changes[key])  # type: ignore[arg-type]
    return replace(IMPORTS, **changes)  # type: ignore[arg-type]


_READS = {
    "role": ("roles",),
    "user_group": ("user_groups",),
    "app_server": ("app_servers", "other_app_servers"),
    "access_list": ("access_lists", "members"),
    "member": ("members",),
    "okta_import_rule": ("import_rules",),
}
"""The fields of an `ActualDirectory` that a listing fills, by its kind."""


@dataclass
class Cluster:
    """A model of Teleport: what a change does to it, and what it refuses.

    `member_of` has the back-references of nested lists, which a server keeps beside the members, and can lose. Without
    `has_lists` it is the Community edition, which ignores the lists of an earlier edition.
    """

    users: dict[str, TeleportUser] = field(default_factory=dict)
    locks: dict[str, TeleportLock] = field(default_factory=dict)
    roles: dict[str, TeleportRole] = field(default_factory=dict)
    user_groups: dict[str, TeleportUserGroup] = field(default_factory=dict)
    app_servers: dict[str, TeleportAppServer] = field(default_factory=dict)
    other_app_servers: tuple[TeleportAppServer, ...] = ()
    lists: dict[str, TeleportAccessList] = field(default_factory=dict)
    members: dict[str, dict[str, TeleportMember]] = field(default_factory=lambda: defaultdict(dict))
    member_of: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    rules: tuple[ImportRule, ...] = ()
    has_lists: bool = True

    def copy(self) -> Cluster:
        """Return an equal cluster that changes independently."""
        members = defaultdict(dict, {name: dict(found) for name, found in self.members.items() if found})
        member_of = defaultdict(set, {name: set(found) for name, found in self.member_of.items() if found})
        return Cluster(
            dict(self.users),
            dict(self.locks),
            dict(self.roles),
            dict(self.user_groups),
            dict(self.app_servers),
            self.other_app_servers,
            dict(self.lists),
            members,
            member_of,
            self.rules,
            self.has_lists,
        )

    def actual_users(self) -> ActualUsers:
        """What a pass reads of users."""
        return ActualUsers(dict(self.users), dict(self.locks))

    def actual(self, settings: Imports = IMPORTS, unread: Iterable[str] = ()) -> ActualDirectory:
        """What a pass reads of everything else, except what is switched off and the kinds that are unread."""
        lists = {} if settings.lists_off else self.lists
        found = ActualDirectory(
            roles=dict(self.roles),
            user_groups={} if settings.groups_off else dict(self.user_groups),
            app_servers={} if settings.apps_off else dict(self.app_servers),
            other_app_servers=self.other_app_servers,
            access_lists={name: replace(one, parents=self._parents(name)) for name, one in lists.items()},
            members={name: _as_read(self.members[name]) for name in lists if self.members.get(name)},
            import_rules=self.rules,
            direct_roles=direct_roles(self.users.values(), ORG, settings.policy.default_roles),
            unread=dict.fromkeys(unread, "503"),
        )
        return replace(found, **{name: type(getattr(found, name))() for kind in found.unread for name in _READS[kind]})

    def imported(self, name: str) -> set[str]:
        """The names of the members who are in a list because of Okta."""
        return {one.name for one in self.members.get(name, {}).values() if one.is_imported}

    def others(self, name: str) -> dict[str, TeleportMember]:
        """The members whom people added to a list, nested lists among them."""
        return {one.name: one for one in self.members.get(name, {}).values() if not one.is_imported}

    def add(self, name: str, member: TeleportMember) -> None:
        """Add a user or a list to a list by hand."""
        self.members[name][member.name] = member
        if member.is_list:
            self.member_of[member.name].add(name)

    def apply(self, plan: Plan, now: datetime = NOW) -> Cluster:
        """Apply a plan. Raises AssertionError if a server would refuse a call, or if a call can do damage."""
        for change in plan.changes:
            getattr(self, f"_{change.kind}")(change, now)
        return self

    def _user(self, change: Change, now: datetime) -> None:
        if change.action is Action.DELETE:
            lock = self.locks[lock_name(change.name, change.okta_id)]
            assert lock.expires is not None, "deleted without a leaver's lock"
            assert lock.in_force(now), "deleted after the lock has ended"
            del self.users[change.name]
        else:
            assert (change.name in self.users) is (change.action is Action.UPDATE)
            self.users[change.name] = replace(change.content, raw=b"")

    def _lock(self, change: Change, now: datetime) -> None:
        if change.action is Action.UNLOCK:
            del self.locks[change.name]
        else:
            assert change.subject in self.users, "the host may only lock users who exist"
            expires = None if change.lock_for is None else now + change.lock_for
            self.locks[change.name] = replace(change.content, expires=expires)

    def _role(self, change: Change, _: datetime) -> None:
        if change.action is Action.DELETE:
            using = [one.name for one in self.lists.values() if change.name in (*one.grants, *one.owner_grants)]
            using = using if self.has_lists else []
            using += [user.name for user in self.users.values() if change.name in user.roles]
            assert not using, f"{change.name} is deleted while {using} grant or have it"
            del self.roles[change.name]
        else:
            assert (change.name in self.roles) is (change.action is Action.UPDATE)
            self.roles[change.name] = replace(change.content, raw=b"")

    def _user_group(self, change: Change, _: datetime) -> None:
        assert (change.name in self.user_groups) is (change.action is not Action.CREATE), "this can crash a server"
        if change.action is Action.DELETE:
            del self.user_groups[change.name]
        else:
            self.user_groups[change.name] = replace(change.content, raw=b"")

    def _app_server(self, change: Change, now: datetime) -> None:
        if change.action is Action.DELETE:
            del self.app_servers[change.name]
        else:
            assert change.content.host_id == HOST
            self.app_servers[change.name] = replace(change.content, expires=now + timedelta(hours=1), raw=b"")

    def _access_list(self, change: Change, _: datetime) -> None:
        name = change.name
        if change.action is Action.DELETE:
            self._delete_list(change)
            return
        content = change.content
        missing = {*content.grants, *content.owner_grants} - self.roles.keys()
        assert not missing, f"{name} grants roles that do not exist: {missing}"
        assert (name in self.lists) is (change.action is Action.UPDATE)
        self.lists[name] = replace(content, raw=b"")
        for member in change.members:
            self._join(name, TeleportMember(member.name, labels=_carried(content.labels[labels.OWNER])))

    def _delete_list(self, change: Change) -> None:
        name = change.name
        assert not self._parents(name), f"Cannot delete {name!r}, as it is a member of {self._parents(name)}"
        if change.only_if_empty and self.members.get(name):
            return
        del self.lists[name]
        self._forget_members(name)

    def delete_by_hand(self, name: str) -> None:
        """Delete a list by hand, if a server allows it."""
        if name in self.lists and not self._parents(name):
            del self.lists[name]
            self._forget_members(name)

    def _forget_members(self, name: str) -> None:
        for member in self.members.pop(name, {}):
            self.member_of[member].discard(name)
        self.member_of.pop(name, None)

    def _member(self, change: Change, _: datetime) -> None:
        if isinstance(change.content or change.found, DirectRole):
            self._direct_role(change)
            return
        if change.action is Action.CREATE:
            self._join(change.subject, change.content)
            return
        found = self.members[change.subject].pop(change.name)
        assert found.is_list or found.is_imported, f"{change.label} was added by people"
        self.member_of[change.name].discard(change.subject)

    def _direct_role(self, change: Change) -> None:
        user, role = self.users[change.name], member_role(change.subject)
        assert labels.okta_id_of(user.labels) == change.okta_id, f"{change.label} stands for another person"
        if change.action is Action.CREATE:
            assert role in self.roles, f"{user.name} would have a role that does not exist: {role}"
            assert role not in user.roles, f"{user.name} has {role} already"
            self.users[user.name] = with_role(user, change.subject)
            return
        assert change.subject in given_ids(user), f"{role} of {user.name} was given by others"
        self.users[user.name] = without_role(user, change.subject, kept=())

    def _join(self, list_name: str, member: TeleportMember) -> None:
        assert list_name in self.lists
        assert labels.owner_of(self.users[member.name].labels) == ORG, f"{member.name} is no user of ours"
        assert member.name not in self.members[list_name], f"{list_name}/{member.name} is overwritten"
        self.members[list_name][member.name] = member

    def _parents(self, name: str) -> tuple[str, ...]:
        owned = {
            one.name for one in self.lists.values() for owner in one.owners if owner.is_list and owner.name == name
        }
        return tuple(sorted((self.member_of.get(name, set()) & self.lists.keys()) | owned))


def _carried(owner: str) -> dict[str, str]:
    return {labels.OWNER: owner, labels.GRANT: labels.GRANT_IMPORTED}


def _as_read(members: Mapping[str, TeleportMember]) -> ListMembers:
    plain = {name for name, one in members.items() if one.is_imported and one.expires is None}
    return ListMembers(frozenset(plain), {name: one for name, one in members.items() if name not in plain})


def nested(name: str, **changes: object) -> TeleportMember:
    """A list as a member of another."""
    return TeleportMember(name, is_list=True, **changes)  # type: ignore[arg-type]


def whole_plan(
    okta: Directory,
    cluster: Cluster,
    *,
    people: Snapshot = PEOPLE,
    settings: Imports = IMPORTS,
    unread: Iterable[str] = (),
    now: datetime = NOW,
    scope: Scope = EVERYTHING,
    lists_before: frozenset[str] = frozenset(),
    limits: Limits = Limits(),  # noqa: B008
    locks_unread: str = "",
    expected: Container[str] = frozenset(),
    inheritance: Inheritance = NOTHING_LEFT,
    left: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """Plan users, groups, apps and lists of a scope against a cluster, some kinds of which are unread; nothing held."""
    users = planned(
        people,
        cluster.users.values(),
        cluster.locks.values(),
        policy=settings.policy,
        now=now,
        scope=scope,
        locks_unread=locks_unread,
        inheritance=inheritance,
    )
    actual = cluster.actual(settings, unread)
    judged = _absences(okta, actual, limits)
    doubted = frozenset(name for name, absences in judged.items() if not absences.believed)
    desired = desired_directory(okta, settings, actual.import_labels(), doubted=doubted)
    holders = holders_after(users, known_users(cluster.users.values(), settings.policy.owner), expected, left)
    directory = plan_directory(desired, actual, holders, settings, now=now, scope=scope, lists_before=lists_before)
    plan = merged(users, directory)
    assert not scope.is_everything or not list(_unmet(plan)), "a step would be skipped although all others are done"
    return plan


def _unmet(plan: Plan) -> Iterator[tuple[str, Need]]:
    """The needs of a plan that no step of it meets, and that were not met before."""
    met = {met_by(change) for change in plan.changes}
    for change in plan.changes:
        for need in (*change.needs, *change.members):
            if not need.is_found and need not in met:
                yield change.label, need


def held_back(
    plan: Plan,
    cluster: Cluster,
    okta: Directory,
    limits: Limits = Limits(),  # noqa: B008
    settings: Imports = IMPORTS,
    **facts: object,
) -> Plan:
    """Return a plan after the brake; other BrakeFacts as keywords, absences of people among them."""
    actual = cluster.actual(settings)
    absences = {
        **_absences(okta, actual, limits),
        **doubted_rosters(okta),
        **facts.pop("absences", {}),  # type: ignore[dict-item]
    }
    owned = {USER: frozenset(owned_names(cluster.users.values(), ORG)), **owned_objects(actual, ORG)}
    return brake(plan, BrakeFacts(limits=limits, owned=owned, absences=absences, **facts))  # type: ignore[arg-type]


def _absences(okta: Directory, actual: ActualDirectory, limits: Limits) -> dict[str, Absences]:
    """Whether the absences of both listings are believed, without a baseline."""
    groups, apps = len(owned_groups(actual, ORG)), len(owned_apps(actual, ORG))
    return {
        GROUPS: judge_listing(GROUPS, okta.groups, baseline=None, owned_count=groups, limits=limits),
        APPS: judge_listing(APPS, okta.apps, baseline=None, owned_count=apps, limits=limits),
    }


def synced(okta: Directory, cluster: Cluster | None = None, **how: object) -> Cluster:
    """Return a cluster to which a plan of everything in Okta was applied."""
    cluster = cluster or Cluster()
    return cluster.apply(whole_plan(okta, cluster, **how))  # type: ignore[arg-type]


def changes(plan: Plan, *kinds: str) -> list[str]:
    """The plan as `action kind label` lines, those of some kinds only if any are given."""
    return [f"{one.action} {one.kind} {one.label}" for one in plan.changes if not kinds or one.kind in kinds]
