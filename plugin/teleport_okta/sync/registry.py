"""The facts that this process keeps between units of work: which user stands for which person, and what was last read.

A full pass fills the registry, and every applied change updates it. If a key must be settled before the first full pass
of a process, it is rebuilt from the state and one listing of Teleport. The plan of one key takes from it all
that it does not read itself: the holders of names, people whose names differ only in case, the other lists and their
members, and which group grants which app.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.desired.trust import PEOPLE, UNCONFIRMED
from teleport_okta.model.harm import Limits
from teleport_okta.model.inheritance import NOTHING_LEFT
from teleport_okta.model.names import member_role
from teleport_okta.model.scope import AllIds, named
from teleport_okta.model.teleport import TeleportLock, TeleportUser
from teleport_okta.plan.changes import LOCK, TRAITS, USER, Action
from teleport_okta.plan.owned import owned_objects
from teleport_okta.sync.inheritance import remembered_inheritance
from teleport_okta.sync.keyed_directory import with_keys, with_learned
from teleport_okta.sync.known_objects import KnownObjects
from teleport_okta.sync.people_and_users import PeopleAndUsers

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


class Registry(PeopleAndUsers):
    """The facts of both systems that this process keeps. Every unit of work updates it; none may replace it."""

    def __init__(self) -> None:
        super().__init__()
        self.limits = Limits()
        """The limits of the brake in the last full pass."""

        self.held_whole: frozenset[Harmed] = frozenset()
        """The harm that the last full pass held."""

        self.lost_traits: LostTraits | None = None
        """The attributes that too many users would lose, by the plan of the last full pass."""

        self.inheritance = NOTHING_LEFT
        """The memberships and locks left under free names, as the last full pass found them."""

        self.app: OktaApp | None = None
        """The app that people come from, as it was last listed."""

        self.absences: Mapping[str, Absences] = {}
        """Which absences of the listings of the last full pass are believed."""

        self.owned: Mapping[str, Collection[str]] = {}
        """The names of the objects with our owner label, by kind."""

        self.missing: frozenset[str] = frozenset()
        """The ids of people with a user whom the listing of the last full pass lacked."""

        self._observer: Callable[[Change], None] | None = None
        self._is_loaded = False
        self._directory: DirectoryFacts | None = None
        self._objects = KnownObjects()
        # While a full pass reads, the facts that it will bring may be older than those learned meanwhile: the changes
        # applied (None while no pass reads) and the groups and apps read since it began are put over its reading.
        self._applied_meanwhile: list[Change] | None = None
        self._read_meanwhile: frozenset[str] = frozenset()

    @property
    def directory(self) -> DirectoryFacts | None:
        """The groups and apps of both sides, with the changes applied since; None until a full pass has read them."""
        if self._directory is None:
            return None
        return replace(self._directory, actual=self._objects.in_directory(self._directory.actual))

    def observe(self, observer: Callable[[Change], None]) -> None:
        """Call a function with every change that is applied from now on, in place of the observer before."""
        self._observer = observer

    async def load(self, store: Store) -> None:
        """Load from the state, once, which user stood for which person, and the memberships left under free names.

        Raises StateError.
        """
        if not self._is_loaded:
            self.load_users(await store.user_names.there())
            self.inheritance = await remembered_inheritance(store)
            self._is_loaded = True

    def peopled(self) -> frozenset[str]:
        """Return the names of lists with imported members, and the ids of groups and apps whose role we gave users."""
        return self._objects.peopled()

    def lists_with(self, names: Collection[str]) -> list[str]:
        """Return the lists that have one of these users as an imported member, and those whose role we gave to one."""
        directory = self.directory
        if directory is None or not names:
            return []
        lists = {
            list_name
            for list_name, members in directory.actual.members.items()
            if any(members.has_import(name) for name in names)
        }
        return sorted(lists | self._objects.direct_roles.given(names))

    def with_direct_roles(self) -> frozenset[str]:
        """Return the ids of the groups and apps whose member role we gave to users directly."""
        return frozenset(okta_id for okta_id, held in self._objects.direct_roles.by_id().items() if held.imported)

    def with_roles_of(self, name: str) -> set[str]:
        """Return the groups and apps whose member role we may be giving to a user, or removing, at this moment."""
        if self._directory is None:
            return set()
        given = self._objects.direct_roles.given([name])
        okta_id = self.users.owned.get(name, "")
        return given | set(self.rosters_with(okta_id)) if okta_id and self._directory.imports.gives_roles else given

    def wrong_roles_of(self, okta_id: str) -> set[str]:
        """Return the groups and apps that a person is in without their direct role, or not in but with it.

        Empty if the cluster has access lists. A group or an app whose people are not known is left out.
        """
        if self._directory is None or not self._directory.imports.gives_roles:
            return set()
        names = self.names_of(okta_id)
        there = set(self.rosters_with(okta_id)) if names else set()
        return (self._objects.direct_roles.given(names) - there) | (there - self._objects.direct_roles.had(names))

    def begin_reading(self) -> None:
        """Begin a full pass: note the changes applied while it reads, because its older facts must not undo them."""
        self._applied_meanwhile, self._read_meanwhile = [], frozenset()

    def fill_people(self, reading: Reading) -> None:
        """Record the people that a full pass has read; the groups and apps that are known stay."""
        self._fill_people(reading)
        known = {listing: one for listing, one in self.absences.items() if listing not in {PEOPLE, UNCONFIRMED}}
        self.absences = known | dict(reading.absences)
        self.owned = {**self.owned, **reading.owned}
        for change in self._applied_meanwhile or ():
            self._apply(change)

    def fill(self, reading: Reading) -> None:
        """Record everything that a full pass read, and over it the changes applied since it began."""
        self._fill_people(reading)
        self.absences, self.owned, self.inheritance = reading.absences, reading.owned, reading.inheritance
        if reading.directory is not None:
            known = self._directory
            self._record_directory(reading.directory)
            if known is not None and self._read_meanwhile:
                okta = with_learned(reading.directory.okta, known.okta, self._read_meanwhile)
                self._directory = replace(reading.directory, okta=okta)
        for change in self._applied_meanwhile or ():
            self._apply(change)
        self._applied_meanwhile, self._read_meanwhile = None, frozenset()

    def record_plan(self, plan: Plan, *, people_only: bool) -> None:
        """Record the harm that a full pass holds, and the people who will become users by it.

        While the pass has read people only, the harm to groups and apps that the last pass held stays.
        """
        # This is an early plan of people only; the harm to groups and apps is planned later in the same pass.
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
        held: frozenset[Harmed],
        directory: DirectoryFacts | None,
        owner: str,
    ) -> None:
        """Record what the state and one listing of Teleport say, before a first full pass."""
        self.record_users(users, replaced)
        self.limits, self.inheritance, self.held_whole = limits, inheritance, held
        if directory is not None:
            self._record_directory(directory)
        self.count(owner)

    def record_seen(
        self, people: Collection[SeenPerson], put_off: Iterable[str], *, app: OktaApp | None, lost_traits: LostTraits
    ) -> None:
        """Record the people whom an earlier process saw, when this one continues from its last full pass.

        `put_off` are the Okta ids of people whose users were refused, and are tried again.
        """
        self.app, self.lost_traits = app, lost_traits
        self.record_names(people)
        managed = {one.okta_id for one in people if one.managed}
        self.expect(okta_id for okta_id in (*managed, *put_off) if not self.names_of(okta_id))

    def count(self, owner: str) -> None:
        """Count our objects anew: the brake of single keys compares with the objects that a pass has made."""
        directory = self.directory
        self.owned = {USER: self.users.owned.keys()}
        if directory is not None:
            self.owned = {**self.owned, **owned_objects(directory.actual, owner)}

    def learn(self, reading: Reading) -> None:
        """Record what Okta says of a few keys."""
        for person in reading.facts.people.people:
            self.record_name(person)
        if reading.directory is not None and self._directory is not None:
            ids = named(reading.scope.groups) | named(reading.scope.apps)
            fresh = self._directory.fresh
            self._directory = replace(
                self._directory,
                okta=with_keys(self._directory.okta, reading.directory.okta, reading.scope),
                fresh=fresh if isinstance(fresh, AllIds) else fresh | ids,
            )
            if self._applied_meanwhile is not None:
                self._read_meanwhile |= ids

    def record_assignment(self, app_id: str, okta_id: str, *, is_direct: bool) -> bool:
        """Record whether a person has an app directly; return whether that is new."""
        directory = self._directory
        roster = None if directory is None else directory.okta.direct.get(app_id)
        if directory is None or roster is None or roster.problem or (okta_id in roster.ids) is is_direct:
            return False
        ids = roster.ids | {okta_id} if is_direct else roster.ids - {okta_id}
        direct = {**directory.okta.direct, app_id: replace(roster, ids=ids)}
        self._directory = replace(directory, okta=replace(directory.okta, direct=direct))
        if self._applied_meanwhile is not None:
            self._read_meanwhile |= {app_id}
        return True

    def rosters_with(self, okta_id: str) -> list[str]:
        """Return the ids of the groups that a person is in, and of the apps that the person has directly."""
        if self._directory is None:
            return []
        rosters = (*self._directory.okta.members.items(), *self._directory.okta.direct.items())
        return [one for one, roster in rosters if okta_id in roster.ids]

    def emptied(self, okta_id: str) -> list[str]:
        """Return the groups and apps of a person that have a list or a role, and none of whose people has a user."""
        directory = self.directory
        if directory is None:
            return []
        okta, actual = directory.okta, directory.actual
        return [
            one
            for one in self.rosters_with(okta_id)
            if (one in actual.access_lists or member_role(one) in actual.roles)
            and not any(
                self.names_of(person)
                for rosters in (okta.members, okta.direct)
                if one in rosters
                for person in rosters[one].ids
            )
        ]

    def record_read(self, reading: Reading) -> None:
        """Record a few users, and the objects of a few groups and apps, as they were read, before they are changed."""
        self.record_users_read(reading.actual.users, named(reading.scope.users), reading.policy.owner)
        if reading.directory is not None:
            self._objects.record_read(reading.directory.actual, named(reading.scope.groups) | named(reading.scope.apps))

    def record_users_read(self, users: Mapping[str, TeleportUser], ids: Collection[str], owner: str) -> None:
        """Record users as they were read, with their member roles; people (`ids`) whose user was not read have none."""
        before = {name for okta_id in ids for name in self.names_of(okta_id)}
        super().record_users_read(users, ids, owner)
        for name in before - users.keys():
            self._objects.direct_roles.forget_user(name)
        for user in users.values():
            self._record_roles_of(user)

    def _record_roles_of(self, user: TeleportUser) -> None:
        if self._directory is not None:
            policy = self._directory.imports.policy
            self._objects.direct_roles.record_user(user, policy.owner, policy.default_roles)

    def record_listed(self, listed: ActualDirectory, applied: Iterable[Change]) -> None:
        """Record a listing of Teleport, as far as it succeeded, and over it the changes applied since it began."""
        self._objects.record_listed(listed)
        for change in applied:
            if change.kind not in {USER, LOCK}:
                self._apply(change)
            elif isinstance(change.content or change.found, TeleportUser):
                self._apply_to_roles_of(change)

    def doubt_written(self, kind: str, name: str) -> None:
        """Note that another client wrote or deleted a user group or an app server: it is read before it is planned."""
        self._objects.doubt_written(kind, name)

    def applied(self, change: Change) -> None:
        """Record a change that was applied."""
        # Before the change is recorded: the observer needs the members of a list that the change deletes.
        if self._observer is not None:
            self._observer(change)
        if self._applied_meanwhile is not None:
            self._applied_meanwhile.append(change)
        self._apply(change)

    def _apply(self, change: Change) -> None:
        match change.content or change.found:
            case TeleportUser() as user:
                self.apply_to_user(change, user)
                self._apply_to_roles_of(change)
            case TeleportLock() if change.lock_for is not None:
                self.note_locked(change.subject, change.okta_id)
            case _:
                self._objects.apply(change)

    def _apply_to_roles_of(self, change: Change) -> None:
        if isinstance(change.content, TeleportUser):
            self._record_roles_of(change.content)
        else:
            self._objects.direct_roles.forget_user(change.name)

    def _fill_people(self, reading: Reading) -> None:
        self.record_users(reading.users, reading.replaced)
        self.app, self.limits = reading.facts.app, reading.limits
        self.missing = _missing(reading)
        self.record_names(reading.facts.people.people)

    def _record_directory(self, directory: DirectoryFacts) -> None:
        self._directory = directory
        self._objects.record_all(directory.actual)


def _missing(reading: Reading) -> frozenset[str]:
    people = reading.facts.people
    listed = {row.okta_id for row in people.people} | {row.okta_id for row in people.malformed}
    return frozenset({*reading.users.owned.values(), *reading.replaced.values()} - listed)
