"""The requests of a pushed group, in both styles (`docs/reference/scim.md` 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.provisioning.attributes import GROUP, patch
from teleport_okta.sandbox.okta.provisioning.client import ScimClient, equals, id_of
from teleport_okta.sandbox.okta.provisioning.settings import Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from teleport_okta.sandbox.okta.app_defaults import Json


async def find_or_create(client: ScimClient, name: str) -> tuple[str, bool]:
    """Return the SCIM id of the group of a name, and whether it was created just now, without members."""
    found = await client.list("/Groups", "groups", filter=equals("displayName", name), startIndex=1, count=100)
    if not found:
        body: Json = {"schemas": [GROUP], "displayName": name, "members": []}
        return await client.create("/Groups", body, "group"), True
    scim_id = id_of(found[0], "The group that was found has no id")
    await client.get(f"/Groups/{scim_id}")
    return scim_id, False


async def write(client: ScimClient, scim_id: str, name: str, members: Sequence[Json]) -> None:
    """Overwrite a group's name and members."""
    if client.settings.style is Style.CATALOG:
        await rename(client, scim_id, name)
        operation: Json = {"op": "replace", "path": "members", "value": list(members)}
        await client.patch(f"/Groups/{scim_id}", patch(operation))
    else:
        body: Json = {"schemas": [GROUP], "id": scim_id, "displayName": name, "members": list(members)}
        await client.put(f"/Groups/{scim_id}", body)


async def rename(client: ScimClient, scim_id: str, name: str) -> None:
    """Write a group's name as an app of the catalogue does: without a path, and with the group's own id."""
    operation: Json = {"op": "replace", "value": {"id": scim_id, "displayName": name}}
    await client.patch(f"/Groups/{scim_id}", patch(operation))


async def change_members(client: ScimClient, scim_id: str, name: str, operations: Sequence[Json]) -> None:
    """Change a group's members as an app of the catalogue does: the name first, then all changes in one request."""
    await rename(client, scim_id, name)
    await client.patch(f"/Groups/{scim_id}", patch(*operations))


def added(members: Sequence[Json]) -> Json:
    """Return the operation that adds members."""
    return {"op": "add", "path": "members", "value": list(members)}


def removed(scim_id: str) -> Json:
    """Return the operation that removes a member."""
    return {"op": "remove", "path": f'members[value eq "{scim_id}"]'}
