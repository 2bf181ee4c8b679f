"""Who is who, kept between units of work: which Teleport user stands for which person, and what was last read.

A full pass fills it, and every change that is applied updates it. If a key is to be settled before the first full pass
of a process, it is rebuilt from the state and one listing of what Teleport holds. The plan of one key takes from it
what it does not read itself: the holders of names, people whose names differ only in case, the other lists and their
members, and which group grants which app.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from teleport_okta.desired.trust import PEOPLE, UNCONFIRMED
from teleport_okta.model.access import (
    ListMembers,
    TeleportAccessList,
    TeleportAppServer,
    TeleportMember,
    TeleportUserGroup,
)
from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.model.harm import Limits
from teleport_okta.model.inheritance import NOTHING_LEFT
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.scope import AllIds, named
from teleport_okta.model.teleport import TeleportLock, TeleportRole, TeleportUser
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, TRAITS, USER, USER_GROUP, Action
from teleport_okta.plan.owned import owned_objects
from teleport_okta.sync.inheritance import remembered_inheritance
from teleport_okta.sync.keyed_directory import with_keys, with_learned
from teleport_okta.sync.known_direct_roles import KnownDirectRoles
from teleport_okta.sync.who_is_who import WhoIsWho
from teleport_okta.teleport.convert_directory import user_group_as_sent
from teleport_okta.teleport.recent_writes import Named

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from teleport_okta.desired.trust import Absences
    from teleport_okta.model.harm import Harmed
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.model.okta import OktaApp
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.holders import KnownUsers
    from teleport_okta.plan.lost_traits import LostTraits
    from teleport_okta.plan.plan import Plan
    from teleport_okta.state.people_seen import SeenPerson
    from teleport_okta.state.store import Store
    from teleport_okta.sync.reading import DirectoryFacts, Reading

_NOBODY = ListMembers()

N = TypeVar("N", bound=Named)
T = TypeVar("T")


class Registry(WhoIsWho):
    """What this process knows of both systems beside what it reads at the moment."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits()
        """The limits by which the last full pass was braked."""

        self.held_whole: frozenset[Harmed] = frozenset()
        """The harm that the last full pass held."""

        self.lost_traits: LostTraits | None = None
        """Which attributes too many users would lose by the plan of the last full pass."""

        self.inheritance = NOTHING_LEFT
        """What somebody who gets a name would come into, as the last full pass found it."""

        self.app: OktaApp | None = None
        """The app that people come from, as it was last listed."""

        self.absences: Mapping[str, Absences] = {}
        """What the absences of the listings of the last full pass were worth."""

        self.owned: Mapping[str, Collection[str]] = {}
        """The names of the objects that carried our owner label then, by kind."""

        self.missing: frozenset[str] = frozenset()
        """The ids of people with a user whom the listing of the last full pass lacked."""

        self.on_applied: Callable[[Change], None] | None = None
        """Is told each change that was applied."""

        self._learned: frozenset[str] = frozenset()
        self._is_loaded = False
        self._directory: DirectoryFacts | None = None
        self._roles: dict[str, TeleportRole] = {}
        self._user_groups: dict[str, TeleportUserGroup] = {}
        self._app_servers: dict[str, TeleportAppServer] = {}
        self._lists: dict[str, TeleportAccessList] = {}
        self._members: dict[str, ListMembers] = {}
        self._on_users = KnownDirectRoles()
        self._open: dict[str, set[str]] = {}
        self._meanwhile: list[Change] | None = None

    @property
    def directory(self) -> DirectoryFacts | None:
        """The groups and apps of both sides, with what was applied since; None until a full pass has read them."""
        if self._directory is None:
            return None
        self._settle_members()
        actual = replace(
            self._directory.actual,
            roles=self._roles,
            user_groups=self._user_groups,
            app_servers=self._app_servers,
            access_lists=self._lists,
            members=self._members,
            direct_roles=self._on_users.by_id(),
        )
        return replace(self._directory, actual=actual)

    async def load(self, store: Store) -> None:
        """Bring back, once, which users stood for whom when the last process ended, and what was left behind.

        Raises StateError.
        """
        if not self._is_loaded:
            self.load_users(await store.user_names.there())
            self.inheritance = await remembered_inheritance(store)
            self._is_loaded = True

    def peopled(self) -> frozenset[str]:
        """Return the names of the lists that have imported members, as far as is known.

        Where there are none, the ids of the groups and apps whose member role we gave users.
        """
        self._settle_members()
        every = (*self._members.items(), *self._on_users.by_id().items())
        return frozenset(name for name, members in every if members.imports)

    def lists_with(self, names: Collection[str]) -> list[str]:
        """Return the lists in which one of these users is because of an import, or whose role we gave one of them."""
        directory = self.directory
        if directory is None or not names:
            return []
        lists = {
            list_name
            for list_name, members in directory.actual.members.items()
            if any(members.has_import(name) for name in names)
        }
        return sorted(lists | self._on_users.given(names))

    def on_users(self) -> frozenset[str]:
        """Return the ids of the groups and apps whose member role we gave users, as far as is known."""
        return frozenset(okta_id for okta_id, held in self._on_users.by_id().items() if held.imported)

    def with_roles_of(self, name: str) -> set[str]:
        """Return the groups and apps whose member role we may be giving to a user, or taking off, at the moment."""
        if self._directory is None:
            return set()
        given = self._on_users.given([name])
        okta_id = self.users.owned.get(name, "")
        return given | set(self.in_which(okta_id)) if okta_id and self._directory.imports.gives_roles else given

    def roles_astray(self, okta_id: str) -> set[str]:
        """Return the groups and apps that a person is in without having the role, or the other way round.

        Where member roles stand on the users themselves; of those whose people are not known, nothing is said.
        """
        if self._directory is None or not self._directory.imports.gives_roles:
            return set()
        names = self.names_of(okta_id)
        there = set(self.in_which(okta_id)) if names else set()
        return (self._on_users.given(names) - there) | (there - self._on_users.had(names))

    def begin_reading(self) -> None:
        """Note from now on what is applied while a full pass reads: what it read before that must not undo it."""
        self._meanwhile, self._learned = [], frozenset()

    def fill_people(self, reading: Reading) -> None:
        """Take over what a full pass that is still reading says of people; what is known of the rest stays."""
        self._fill_people(reading)
        known = {listing: one for listing, one in self.absences.items() if listing not in {PEOPLE, UNCONFIRMED}}
        self.absences = known | dict(reading.absences)
        self.owned = {**self.owned, **reading.owned}
        for change in self._meanwhile or ():
            self._apply(change)

    def fill(self, reading: Reading) -> None:
        """Take over what a full pass read, and what was applied since it began."""
        self._fill_people(reading)
        self.absences, self.owned, self.inheritance = reading.absences, reading.owned, reading.inheritance
        if reading.directory is not None:
            known = self._directory
            self._keep(reading.directory)
            if known is not None and self._learned:
                okta = with_learned(reading.directory.okta, known.okta, self._learned)
                self._directory = replace(reading.directory, okta=okta)
        for change in self._meanwhile or ():
            self._apply(change)
        self._meanwhile, self._learned = None, frozenset()

    def take_plan(self, plan: Plan, *, people_only: bool) -> None:
        """Take over what a full pass holds, and whom it makes users.

        What the last one held of groups and apps stays while this one has read people alone.
        """
        kept = {one for one in self.held_whole if people_only and one.kind not in {USER, LOCK, TRAITS}}
        self.held_whole = frozenset({*kept, *(one.harmed for one in plan.held)})
        self.lost_traits = plan.lost_traits
        made = (change.okta_id for change in plan.changes if change.kind == USER and change.action is not Action.DELETE)
        put_off = (one.row.okta_id for one in plan.put_off if one.row.kind == USER)
        self.expect((*made, *put_off, *plan.waiting))

    def rebuild(
        self,
        users: KnownUsers,
        *,
        replaced: Mapping[str, str],
        limits: Limits,
        inheritance: Inheritance,
        directory: DirectoryFacts | None,
        owner: str,
    ) -> None:
        """Take over what the state and one listing of Teleport tell, before a first full pass."""
        self.take_users(users, replaced)
        self.limits, self.inheritance = limits, inheritance
        if directory is not None:
            self._keep(directory)
        self.count(owner)

    def take_seen(
        self, people: Collection[SeenPerson], put_off: Iterable[str], *, app: OktaApp | None, lost_traits: LostTraits
    ) -> None:
        """Take over what an earlier process saw of people, where this one goes on from its last full pass.

        `put_off` are the Okta ids of those whose users were refused, and are tried again.
        """
        self.app, self.lost_traits = app, lost_traits
        self.take_names(people)
        managed = {one.okta_id for one in people if one.managed}
        self.expect(okta_id for okta_id in (*managed, *put_off) if not self.names_of(okta_id))

    def count(self, owner: str) -> None:
        """Take what is known now for what is owned: what a pass has made counts for the single keys that follow."""
        directory = self.directory
        self.owned = {USER: self.users.owned.keys()}
        if directory is not None:
            self.owned = {**self.owned, **owned_objects(directory.actual, owner)}

    def learn(self, reading: Reading) -> None:
        """Take over what was read of a few keys."""
        for person in reading.facts.people.people:
            self.take_name(person)
        if reading.directory is not None and self._directory is not None:
            ids = named(reading.scope.groups) | named(reading.scope.apps)
            fresh = self._directory.fresh
            self._directory = replace(
                self._directory,
                okta=with_keys(self._directory.okta, reading.directory.okta, reading.scope),
                fresh=fresh if isinstance(fresh, AllIds) else fresh | ids,
            )
            if self._meanwhile is not None:
                self._learned |= ids

    def take_assignment(self, app_id: str, okta_id: str, *, is_direct: bool) -> bool:
        """Take over whether a person has an app directly; return whether that is new."""
        directory = self._directory
        roster = None if directory is None else directory.okta.direct.get(app_id)
        if directory is None or roster is None or roster.problem or (okta_id in roster.ids) is is_direct:
            return False
        ids = roster.ids | {okta_id} if is_direct else roster.ids - {okta_id}
        direct = {**directory.okta.direct, app_id: replace(roster, ids=ids)}
        self._directory = replace(directory, okta=replace(directory.okta, direct=direct))
        if self._meanwhile is not None:
            self._learned |= {app_id}
        return True

    def in_which(self, okta_id: str) -> list[str]:
        """Return the ids of the groups that a person is in, and of the apps that the person has directly."""
        if self._directory is None:
            return []
        rosters = (*self._directory.okta.members.items(), *self._directory.okta.direct.items())
        return [one for one, roster in rosters if okta_id in roster.ids]

    def take_read(self, reading: Reading) -> None:
        """Take over what was read of a few users, and of the lists and roles of groups and apps, before they change."""
        self.take_users_read(reading.actual.users, named(reading.scope.users), reading.policy.owner)
        if reading.directory is None:
            return
        actual = reading.directory.actual
        for okta_id in named(reading.scope.groups) | named(reading.scope.apps):
            self._open.pop(okta_id, None)
            _take(self._user_groups, actual.user_groups, okta_id)
            _take(self._app_servers, actual.app_servers, app_server_name(okta_id))
            _take(self._lists, actual.access_lists, okta_id)
            _take(self._members, actual.members, okta_id)
            for name in (member_role(okta_id), reviewer_role(okta_id)):
                _take(self._roles, actual.roles, name)

    def take_users_read(self, users: Mapping[str, TeleportUser], ids: Collection[str], owner: str) -> None:
        """Take over users as they were read, with their member roles, and who of these people has none."""
        before = {name for okta_id in ids for name in self.names_of(okta_id)}
        super().take_users_read(users, ids, owner)
        for name in before - users.keys():
            self._on_users.forget_user(name)
        for user in users.values():
            self._take_roles_of(user)

    def _take_roles_of(self, user: TeleportUser) -> None:
        if self._directory is not None:
            policy = self._directory.imports.policy
            self._on_users.take_user(user, policy.owner, policy.default_roles)

    def take_listed(self, listed: ActualDirectory, applied: Iterable[Change]) -> None:
        """Take over a listing of Teleport, as far as it succeeded, and what was applied since it began."""
        self._settle_members()
        self._on_users.fill(listed.direct_roles)
        if not listed.is_unread(ROLE):
            self._roles = dict(listed.roles)
        if not listed.is_unread(USER_GROUP):
            self._user_groups = dict(listed.user_groups)
        if not listed.is_unread(APP_SERVER):
            self._app_servers = dict(listed.app_servers)
        if not listed.is_unread(ACCESS_LIST, MEMBER):
            self._lists, self._members = dict(listed.access_lists), dict(listed.members)
        for change in applied:
            if change.kind not in {USER, LOCK}:
                self._apply(change)
            elif isinstance(change.content or change.found, TeleportUser):
                self._apply_to_roles_of(change)

    def doubt_written(self, kind: str, name: str) -> None:
        """Note that somebody else wrote or deleted a user group or an app server: it is listed before it is planned."""
        if kind == USER_GROUP and name in self._user_groups:
            self._user_groups[name] = replace(self._user_groups[name], raw=None)
        elif kind == APP_SERVER and name in self._app_servers:
            self._app_servers[name] = replace(self._app_servers[name], raw=None)

    def applied(self, change: Change) -> None:
        """Take over a change that was applied."""
        if self.on_applied is not None:
            self.on_applied(change)
        if self._meanwhile is not None:
            self._meanwhile.append(change)
        self._apply(change)

    def _apply(self, change: Change) -> None:
        match change.content or change.found:
            case TeleportUser() as user:
                self.apply_to_user(change, user)
                self._apply_to_roles_of(change)
            case DirectRole() as given if change.action is Action.DELETE:
                self._on_users.take_off(given.okta_id, given.name)
            case DirectRole() as given:
                self._on_users.give(given.okta_id, given.name)
            case TeleportLock() if change.lock_for is not None:
                self.note_locked(change.subject, change.okta_id)
            case TeleportMember() as member:
                self._apply_to_member(change, member)
            case TeleportRole() as role:
                _write(self._roles, role, change)
            case TeleportUserGroup() as group:
                _write(self._user_groups, user_group_as_sent(group), change)
            case TeleportAppServer() as server:
                _write(self._app_servers, server, change)
            case TeleportAccessList() as found:
                self._apply_to_list(change, found)

    def _apply_to_roles_of(self, change: Change) -> None:
        if isinstance(change.content, TeleportUser):
            self._take_roles_of(change.content)
        else:
            self._on_users.forget_user(change.name)

    def _fill_people(self, reading: Reading) -> None:
        self.take_users(reading.users, reading.replaced)
        self.app, self.limits = reading.facts.app, reading.limits
        self.missing = _missing(reading)
        self.take_names(reading.facts.people.people)

    def _keep(self, directory: DirectoryFacts) -> None:
        actual = directory.actual
        self._directory = directory
        self._roles, self._user_groups = dict(actual.roles), dict(actual.user_groups)
        self._app_servers, self._lists = dict(actual.app_servers), dict(actual.access_lists)
        self._members, self._open = dict(actual.members), {}
        self._on_users.fill(actual.direct_roles)

    def _settle_members(self) -> None:
        """Make sets of the imported members that are being changed."""
        while self._open:
            name, imported = self._open.popitem()
            self._members[name] = replace(self._members.get(name, _NOBODY), imported=frozenset(imported))

    def _apply_to_member(self, change: Change, member: TeleportMember) -> None:
        members = self._members.get(change.subject, _NOBODY)
        imported = self._open.setdefault(change.subject, set(members.imported))
        imported.discard(member.name)
        if member.name in members.others:
            others = {name: one for name, one in members.others.items() if name != member.name}
            self._members[change.subject] = replace(members, others=others)
        if change.action is Action.CREATE:
            imported.add(member.name)

    def _apply_to_list(self, change: Change, found: TeleportAccessList) -> None:
        _write(self._lists, found, change)
        if change.action is Action.CREATE:
            self._open[found.name] = {need.name for need in change.members}
        elif change.action is Action.DELETE:
            self._members.pop(found.name, None)
            self._open.pop(found.name, None)


def _missing(reading: Reading) -> frozenset[str]:
    people = reading.facts.people
    listed = {row.okta_id for row in people.people} | {row.okta_id for row in people.malformed}
    return frozenset({*reading.users.owned.values(), *reading.replaced.values()} - listed)


def _write(kept: dict[str, N], found: N, change: Change) -> None:
    if change.action is Action.DELETE:
        kept.pop(found.name, None)
    else:
        kept[found.name] = found


def _take(known: dict[str, T], read: Mapping[str, T], name: str) -> None:
    """Take one object over as it was read; what was not found is gone."""
    if name in read:
        known[name] = read[name]
    else:
        known.pop(name, None)
