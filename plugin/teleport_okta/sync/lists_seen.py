"""Our lists and their numbers of members, for the preview of filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers
from teleport_okta.model.names import member_role
from teleport_okta.state.groups_and_apps import SeenList

if TYPE_CHECKING:
    from teleport_okta.desired.policy import Imports
    from teleport_okta.plan.actual import ActualDirectory

_NOBODY = ListMembers()


def lists_of(actual: ActualDirectory, owner: str) -> list[SeenList]:
    """Return the lists of an owner, each with the number of imported members and of members whom people added."""
    found = {name: actual.members.get(name, _NOBODY) for name in actual.access_lists}
    return [
        SeenList(name, one.title, found[name].imports, found[name].additions)
        for name, one in sorted(actual.access_lists.items())
        if labels.owner_of(one.labels) == owner
    ]


def roles_of(actual: ActualDirectory, imports: Imports) -> list[SeenList] | None:
    """Return the direct roles by group and app in the shape of lists; None if the cluster has access lists."""
    if not imports.gives_roles:
        return None
    seen = []
    for okta_id, held in sorted(actual.direct_roles.items()):
        role = actual.roles.get(member_role(okta_id))
        if held.imported and role is not None:
            title = role.labels.get(labels.ROLE_NAME, okta_id)
            seen.append(SeenList(okta_id, title, held.imports, held.additions))
    return seen
