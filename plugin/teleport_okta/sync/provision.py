"""The engine as the SCIM door sees it: one person is brought to what a request said, and the outcome awaited."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.groups_and_apps import lists_wanted
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.okta import UserStatus
from teleport_okta.model.provisioned import Settlement, Verdict, is_person_id
from teleport_okta.model.reason_text import text_of
from teleport_okta.model.reasons import DeprovisionedByScim
from teleport_okta.model.scope import Scope
from teleport_okta.plan.changes import ACCESS_LIST, USER
from teleport_okta.state.journal_entry import Result
from teleport_okta.sync.key_reads import GroupRead, KeyReads, PersonRead

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from datetime import datetime

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.clock import Clock
    from teleport_okta.model.findings import Held
    from teleport_okta.okta.okta_clock import OktaClock
    from teleport_okta.sync.full_pass import FullPass
    from teleport_okta.sync.procedure import Settled
    from teleport_okta.sync.sources import OktaSource

_LOOKED_AT_AGAIN: Final = 30.0
"""Seconds after a request until it is looked at again: Okta's API shows by then what the request was about."""

_PASS_AFTER: Final = 30.0
"""Seconds from a request that could not be done to a full pass: the client repeats it meanwhile."""

TRIGGER: Final = "scim"
"""The trigger of what a SCIM request brought about, in the journal."""

_NO_LISTS: Final = (
    "no access lists are kept: the cluster has none, access_lists.enabled is false, or access_lists.default_owners "
    "names nobody"
)

_UNREAD: Final = "groups and lists have not been read yet since the start"

_log = logging.getLogger(__name__)


class ListsUnreadError(TeleportOktaError):
    """Groups and access lists have not been read since the start. Wait for the first full pass."""


