"""What changed lately, asked by time: the safety net under the log, and the look at a job of many changes.

Deleted people and groups never show up here: the log, and the full pass, tell of those.
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
"""How much of the time before is asked about again: stamps lag behind changes by seconds, and clocks differ."""

_FIRST: Final = timedelta(minutes=15)
"""How far back the first question goes."""

_LATER: Final = 60.0

ASKED_BY_TIME: Final = tuple(
    Hint(kind, cause="asked by time") for kind in (HintKind.CHANGED_PEOPLE, HintKind.CHANGED_GROUPS)
)
"""The hints to ask what changed of people, and of groups."""

_PEOPLE: Final = "people"
_GROUPS: Final = "groups"
ASKED: Final = (_PEOPLE, _GROUPS)
"""What is asked about by time, as the state has it."""

_MAY_COME: Final = frozenset(
    {UserStatus.ACTIVE, UserStatus.RECOVERY, UserStatus.PASSWORD_EXPIRED, UserStatus.LOCKED_OUT}
)
"""Statuses of people who get a user whatever the settings are."""


class Changed:
    """Asks one organisation what changed, and returns hints of it; `store` keeps when it was asked.

    `app_id` is of the app that people come from; `imports_directory`: whether groups and apps are imported at all.
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
        """Ask which people changed; those of whom we have users, or everybody where everybody gets one.

        Raises OktaError or StateError.
        """
        asked, since = self._clock.now(), self._since(await self._store.asked(_PEOPLE))
        ids = await self._okta.people.changed_since(since)
        await self._store.remember_asked(_PEOPLE, asked)
        known = ids if not self.app_id else [one for one in ids if self._registry.names_of(one)]
        return [Hint(HintKind.PERSON, okta_id, cause="changed lately") for okta_id in known]

    async def groups(self) -> list[Hint]:
        """Ask which groups changed, or their members did. Raises OktaError or StateError."""
        asked, since = self._clock.now(), self._since(await self._store.asked(_GROUPS))
        rows = await self._okta.directory.groups_changed_since(since)
        await self._store.remember_asked(_GROUPS, asked)
        return [hint for group in rows for hint in self._hints_of(group)]

    async def everybody(self) -> list[Hint]:
        """List who has the app, and return who is not as we know them. Raises OktaError."""
        snapshot = await self._okta.people.people_of_app(self.app_id)
        there = {person.okta_id for person in snapshot.people} | {row.okta_id for row in snapshot.malformed}
        owned = {okta_id for okta_id in self._registry.users.owned.values() if okta_id}
        other = {person.okta_id for person in snapshot.people if self._is_other(person)}
        if snapshot.incomplete is None:
            other |= owned - there
        return [Hint(HintKind.PERSON, okta_id, cause="changed lately") for okta_id in sorted(other)]

    def _is_other(self, person: PersonFacts) -> bool:
        """Whether a listed person is not as we know them: somebody who should have a user and has none, or the reverse.

        Who cannot get a user now is read when that changes, of which an event tells.
        """
        has_user = bool(self._registry.names_of(person.okta_id))
        is_over = person.assignment_status in APP_USER_ENDED or person.status == UserStatus.DEPROVISIONED
        may_come = not is_over and person.status in _MAY_COME and not name_problem(person.name or "")
        return is_over if has_user else may_come

    def hint_of_people(self, app_id: str, cause: str) -> Hint:
        """Return the hint to list the people of an app after a job that gives it to many, or takes it away."""
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
