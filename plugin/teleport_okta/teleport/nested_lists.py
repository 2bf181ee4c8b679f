"""Nested lists that are not in the listing of lists: they are read by name before they count as gone.

Lists and members are listed one after the other, and listings lag behind writes. A list that was made and nested in
between is a member whose list is in no listing yet. Only a list that Teleport does not find by name is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.model.access import ListMembers, TeleportAccessList
    from teleport_okta.teleport.access_lists import AccessLists


async def add_unlisted_nested_lists(
    lists: dict[str, TeleportAccessList], members: dict[str, ListMembers], access_lists: AccessLists, owner: str
) -> list[str]:
    """Add to a reading, in place, every nested list that exists, with its members and what is nested in it.

    Returns what could not be believed of those members, a sentence each. Raises TeleportError.
    """
    oddities: list[str] = []
    asked: set[str] = set()
    unlisted = _nested(members.values()) - lists.keys()
    while unlisted:
        name = unlisted.pop()
        asked.add(name)
        found = await access_lists.get(name)
        if found is None:
            continue
        lists[name] = found
        if name not in members:
            read = await access_lists.members_of(name, owner)
            members.update(read.by_list)
            oddities += read.oddities
            unlisted |= _nested(read.by_list.values()) - lists.keys() - asked
    return oddities


def _nested(members: Iterable[ListMembers]) -> set[str]:
    return {other.name for found in members for other in found.others.values() if other.is_list}
