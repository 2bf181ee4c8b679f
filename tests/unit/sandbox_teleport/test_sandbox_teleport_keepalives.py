"""SendKeepAlives, a stream that renews app servers (`docs/reference/teleport.md` 4.6)."""

import asyncio

import grpc
import pytest
from teleport.legacy.client.proto.authservice_pb2 import UpsertApplicationServerRequest, Watch
from teleport.legacy.client.proto.event_pb2 import DELETE, INIT, PUT
from teleport.legacy.types.types_pb2 import AppServerV3, KeepAlive, LockV2, WatchKind
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.sandbox.teleport.router import MESSAGE_LIMIT

HOUR = 3600
DENIED = ("PERMISSION_DENIED", "access denied")


@pytest.fixture
async def wiki(host, clock):
    """The keepalive that the server answers to an app server which ends in an hour."""
    server = AppServerV3()
    server.Metadata.Name = server.Spec.App.Metadata.Name = "wiki"
    server.Metadata.Labels["teleport.dev/origin"] = "okta"
    server.Metadata.Expires.seconds = int(clock()) + HOUR
    server.Spec.HostID = "sidecar-1"
    server.Spec.App.Spec.URI = "https://acme.example/home/wiki"
    return await host.auth.UpsertApplicationServer(UpsertApplicationServerRequest(Server=server))


def until(seconds, keepalive, **fields):
    """The same keepalive with another end, in Unix seconds, and with other fields."""
    changed = KeepAlive()
    changed.CopyFrom(keepalive)
    changed.Expires.seconds = int(seconds)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


async def sent(client, *keepalives):
    return await client.auth.SendKeepAlives(iter(keepalives))


def stored(sandbox):
    return sandbox.cluster.app_servers.stored("sidecar-1/wiki")


def content(server):
    """An app server without its end and its revision."""
    copied = AppServerV3()
    copied.CopyFrom(server)
    copied.Metadata.ClearField("Expires")
    copied.Metadata.ClearField("Revision")
    return copied


async def watching(client):
    stream = client.auth.WatchEvents(Watch(Kinds=[WatchKind(Kind="app_server")]))
    assert (await stream.read()).Type == INIT
    return stream


async def test_a_keepalive_lets_an_app_server_stay_and_changes_nothing_else(host, sandbox, clock, wiki):
    before = stored(sandbox)
    clock.advance(HOUR - 1)
    await sent(host, until(clock() + HOUR, wiki))
    clock.advance(HOUR - 1)
    after = stored(sandbox)
    assert after.Metadata.Expires.seconds == int(clock()) + 1
    assert after.Metadata.Revision != before.Metadata.Revision
    assert content(after) == content(before)
    clock.advance(2)
    assert stored(sandbox) is None


async def test_a_stream_takes_any_number_and_each_may_shorten_or_lengthen(host, sandbox, clock, wiki):
    await sent(host)
    assert stored(sandbox).Metadata.Expires.seconds == int(clock()) + HOUR
    await sent(host, until(clock() + 9 * HOUR, wiki), until(clock() + 60, wiki))
    clock.advance(61)
    assert stored(sandbox) is None


async def test_each_is_stored_and_watched_while_the_stream_is_open(host, sandbox, clock, wiki):
    events = await watching(host)
    stream = host.auth.SendKeepAlives()
    for end in (2 * HOUR, 3 * HOUR):
        await stream.write(until(clock() + end, wiki))
        event = await events.read()
        assert (event.Type, event.AppServer.Metadata.Name) == (PUT, "wiki")
        assert event.AppServer.Metadata.Expires.seconds == int(clock()) + end
    await stream.done_writing()
    await stream
    assert sandbox.calls.of("SendKeepAlives") == 1


async def test_a_missing_app_server_ends_the_stream(host, sandbox, clock, wiki, refusal):
    mail = ("NOT_FOUND", 'key "/appServers/default/sidecar-1/mail" is not found')
    longer, even_longer = until(clock() + 2 * HOUR, wiki), until(clock() + 3 * HOUR, wiki)
    assert await refusal(sent(host, longer, until(clock(), wiki, Name="mail"), even_longer)) == mail
    assert stored(sandbox).Metadata.Expires == longer.Expires
    clock.advance(2 * HOUR)
    gone = ("NOT_FOUND", 'key "/appServers/default/sidecar-1/wiki" is not found')
    assert await refusal(sent(host, even_longer)) == gone


@pytest.mark.parametrize("seconds", [0, -62_135_596_800])
async def test_one_without_a_time_ends_the_app_server(host, sandbox, wiki, seconds):
    events = await watching(host)
    await sent(host, until(seconds, wiki))
    assert stored(sandbox) is None
    assert [(await events.read()).Type for _ in range(2)] == [PUT, DELETE]


