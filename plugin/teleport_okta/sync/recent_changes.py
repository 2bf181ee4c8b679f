"""Asking Okta for recent changes by time: for changes without an event, and after jobs that change many objects.

Deleted people and groups never appear here. The log shows those, and the full pass finds them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.names import name_problem
from teleport_okta.model.okta import APP_USER_ENDED, UserStatus

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.directory import OktaGroup
    from teleport_okta.model.okta import PersonFacts
    from teleport_okta.state.store import Store
    from teleport_okta.sync.registry import Registry
    from teleport_okta.sync.sources import OktaSource

_OVERLAP: Final = timedelta(minutes=3)
"""How far two questions overlap: time stamps lag behind changes by seconds, and clocks differ."""

_FIRST: Final = timedelta(minutes=15)
"""How far back the first question goes."""

_LATER: Final = 60.0
"""Seconds until the people of an app are listed after a group has changed: a job in Okta assigns them."""

ASKED_BY_TIME: Final = tuple(
    Hint(kind, cause="asked by time") for kind in (HintKind.CHANGED_PEOPLE, HintKind.CHANGED_GROUPS)
)
"""The hints to ask for recent changes of people, and of groups."""

_PEOPLE: Final = "people"
_GROUPS: Final = "groups"
ASKED: Final = (_PEOPLE, _GROUPS)
"""The names of the questions in the state."""

_MAY_COME: Final = frozenset(
    {UserStatus.ACTIVE, UserStatus.RECOVERY, UserStatus.PASSWORD_EXPIRED, UserStatus.LOCKED_OUT}
)
"""Statuses of people who get a user under all settings."""


class RecentChanges:
    """Asks one organisation for recent changes, and returns hints of them; `store` has the times of the questions.

    `app_id` is the app that people come from; `imports_directory`: groups and apps are imported.
    """

    def __init__(
        self,
        okta: OktaSource,
        registry: Registry,
        store: Store,
        clock: Clock,
        app_id: str,
        *,
        imports_directory: bool = True,
    ) -> None:
        self.imports_directory = imports_directory
        self._okta = okta
        self._registry = registry
        self._store = store
        self._clock = clock
        self.app_id = app_id

    async def people(self) -> list[Hint]:
        """Ask which people changed. If people come from an app, only those with a user count.

        Raises OktaError or StateError.
        """
        asked, since = self._clock.now(), self._since(await self._store.asked(_PEOPLE))
        ids = await self._okta.people.changed_since(since)
        await self._store.remember_asked(_PEOPLE, asked)
        known = ids if not self.app_id else [one for one in ids if self._registry.names_of(one)]
        return [Hint(HintKind.PERSON, okta_id, cause="changed lately") for okta_id in known]

    async def groups(self) -> list[Hint]:
        """Ask which groups, or members of groups, changed. Raises OktaError or StateError."""
        asked, since = self._clock.now(), self._since(await self._store.asked(_GROUPS))
        rows = await self._okta.directory.groups_changed_since(since)
        await self._store.remember_asked(_GROUPS, asked)
        return [hint for group in rows for hint in self._hints_of(group)]

    async def differing_people(self) -> list[Hint]:
        """List the people of the app, and return those who differ from the registry. Raises OktaError."""
        snapshot = await self._okta.people.people_of_app(self.app_id)
        there = {person.okta_id for person in snapshot.people} | {row.okta_id for row in snapshot.malformed}
        owned = {okta_id for okta_id in self._registry.users.owned.values() if okta_id}
        other = {person.okta_id for person in snapshot.people if self._is_other(person)}
        if snapshot.incomplete is None:
            other |= owned - there
        return [Hint(HintKind.PERSON, okta_id, cause="changed lately") for okta_id in sorted(other)]

    def _is_other(self, person: PersonFacts) -> bool:
        """Whether a listed person differs: has no user and should have one, or has one and should not.

        A person who cannot get a user now is left out: an event will show when that changes.
        """
        has_user = bool(self._registry.names_of(person.okta_id))
        is_over = person.assignment_status in APP_USER_ENDED or person.status == UserStatus.DEPROVISIONED
        may_come = not is_over and person.status in _MAY_COME and not name_problem(person.name or "")
        return is_over if has_user else may_come

    def hint_of_people(self, app_id: str, cause: str) -> Hint:
        """Return the hint to list the people of an app after a job that assigns it to many people, or removes it."""
        if app_id == self.app_id:
            return Hint(HintKind.PEOPLE, cause=cause, delay=_LATER)
        return Hint(HintKind.APP_PEOPLE, app_id, cause=cause, delay=_LATER)

    def _since(self, asked: datetime | None) -> datetime:
        return self._clock.now() - _FIRST if asked is None else asked - _OVERLAP

    def _hints_of(self, group: OktaGroup) -> list[Hint]:
        directory = self._registry.directory
        if directory is None:
            return []
        known = next((row for row in directory.okta.groups.rows if row.id == group.id), None)
        if known is None or (known.name, known.description) != (group.name, group.description):
            return [Hint(HintKind.GROUP, group.id, cause="changed lately")]
        roster = directory.okta.members.get(group.id)
        if roster is None or group.membership_changed == known.membership_changed:
            return []
        if group.membership_changed is not None and roster.read_at > group.membership_changed + _OVERLAP:
            return []
        return [Hint(HintKind.MEMBERS, group.id, cause="changed lately")]
