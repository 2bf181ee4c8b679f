"""Reading both systems for a full pass.

People come first: Okta's listing of them and Teleport's users and locks are enough to lock leavers. So they are passed
on (`on_people`) while groups and apps are still being read, which may take half an hour.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.person_sources import with_provisioned
from teleport_okta.desired.trust import (
    APPS,
    GROUPS,
    PEOPLE,
    UNCONFIRMED,
    Absences,
    doubted_app_rosters,
    doubted_rosters,
    judge_absences,
    judge_listing,
    without_doubted_grants,
)
from teleport_okta.model.directory import Directory, Listing
from teleport_okta.model.doubts import NotReadById, ReadByIdUnanswered
from teleport_okta.model.harm import Evidence, Limits
from teleport_okta.model.okta import Snapshot
from teleport_okta.model.provisioned import OKTA_USER_ID, is_person_id
from teleport_okta.okta.directory_reader import one_error
from teleport_okta.okta.okta_errors import OktaError, OktaForbiddenError
from teleport_okta.plan.changes import USER
from teleport_okta.plan.holders import known_users
from teleport_okta.plan.owned import imports_of, owned_apps, owned_groups, owned_objects
from teleport_okta.state import groups_and_apps as seen
from teleport_okta.state.state_errors import StateError
from teleport_okta.sync.completeness import some
from teleport_okta.sync.confirm_absences import MORE_THAN_THE_LIMIT, Confirmation, ReadingTurns
from teleport_okta.sync.failure_kinds import kind_of
from teleport_okta.sync.inheritance import read_inheritance
from teleport_okta.sync.lists_of_leavers import with_lists_of_leavers
from teleport_okta.sync.off_warnings import off_warnings
from teleport_okta.sync.policy import NO_LISTS, limits_of, pushed_alone, resolve, resolve_imports
from teleport_okta.sync.reading import DirectoryFacts, Reading
from teleport_okta.sync.rebuild import Rebuilder
from teleport_okta.sync.scim_records import bound_by_name, recover_groups, recover_users, with_pushed
from teleport_okta.sync.sources import (
    OktaFacts,
    Unread,
    read_actual_directory,
    read_okta_directory,
    read_people,
    read_users,
    with_people_of,
)
from teleport_okta.sync.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from datetime import datetime

    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.okta import OktaApp, OktaOrganization
    from teleport_okta.okta.directory_reader import DirectoryReading, Progress
    from teleport_okta.settings import Settings
    from teleport_okta.sync.context import EngineContext
    from teleport_okta.sync.rebuild import Rebuilt

    OnPeople = Callable[[Reading], Awaitable[None]]


_SCIM_ALONE: Final = (
    "people come from SCIM only: a person leaves when a SCIM request says so, and never for being absent"
)

_NOT_ASKED: Final = Absences(NotReadById(), approvable=False)


class Reader:
    """Reads one organisation and one cluster; `everything` must not run twice at the same time."""

    def __init__(self, context: EngineContext) -> None:
        self._okta = context.okta
        self._teleport = context.teleport
        self._store = context.store
        self._clock = context.clock
        self._registry = context.registry
        self._hour = context.hour
        self._keys = context.keys
        self._turns = ReadingTurns()
        self._turns_of_provisioned = ReadingTurns()
        self._organization: OktaOrganization | None = None
        self._last_terms: Terms | None = None
        self._rebuilt: Rebuilt | None = None
        self._rebuilder = Rebuilder(context)
        self._rebuilding = asyncio.Lock()

    @property
    def last_terms(self) -> Terms | None:
        """The terms of the last full pass, by which single keys are settled until the next one."""
        return self._last_terms

    @property
    def rebuilt(self) -> Rebuilt | None:
        """How the registry was filled before a first full pass; None if it was not."""
        return self._rebuilt

    def note_earlier_process(self, ended: datetime) -> None:
        """Note when an earlier process was last known to run: listings may lag behind what it wrote then."""
        self._rebuilder.note_earlier_process(ended)

    async def everything(
        self, settings: Settings, *, on_people: OnPeople | None = None, progress: Progress | None = None
    ) -> Reading:
        """Read both systems and the state. `on_people` is called with the reading of the people as soon as it is there.

        Raises OktaError or TeleportError if people or users cannot be read, ConfigError and StateError. All else that
        cannot be read is left out, and the reading says so.
        """
        at = self._keys.time()
        await self._registry.load(self._store)
        # Before the first read, because single keys may be settled while this reads.
        self._registry.begin_reading()
        terms = await self.terms(settings)
        people_are_read = asyncio.Event()
        # If one of the two fails, the other is cancelled, and the caller gets that error instead of an exception group.
        with one_error():
            async with asyncio.TaskGroup() as tasks:
                reading_directory = tasks.create_task(
                    self._okta_directory(terms.imports, settings, progress, people_are_read)
                )
                people = await self._people(terms, settings, at, on_people)
                # The rosters of apps wait for this: they use the same bucket as the people, and leavers must be locked
                # first.
                people_are_read.set()
                if on_people is not None:
                    await on_people(people)
        read = reading_directory.result()
        reading = people
        if isinstance(read, Unread):
            reading = replace(people, facts=replace(people.facts, unread=read.why, unread_kind=read.kind))
        elif terms.imports is not None and read is not None:
            reading = await self._with_directory(people, read, terms.imports, settings)
        elif terms.imports is not None and terms.imports.pushed_alone:
            reading = await self._with_pushed(people, terms.imports, settings)
        inheritance = await read_inheritance(
            self._store,
            self._teleport,
            reading.directory,
            reading.actual.users,
            owner=reading.policy.owner,
            now=self._clock.now(),
        )
        reading = replace(reading, inheritance=inheritance)
        reading = await with_lists_of_leavers(reading, self._teleport, self._clock.now())
        self._last_terms = terms
        return reading

    async def rebuild(self, settings: Settings) -> Terms:
        """Fill the registry before a first full pass (`sync/rebuild.py`), once; return the terms.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        async with self._rebuilding:
            if self._last_terms is None:
                await self._registry.load(self._store)
                terms = await self.terms(settings)
                known = await self._rebuilder.read(settings, terms)
                # A full pass may have read everything meanwhile: its facts are newer.
                if self._last_terms is None:
                    self._rebuilt = known.fill(self._registry)
                    self._last_terms = terms
            return self._last_terms

    async def _listing(self, settings: Settings) -> tuple[OktaApp | None, Snapshot]:
        """List the people by Okta's API; an empty listing if people come from SCIM only. Raises OktaError."""
        if settings.sync.source == "scim":
            return None, Snapshot((), (), self._clock.now(), untrusted=_SCIM_ALONE)
        return await read_people(self._okta.people, settings)

    async def terms(self, settings: Settings) -> Terms:
        """Read what a pass depends on: the organisation, the cluster, and what is imported.

        If Okta does not answer, the organisation counts that this process read before. Raises OktaError, TeleportError
        or ConfigError.
        """
        try:
            self._organization = await self._okta.people.organization()
        except OktaError:
            if self._organization is None:
                raise
        cluster = await self._teleport.cluster()
        policy = await resolve(settings.sync, self._organization, cluster, self._teleport)
        if not settings.sync.apps_and_groups and not settings.is_provisioned:
            return Terms(self._organization, policy, None)
        had_lists = bool(await self._store.directory.lists_seen())
        imports = resolve_imports(settings, policy, cluster, self._teleport.app_servers.host_id, had_lists=had_lists)
        if imports.roles_off not in {"", NO_LISTS}:
            imports = replace(imports, still_on_users=self._registry.with_direct_roles())
        return Terms(self._organization, policy, imports if settings.sync.apps_and_groups else pushed_alone(imports))

    async def _people(
        self, terms: Terms, settings: Settings, at: datetime, on_people: OnPeople | None = None
    ) -> Reading:
        """Read people, users and locks; and, by id, the people whom the listing lacks.

        The reads by id take up to five minutes, so `on_people` is called before them, with the rows of the listing.
        """
        owner, limits = terms.policy.owner, limits_of(settings.brake)
        app, listing = await self._listing(settings)
        actual = await read_users(self._teleport)
        records = await recover_users(self._store, settings, actual, owner=owner, now=self._clock.now())
        records = await bound_by_name(self._store, records, listing.people)
        is_all = settings.sync.source == "scim"
        self._hour.learn(actual.locks.values(), owner)
        users = known_users(actual.users.values(), owner)
        replaced = self._registry.replaced(actual, owner, self._clock.now())
        reading = Reading(
            at=at,
            facts=OktaFacts(terms.organization, app, listing),
            policy=terms.policy,
            actual=actual,
            users=users,
            owned={USER: users.owned.keys()},
            absences={},
            limits=limits,
            remembered=await self._hour.remembered(),
            listed=len(listing.people),
            warnings=off_warnings(terms.imports, actual.users.values()),
            replaced=replaced,
            left=self._registry.left,
        )
        # Only people with a user can be harmed by being absent.
        held = {okta_id for okta_id in (*users.owned.values(), *replaced.values()) if is_person_id(okta_id)}
        absent = held - {row.okta_id for row in listing.people} - {row.okta_id for row in listing.malformed}
        by_scim = set() if is_all else {one for one, record in records.items() if record.active and _is_of_okta(one)}
        by_scim -= {row.okta_id for row in listing.people} | {row.okta_id for row in listing.malformed}
        # Leavers with a row of their own are locked now; they need not wait five minutes for the reads of absent
        # people.
        if (absent or by_scim) and on_people is not None:
            unasked = replace(listing, unconfirmed=frozenset(absent | by_scim))
            await on_people(
                replace(
                    reading,
                    facts=replace(reading.facts, people=with_provisioned(unasked, records, is_all=is_all)),
                    absences={PEOPLE: _NOT_ASKED, UNCONFIRMED: _NOT_ASKED},
                )
            )
        most = 0 if is_all else limits.most(Evidence.STATED, len(users.owned)) + MORE_THAN_THE_LIMIT
        people = await self._confirmed(listing, app, absent - records.keys(), by_scim, most=most)
        people = with_provisioned(people, records, is_all=is_all)
        absences = judge_absences(
            replace(listing, untrusted=people.untrusted),
            app=app,
            baseline=await self._store.baseline(),
            owned_count=len(users.owned),
            limits=limits,
        )
        # Okta has contradicted itself: the listing lacks people whom it shows by id. No operator can know which is
        # right.
        if people.lost:
            absences = replace(absences, approvable=False)
        return replace(
            reading,
            facts=replace(reading.facts, people=people),
            absences={PEOPLE: absences} | _unconfirmed(absences, people.unconfirmed),
        )

    async def _confirmed(
        self,
        listing: Snapshot,
        app: OktaApp | None,
        absent: Collection[str],
        by_scim: Collection[str],
        *,
        most: int,
    ) -> Snapshot:
        """Return a listing with what reads by id say of the people whom it lacks.

        People whom a SCIM client provisioned (`by_scim`) are read apart, so that other people do not wait for them.
        Their absence does not make the listing doubtful: they may have been assigned a moment ago.
        """
        okta, clock = self._okta.people, self._clock
        confirmed = await Confirmation(okta, app, clock, self._turns).confirmed(listing, absent, most=most)
        if not by_scim:
            return confirmed
        theirs = Confirmation(okta, app, clock, self._turns_of_provisioned)
        every = await theirs.confirmed(confirmed, by_scim, most=most)
        return replace(every, untrusted=confirmed.untrusted, lost=confirmed.lost)

    async def _okta_directory(
        self,
        imports: Imports | None,
        settings: Settings,
        progress: Progress | None,
        people_are_read: asyncio.Event,
    ) -> DirectoryReading | Unread | None:
        """Read groups and apps, or return why that failed: people are synced all the same."""
        if imports is None or imports.pushed_alone:
            return None
        try:
            people_before = await self._store.baseline()
            return await read_okta_directory(
                self._okta,
                settings,
                self._store.directory,
                imports,
                people_before=people_before,
                peopled=self._registry.peopled(),
                progress=progress,
                people_are_read=people_are_read,
            )
        except OktaForbiddenError as error:
            return Unread(f"{error}; or set sync.apps_and_groups = false", kind_of(error))
        except (OktaError, StateError) as error:
            return Unread(str(error), kind_of(error))

    async def _with_pushed(self, people: Reading, imports: Imports, settings: Settings) -> Reading:
        """Add the groups that a SCIM client pushed, if no others are read. Raises TeleportError and StateError."""
        actual = await read_actual_directory(self._teleport, imports, people.actual.users.values())
        at = self._clock.now()
        await recover_groups(self._store, settings, actual, owner=people.policy.owner, now=at)
        okta = Directory(
            Listing((), (), at, untrusted=imports.groups_off), Listing((), (), at, untrusted=imports.apps_off)
        )
        return replace(
            people,
            owned={**people.owned, **owned_objects(actual, people.policy.owner)},
            directory=DirectoryFacts(await with_pushed(self._store, settings, okta), actual, imports),
        )

    async def _with_directory(
        self, people: Reading, read: DirectoryReading, imports: Imports, settings: Settings
    ) -> Reading:
        """Add groups and apps to a reading of the people. Raises TeleportError and StateError."""
        read = with_people_of(people.facts.app, people.facts.people, read, imports)
        actual = await read_actual_directory(self._teleport, imports, people.actual.users.values())
        await recover_groups(self._store, settings, actual, owner=people.policy.owner, now=self._clock.now())
        directory = DirectoryFacts(await with_pushed(self._store, settings, read.directory), actual, imports)
        absences = await self._directory_absences(directory, people.limits)
        owned: dict[str, Collection[str]] = {**people.owned, **owned_objects(actual, people.policy.owner)}
        return replace(
            people,
            facts=replace(people.facts, directory=read),
            owned=owned,
            absences={**people.absences, **absences},
            directory=replace(directory, okta=without_doubted_grants(directory.okta, absences)),
        )

    async def _directory_absences(self, facts: DirectoryFacts, limits: Limits) -> dict[str, Absences]:
        owner, directory, memory = facts.imports.policy.owner, facts.okta, self._store.directory
        granted = {app_id for roster in directory.grants.values() for app_id in roster.ids}
        groups = judge_listing(
            GROUPS,
            directory.groups,
            baseline=await memory.baseline(seen.GROUPS),
            owned_count=len(owned_groups(facts.actual, owner)),
            limits=limits,
        )
        apps = judge_listing(
            APPS,
            directory.apps,
            baseline=await memory.baseline(seen.APPS),
            owned_count=len(owned_apps(facts.actual, owner) | granted),
            limits=limits,
        )
        app_rosters = doubted_app_rosters(
            directory,
            baselines=await memory.app_baselines(),
            owned=imports_of(facts.actual, directory.direct),
            limits=limits,
        )
        return {GROUPS: groups, APPS: apps} | doubted_rosters(directory) | app_rosters


def _is_of_okta(okta_id: str) -> bool:
    return okta_id.startswith(OKTA_USER_ID)


def _unconfirmed(absences: Absences, okta_ids: frozenset[str]) -> dict[str, Absences]:
    """Return that the absence of people who could not be read by id is not believed."""
    if not okta_ids:
        return {}
    cause = ReadByIdUnanswered(len(okta_ids), some(sorted(okta_ids)))
    return {UNCONFIRMED: Absences(cause) if absences.believed else absences}
