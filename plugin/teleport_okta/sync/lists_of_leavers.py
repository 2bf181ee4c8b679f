"""Lists of ours that no plan is about, read only when somebody leaves: what a person has in them goes with the person.

No plan is about lists where they are switched off, where no groups and apps are imported, and where those could not be
read. Their members cost a listing of all members, so nobody reads them for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.okta import APP_USER_ASSIGNED, UserStatus
from teleport_okta.plan.users import owned_names
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.sync.reading import Reading
    from teleport_okta.teleport.cluster import Teleport


@dataclass(frozen=True, slots=True)
class ListsOfLeavers:
    """Lists of ours and their members, by list; `unread` says why they could not be read (empty: they were)."""

    lists: Mapping[str, TeleportAccessList] = field(default_factory=dict)
    members: Mapping[str, ListMembers] = field(default_factory=dict)
    unread: str = ""


async def with_lists_of_leavers(reading: Reading, teleport: Teleport, now: datetime) -> Reading:
    """Return the reading with the lists of ours, if somebody leaves whose memberships no other plan is about.

    A failure keeps nobody from leaving: it is part of the reading.
    """
    has_plan = reading.directory is not None and not reading.directory.imports.lists_off
    cluster = teleport.known_cluster
    if has_plan or cluster is None or not cluster.has("access_lists"):
        return reading
    if _everybody_stays(reading) or not reading.departing(now):
        return reading
    try:
        return replace(reading, lists_of_leavers=await _read(teleport, reading.policy.owner))
    except TeleportError as error:
        unread = f"the memberships of those who leave are left as they are, because they could not be read: {error}"
        return replace(reading, lists_of_leavers=ListsOfLeavers(unread=unread))


def _everybody_stays(reading: Reading) -> bool:
    """Whether each user of ours stands for a person of that name in the listing: then no plan is needed to see it."""
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
