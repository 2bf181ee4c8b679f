"""The auth server is away for longer than the lease to write lasts, and comes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import grpc
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.teleport.lease import SEMAPHORE_KIND


def ada_is_locked(world):
    async def found():
        return {lock.Spec.Target.User for lock in world.teleport.cluster.locks.all_stored()} == {"ada@x.io"}

    return found


async def within(world, seconds, condition):
    """Whether something comes about within so many seconds of the service's clock."""
    for _ in range(seconds):
        if await condition():
            return True
        world.clock.advance(1)
        await asyncio.sleep(0.02)
    return False


def standing(world, state):
    """Whether the service is in a state, a pass behind it."""

    async def found():
        status = await world.service.status()
        return status.state == state and status.last_pass

    return found


async def outage(world):
    """Let the auth server be away until the lease to write is lost."""
    world.teleport.faults.add(Fault("*/*", code=grpc.StatusCode.UNAVAILABLE))
    await world.until(lambda: not world.service._base.teleport.is_writer, "the lease to write is lost", step=2)
    world.clock.advance(60)


async def test_a_leaver_during_an_outage_is_locked_when_it_is_over_and_not_by_the_next_pass(managed):
    world = managed
    ada = world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(standing(world, "idle"), "ada gets a user")
    before = (await world.service.status()).last_pass

    await outage(world)
    world.okta.deactivate(ada.id)
    world.teleport.faults.clear()

    assert await within(world, 60, ada_is_locked(world))
    assert (await world.service.status()).last_pass == before


async def test_while_the_auth_server_does_not_answer_status_shows_it(managed):
    world = managed
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(standing(world, "idle"), "it runs")
    assert (await world.service.status()).warnings == ()

    await outage(world)
    [warning] = (await world.service.status()).warnings
    assert warning.startswith(f"the lease to write for {world.okta.id} is lost, and is requested until it is back: ")
    assert "check that teleport.addr" in warning
    assert {one.name: one.reason for one in world.service.components()}["teleport"] == warning

    world.teleport.faults.clear()

    async def is_quiet():
        return (await world.service.status()).warnings == ()

    assert await within(world, 60, is_quiet)


async def test_a_process_that_lost_the_lease_is_a_standby_and_takes_over_with_a_pass(managed):
    world = managed
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(standing(world, "idle"), "it runs")
    before = (await world.service.status()).last_pass
    await outage(world)
    semaphore = world.teleport.cluster.semaphores[SEMAPHORE_KIND, world.okta.id]
    lease = semaphore.Spec.Leases[0]
    lease.LeaseID, lease.Holder = "another", "another process [elsewhere]"
    lease.Expires.FromDatetime(world.clock.now() + timedelta(hours=1))
    semaphore.Metadata.Expires.CopyFrom(lease.Expires)
    world.teleport.faults.clear()

    assert await within(world, 60, standing(world, "standby"))
    reports = world.teleport.calls.of("SetPluginStatus")
    for _ in range(20):
        world.clock.advance(30)
        await asyncio.sleep(0.02)
    assert world.teleport.calls.of("SetPluginStatus") == reports, "the other process reports"
    del semaphore.Spec.Leases[:]

    assert await within(world, 60, standing(world, "idle"))
    assert (await world.service.status()).last_pass != before
