"""Locks, as `docs/reference/teleport.md` 4.4 and `docs/reference/teleport-observed.md` 2 have them."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from teleport.legacy.client.proto.authservice_pb2 import (
    DeleteLockRequest,
    GetLockRequest,
    GetLocksRequest,
    PingRequest,
)
from teleport.legacy.types.types_pb2 import LockTarget, LockV2
from teleport_okta.sandbox.teleport import ListingLag

DENIED = ("PERMISSION_DENIED", "access denied")


def lock(name, **target):
    message = LockV2()
    message.Metadata.Name = name
    message.Spec.Target.CopyFrom(LockTarget(**target))
    return message


async def names(client, **request):
    return [found.Metadata.Name for found in (await client.auth.GetLocks(GetLocksRequest(**request))).Locks]


async def test_a_lock_is_stored_with_its_maker_and_time(bot, clock):
    await bot.auth.UpsertLock(lock("l", User="ada"))
    stored = await bot.auth.GetLock(GetLockRequest(Name="l"))
    assert (stored.Kind, stored.Version, stored.Spec.CreatedBy) == ("lock", "v2", "bot-teleport-okta")
    assert stored.Spec.CreatedAt.seconds == int(clock())


async def test_a_lock_needs_a_target(bot, refusal):
    expected = ("INVALID_ARGUMENT", "at least one target field must be set")
    assert await refusal(bot.auth.UpsertLock(lock("l"))) == expected


async def test_a_missing_lock_is_not_found(bot, refusal):
    expected = ("NOT_FOUND", 'lock "l" is not found')
    assert await refusal(bot.auth.GetLock(GetLockRequest(Name="l"))) == expected
    assert await refusal(bot.auth.DeleteLock(DeleteLockRequest(Name="l"))) == expected


async def test_locks_are_found_by_target_and_by_force(bot, clock):
    short = lock("short", User="ada")
    short.Spec.Expires.CopyFrom(Timestamp(seconds=int(clock()) + 60))
    await bot.auth.UpsertLock(short)
    await bot.auth.UpsertLock(lock("other", User="bob"))
    assert await names(bot, Targets=[LockTarget(User="ada"), LockTarget(User="eve")]) == ["short"]
    clock.advance(60)
    assert await names(bot) == ["other", "short"]
    assert await names(bot, InForceOnly=True) == ["other"]


async def test_a_lock_with_an_expiry_in_its_metadata_vanishes(bot, clock):
    short = lock("short", User="ada")
    short.Metadata.Expires.CopyFrom(Timestamp(seconds=int(clock()) + 60))
    await bot.auth.UpsertLock(short)
    clock.advance(61)
    assert await names(bot) == []


@pytest.mark.parametrize(
    "target", [{"User": "bot-teleport-okta"}, {"Role": "teleport-okta"}], ids=["the user", "a role of the user"]
)
async def test_a_locked_caller_may_do_nothing_not_even_ping(bot, sandbox, refusal, target):
    await bot.auth.UpsertLock(lock("l", **target))
    assert await refusal(bot.auth.Ping(PingRequest())) == DENIED
    sandbox.administrator.delete_lock("l")
    await bot.auth.Ping(PingRequest())


async def test_a_lock_on_the_host_stops_the_host(bot, host, refusal):
    await bot.auth.UpsertLock(lock("l", ServerID="sidecar-1"))
    assert await refusal(host.auth.Ping(PingRequest())) == DENIED
    await bot.auth.Ping(PingRequest())


async def test_an_expired_lock_stops_no_caller(bot, clock, refusal):
    short = lock("l", User="bot-teleport-okta")
    short.Spec.Expires.CopyFrom(Timestamp(seconds=int(clock()) + 60))
    await bot.auth.UpsertLock(short)
    assert await refusal(bot.auth.Ping(PingRequest())) == DENIED
    clock.advance(60)
    await bot.auth.Ping(PingRequest())


async def test_a_lock_takes_effect_and_ends_a_moment_late(start, connect, clock, refusal):
    async with start(lag=ListingLag.observed()) as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        sandbox.administrator.create_lock("l", "bot-teleport-okta")
        await bot.auth.Ping(PingRequest())
        clock.advance(0.4)
        assert await refusal(bot.auth.Ping(PingRequest())) == DENIED
        sandbox.administrator.delete_lock("l")
        clock.advance(0.9)
        assert await refusal(bot.auth.Ping(PingRequest())) == DENIED
        clock.advance(0.2)
        await bot.auth.Ping(PingRequest())
