"""One writer at a time: the lease on a semaphore, seen from two processes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from suspended_machine import SuspendedMachine
from teleport_clients import connect
from teleport_okta.clock import SystemClock, VirtualClock
from teleport_okta.model import labels
from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportUserGroup
from teleport_okta.model.teleport import TeleportRole, TeleportUser
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.teleport.connection import WRITE_DEADLINE
from teleport_okta.teleport.lease import (
    CLOCK_TOLERANCE,
    LIFE,
    MARGIN,
    RENEW_AFTER,
    ClockBehindError,
    Holder,
    NotTheWriterError,
    StandbyError,
)
from teleport_okta.teleport.teleport_errors import DeadlineError, LimitExceededError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.identity import Identity

OWNER = "00oOWNER"
ADA = TeleportUser("ada", {labels.ORIGIN: labels.ORIGIN_OKTA, labels.OWNER: OWNER})


@pytest.fixture
def process(sandbox: TeleportSandbox, host: Identity, clock: VirtualClock) -> Callable[[str], object]:
    """A process by name, which may write when it has the lease."""

    @asynccontextmanager
    async def started(name: str, *, at: VirtualClock = clock, seat: str = "") -> AsyncIterator[Teleport]:
        async with await connect(sandbox.address, host=host, clock=at, holder=Holder(name, seat or name)) as teleport:
            yield teleport

    return started


async def test_only_the_holder_writes_and_the_other_is_told_who_that_is(process) -> None:
    async with process("one") as one, process("two") as two:
        await one.lease.obtain(OWNER)

        with pytest.raises(StandbyError, match="one") as caught:
            await two.lease.obtain(OWNER)
        with pytest.raises(NotTheWriterError):
            await two.users.create(ADA)
        await one.users.create(ADA)
    assert caught.value.holder == "one [one]"


@pytest.mark.parametrize("sandbox", ["ent"], indirect=True)
async def test_nothing_of_what_people_reach_is_written_without_it(process, sandbox: TeleportSandbox) -> None:
    async with process("two") as two:
        group = TeleportUserGroup("00g1", raw=b"")
        server = TeleportAppServer("app", two.app_servers.host_id)
        blue, now = TeleportAccessList("00g1", "Blue", {labels.OWNER: OWNER}), datetime.now(UTC)
        for write in (
            two.roles.create(TeleportRole("role")),
            two.user_groups.create(group),
            two.user_groups.update(group),
            two.user_groups.delete(group),
            two.app_servers.upsert(server, now),
            two.app_servers.delete(server),
            two.access_lists.create(blue, joined=now),
            two.access_lists.add_member("00g1", "ada", owner=OWNER, joined=now),
        ):
            with pytest.raises(NotTheWriterError):
                await write
    assert sandbox.calls.most_writes_in_flight == 0


async def test_who_gives_it_up_is_followed_at_once(process) -> None:
    async with process("one") as one, process("two") as two:
        await one.lease.obtain(OWNER)
        await one.lease.give_up()

        await two.lease.obtain(OWNER)

        assert two.lease.is_held
        with pytest.raises(NotTheWriterError):
            await one.users.create(ADA)


async def test_after_a_crash_it_is_free_when_its_life_is_over(process, clock: VirtualClock) -> None:
    async with process("one") as one, process("two") as two:
        await one.lease.obtain(OWNER)
        clock.advance(LIFE - 1)
        with pytest.raises(StandbyError):
            await two.lease.obtain(OWNER)
        clock.advance(2)

        await two.lease.obtain(OWNER)

        assert two.lease.is_held


async def test_who_slept_for_five_minutes_knows_that_another_process_may_write(
    process, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = SuspendedMachine()
    monkeypatch.setattr("teleport_okta.clock.time", machine)
    async with process("one", at=SystemClock()) as one, process("two") as two:
        await one.lease.obtain(OWNER)
        assert one.lease.is_held
        machine.suspend(300)
        clock.advance(300)
        await two.lease.obtain(OWNER)

        assert not one.lease.is_held
        with pytest.raises(NotTheWriterError):
            await one.users.create(ADA)
        await two.users.create(ADA)


async def test_a_machine_whose_time_of_day_leapt_over_its_end_does_not_write_by_it(process, clock) -> None:
    paused = VirtualClock(clock.now())
    async with process("one", at=paused) as one, process("two") as two:
        await one.lease.obtain(OWNER)
        clock.advance(300)
        await two.lease.obtain(OWNER)
        paused.set_time_of_day(clock.now())

        assert not one.lease.is_held
        with pytest.raises(NotTheWriterError):
            await one.users.create(ADA)


async def test_a_time_of_day_that_is_set_back_prolongs_nothing(process, clock: VirtualClock) -> None:
    async with process("one") as one:
        await one.lease.obtain(OWNER)
        clock.advance(LIFE)
        clock.set_time_of_day(clock.now() - timedelta(hours=1))

        assert not one.lease.is_held


async def test_who_sits_where_the_dead_one_sat_follows_at_once(process, sandbox: TeleportSandbox) -> None:
    async with process("dead", seat="data") as dead, process("heir", seat="data") as heir:
        await dead.lease.obtain(OWNER)

        await heir.lease.obtain(OWNER)

        assert heir.lease.is_held
        await heir.users.create(ADA)
    assert len(sandbox.cluster.semaphores) == 1


async def test_owners_do_not_stand_in_each_others_way(process) -> None:
    async with process("one") as one, process("two") as two:
        await one.lease.obtain(OWNER)
        await two.lease.obtain("00oOTHER")
        assert one.lease.is_held
        assert two.lease.is_held


async def test_it_is_renewed_at_a_third_of_its_life_and_not_before(
    process, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    async with process("one") as one:
        await one.lease.obtain(OWNER)
        mark = sandbox.calls.of("KeepAliveSemaphoreLease")
        clock.advance(RENEW_AFTER - 1)
        await one.lease.confirm()
        assert sandbox.calls.of("KeepAliveSemaphoreLease") == mark
        clock.advance(1)

        await one.lease.confirm()

        assert sandbox.calls.of("KeepAliveSemaphoreLease") == mark + 1
        clock.advance(LIFE - MARGIN - 1)
        assert one.lease.is_held


async def test_it_counts_as_lost_before_it_ends_when_it_cannot_be_renewed(
    process, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    async with process("one") as one:
        await one.lease.obtain(OWNER)
        sandbox.faults.add(Fault("*/KeepAliveSemaphoreLease", code=grpc.StatusCode.UNAVAILABLE))
        clock.advance(LIFE - MARGIN - 1)
        await one.users.create(ADA)
        clock.advance(2)

        with pytest.raises(NotTheWriterError):
            await one.users.create(TeleportUser("bob", ADA.labels))
    assert sandbox.cluster.users.stored("bob") is None


async def test_it_counts_as_lost_before_a_write_could_outlast_it(
    process, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    async with process("one") as one:
        await one.lease.obtain(OWNER)
        sandbox.faults.add(Fault("*/KeepAliveSemaphoreLease", code=grpc.StatusCode.UNAVAILABLE))
        clock.advance(LIFE - WRITE_DEADLINE - CLOCK_TOLERANCE)

        assert not one.lease.is_held


async def test_who_lost_it_to_somebody_else_learns_it_from_the_next_renewal(process, clock: VirtualClock) -> None:
    async with process("one") as one, process("two") as two:
        await one.lease.obtain(OWNER)
        clock.advance(LIFE + 1)
        await two.lease.obtain(OWNER)

        with pytest.raises(NotTheWriterError):
            await one.lease.confirm()
        with pytest.raises(StandbyError, match="two"):
            await one.lease.obtain(OWNER)


async def test_a_clock_too_far_behind_the_servers_is_refused(process, clock: VirtualClock) -> None:
    behind = VirtualClock(clock.now() - timedelta(seconds=CLOCK_TOLERANCE + 1))
    async with process("one", at=behind) as one:
        with pytest.raises(ClockBehindError, match="NTP"):
            await one.lease.obtain(OWNER)
    almost = VirtualClock(clock.now() - timedelta(seconds=CLOCK_TOLERANCE - 1))
    async with process("two", at=almost) as two:
        await two.lease.obtain(OWNER)


@pytest.mark.parametrize("slow", ["AcquireSemaphore", "KeepAliveSemaphoreLease"])
async def test_a_slow_server_is_taken_for_neither_a_wrong_clock_nor_another_process(
    process, sandbox: TeleportSandbox, slow: str
) -> None:
    async with process("one") as one:
        sandbox.faults.add(Fault(f"*/{slow}", latency=CLOCK_TOLERANCE + 1, count=1))
        with pytest.raises(DeadlineError, match="took 9 seconds"):
            await one.lease.obtain(OWNER)

        await one.lease.obtain(OWNER)

        assert one.lease.is_held


async def test_a_server_that_has_too_much_to_do_is_not_taken_for_another_process(
    process, sandbox: TeleportSandbox
) -> None:
    async with process("one") as one:
        sandbox.faults.add(Fault("*/AcquireSemaphore", code=grpc.StatusCode.RESOURCE_EXHAUSTED))
        with pytest.raises(LimitExceededError):
            await one.lease.obtain(OWNER)


async def test_a_write_that_is_repeated_stops_when_the_lease_goes(
    process, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    async with process("one") as one:
        await one.lease.obtain(OWNER)
        sandbox.faults.add(Fault("*/CreateUser", code=grpc.StatusCode.UNAVAILABLE))
        sandbox.faults.add(Fault("*/KeepAliveSemaphoreLease", code=grpc.StatusCode.UNAVAILABLE))
        clock.advance(LIFE - MARGIN - 8)

        with pytest.raises(NotTheWriterError):
            await one.users.create(ADA)


@pytest.mark.parametrize("applied", [False, True], ids=["lost on the way", "answer lost"])
async def test_an_outage_while_it_is_taken_is_outlasted(process, sandbox: TeleportSandbox, applied: bool) -> None:
    away = Fault("*/AcquireSemaphore", code=grpc.StatusCode.UNAVAILABLE, count=1, applied=applied)
    async with process("one") as one:
        sandbox.faults.add(away)

        await one.lease.obtain(OWNER)

        assert one.lease.is_held
        await one.users.create(ADA)


async def test_one_that_an_outage_has_ended_is_back_when_the_server_is(
    process, sandbox: TeleportSandbox, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="teleport_okta.teleport.lease")
    async with process("one") as one:
        await one.lease.obtain(OWNER)
        sandbox.faults.add(Fault("*/*", code=grpc.StatusCode.UNAVAILABLE))
        for _ in range(30):
            clock.advance(2)
            await one.lease.look()
        assert not one.lease.is_held
        sandbox.faults.clear()

        await one.lease.look()

        assert one.lease.is_held
        await one.users.create(ADA)
    said = [record.message for record in caplog.records]
    assert sum("was not renewed" in message for message in said) == 1, said
    assert sum("is lost" in message for message in said) == 1, said
    assert sum("writes for" in message for message in said) == 2, said


async def test_one_that_a_write_found_to_be_gone_is_taken_again(process, sandbox: TeleportSandbox, clock) -> None:
    async with process("one") as one:
        await one.lease.obtain(OWNER)
        clock.advance(LIFE + 1)
        with pytest.raises(NotTheWriterError):
            await one.users.create(ADA)

        await one.lease.look()

        await one.users.create(ADA)
    assert sandbox.cluster.users.stored("ada") is not None


async def test_one_that_another_process_took_meanwhile_is_left_to_it(process, clock: VirtualClock) -> None:
    async with process("one") as one, process("two") as two:
        await one.lease.obtain(OWNER)
        clock.advance(LIFE + 1)
        await two.lease.obtain(OWNER)
        await one.lease.look()
        assert one.lease.is_ousted
        await two.lease.give_up()

        await one.lease.look()

        assert not one.lease.is_held  # what the other one wrote is not known here: the next pass asks
        await one.lease.obtain(OWNER)
        assert one.lease.is_held
        assert not one.lease.is_ousted


async def test_a_standby_that_never_had_it_is_not_ousted(process) -> None:
    async with process("one") as one, process("two") as two:
        await one.lease.obtain(OWNER)
        with pytest.raises(StandbyError):
            await two.lease.obtain(OWNER)
        await two.lease.look()
        assert not two.lease.is_ousted
        assert not two.lease.is_held


async def test_one_that_was_given_up_is_not_taken_again(process) -> None:
    async with process("one") as one:
        await one.lease.obtain(OWNER)
        await one.lease.give_up()
        await one.lease.look()
        assert not one.lease.is_held
