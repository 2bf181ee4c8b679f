"""The requests of a person's provisioning, in both styles (`docs/reference/scim.md` 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.provisioning.attributes import merged, new_user, patch
from teleport_okta.sandbox.okta.provisioning.client import ScimClient, equals, id_of
from teleport_okta.sandbox.okta.provisioning.settings import Style

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.app_defaults import Json


async def find(client: ScimClient, name: str) -> tuple[str, bool] | None:
    """Return the SCIM id of the user with a name and whether it is active, if there is one."""
    found = await client.list("/Users", "users", filter=equals("userName", name), startIndex=1, count=100)
    if not found:
        return None
    return id_of(found[0], "The user that was found has no id"), found[0].get("active") is not False


async def create(client: ScimClient, mapped: Json, password: str) -> str:
    """Create a user, and return the SCIM id."""
    return await client.create("/Users", new_user(mapped, password), "user")


async def link(client: ScimClient, scim_id: str, mapped: Json, *, active: bool) -> None:
    """Take over an existing user: activate it if it is not `active`, and push the profile."""
    if client.settings.style is Style.CATALOG and not active:
        await set_active(client, scim_id, active=True)
    await push_profile(client, scim_id, mapped)


async def push_profile(client: ScimClient, scim_id: str, mapped: Json) -> None:
    """Write a profile, always by a PUT of the whole user."""
    resource = await client.get(f"/Users/{scim_id}")
    await client.put(f"/Users/{scim_id}", merged(resource, mapped, active=True))


async def set_active(client: ScimClient, scim_id: str, *, active: bool) -> None:
    """Activate or deactivate a user; users are never deleted."""
    path = f"/Users/{scim_id}"
    if client.settings.style is Style.CATALOG:
        await client.patch(path, patch({"op": "replace", "value": {"active": active}}))
    else:
        await client.put(path, merged(await client.get(path), {}, active=active))


async def set_password(client: ScimClient, scim_id: str, password: str) -> None:
    """Write a password."""
    path = f"/Users/{scim_id}"
    if client.settings.style is Style.CATALOG:
        await client.patch(path, patch({"op": "replace", "value": {"password": password}}))
    else:
        await client.put(path, merged(await client.get(path), {}, active=True) | {"password": password})
