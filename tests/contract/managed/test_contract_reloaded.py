"""Settings that were read again and turn out not to work: those before hold again, and the service goes on."""

from __future__ import annotations

import logging

from teleport_okta.config import digests_of, parse
from teleport_okta.service.reload import Reloader


async def test_settings_that_cannot_work_are_taken_back(managed, caplog):
    world = managed
    world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(lambda: world.users() == {"ada@x.io"}, "ada gets a user")
    before = parse(world.sections)
    world.service._reloader = Reloader(before, lambda: before, lambda _: None)
    broken = parse(world.sections | {"okta": {**world.sections["okta"], "api_token": "/nowhere/token"}})

    with caplog.at_level(logging.ERROR, "teleport_okta"):
        world.service.take(broken)
        await world.until(lambda: "returning to those before" in caplog.text, "they are taken back")

    assert "/nowhere/token" in caplog.text
    assert world.service.differing(digests_of(before)) == ()
    world.hire("bea@x.io")
    await world.until(lambda: world.users() == {"ada@x.io", "bea@x.io"}, "the sync goes on", step=10)


async def test_a_command_does_not_go_by_the_settings_before(managed):
    world = managed
    world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(lambda: world.users() == {"ada@x.io"}, "ada gets a user")

    world.service.take(parse(world.sections | {"sync": {**world.sections["sync"], "default_roles": ["access"]}}))
    planned = await world.service.plan()

    users = world.teleport.cluster.users.all_stored()
    roles = {user.Metadata.Name: list(user.Spec.Roles) for user in users}
    of_ada = [change.action for change in planned.changes if change.name == "ada@x.io"]
    assert of_ada == ["update"] or "access" in roles["ada@x.io"]
