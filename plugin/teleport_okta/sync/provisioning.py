"""The engine as the SCIM door sees it: one person is brought to what a request said, and the outcome awaited."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.doors import DEPROVISIONED
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.okta import UserStatus
from teleport_okta.model.provisioned import Settlement, Verdict, is_person_id
from teleport_okta.model.scope import Scope
from teleport_okta.plan.changes import USER
from teleport_okta.state.journal import Result
from teleport_okta.sync.key_reads import KeyReads, PersonRead

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.okta.okta_clock import OktaClock
    from teleport_okta.sync.full_pass import FullPass
    from teleport_okta.sync.procedure import Settled
    from teleport_okta.sync.sources import OktaSource

TRIGGER: Final = "scim"
"""The trigger of what a SCIM request brought about, in the journal."""

_log = logging.getLogger(__name__)


class Provisioning:
    """Settles people for the SCIM door. `okta_clock` tells Okta's time of day."""

    def __init__(self, full_pass: FullPass, okta: OktaSource, okta_clock: OktaClock) -> None:
        self._pass = full_pass
        self._okta = okta
        self._okta_clock = okta_clock
        self._organization = ""

    def okta_now(self) -> datetime:
        """Return the time of day by Okta's clock, by which the API dates assignments."""
        return self._okta_clock.now()

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

    async def settle(self, okta_id: str, *, is_wanted: bool) -> Settlement:
        """Bring the user of a person to what the record of them says, and return what became of it."""
        wanted = PersonRead(by_request=True, is_there=True, doubt=True)
        denied = PersonRead(by_request=True, ended=DEPROVISIONED, is_deleted=True)
        reads = KeyReads(people={okta_id: wanted if is_wanted else denied})
        try:
            settled = await self._pass.settle(Scope.of(users=[okta_id]), trigger=TRIGGER, reads=reads, by_hand=True)
        except TeleportOktaError as error:
            _log.warning("a SCIM request about %s is to be repeated: %s", okta_id, error)
            return Settlement(Verdict.LATER, str(error))
        return self._judged(settled, okta_id, is_wanted=is_wanted)

    def _judged(self, settled: Settled, okta_id: str, *, is_wanted: bool) -> Settlement:
        """Say what became of a person: by what was done, then by what stands in the way."""
        is_begun = any(outcome.result is Result.DONE for outcome in settled.outcomes)
        failed = [one for one in settled.outcomes if one.result is not Result.DONE and one.change.okta_id == okta_id]
        held = [row for row in settled.plan.held if row.okta_id == okta_id]
        if held:
            why = (
                f"the change is held: {held[0].why}; an administrator looks with `teleport-okta status` and approves it"
            )
            return Settlement(Verdict.LATER, why, is_begun)
        if failed:
            return Settlement(Verdict.LATER, failed[0].error or f"{failed[0].change.kind} was not written", is_begun)
        users = self._pass.registry.users.owned.values()
        if (okta_id in users) is is_wanted:
            return Settlement(Verdict.DONE, is_begun=is_begun)
        if okta_id in settled.plan.waiting:
            return Settlement(Verdict.LATER, "; ".join(settled.plan.warnings) or "the person has to wait", is_begun)
        for row in settled.plan.quarantined:
            if row.kind == USER and row.okta_id == okta_id:
                return Settlement(Verdict.CONFLICT, f"{row.reason}; {row.remedy}", is_begun)
        return Settlement(Verdict.LATER, _denied_by_okta(settled, okta_id), is_begun)


def _denied_by_okta(settled: Settled, okta_id: str) -> str:
    """Say why a plan makes nobody a user, where it says nothing of the person itself."""
    people = settled.reading.facts.people
    statuses = [person.status for person in people.people if person.okta_id == okta_id]
    if okta_id in people.ended:
        return f"Okta's API says: {people.ended[okta_id]}"
    if UserStatus.DEPROVISIONED in statuses:
        return "Okta's API says that the person is deactivated"
    return "Okta's API does not show the person as somebody who has the app"
