"""The engine for the SCIM endpoint: settles the person or the group of a request, and returns the result."""

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
"""Seconds after a request until its object is read again: Okta's API shows the change by then."""

_PASS_AFTER: Final = 30.0
"""Seconds from a request that failed to a full pass: the client repeats the request meanwhile."""

TRIGGER: Final = "scim"
"""The trigger of the changes of a SCIM request, in the journal."""

_NO_LISTS: Final = (
    "no access lists are kept: the cluster has none, access_lists.enabled is false, or access_lists.default_owners "
    "is empty"
)

_UNREAD: Final = "groups and lists have not been read yet since the start"

_log = logging.getLogger(__name__)


class ListsUnreadError(TeleportOktaError):
    """Groups and access lists have not been read since the start. Wait for the first full pass."""


class Provisioning:
    """Settles people and groups for the SCIM endpoint. `okta_clock` has Okta's time of day."""

    def __init__(self, full_pass: FullPass, okta: OktaSource, okta_clock: OktaClock, clock: Clock) -> None:
        self._pass = full_pass
        self._okta = okta
        self._okta_clock = okta_clock
        self._clock = clock
        self._organization = ""
        self._is_owing = asyncio.Event()
        self.is_followed = True
        """Whether hints are handled between passes."""

    async def catch_up(self, reconcile: Callable[[str], Awaitable[bool]]) -> None:
        """Run a full pass some time after a request that failed, until cancelled.

        This is for a process that handles no hints; in others a hint brings the retry.
        """
        while True:
            await self._is_owing.wait()
            self._is_owing.clear()
            await self._clock.sleep(_PASS_AFTER)
            await reconcile("a SCIM request failed")

    def hints(self, kind: HintKind, of: str) -> list[Hint]:
        """Return the hints to store with a request; none if this process handles no hints.

        The lists that a person is in are hinted with the person: no other look would find that there is a user now.
        """
        if not self.is_followed:
            return []
        lists = self._pass.registry.rosters_with(of) if kind is HintKind.PERSON else []
        about = [(kind, of), *((HintKind.OBJECT, one) for one in lists)]
        return [Hint(kind, of, cause="a SCIM request", delay=_LOOKED_AT_AGAIN) for kind, of in about]

    def okta_now(self) -> datetime:
        """Return the time of day by Okta's clock, which dates the assignments in the API."""
        return self._okta_clock.now()

    async def take_over(self) -> None:
        """Write the people that Teleport's labels show into a new state, unless this process has read them before.

        Raises OktaError, TeleportError, ConfigError or StateError.
        """
        await self._pass.terms()

    async def organization_id(self) -> str:
        """Return the id of the Okta organisation. Raises OktaError if it was never read, and cannot be read now."""
        if not self._organization:
            self._organization = (await self._okta.people.organization()).id
        return self._organization

    def person_named(self, user_name: str) -> str:
        """Return the Okta id of the person with a name, by the registry; empty if there is none, or more than one."""
        registry = self._pass.registry
        known = {registry.users.owned.get(user_name, ""), *registry.rivals(user_name)}
        people = [okta_id for okta_id in known if is_person_id(okta_id)]
        return people[0] if len(people) == 1 else ""

    async def groups_off(self) -> str:
        """Return why no groups can be pushed; empty if they can. Raises TeleportOktaError if it is not known yet."""
        imports = (await self._pass.terms()).imports
        return _NO_LISTS if imports is None else imports.lists_off

    async def check_lists_are_read(self) -> None:
        """Raise TeleportOktaError while the lists have not been read: after a lost state, only they show the groups."""
        if (await self._pass.terms()).imports is not None and self._pass.registry.directory is None:
            raise ListsUnreadError(_UNREAD, remedy="the first full pass reads them")

    async def kept_group_named(self, name: str) -> str:
        """Return the id of the Okta group of a name for which list sync keeps a list; empty unless it is exactly one.

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
        """Settle the access list of a group, and return the result."""
        is_begun = False
        try:
            settled = await self._settled_group(list_name)
            if _held_of_list(settled, list_name):
                # The brake has the number of our lists at the last full pass. Count again: groups were pushed since.
                is_begun = _is_begun(settled)
                self._pass.registry.count((await self._pass.terms()).policy.owner)
                settled = await self._settled_group(list_name)
        except TeleportOktaError as error:
            _log.warning("a SCIM request about the group of list %s must be repeated: %s", list_name, error)
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
        """Settle the user of a person by the record that a client sent, and return the result.

        `is_new`: the client has just provisioned the person, so Okta's API may not show it yet. `groups` are the names
        of the lists of pushed groups in which the person must become a member again.
        """
        wanted = PersonRead(by_request=True, is_there=is_new, doubt=is_new)
        denied = PersonRead(by_request=True, ended=DeprovisionedByScim(), is_deleted=True)
        reads = KeyReads(people={okta_id: wanted if is_wanted else denied})
        try:
            scope = Scope.of(users=[okta_id], groups=groups)
            # The client waits for the answer, so nothing is put off because it failed before.
            settled = await self._pass.settle(scope, trigger=TRIGGER, reads=reads, by_hand=True)
        except TeleportOktaError as error:
            _log.warning("a SCIM request about %s must be repeated: %s", okta_id, error)
            return self._owed(str(error))
        judged = self._judged(settled, okta_id, is_wanted=is_wanted)
        if groups and settled.reading.directory is None and judged.verdict is Verdict.DONE:
            return Settlement(Verdict.LATER, _UNREAD, is_begun=True)
        return judged

    def _owed(self, why: str, *, is_begun: bool = False) -> Settlement:
        # If no hints are followed, `catch_up` makes the pass that retries this.
        self._is_owing.set()
        return Settlement(Verdict.LATER, why, is_begun)

    def _judged(self, settled: Settled, okta_id: str, *, is_wanted: bool) -> Settlement:
        """Return the result for a person: by what was applied, then by what prevents it."""
        registry = self._pass.registry
        owned = registry.users.owned
        has_user = any(owned.get(name) == okta_id for name in registry.names_of(okta_id))
        is_begun = has_user and any(outcome.result is Result.DONE for outcome in settled.outcomes)
        failed = [one for one in settled.outcomes if one.result is not Result.DONE and one.change.okta_id == okta_id]
        held = [row for row in settled.plan.held if row.okta_id == okta_id]
        if held or failed:
            return self._owed(_held(held[0]) if held else _failed(failed[0]), is_begun=is_begun)
        aside = [row for row in settled.plan.quarantined if row.kind == USER and row.okta_id == okta_id]
        # A person whose user cannot be renamed still has a user, under the old name.
        is_stuck = is_wanted and bool(aside or okta_id in settled.plan.waiting)
        if has_user is is_wanted and not is_stuck:
            return Settlement(Verdict.DONE, is_begun=is_begun)
        if okta_id in settled.plan.waiting:
            return Settlement(Verdict.LATER, "; ".join(settled.plan.warnings) or "the person must wait", is_begun)
        if aside:
            return Settlement(Verdict.CONFLICT, f"{aside[0].reason}; {aside[0].remedy}", is_begun)
        return Settlement(Verdict.LATER, _denied_by_okta(settled, okta_id), is_begun)


def _is_begun(settled: Settled) -> bool:
    return any(outcome.result is Result.DONE for outcome in settled.outcomes)


def _held_of_list(settled: Settled, list_name: str) -> list[Held]:
    """Return the harm to a list that is held: its end, and that of members."""
    rows = settled.plan.held
    return [row for row in rows if row.okta_id == list_name or row.name.startswith(f"{list_name}/")]


def _has_list(settled: Settled, list_name: str) -> bool:
    """Whether a list was found or made. The licence of a cluster may not allow another one."""
    directory = settled.reading.directory
    made = {outcome.change.name for outcome in settled.outcomes if outcome.change.kind == ACCESS_LIST}
    return list_name in made or (directory is not None and list_name in directory.actual.access_lists)


def _no_room(limit: int | None) -> str:
    if limit is None:
        return "the access list was not made"
    return (
        f"the cluster's licence allows {limit} access lists, and there are as many: delete one, or change the licence"
    )


def _denied_by_okta(settled: Settled, okta_id: str) -> str:
    """Return why a plan makes no user for a person, if the plan itself does not say so."""
    people = settled.reading.facts.people
    statuses = [person.status for person in people.people if person.okta_id == okta_id]
    if okta_id in people.ended:
        return f"Okta's API says: {text_of(people.ended[okta_id])}"
    if UserStatus.DEPROVISIONED in statuses:
        return "Okta's API says that the person is deactivated"
    return "Okta's API does not show that the person has the app"


def _held(held: Held) -> str:
    return f"the change is held: {held.why}; `teleport-okta status` shows it, and `teleport-okta approve` approves it"


def _failed(outcome: Outcome) -> str:
    return outcome.error or f"the {outcome.change.kind} was not written"
