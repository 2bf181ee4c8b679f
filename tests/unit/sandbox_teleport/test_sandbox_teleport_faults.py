"""Faults on command, restarts and counters."""

import asyncio
from random import Random

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto.authservice_pb2 import PingRequest
from teleport.users.v1.users_service_pb2 import GetUserRequest, ListUsersRequest, UpsertUserRequest
from teleport_okta.sandbox.teleport import Fault

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


async def upsert(client, user):
    await client.users.UpsertUser(UpsertUserRequest(user=user))


async def outcome(call):
    try:
        await call
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_a_fault_affects_as_many_calls_as_its_count(bot, sandbox):
    sandbox.faults.add(Fault("/proto.AuthService/Ping", code=UNAVAILABLE, count=2))
    codes = [await outcome(bot.auth.Ping(PingRequest())) for _ in range(3)]
    assert codes == [UNAVAILABLE, UNAVAILABLE, grpc.StatusCode.OK]
    assert sandbox.faults.waiting == ()


async def test_a_fault_can_let_calls_pass_first(bot, sandbox):
    sandbox.faults.add(Fault("*/Ping", code=UNAVAILABLE, after=1, count=1))
    codes = [await outcome(bot.auth.Ping(PingRequest())) for _ in range(3)]
    assert codes == [grpc.StatusCode.OK, UNAVAILABLE, grpc.StatusCode.OK]


async def test_a_fault_meets_only_the_calls_that_its_pattern_matches(bot, sandbox):
    sandbox.faults.add(Fault("/teleport.users.v1.*", code=grpc.StatusCode.RESOURCE_EXHAUSTED))
    await bot.auth.Ping(PingRequest())
    assert await outcome(bot.users.ListUsers(ListUsersRequest())) == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_fault_with_a_probability_meets_some_calls(start, connect):
    async with start(randomness=Random(1)) as sandbox:
        client = connect(sandbox, sandbox.identity_path.read_bytes())
        sandbox.faults.add(Fault("*", code=UNAVAILABLE, probability=0.5))
        codes = {await outcome(client.auth.Ping(PingRequest())) for _ in range(20)}
        assert codes == {UNAVAILABLE, grpc.StatusCode.OK}


async def test_an_ordinary_fault_does_not_change_the_state(bot, sandbox, person, refusal):
    sandbox.faults.add(Fault("*/UpsertUser", code=UNAVAILABLE, message="try later"))
    assert await refusal(upsert(bot, person("ada"))) == ("UNAVAILABLE", "try later")
    assert sandbox.cluster.users.stored("ada") is None


@pytest.mark.parametrize("how", [{"code": UNAVAILABLE}, {"reset": True}])
async def test_an_answer_can_be_lost_after_the_write_took_effect(bot, sandbox, person, how):
    sandbox.faults.add(Fault("*/UpsertUser", applied=True, count=1, **how))
    assert await outcome(upsert(bot, person("ada"))) == UNAVAILABLE
    assert sandbox.cluster.users.stored("ada") is not None


async def test_a_reset_cuts_the_connection_and_a_new_one_is_welcome(sandbox, connect):
    sandbox.faults.add(Fault("*/Ping", reset=True, count=1))
    assert await outcome(connect(sandbox).auth.Ping(PingRequest())) == UNAVAILABLE
    await connect(sandbox).auth.Ping(PingRequest())


async def test_latency_is_taken_from_the_injected_clock(bot, sandbox, clock):
    before = clock()
    sandbox.faults.add(Fault("*/Ping", latency=7.5, count=1))
    await bot.auth.Ping(PingRequest())
    assert clock() == before + 7.5


async def test_a_fault_that_does_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="a code, a reset or a latency"):
        Fault("*")


async def test_a_restart_resets_connections_and_keeps_port_and_state(bot, sandbox, connect, person):
    await upsert(bot, person("ada"))
    address = sandbox.address
    await sandbox.restart_auth()
    assert (sandbox.address, sandbox.open_connections) == (address, 0)
    again = connect(sandbox, sandbox.identity_path.read_bytes())
    assert (await again.users.GetUser(GetUserRequest(name="ada"))).user.Metadata.Name == "ada"


async def test_a_restarting_server_refuses_connections(start, connect):
    async def refused_meanwhile(_seconds: float) -> None:
        outcomes.append(await outcome(connect(sandbox).auth.Ping(PingRequest())))

    outcomes: list[grpc.StatusCode] = []
    async with start(sleep=refused_meanwhile) as sandbox:
        await sandbox.restart_auth()
        assert outcomes == [UNAVAILABLE]


async def test_calls_are_counted_since_the_mark(bot, sandbox, person):
    await upsert(bot, person("ada"))
    sandbox.calls.reset()
    for _ in range(3):
        await bot.auth.GetDomainName(Empty())
    await outcome(bot.channel.unary_unary("/no.Such/Call")(b""))
    assert sandbox.calls.calls == {"/no.Such/Call": 1, "/proto.AuthService/GetDomainName": 3}
    assert (sandbox.calls.total, sandbox.calls.of("GetDomainName")) == (4, 3)


async def test_writes_in_flight_are_counted_at_their_most(start, connect, person):
    gate = asyncio.Event()
    async with start(sleep=lambda _seconds: gate.wait()) as sandbox:
        client = connect(sandbox, sandbox.identity_path.read_bytes())
        sandbox.faults.add(Fault("*/UpsertUser", latency=1))
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                group.create_task(upsert(client, person(f"user-{number}")))
            while sandbox.calls.of("UpsertUser") < 3:
                await client.auth.Ping(PingRequest())
            gate.set()
        assert sandbox.calls.most_writes_in_flight == 3
