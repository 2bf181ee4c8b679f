"""The state is lost: SCIM ids, denials and pushed groups are taken over from Teleport's labels."""

from __future__ import annotations

from contract.scim.door import GROUP, built_door
from teleport_okta.scim.tokens import digest_of

ADA, BOB = "00uADA45678901234567", "00uBOB45678901234567"
ALONE = {
    "access_lists": {"default_owners": ["owner@x.io"]},
    "sync": {"source": "scim", "apps_and_groups": False, "follow_log": False},
}


async def test_ids_denials_and_groups_outlive_the_state(tmp_path):
    async with built_door(tmp_path, settings=ALONE) as door:
        world = door.world
        world.teleport.administrator.create_user("owner@x.io")
        assert (await world.run()).succeeded
        ada = await door.provision("ada@x.io", okta_id=ADA, title="Countess")
        assert (await door.ask("DELETE", f"/Users/{ada}")).status == 204
        ada = await door.provision("ada@x.io", okta_id=ADA, title="Countess")
        bob = await door.provision("bob@x.io", okta_id=BOB)
        answer = await door.ask(
            "POST", "/Groups", {"schemas": [GROUP], "displayName": "Looms", "members": [{"value": ada}]}
        )
        group = answer.body["id"]
        world.clock.advance(3601)
        assert (await door.set_active(bob, active=False)).status == 200
        await world.process.aclose()
        for file in (tmp_path / "data").glob("state.db*"):
            file.unlink()
        await world.restart()
        await world.parts.store.scim_tokens.add(digest_of(door.token.encode()), at=world.clock.now())
        report = await world.run()
        assert not report.outcomes
        users = await world.parts.store.scim_users.everybody()
        assert {one.user_name: (one.id, one.active) for one in users.values()} == {
            "ada@x.io": (ada, True),
            "bob@x.io": (bob, False),
        }
        assert users[ADA].attributes["title"] == "Countess"
        assert users[ADA].incarnation == 1
        assert (await world.parts.store.scim_groups.get(group)).display_name == "Looms"
        assert await world.parts.store.scim_groups.members([group]) == {group: [ada]}
