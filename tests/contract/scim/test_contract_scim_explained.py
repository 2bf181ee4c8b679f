"""`explain` shows why a provisioned person has their access."""

from __future__ import annotations

from contract.scim.door import ALONE, GROUP, built_door
from teleport_okta.sync.explain import explained

ADA = "00uADA45678901234567"
SETTINGS = {**ALONE, "access_lists": {"default_owners": ["owner@x.io"]}}


async def explanation(door, of, asked):
    world = door.world
    registry = world.parts.full_pass.registry
    return await explained(world.parts.store, world.settings, registry, of=of, asked=asked, now=world.clock.now())


def lines(link, depth=0):
    yield f"{'  ' * depth}{link.kind}: {link.text}"
    for one in link.then:
        yield from lines(one, depth + 1)


async def test_a_person_is_traced_to_the_request_and_to_the_pushed_group(tmp_path):
    async with built_door(tmp_path, settings=SETTINGS) as door:
        door.world.teleport.administrator.create_user("owner@x.io")
        assert (await door.world.run()).succeeded
        ada = await door.provision("ada@x.io", okta_id=ADA)
        await door.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Looms", "members": [{"value": ada}]})
        found = await explanation(door, "user", "ada@x.io")
        told = list(lines(found.chain))
        assert told[0].startswith("person: provisioned through SCIM, active since its request of ")
        assert "  source: everyone a SCIM client provisions is synced" in told
        assert "  access_list: in its list, because the group was pushed through SCIM with them in it" in told
        (user,) = [link for link in found.chain.then if link.kind == "user"]
        assert [(entry.trigger, entry.reason) for entry in user.entries] == [("scim", "provisioned through SCIM")]

        told = list(lines((await explanation(door, "list", "Looms")).chain))
        assert told[0] == "access_list: a list of ours; people decide what it grants"
        assert "  group: pushed through SCIM as Looms, with 1 people" in told
        assert "    member: the SCIM client has them in it" in told

        assert (await door.set_active(ada, active=False)).status == 200
        told = list(lines((await explanation(door, "user", "ada@x.io")).chain))
        assert told[0].startswith("person: deactivated through SCIM at ")
        assert "    lock: deprovisioned through SCIM; it lasts until the person is provisioned again" in told
        assert not [line for line in told if "is synced" in line]


async def test_beside_the_api_both_doors_are_named(door):
    (ada,) = await door.world.hired("ada@x.io")
    await door.provision("ada@x.io", okta_id=ada.id)
    told = list(lines((await explanation(door, "user", "ada@x.io")).chain))
    assert told[0].startswith("person: ACTIVE in Okta when last read, at ")
    assert "; provisioned through SCIM, active since " in told[0]
    assert "  app: the app that people come from" in told
