"""Worlds in which a SCIM client pushes groups, and what the cluster has of these."""

from __future__ import annotations

from contextlib import asynccontextmanager

from contract.scim.door import ALONE, GROUP, PATCH, built_door

OWNER = "owner@x.io"
ROOMY = {"brake": {"floor": 100, "stated_ratio": 1.0}}
LISTS = {"access_lists": {"default_owners": [OWNER]}}
PUSHING_ALONE = {**ALONE, **LISTS}
PUSHING_BOTH = {"sync": {"apps_and_groups": True}, **LISTS}
PUSHING_USERS = {"sync": {"apps_and_groups": False}, **LISTS}
"""Okta's API is beside the door, and groups and apps are not imported."""

PUSHING = {"scim alone": PUSHING_ALONE, "both doors": PUSHING_BOTH, "users of both doors": PUSHING_USERS}


@asynccontextmanager
async def built_pushing(directory, settings, **options):
    """Build a door through which groups can be pushed: the owner of their lists is there, and a pass was made."""
    async with built_door(directory, settings=settings, **options) as door:
        door.world.teleport.administrator.create_user(OWNER)
        assert (await door.world.run()).succeeded
        yield door


def list_of(door, scim_id):
    """The list of a pushed group as stored; None where there is none."""
    return door.world.teleport.cluster.access_lists.stored(f"scim-{scim_id}")


def members_of(door, scim_id):
    """The names in the list of a pushed group, as stored; None where there is no list."""
    if list_of(door, scim_id) is None:
        return None
    return names_in(door, f"scim-{scim_id}")


def names_in(door, list_name):
    """The names in a list, as stored."""
    return {member.header.metadata.name for member in door.world.teleport.administrator.lists.members(list_name)}


def lists(door):
    """The lists of pushed groups as stored: title and names by SCIM id."""
    found = {}
    for one in door.world.teleport.cluster.access_lists.all_stored():
        name = one.header.metadata.name
        if name.startswith("scim-"):
            found[name.removeprefix("scim-")] = (one.spec.title, names_in(door, name))
    return found


def described(name, *ids, **more):
    """The body of a group."""
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": one} for one in ids], **more}


async def post_group(door, name, *ids, **more):
    return await door.ask("POST", "/Groups", described(name, *ids, **more))


async def pushed(door, name, *ids, **more):
    """Push a group, and return the SCIM id."""
    answer = await post_group(door, name, *ids, **more)
    assert answer.status == 201, answer
    return answer.body["id"]


async def put_group(door, scim_id, name, *ids, **more):
    return await door.ask("PUT", f"/Groups/{scim_id}", described(name, *ids, id=scim_id, **more))


async def patch_group(door, scim_id, *operations):
    return await door.ask("PATCH", f"/Groups/{scim_id}", {"schemas": [PATCH], "Operations": list(operations)})


async def shown_members(door, scim_id):
    """The members of a group as the door shows them, by SCIM id."""
    answer = await door.ask("GET", f"/Groups/{scim_id}")
    assert answer.status == 200, answer
    return [one["value"] for one in answer.body.get("members", ())]


def add(*ids):
    return {"op": "add", "path": "members", "value": [{"value": one} for one in ids]}


def remove(scim_id):
    return {"op": "remove", "path": f'members[value eq "{scim_id}"]'}
