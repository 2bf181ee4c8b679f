"""How many objects in Teleport are ours, as far as the registry has them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from teleport_okta.model.part_result import Holdings
from teleport_okta.model.provisioned import is_pushed
from teleport_okta.model.scope import OKTA_APP_ID, OKTA_GROUP_ID
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER_GROUP
from teleport_okta.plan.owned import owned_objects

if TYPE_CHECKING:
    from teleport_okta.sync.registry import Registry


def holdings(registry: Registry, owner: str) -> Holdings:
    """Count the objects with the owner's label. Those of groups and apps are 0 until they have been read once."""
    users = len(registry.users.owned)
    directory = registry.directory
    if directory is None:
        return Holdings(users=users)
    owned = owned_objects(directory.actual, owner)
    lists = Counter(map(_kind_of_list, owned[ACCESS_LIST]))
    return Holdings(
        users=users,
        user_groups=len(owned[USER_GROUP]),
        app_servers=len(owned[APP_SERVER]),
        group_lists=lists["group"],
        app_lists=lists["app"],
        pushed_lists=lists["pushed"],
        roles=len(owned[ROLE]),
        members=len(owned[MEMBER]),
    )


def _kind_of_list(name: str) -> str:
    if name.startswith(OKTA_GROUP_ID):
        return "group"
    if name.startswith(OKTA_APP_ID):
        return "app"
    return "pushed" if is_pushed(name) else "other"
