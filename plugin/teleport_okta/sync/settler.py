"""Settling a key: read it by id on both sides, and plan it, while it is locked.

A key is one user, one user group, one app server, one access list or one role. All else comes from the registry: the
holders of names, the other groups and apps, nested lists. Nothing is planned about other keys.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.apply.replan import Replanned
from teleport_okta.desired.person_sources import with_provisioned
from teleport_okta.desired.trust import (
    APPS,
    GROUPS,
    PEOPLE,
    UNCONFIRMED,
    Absences,
    doubted_app_rosters,
    doubted_rosters,
    grants_of,
    members_of,
    without_doubted_grants,
)
from teleport_okta.model import labels
from teleport_okta.model.doubts import OnlyReadById, ReadByIdInconclusive
from teleport_okta.model.names import MEMBER_ROLE_PREFIX, REVIEWER_ROLE_PREFIX
from teleport_okta.model.okta import MalformedRow
from teleport_okta.model.provisioned import OKTA_USER_ID, is_person_id
from teleport_okta.model.scope import OKTA_APP_ID, Scope, named
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.okta.okta_errors import OktaForbiddenError
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, ROLE, USER_GROUP, Action
from teleport_okta.plan.holders import KnownUsers
from teleport_okta.plan.owned import imports_of
from teleport_okta.sync.key_reads import WHOLE
from teleport_okta.sync.keyed_directory import KeyedDirectory
from teleport_okta.sync.keyed_people import KeyedPeople
from teleport_okta.sync.lists_of_leavers import ListsOfLeavers
from teleport_okta.sync.reading import Reading, Remembered
from teleport_okta.sync.scim_records import bound_by_name, provisioned, provisioned_named
from teleport_okta.sync.sources import OktaFacts, read_person

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from teleport_okta.model.okta import OktaApp, Snapshot
    from teleport_okta.model.provisioned import ProvisionedUser
    from teleport_okta.model.teleport import TeleportLock
    from teleport_okta.plan.changes import Change
    from teleport_okta.plan.plan import Plan
    from teleport_okta.settings import Settings
    from teleport_okta.sync.context import EngineContext
    from teleport_okta.sync.key_reads import KeyReads
    from teleport_okta.sync.reading import DirectoryFacts
    from teleport_okta.sync.terms import Terms

_UNCONFIRMED = Absences(ReadByIdInconclusive(), approvable=False)
_ONLY_BY_ID = Absences(OnlyReadById())


class Settler:
    """Reads and plans single keys for one run, by the terms and settings of that run.

    In a pass (`is_pass`), the absences of its listings are believed as the pass decided. Without a listing, nothing
    ends because it is absent.
    """

    def __init__(
        self, context: EngineContext, *, terms: Terms, settings: Settings, by_hand: bool, is_pass: bool, run: object
    ) -> None:
        self._context = context
        self._terms = terms
        self._settings = settings
        self._by_hand = by_hand
        self._is_pass = is_pass
        self._run = run
        self._directories = KeyedDirectory(
            context.okta.directory, context.store.scim_groups, context.teleport, context.clock
        )

    async def plan_again(self, key: str) -> Replanned | None:
        """Read and plan the object of a key, which the caller holds; None if its Okta id is not known.

        Raises OktaError, TeleportError or StateError.
        """
        kind, _, name = key.rpartition("/")
        if not kind:
            return await self._plan_user(name)
        okta_id = self._okta_id_of(kind, name)
        if not okta_id or self._context.registry.directory is None:
            return None
        # Groups that a SCIM client pushed have ids of their own and are read as groups.
        is_app = okta_id.startswith(OKTA_APP_ID)
        scope = Scope.of(apps=[okta_id]) if is_app else Scope.of(groups=[okta_id])
        reading = await self.read(scope)
        plan = await self.plan(reading)
        return Replanned(
            changes=tuple(change for change in plan.changes if change.key == key),
            facts_at=reading.at,
            held=tuple(row for row in plan.held if row.okta_id == okta_id),
            holds=plan.holds,
            quarantined=tuple(row for row in plan.quarantined if row.okta_id == okta_id),
        )

    async def plan(self, reading: Reading) -> Plan:
        """Plan the scope of a reading, and reserve its harm. Raises StateError."""

        def make(remembered: Remembered) -> Plan:
            return replace(reading, remembered=remembered, by_hand=self._by_hand).plan(self._context.clock.now())

        return await self._context.hour.reserve(make, run=self._run, scope=reading.scope)

    async def read(self, scope: Scope, names: Collection[str] = (), reads: KeyReads = WHOLE) -> Reading:
        """Read the keys of a scope by id, as `reads` says, and the users of further names.

        Raises OktaError or TeleportError.
        """
        at = self._context.keys.time()
        ids = sorted(okta_id for okta_id in named(scope.users) if is_person_id(okta_id))
        app, people = await self._people(ids, reads)
        # The listing of this process may lack a user whom an earlier process made a moment before.
        records = await provisioned(self._context.store, self._settings, ids)
        said = {record.name for record in records.values()}
        # After Okta: the names to read in Teleport are those that Okta gives now, and those that users have.
        users, locks = await self._users({*names, *said, *self._names_of(ids, people)})
        actual = ActualUsers(users, locks)
        directory = self._context.registry.directory
        if directory is not None and (named(scope.groups) or named(scope.apps)):
            directory = await self._directories.read(directory, scope, reads)
        known = self._known_users(users.values())
        registry, policy = self._context.registry, self._terms.policy
        absences = self._absences(scope, directory)
        if directory is not None:
            directory = replace(directory, okta=without_doubted_grants(directory.okta, absences))
        return Reading(
            at=at,
            facts=OktaFacts(self._terms.organization, app or registry.app, people),
            policy=policy,
            actual=actual,
            users=known,
            owned=registry.owned,
            absences=absences,
            limits=registry.limits,
            remembered=Remembered(),
            directory=directory if named(scope.groups) or named(scope.apps) else None,
            lists_of_leavers=self._lists_of(users),
            replaced=registry.replaced(actual, policy.owner, self._context.clock.now()),
            scope=scope,
            held_whole=registry.held_whole,
            expected=registry.expected,
            left=registry.left,
            lost_traits=registry.lost_traits,
            inheritance=registry.inheritance,
        )

    def names_in(self, reading: Reading) -> frozenset[str]:
        """Return the names of the users that the people of a reading have, had or should have."""
        ids = named(reading.scope.users)
        return frozenset(self._names_of(ids, reading.facts.people))

    def _absences(self, scope: Scope, directory: DirectoryFacts | None) -> dict[str, Absences]:
        """Return which absences are believed: of listings as the pass decided, of rosters as they were read now."""
        groups, apps = named(scope.groups), named(scope.apps)
        absences = dict.fromkeys((PEOPLE, GROUPS, APPS), _ONLY_BY_ID)
        if self._is_pass:
            absences = {**self._context.registry.absences}
            for okta_id in groups | apps:
                absences.pop(members_of(okta_id), None)
                absences.pop(grants_of(okta_id), None)
        # A person whom neither a listing nor a read shows may be hidden from us, so not even an approval lets this harm
        # pass.
        absences[UNCONFIRMED] = _UNCONFIRMED
        if directory is None:
            return absences
        okta = directory.okta
        of_scope = replace(
            okta,
            groups=replace(okta.groups, rows=tuple(row for row in okta.groups.rows if row.id in groups)),
            apps=replace(okta.apps, rows=tuple(row for row in okta.apps.rows if row.id in apps)),
        )
        owned = imports_of(directory.actual, apps)
        of_apps = doubted_app_rosters(of_scope, baselines={}, owned=owned, limits=self._context.registry.limits)
        return absences | doubted_rosters(of_scope) | of_apps

    async def _plan_user(self, name: str) -> Replanned:
        """Plan the user of a name, for its person and for all people who want the name."""
        user = await self._context.teleport.users.get(name)
        holders = {self._context.registry.users.owned.get(name, ""), labels.okta_id_of(user.labels) if user else None}
        ids = {okta_id for okta_id in (*holders, *self._context.registry.rivals(name)) if okta_id}
        reading = await self.read(Scope.of(users=ids), [name])
        # The listing of a pass may lack this user. If nothing is planned for the user, only this records it.
        self._context.registry.record_users_read(reading.actual.users, (), self._terms.policy.owner)
        plan = await self.plan(reading)
        changes = tuple(change for change in plan.changes if change.key == name)
        found = reading.actual.users.get(name)
        return Replanned(
            changes=changes,
            facts_at=reading.at,
            is_gone=found is None and not any(isinstance(change.content, TeleportUser) for change in changes),
            holder=_holder(found, changes, self._terms.policy.owner),
            held=tuple(row for row in plan.held if row.name == name),
            holds=plan.holds,
            quarantined=tuple(row for row in plan.quarantined if row.name == name),
        )

    def _okta_id_of(self, kind: str, name: str) -> str:
        """Return the Okta id of the object of a key; empty if it is not known."""
        directory = self._context.registry.directory
        if directory is None:
            return ""
        if kind == APP_SERVER:
            server = directory.actual.app_servers.get(name)
            return (labels.okta_id_of(server.labels) or "") if server else directory.app_id_of(name)
        if kind == ROLE:
            return name.removeprefix(MEMBER_ROLE_PREFIX).removeprefix(REVIEWER_ROLE_PREFIX)
        return name if kind in {USER_GROUP, ACCESS_LIST} else ""

    async def _people(self, ids: Collection[str], reads: KeyReads) -> tuple[OktaApp | None, Snapshot]:
        """Read people by id, and put the records of a SCIM client over them; read the app too, if it is needed.

        People who may want the name of one of these are added: who gets a name depends on all of them.
        """
        registry, is_all = self._context.registry, self._settings.sync.source == "scim"
        records = await provisioned(self._context.store, self._settings, ids)
        asked = [okta_id for okta_id in ids if self._is_asked(okta_id, reads, records.get(okta_id))]
        reader = KeyedPeople(self._context.okta.people, self._settings, self._context.clock, registry.missing)
        app, people = await reader.read(asked, reads, last_app=registry.app)
        for person in people.people:
            if person.name and person.okta_id not in records:
                named = await provisioned_named(self._context.store, self._settings, person.name)
                records |= await bound_by_name(self._context.store, named, [person])
        people = with_provisioned(people, records, is_all=is_all)
        rivals = {one for person in people.people for one in registry.rivals(person.name or "")}.difference(ids)
        theirs = await provisioned(self._context.store, self._settings, rivals)
        people = await self._with_rivals(people, [one for one in sorted(rivals) if self._is_asked(one, WHOLE, None)])
        return app, with_provisioned(people, {**records, **theirs}, is_all=is_all)

    def _is_asked(self, okta_id: str, reads: KeyReads, record: ProvisionedUser | None) -> bool:
        """Whether a person is read from Okta's API: not if a SCIM client has just deprovisioned the person."""
        if self._settings.sync.source == "scim" or not okta_id.startswith(OKTA_USER_ID):
            return False
        return record is None or record.active or not reads.of_person(okta_id).by_request

    async def _with_rivals(self, people: Snapshot, rivals: Iterable[str]) -> Snapshot:
        rows = []
        for okta_id in rivals:
            with suppress(OktaForbiddenError):
                rows.append(await read_person(self._context.okta.people, self._settings, okta_id))
        # A rival without a usable row cannot get the name.
        there = [row for row in rows if row is not None and not isinstance(row, MalformedRow)]
        return replace(people, people=(*people.people, *there)) if there else people

    def _names_of(self, ids: Iterable[str], people: Snapshot) -> set[str]:
        """Return the names of the users that people have, had or should have."""
        held = {name for okta_id in ids for name in self._context.registry.names_of(okta_id)}
        return held | {person.name for person in people.people if person.name}

    async def _users(self, names: Iterable[str]) -> tuple[dict[str, TeleportUser], dict[str, TeleportLock]]:
        users: dict[str, TeleportUser] = {}
        locks: dict[str, TeleportLock] = {}
        for name in sorted(names):
            user = await self._context.teleport.users.get(name)
            if user is not None:
                users[name] = user
            locks |= {lock.name: lock for lock in await self._context.teleport.locks.on_user(name)}
        return users, locks

    def _known_users(self, read: Iterable[TeleportUser]) -> KnownUsers:
        """Return for whom users stand: by the registry, and by the users that were read now."""
        known, owner = self._context.registry.users, self._terms.policy.owner
        read = list(read)
        ours = {user.name: _id_of(user) for user in read if labels.owner_of(user.labels) == owner}
        others = {user.name for user in read} - ours.keys()
        owned = known.owned
        if not others.isdisjoint(owned):
            owned = {name: okta_id for name, okta_id in owned.items() if name not in others}
        if any(owned.get(name) != okta_id for name, okta_id in ours.items()):
            owned = {**owned, **ours}
        return KnownUsers(owned, (known.others - ours.keys()) | others)

    def _lists_of(self, names: Collection[str]) -> ListsOfLeavers:
        """Return our lists that have one of these users as an imported member."""
        if self._context.registry.directory is None:
            return ListsOfLeavers()
        actual, owner = self._context.registry.directory.actual, self._terms.policy.owner
        found = self._context.registry.lists_with(names)
        members = {list_name: actual.members[list_name] for list_name in found if list_name in actual.members}
        lists = {name: actual.access_lists[name] for name in members if name in actual.access_lists}
        lists = {name: found for name, found in lists.items() if labels.owner_of(found.labels) == owner}
        return ListsOfLeavers(lists, members)


def _id_of(user: TeleportUser) -> str:
    okta_id = labels.okta_id_of(user.labels) or ""
    return okta_id if is_person_id(okta_id) else ""


def _holder(user: TeleportUser | None, changes: Iterable[Change], owner: str) -> str | None:
    """Return the Okta id for which a user of ours stands after some changes; None if there is no user of ours then."""
    for change in changes:
        if change.action is Action.DELETE:
            return None
        user = change.content if isinstance(change.content, TeleportUser) else user
    if user is None or labels.owner_of(user.labels) != owner:
        return None
    return labels.okta_id_of(user.labels)
