"""Our access lists while no plan concerns lists, read only if a person leaves: the memberships must end with the user.

No plan concerns lists if they are switched off, if no groups and apps are imported, or if those could not be read.
Reading their members takes a listing of all members of the cluster, so it is done only if a person leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.okta import APP_USER_ASSIGNED, UserStatus
from teleport_okta.plan.user_facts import owned_names
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.sync.reading import Reading
    from teleport_okta.teleport.cluster import Teleport


@dataclass(frozen=True, slots=True)
class ListsOfLeavers:
    """Our lists and their members, by list name; `unread` says why they could not be read (empty: they were)."""

    lists: Mapping[str, TeleportAccessList] = field(default_factory=dict)
    members: Mapping[str, ListMembers] = field(default_factory=dict)
    unread: str = ""


async def with_lists_of_leavers(reading: Reading, teleport: Teleport, now: datetime) -> Reading:
    """Add our lists to a reading if a person leaves and no other plan ends the person's memberships.

    A failure does not stop the leavers: the reading says that it happened.
    """
    has_plan = reading.directory is not None and not reading.directory.imports.lists_off
    cluster = teleport.known_cluster
    if has_plan or cluster is None or not cluster.has("access_lists"):
        return reading
    if _all_stay(reading) or not reading.departing(now):
        return reading
    try:
        return replace(reading, lists_of_leavers=await _read(teleport, reading.policy.owner))
    except TeleportError as error:
        unread = f"the memberships of people who leave stay, because they could not be read: {error}"
        return replace(reading, lists_of_leavers=ListsOfLeavers(unread=unread))


def _all_stay(reading: Reading) -> bool:
    """Whether each of our users stands for a listed person of that name. It saves planning the users twice."""
    staying = {
        (person.name, person.okta_id)
        for person in reading.facts.people.people
        if person.status != UserStatus.DEPROVISIONED and person.assignment_status in {None, *APP_USER_ASSIGNED}
    }
    owned = owned_names(reading.actual.users.values(), reading.policy.owner)
    return all(user in staying for user in owned.items())


async def _read(teleport: Teleport, owner: str) -> ListsOfLeavers:
    listed = await teleport.access_lists.list()
    lists = {found.name: found for found in listed if labels.owner_of(found.labels) == owner}
    if not lists:
        return ListsOfLeavers()
    members = (await teleport.access_lists.members(owner)).by_list
    return ListsOfLeavers(lists, {name: found for name, found in members.items() if name in lists})