@pytest.mark.parametrize(
    "fields",
    [
        {"HostID": "another-host"},
        {"HostID": ""},
        {"Type": KeepAlive.UNKNOWN},
        {"Type": KeepAlive.NODE},
        {"Type": KeepAlive.DATABASE},
    ],
)
async def test_a_host_renews_only_its_own_app_servers(host, sandbox, clock, wiki, refusal, fields):
    assert await refusal(sent(host, until(clock() + 9 * HOUR, wiki, **fields))) == DENIED
    assert stored(sandbox).Metadata.Expires == wiki.Expires


async def test_a_bot_keeps_none(bot, clock, wiki, refusal):
    assert await refusal(sent(bot, until(clock() + 9 * HOUR, wiki))) == DENIED
    assert await refusal(sent(bot, until(clock() + 9 * HOUR, wiki, HostID="", Name="bot-teleport-okta"))) == DENIED


async def test_a_host_of_another_system_role_keeps_none(sandbox, connect, join_host, clock, wiki, refusal):
    sandbox.administrator.create_token("nodes", ["Node"])
    node = connect(sandbox, await join_host(sandbox, Token="nodes", Role="Node"))
    assert await refusal(sent(node, until(clock() + 9 * HOUR, wiki))) == DENIED


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"Name": ""}, "missing resource name"),
        ({"Name": "my wiki"}, 'signs: "/appServers/default/sidecar-1/my wiki"'),
        ({"Namespace": "other"}, 'namespace "other" invalid'),
    ],
)
async def test_missing_and_wrong_values_are_refused(host, clock, wiki, refusal, fields, text):
    code, said = await refusal(sent(host, until(clock() + 9 * HOUR, wiki, **fields)))
    assert code == "INVALID_ARGUMENT"
    assert text in said


async def test_an_empty_namespace_is_the_default_one(host, sandbox, clock, wiki):
    longer = until(clock() + 9 * HOUR, wiki, Namespace="")
    await sent(host, longer)
    assert stored(sandbox).Metadata.Expires == longer.Expires


async def test_a_lock_ends_an_open_stream_after_one_more_keepalive(host, sandbox, clock, wiki, refusal):
    events = await watching(host)
    stream = host.auth.SendKeepAlives()
    await stream.write(until(clock() + 2 * HOUR, wiki))
    await events.read()
    lock = LockV2(Kind="lock", Version="v2")
    lock.Metadata.Name, lock.Spec.Target.ServerID = "stop", "sidecar-1"
    sandbox.cluster.locks.upsert(lock)
    await stream.write(until(clock() + 3 * HOUR, wiki))
    async with asyncio.timeout(5):
        assert await refusal(stream) == DENIED
    assert stored(sandbox).Metadata.Expires.seconds == int(clock()) + 3 * HOUR
    assert await refusal(sent(host, until(clock() + 4 * HOUR, wiki))) == DENIED
    assert stored(sandbox).Metadata.Expires.seconds == int(clock()) + 3 * HOUR


async def test_a_client_that_disconnects_has_renewed_the_app_servers_that_it_sent(host, sandbox, clock, wiki):
    events = await watching(host)
    stream = host.auth.SendKeepAlives()
    await stream.write(until(clock() + 2 * HOUR, wiki))
    await events.read()
    stream.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stream
    await sent(host, until(clock() + 3 * HOUR, wiki))
    assert stored(sandbox).Metadata.Expires.seconds == int(clock()) + 3 * HOUR


async def test_a_restart_of_the_server_ends_an_open_stream(host, sandbox, clock, wiki, refusal):
    events = await watching(host)
    stream = host.auth.SendKeepAlives()
    await stream.write(until(clock() + 2 * HOUR, wiki))
    await events.read()
    await sandbox.restart_auth()
    async with asyncio.timeout(5):
        assert (await refusal(stream))[0] == "UNAVAILABLE"


@pytest.mark.parametrize(("applied", "hours"), [(False, 1), (True, 2)])
async def test_a_fault_meets_the_stream_before_its_keepalives_or_after_them(
    host, sandbox, clock, wiki, refusal, applied, hours
):
    sandbox.faults.add(Fault("*/SendKeepAlives", code=grpc.StatusCode.UNAVAILABLE, applied=applied))
    expected = ("UNAVAILABLE", "injected fault")
    assert await refusal(sent(host, until(clock() + 2 * HOUR, wiki))) == expected
    assert stored(sandbox).Metadata.Expires.seconds == int(clock()) + hours * HOUR


@pytest.mark.parametrize(
    ("raw", "code"), [(b"\xff\xff", "INTERNAL"), (b"\x0a" * (MESSAGE_LIMIT + 1), "RESOURCE_EXHAUSTED")]
)
async def test_a_keepalive_that_cannot_be_read_ends_the_stream(host, refusal, raw, code):
    call = host.channel.stream_unary("/proto.AuthService/SendKeepAlives")
    assert (await refusal(call(iter([raw]))))[0] == code


async def test_a_client_that_is_too_old_is_cut_off(host, wiki, refusal):
    call = host.auth.SendKeepAlives(iter([wiki]), metadata=(("version", "16.0.0"),))
    assert (await refusal(call))[0] == "UNAVAILABLE"
