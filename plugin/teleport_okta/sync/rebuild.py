"""Filling the registry before the first full pass of a process: from the state, and one listing of Teleport.

Nothing is read from Okta for it but one app, so a process can settle single keys seconds after its start. It may also
continue without a full pass (`sync/resume.py`) if the state has a whole pass that was made by the same terms, and
everything in Teleport could be listed and compared with that pass.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.model.directory import Directory, Roster
from teleport_okta.model.harm import WINDOW
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.scope import ALL
from teleport_okta.okta.okta_errors import OktaError
from teleport_okta.plan.changes import USER
from teleport_okta.plan.holders import known_users
from teleport_okta.plan.lost_traits import LostTraits
from teleport_okta.sync.compare import hints_of_differences
from teleport_okta.sync.inheritance import read_inheritance
from teleport_okta.sync.policy import limits_of
from teleport_okta.sync.reading import DirectoryFacts
from teleport_okta.sync.scim_records import recover_users, with_pushed
from teleport_okta.sync.sources import read_actual_directory, read_app, read_users
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from teleport_okta.model.harm import Harmed, Limits
    from teleport_okta.model.hint import Hint
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.model.okta import OktaApp
    from teleport_okta.model.teleport import TeleportRole
    from teleport_okta.plan.actual import ActualDirectory, ActualUsers
    from teleport_okta.plan.holders import KnownUsers
    from teleport_okta.settings import Settings
    from teleport_okta.state.people_seen import SeenPerson
    from teleport_okta.state.store import WholePass
    from teleport_okta.sync.context import EngineContext
    from teleport_okta.sync.registry import Registry
    from teleport_okta.sync.terms import Terms

_UNLISTED_AT_MOST: Final = 100
"""How many users are read by id that a listing lacks. More were not written within the seconds that it lags behind."""

_LISTED_WITHIN: Final = 3.0
"""Seconds until a listing shows a write, with a margin (`docs/reference/teleport-observed.md` 1.4)."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The result of filling the registry before a first full pass.

    `whole` is the last full pass of an earlier process, if this process can continue from it: it was made by the same
    terms, and everything was listed. `hints` are of the objects that another client has changed since.
    """

    whole: WholePass | None = None
    hints: tuple[Hint, ...] = ()
    roles: tuple[TeleportRole, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownBefore:
    """What the state and a listing of Teleport say before a first full pass.

    `left` maps the names of users whom an earlier process deleted lately to Okta ids; `put_off` are the Okta ids of
    people whose users were refused.
    """

    rebuilt: Rebuilt
    users: KnownUsers
    replaced: Mapping[str, str]
    left: Mapping[str, str]
    limits: Limits
    inheritance: Inheritance = field(repr=False)
    held: frozenset[Harmed]
    directory: DirectoryFacts | None
    owner: str
    people: Collection[SeenPerson]
    put_off: Collection[str]
    app: OktaApp | None

    def fill(self, registry: Registry) -> Rebuilt:
        """Put it into the registry."""
        registry.rebuild(
            self.users,
            replaced=self.replaced,
            limits=self.limits,
            inheritance=self.inheritance,
            held=self.held,
            directory=self.directory,
            owner=self.owner,
        )
        registry.record_left(self.left)
        whole = self.rebuilt.whole
        if whole is not None:
            lost = LostTraits(frozenset(whole.lost_traits), Verbatim(whole.doubt) if whole.doubt else None)
            registry.record_seen(self.people, self.put_off, app=self.app, lost_traits=lost)
        return self.rebuilt


class Rebuilder:
    """Reads the state and Teleport before a first full pass."""

    def __init__(self, context: EngineContext) -> None:
        self._okta = context.okta
        self._teleport = context.teleport
        self._store = context.store
        self._clock = context.clock
        self._registry = context.registry
        self._hour = context.hour
        self._earlier_ended: datetime | None = None

    def note_earlier_process(self, ended: datetime) -> None:
        """Note when an earlier process was last known to run: listings may lag behind what it wrote then."""
        self._earlier_ended = ended

    async def read(self, settings: Settings, terms: Terms) -> KnownBefore:
        """Read the state, and list Teleport. Raises TeleportError or StateError."""
        owner = terms.policy.owner
        whole = await self._store.whole_pass()
        if whole is not None and whole.terms != terms.digest(settings):
            whole = None
        # Before any listing: the comparison below would take our own last writes for changes by another client.
        await self._until_listed()
        actual = await self._with_unlisted(await read_users(self._teleport))
        await recover_users(self._store, settings, actual, owner=owner, now=self._clock.now())
        self._hour.learn(actual.locks.values(), owner)
        listed = None
        seen_last = await self._store.directory.last_seen()
        if terms.imports is not None and seen_last is not None:
            listed = await read_actual_directory(self._teleport, terms.imports, actual.users.values())
        # Only complete listings can be compared: a kind that was not listed may have been changed by anybody.
        if actual.locks_unread or (listed is None) is (terms.imports is not None) or (listed and listed.unread):
            whole = None
        directory = None
        if terms.imports is not None and seen_last is not None and listed is not None:
            okta = seen_last.believed if whole else _without_grants(seen_last.directory)
            okta = await with_pushed(self._store, settings, okta)
            # Without a whole pass the rosters of the state may be old: none is fresh, so each is read before it is
            # used.
            directory = DirectoryFacts(okta, listed, terms.imports, fresh=ALL if whole else frozenset())
        return await self._with_state(settings, owner, actual, whole=whole, listed=listed, directory=directory)

    async def _with_state(
        self,
        settings: Settings,
        owner: str,
        actual: ActualUsers,
        *,
        whole: WholePass | None,
        listed: ActualDirectory | None,
        directory: DirectoryFacts | None,
    ) -> KnownBefore:
        store = self._store
        inheritance = await read_inheritance(
            store, self._teleport, directory, actual.users, owner=owner, now=self._clock.now()
        )
        replaced = self._registry.replaced(actual, owner, self._clock.now())
        left = await store.journal.deleted_within(WINDOW, now=self._clock.now(), boot=self._clock.boot())
        put_off = [one.row.okta_id for one in await store.quarantine() if one.row.kind == USER and one.attempt]
        hints: list[Hint] = []
        if whole is not None:
            now = self._clock.now()
            hints = await hints_of_differences(
                store.fingerprints, actual, listed, owner=owner, replaced=replaced, now=now
            )
        return KnownBefore(
            rebuilt=Rebuilt(whole, tuple(hints), () if listed is None else tuple(listed.roles.values())),
            users=known_users(actual.users.values(), owner),
            replaced=replaced,
            left={name: okta_id for name, okta_id, _ in left if name not in actual.users},
            limits=limits_of(settings.brake),
            inheritance=inheritance,
            held=frozenset(one.harmed for one in (await store.findings()).held),
            directory=directory,
            owner=owner,
            people=(await store.people()).values(),
            put_off=put_off,
            app=await self._app(settings) if whole else None,
        )

    async def _until_listed(self) -> None:
        """Wait until listings show the last writes of an earlier process, if it ended a moment ago."""
        if self._earlier_ended is not None:
            ago = (self._clock.now() - self._earlier_ended).total_seconds()
            if 0 <= ago < _LISTED_WITHIN:
                await self._clock.sleep(_LISTED_WITHIN - ago)

    async def _with_unlisted(self, actual: ActualUsers) -> ActualUsers:
        """Add users that the listing lacks although they exist: it lags behind the writes of an earlier process."""
        lacking = [name for name in self._registry.users.owned if name not in actual.users][:_UNLISTED_AT_MOST]
        users = dict(actual.users)
        for name in lacking:
            # A user who cannot be read counts as changed, and gets a hint.
            with suppress(TeleportError):
                user = await self._teleport.users.get(name)
                if user is not None:
                    users[name] = user
        return replace(actual, users=users)

    async def _app(self, settings: Settings) -> OktaApp | None:
        """Read the app that people come from; None if it cannot be read now. It is read again when it is needed."""
        try:
            return await read_app(self._okta.people, settings)
        except OktaError:
            return None


def _without_grants(directory: Directory) -> Directory:
    """Return the groups and apps that were last seen. The state does not store which group grants which app."""
    unread = Roster(frozenset(), directory.groups.read_at, problem="what it grants has not been read yet")
    return replace(directory, grants={group.id: unread for group in directory.groups.rows})
