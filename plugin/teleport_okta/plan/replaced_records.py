"""Planning leavers whose last login replaced the record of the user, and with it our labels.

Such a record is not ours to delete, and ends by itself. The person is locked nevertheless: the registry has the person
for whom the user stood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.desired.policy import DEPROVISIONED_LOCK, LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.problems import RecordReplaced, RecordReplacedAndUnlockable
from teleport_okta.model.reasons import NoLongerAssigned
from teleport_okta.plan.changes import USER, Harm
from teleport_okta.plan.locks import LocksOfUsers
from teleport_okta.plan.plan import Plan
from teleport_okta.plan.user_facts import is_of_connector, listing_behind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.desired.people import DesiredUsers
    from teleport_okta.desired.policy import Policy
    from teleport_okta.plan.actual import ActualUsers
    from teleport_okta.plan.changes import Change


def plan_replaced(
    replaced: Mapping[str, str], desired: DesiredUsers, actual: ActualUsers, policy: Policy, *, now: datetime
) -> Plan:
    """Return the locks of those who left; `replaced` maps the names of such users to the Okta ids they stood for."""
    locks = LocksOfUsers(actual.locks.values(), owner=policy.owner, now=now)
    changes: list[Change] = []
    aside: list[Quarantined] = []
    for name, okta_id in sorted(replaced.items()):
        user = actual.users.get(name)
        if user is None or labels.owner_of(user.labels) is not None or not is_of_connector(user, policy):
            continue
        if okta_id in desired.present:
            continue
        cause = desired.gone.get(okta_id, NoLongerAssigned())
        may_change = labels.is_of_okta(user.labels) or policy.no_adoption is None
        problem = (
            RecordReplaced(name, cause)
            if may_change
            else RecordReplacedAndUnlockable(name, cause, policy.no_adoption or "")
        )
        aside.append(Quarantined(USER, name, okta_id, problem))
        if may_change and not locks.has_left(name, okta_id):
            evidence = Evidence.STATED if okta_id in desired.gone else Evidence.ABSENT
            harm = Harm(Harmed(USER, name, okta_id), evidence, listing=listing_behind(desired, okta_id))
            lock_for = DEPROVISIONED_LOCK if okta_id in desired.deprovisioned else LEAVER_LOCK
            changes += locks.leave(user, okta_id, cause, harm=harm, lock_for=lock_for)
    return Plan(changes=tuple(changes), quarantined=tuple(aside))