class Provisioning:
    """Settles people for the SCIM door. `okta_clock` tells Okta's time of day."""

    def __init__(self, full_pass: FullPass, okta: OktaSource, okta_clock: OktaClock, clock: Clock) -> None:
        self._pass = full_pass
        self._okta = okta
        self._okta_clock = okta_clock
        self._clock = clock
        self._organization = ""
        self._is_owing = asyncio.Event()
        self.is_followed = True
        """Whether hints are looked at between passes."""

    async def catch_up(self, reconcile: Callable[[str], Awaitable[bool]]) -> None:
        """Have a full pass made some time after a request that could not be done.

        Where hints are followed they see to it; this is for a process that follows none.
        """
        while True:
            await self._is_owing.wait()
            self._is_owing.clear()
            await self._clock.sleep(_PASS_AFTER)
            await reconcile("a SCIM request could not be done")

    def hints(self, kind: HintKind, of: str) -> list[Hint]:
        """Return what is to be looked at again some time after a request; nothing where nobody follows hints.

        The lists of list sync that a person is in follow the person: no look finds that a request made the user.
        """
        if not self.is_followed:
            return []
        lists = self._pass.registry.in_which(of) if kind is HintKind.PERSON else []
        about = [(kind, of), *((HintKind.OBJECT, one) for one in lists)]
        return [Hint(kind, of, cause="a SCIM request", delay=_LOOKED_AT_AGAIN) for kind, of in about]

    def okta_now(self) -> datetime:
        """Return the time of day by Okta's clock, by which the API dates assignments."""
        return self._okta_clock.now()

    async def take_over(self) -> None:
        """Have what Teleport tells of users written into a new state, unless this process has read them before.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        await self._pass.terms()

    async def organization_id(self) -> str:
        """Return the id of the Okta organisation. Raises OktaError where it was never read, and cannot be now."""
        if not self._organization:
            self._organization = (await self._okta.people.organization()).id
        return self._organization

    def person_named(self, user_name: str) -> str:
        """Return the Okta id of the person who has a name, as far as is known; empty where nobody is."""
        registry = self._pass.registry
        known = {registry.users.owned.get(user_name, ""), *registry.rivals(user_name)}
        people = [okta_id for okta_id in known if is_person_id(okta_id)]
        return people[0] if len(people) == 1 else ""

    async def groups_off(self) -> str:
        """Say why no groups can be pushed; empty where they can. Raises TeleportOktaError where nobody knows yet."""
        imports = (await self._pass.terms()).imports
        return _NO_LISTS if imports is None else imports.lists_off

    async def check_lists_are_read(self) -> None:
        """Raise TeleportOktaError while nobody has read the lists, which tell of groups after a lost state."""
        if (await self._pass.terms()).imports is not None and self._pass.registry.directory is None:
            raise ListsUnreadError(_UNREAD, remedy="the first full pass reads them")

    async def kept_group_named(self, name: str) -> str:
        """Return the Okta group of a name of which list sync keeps a list; empty unless it is exactly one.

        Raises TeleportOktaError.
        """
        await self.check_lists_are_read()
        imports, directory = (await self._pass.terms()).imports, self._pass.registry.directory
        if imports is None or directory is None:
            return ""
        named = [row for row in directory.okta.groups.rows if row.name == name]
        kept = lists_wanted(named, (), imports)[0]
        return kept.pop() if len(kept) == 1 else ""

    async def settle_group(self, list_name: str) -> Settlement:
        """Bring the access list of a group to what the client, or Okta's API, says, and return what became of it."""
        is_begun = False
        try:
            settled = await self._settled_group(list_name)
            if _held_of_list(settled, list_name):
                # The brake goes by what the last full pass found: groups that were pushed since count as well.
                is_begun = _is_begun(settled)
                self._pass.registry.count((await self._pass.terms()).policy.owner)
                settled = await self._settled_group(list_name)
        except TeleportOktaError as error:
            _log.warning("a SCIM request about the group of list %s is to be repeated: %s", list_name, error)
            return self._owed(str(error), is_begun=is_begun)
        if settled.reading.directory is None:
            return Settlement(Verdict.LATER, _UNREAD)
        is_begun = is_begun or _is_begun(settled)
        held = _held_of_list(settled, list_name)
        failed = [one for one in settled.outcomes if one.result is not Result.DONE]
        if held or failed:
            return self._owed(_held(held[0]) if held else _failed(failed[0]), is_begun=is_begun)
        for row in settled.plan.quarantined:
            if row.kind == ACCESS_LIST and row.okta_id == list_name:
                return Settlement(Verdict.CONFLICT, f"{row.reason}; {row.remedy}", is_begun)
        if list_name in settled.reading.directory.okta.pushed and not _has_list(settled, list_name):
            return self._owed(_no_room(settled.reading.directory.imports.list_limit), is_begun=is_begun)
        return Settlement(Verdict.DONE, is_begun=is_begun)

    async def _settled_group(self, list_name: str) -> Settled:
        reads = KeyReads(groups={list_name: GroupRead(grants=False)})
        return await self._pass.settle(Scope.of(groups=[list_name]), trigger=TRIGGER, reads=reads, by_hand=True)

    async def settle(
        self, okta_id: str, *, is_wanted: bool, is_new: bool = False, groups: Collection[str] = ()
    ) -> Settlement:
        """Bring the user of a person to what the record of them says, and return what became of it.

        `is_new`: the client says only now that the person is wanted, so that Okta's API may not show it yet.
        `groups` are the names of the lists of pushed groups that the person is to be in again.
        """
        wanted = PersonRead(by_request=True, is_there=is_new, doubt=is_new)
        denied = PersonRead(by_request=True, ended=DeprovisionedByScim(), is_deleted=True)
        reads = KeyReads(people={okta_id: wanted if is_wanted else denied})
        try:
            scope = Scope.of(users=[okta_id], groups=groups)
            settled = await self._pass.settle(scope, trigger=TRIGGER, reads=reads, by_hand=True)
        except TeleportOktaError as error:
            _log.warning("a SCIM request about %s is to be repeated: %s", okta_id, error)
            return self._owed(str(error))
        judged = self._judged(settled, okta_id, is_wanted=is_wanted)
        if groups and settled.reading.directory is None and judged.verdict is Verdict.DONE:
            return Settlement(Verdict.LATER, _UNREAD, is_begun=True)
        return judged

    def _owed(self, why: str, *, is_begun: bool = False) -> Settlement:
        self._is_owing.set()
        return Settlement(Verdict.LATER, why, is_begun)

    def _judged(self, settled: Settled, okta_id: str, *, is_wanted: bool) -> Settlement:
        """Say what became of a person: by what was done, then by what stands in the way."""
        registry = self._pass.registry
        owned = registry.users.owned
        has_user = any(owned.get(name) == okta_id for name in registry.names_of(okta_id))
        is_begun = has_user and any(outcome.result is Result.DONE for outcome in settled.outcomes)
        failed = [one for one in settled.outcomes if one.result is not Result.DONE and one.change.okta_id == okta_id]
        held = [row for row in settled.plan.held if row.okta_id == okta_id]
        if held or failed:
            return self._owed(_held(held[0]) if held else _failed(failed[0]), is_begun=is_begun)
        aside = [row for row in settled.plan.quarantined if row.kind == USER and row.okta_id == okta_id]
        # Somebody who cannot be renamed has a user all the same, under the name of before.
        is_stuck = is_wanted and bool(aside or okta_id in settled.plan.waiting)
        if has_user is is_wanted and not is_stuck:
            return Settlement(Verdict.DONE, is_begun=is_begun)
        if okta_id in settled.plan.waiting:
            return Settlement(Verdict.LATER, "; ".join(settled.plan.warnings) or "the person has to wait", is_begun)
        if aside:
            return Settlement(Verdict.CONFLICT, f"{aside[0].reason}; {aside[0].remedy}", is_begun)
        return Settlement(Verdict.LATER, _denied_by_okta(settled, okta_id), is_begun)


def _is_begun(settled: Settled) -> bool:
    return any(outcome.result is Result.DONE for outcome in settled.outcomes)


def _held_of_list(settled: Settled, list_name: str) -> list[Held]:
    """Return what is held of a list: its end, and its members."""
    rows = settled.plan.held
    return [row for row in rows if row.okta_id == list_name or row.name.startswith(f"{list_name}/")]


def _has_list(settled: Settled, list_name: str) -> bool:
    """Whether a list was found, or made: a cluster may have no room for another one."""
    directory = settled.reading.directory
    made = {outcome.change.name for outcome in settled.outcomes if outcome.change.kind == ACCESS_LIST}
    return list_name in made or (directory is not None and list_name in directory.actual.access_lists)


def _no_room(limit: int | None) -> str:
    if limit is None:
        return "the access list was not made"
    return f"the cluster's licence allows {limit} access lists, and there are as many: delete one, or have it changed"


def _denied_by_okta(settled: Settled, okta_id: str) -> str:
    """Say why a plan makes nobody a user, where it says nothing of the person itself."""
    people = settled.reading.facts.people
    statuses = [person.status for person in people.people if person.okta_id == okta_id]
    if okta_id in people.ended:
        return f"Okta's API says: {text_of(people.ended[okta_id])}"
    if UserStatus.DEPROVISIONED in statuses:
        return "Okta's API says that the person is deactivated"
    return "Okta's API does not show the person as somebody who has the app"


def _held(held: Held) -> str:
    return f"the change is held: {held.why}; an administrator sees it in `teleport-okta status`, and approves it there"


def _failed(outcome: Outcome) -> str:
    return outcome.error or f"the {outcome.change.kind} was not written"
