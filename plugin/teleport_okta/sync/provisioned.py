"""Reading what a SCIM client said of people and groups, to lay it over what Okta's API says (`desired/doors.py`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from teleport_okta.model.directory import Directory
    from teleport_okta.model.provisioned import ProvisionedUser
    from teleport_okta.settings import Settings
    from teleport_okta.state.store import Store


async def provisioned(
    store: Store, settings: Settings, ids: Collection[str] | None = None
) -> dict[str, ProvisionedUser]:
    """Return the records of people, or of everybody, by Okta id; none while the SCIM door is closed.

    Raises StateError.
    """
    if not settings.is_provisioned:
        return {}
    return await (store.scim_users.everybody() if ids is None else store.scim_users.some(ids))


async def with_pushed(store: Store, settings: Settings, directory: Directory) -> Directory:
    """Return a directory with the groups that a SCIM client pushed; as it is while the SCIM door is closed.

    Raises StateError.
    """
    if not settings.is_provisioned:
        return directory
    found = await store.scim_groups.with_lists()
    return replace(directory, pushed=found.pushed, unpushed=found.unpushed)
