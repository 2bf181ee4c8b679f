"""Which lists of ours there are, for the preview of filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers
from teleport_okta.state.directory import SeenList

if TYPE_CHECKING:
    from teleport_okta.plan.actual import ActualDirectory

_NOBODY = ListMembers()


def lists_of(actual: ActualDirectory, owner: str) -> list[SeenList]:
    """Return the lists of an owner, each with how many people Okta put into it, and how many people did."""
    found = {name: actual.members.get(name, _NOBODY) for name in actual.access_lists}
    return [
        SeenList(name, one.title, found[name].imports, found[name].additions)
        for name, one in sorted(actual.access_lists.items())
        if labels.owner_of(one.labels) == owner
    ]
