"""WatchEvents over real TLS (`docs/reference/teleport-observed.md` 5.3)."""

import asyncio

import grpc
import pytest
from teleport.accesslist.v1.accesslist_service_pb2 import (
    DeleteAccessListRequest,
    UpsertAccessListMemberRequest,
    UpsertAccessListRequest,
    UpsertAccessListWithMembersRequest,
)
from teleport.legacy.client.proto.authservice_pb2 import (
    CreateRoleRequest,
    DeleteApplicationServerRequest,
    PingRequest,
    UpsertApplicationServerRequest,
    Watch,
)
from teleport.legacy.client.proto.event_pb2 import DELETE, INIT, PUT
from teleport.legacy.types.types_pb2 import AppServerV3, LockV2, RoleV6, UserGroupV1, WatchKind
from teleport.users.v1.users_service_pb2 import CreateUserRequest, DeleteUserRequest, UpsertUserRequest
from teleport_okta.sandbox.teleport import Fault, ListingLag
from teleport_okta.sandbox.teleport.metadata import timestamp_at
from teleport_okta.sandbox.teleport.watch_hub import BUFFER, GRACE, TICK

OBSERVED = (
    *("user", "role", "lock", "app_server", "user_group", "okta_import_rule", "okta_assignment", "access_list"),
    *("access_list_member", "access_request", "user_login_state"),
)
FOR_BOTS_ALONE = ("access_list_member", "access_request", "user_login_state")


def ask(client, *kinds, partial=True, **details):
    request = Watch(Kinds=[WatchKind(Kind=kind, **details) for kind in kinds], AllowPartialSuccess=partial)
    return client.auth.WatchEvents(request)


async def read(stream, count=1):
    async with asyncio.timeout(5):
        return [await stream.read() for _ in range(count)]


async def confirmed(stream):
    [first] = await read(stream)
    assert first.Type == INIT
    return [kind.Kind for kind in first.WatchStatus.Spec.Kinds]


async def watching(client, *kinds, **details):
    stream = ask(client, *kinds, **details)
    await confirmed(stream)
    return stream


async def silent(stream):
    """Nothing comes for a while. The stream cannot be read afterwards."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.15):
            await stream.read()
    return True


async def end_of(stream):
    """The status with which a stream ends, and how many events came before."""
    count = 0
    async with asyncio.timeout(5):
        try:
            while await stream.read() is not grpc.aio.EOF:
                count += 1
        except grpc.RpcError:
            pass
        return (await stream.code()).name, count


async def nobody_watches(sandbox):
    async with asyncio.timeout(20):
        while sandbox.cluster.watches.open_watches:
            await asyncio.sleep(TICK)


def shown(event):
    """An event in short: `user ada`, or `-access_list_member devs/ada` for a deletion."""
    if event.Type == DELETE:
        header = event.ResourceHeader
        above = f"{header.Metadata.Description}/" if header.Metadata.Description else ""
        return f"-{header.Kind} {above}{header.Metadata.Name}"
    assert event.Type == PUT
    field = event.WhichOneof("Resource")
    if field == "AccessListMember":
        return f"access_list_member {event.AccessListMember.spec.access_list}/{event.AccessListMember.spec.name}"
    if field == "AccessList":
        return f"access_list {event.AccessList.header.metadata.name}"
    message = getattr(event, field)
    metadata = message.Header.Metadata if field in ("UserGroup", "OktaImportRule") else message.Metadata
    return f"{field} {metadata.Name}"


async def told(stream, count):
    return [shown(event) for event in await read(stream, count)]


def app_server(name, expires=None):
    server = AppServerV3()
    server.Metadata.Name = server.Spec.App.Metadata.Name = name
    server.Spec.HostID = "host-1"
    server.Spec.App.Spec.URI = "https://app.test"
    if expires is not None:
        server.Metadata.Expires.CopyFrom(timestamp_at(expires))
    return server


# Which kinds


async def test_the_bot_may_watch_the_observed_kinds(bot):
    assert await confirmed(ask(bot, *OBSERVED, partial=False)) == list(OBSERVED)


async def test_members_requests_and_login_states_are_refused_to_the_host(host, refusal):
    assert await confirmed(ask(host, *OBSERVED)) == [kind for kind in OBSERVED if kind not in FOR_BOTS_ALONE]
    for kind in FOR_BOTS_ALONE:
        code, text = await refusal(ask(host, "user", kind, partial=False).read())
        assert (code, text) == ("PERMISSION_DENIED", f'access denied to perform action "read" on "{kind}"')


@pytest.mark.parametrize("kind", ["plugin", "saml", "semaphore", "cert_authority", "no_such_kind"])
async def test_some_kinds_cannot_be_watched(bot, host, refusal, kind):
    for client in (bot, host):
        answer = await refusal(ask(client, "user", kind, partial=False).read())
        assert answer == ("INVALID_ARGUMENT", f'cache "auth" does not support watching resource "{kind}"')
        assert await confirmed(ask(client, "user", kind)) == ["user"]


async def test_a_watch_of_nothing_is_refused(bot, host, refusal):
    assert await refusal(ask(bot).read()) == ("PERMISSION_DENIED", "can't setup global watch")
    none = ("INVALID_ARGUMENT", "none of the requested kinds can be watched")
    assert await refusal(ask(host, "access_list_member", "plugin").read()) == none


async def test_a_role_without_read_watches_nothing(sandbox, connect, refusal):
    role = RoleV6(Version="v7")
    role.Metadata.Name = "lister"
    role.Spec.Allow.Rules.add(Resources=["user"], Verbs=["list", "readnosecrets"])
    sandbox.cluster.roles.upsert(role)
    sandbox.administrator.create_user("eve", roles=["lister"])
    eve = connect(sandbox, sandbox.issue_identity("eve", ["lister"]).text())
    assert (await refusal(ask(eve, "user", partial=False).read()))[0] == "PERMISSION_DENIED"


async def test_community_does_not_know_access_lists(start, connect):
    async with start(edition="oss") as sandbox:
        client = connect(sandbox, sandbox.identity_path.read_bytes())
        assert await confirmed(ask(client, "user", "access_list", "access_list_member")) == ["user"]


# Events


async def test_every_write_of_everybody_is_one_event_with_the_revision_of_the_reply(bot, sandbox, person):
    stream = await watching(bot, "user")
    first = (await bot.users.CreateUser(CreateUserRequest(user=person("ada")))).user
    again = (await bot.users.UpsertUser(UpsertUserRequest(user=person("ada")))).user
    by_hand = sandbox.administrator.edit_user("ada", roles=["access"])
    events = await read(stream, 3)
    revisions = [user.Metadata.Revision for user in (first, again, by_hand)]
    assert [event.User.Metadata.Revision for event in events] == revisions
    assert len(set(revisions)) == 3


async def test_events_of_all_kinds_come_in_the_order_of_the_writes(bot, sandbox, person):
    stream = await watching(bot, *OBSERVED)
    await bot.auth.CreateRole(CreateRoleRequest(Role=RoleV6(Version="v7", Metadata={"Name": "reader"})))
    await bot.users.CreateUser(CreateUserRequest(user=person("ada", roles=["reader"])))
    await bot.auth.UpsertLock(LockV2(Metadata={"Name": "l1"}, Spec={"Target": {"User": "ada"}}))
    await bot.auth.CreateUserGroup(UserGroupV1(Header={"Kind": "user_group", "Metadata": {"Name": "00g1"}}))
    sandbox.administrator.resources.create_import_rule("r1", mappings=[{"add_labels": {"a": "b"}}])
    sandbox.administrator.delete_lock("l1")
    await bot.users.DeleteUser(DeleteUserRequest(name="ada"))
    sandbox.administrator.resources.delete_import_rule("r1")
    assert await told(stream, 8) == [
        *("Role reader", "User ada", "Lock l1", "UserGroup 00g1", "OktaImportRule r1"),
        *("-lock l1", "-user ada", "-okta_import_rule r1"),
    ]


async def test_writes_that_answer_nothing_have_a_revision_all_the_same(bot, sandbox):
    stream = await watching(bot, "lock", "user_group")
    await bot.auth.UpsertLock(LockV2(Metadata={"Name": "l1"}, Spec={"Target": {"User": "ada"}}))
    await bot.auth.CreateUserGroup(UserGroupV1(Header={"Kind": "user_group", "Metadata": {"Name": "00g1"}}))
    lock, group = await read(stream, 2)
    assert lock.Lock.Metadata.Revision
    assert group.UserGroup.Header.Metadata.Revision


async def test_each_renewal_of_an_app_server_is_an_event_without_a_revision(bot, clock):
    stream = await watching(bot, "app_server")
    for minutes in (60, 80):
        server = app_server("app-1", clock() + minutes * 60)
        await bot.auth.UpsertApplicationServer(UpsertApplicationServerRequest(Server=server))
    for event in await read(stream, 2):
        assert (event.AppServer.Metadata.Name, event.AppServer.Spec.HostID) == ("app-1", "host-1")
        assert not event.AppServer.Metadata.Revision


async def test_the_deletion_of_an_app_server_names_its_host(bot):
    stream = await watching(bot, "app_server")
    await bot.auth.UpsertApplicationServer(UpsertApplicationServerRequest(Server=app_server("app-1")))
    await bot.auth.DeleteApplicationServer(
        DeleteApplicationServerRequest(Namespace="default", HostID="host-1", Name="app-1")
    )
    assert await told(stream, 2) == ["AppServer app-1", "-app_server host-1/app-1"]


async def test_the_event_of_a_deletion_has_only_a_header(bot, sandbox):
    sandbox.administrator.create_user("ada", labels={"a": "b"})
    stream = await watching(bot, "user")
    sandbox.administrator.delete_user("ada")
    [event] = await read(stream)
    header = event.ResourceHeader
    assert (header.Kind, header.Version, header.Metadata.Namespace) == ("user", "v2", "default")
    assert not header.Metadata.Labels
    assert not header.Metadata.Revision


async def test_an_expiry_makes_the_event_of_a_deletion(bot, clock):
    stream = await watching(bot, "app_server")
    server = app_server("app-1", clock() + 3600)
    await bot.auth.UpsertApplicationServer(UpsertApplicationServerRequest(Server=server))
    await read(stream)
    clock.advance(3601)
    assert await told(stream, 1) == ["-app_server host-1/app-1"]


async def test_the_event_of_a_list_follows_those_of_its_members(bot, access_list, member):
    stream = await watching(bot, "access_list", "access_list_member")

    async def replace(*names):
        members = [member("devs", name) for name in names]
        request = UpsertAccessListWithMembersRequest(access_list=access_list("devs"), members=members)
        return await bot.access_lists.UpsertAccessListWithMembers(request)

    reply = await replace("ada", "bob")
    events = await read(stream, 3)
    assert {shown(event) for event in events[:2]} == {"access_list_member devs/ada", "access_list_member devs/bob"}
    assert events[2].AccessList.header.metadata.revision == reply.access_list.header.metadata.revision
    await replace("bob", "eve")
    assert sorted(await told(stream, 3)) == [
        *("-access_list_member devs/ada", "access_list_member devs/bob", "access_list_member devs/eve"),
    ]
    assert await told(stream, 1) == ["access_list devs"]


async def test_the_event_of_a_deleted_list_follows_those_of_its_members(bot, access_list, member):
    await bot.access_lists.UpsertAccessList(UpsertAccessListRequest(access_list=access_list("devs")))
    await bot.access_lists.UpsertAccessListMember(UpsertAccessListMemberRequest(member=member("devs", "ada")))
    stream = await watching(bot, "access_list", "access_list_member")
    await bot.access_lists.DeleteAccessList(DeleteAccessListRequest(name="devs"))
    assert await told(stream, 2) == ["-access_list_member devs/ada", "-access_list devs"]


async def test_the_event_of_a_list_has_no_counts_of_members(bot, access_list):
    stream = await watching(bot, "access_list")
    await bot.access_lists.UpsertAccessList(UpsertAccessListRequest(access_list=access_list("devs")))
    [event] = await read(stream)
    assert not event.AccessList.status.HasField("member_count")


async def test_a_client_of_an_older_version_gets_events_of_roles_that_it_can_read(bot):
    request = Watch(Kinds=[WatchKind(Kind="role")])
    stream = bot.auth.WatchEvents(request, metadata=(("version", "17.0.0"),))
    await confirmed(stream)
    await bot.auth.CreateRole(CreateRoleRequest(Role=RoleV6(Version="v8", Metadata={"Name": "reader"})))
    [event] = await read(stream)
    assert event.Role.Version == "v7"


async def test_a_watch_of_one_user_gets_no_events_of_others(bot, sandbox):
    stream = await watching(bot, "user", Name="bob")
    for name in ("ada", "bob"):
        sandbox.administrator.create_user(name)
    sandbox.administrator.delete_user("ada")
    sandbox.administrator.delete_user("bob")
    assert await told(stream, 2) == ["User bob", "-user bob"]


async def test_only_watched_kinds_have_events(bot, sandbox):
    stream = await watching(bot, "lock")
    sandbox.administrator.create_user("ada")
    sandbox.administrator.create_lock("l1", "ada")
    assert await told(stream, 1) == ["Lock l1"]


async def test_events_lag_as_listings_do(start, connect, clock):
    async with start(lag=ListingLag.observed()) as sandbox:
        clock.advance(5)
        sandbox.administrator.create_user("before")
        client = connect(sandbox, sandbox.identity_path.read_bytes())
        clock.advance(0.2)
        stream = await watching(client, "user")
        clock.advance(0.4)
        assert await told(stream, 1) == ["User before"]
        sandbox.administrator.create_user("after")
        assert await silent(stream)


# How a watch ends


async def test_a_lock_on_the_watcher_does_not_end_it(bot, sandbox, refusal):
    stream = await watching(bot, "lock")
    sandbox.administrator.create_lock("l1", "bot-teleport-okta")
    assert (await refusal(ask(bot, "lock").read()))[0] == "PERMISSION_DENIED"
    sandbox.administrator.delete_lock("l1")
    assert await told(stream, 2) == ["Lock l1", "-lock l1"]


async def test_watches_can_be_ended_without_an_error(bot, sandbox):
    stream = await watching(bot, "user")
    sandbox.cluster.watches.end_all()
    assert await end_of(stream) == ("OK", 0)


async def test_an_overflow_loses_later_events_and_is_no_error(bot, sandbox):
    stream = await watching(bot, "user")
    sandbox.administrator.create_user("ada")
    sandbox.cluster.watches.overflow()
    sandbox.administrator.create_user("bob")
    assert await end_of(stream) == ("OK", 1)


async def test_a_client_that_does_not_read_gets_the_buffered_events_and_no_error(bot, sandbox, clock):
    stream = await watching(bot, "user")
    for number in range(BUFFER + 500):
        # More than the connection itself holds.
        sandbox.administrator.create_user(f"user{number}", traits={"team": ["x" * 20_000]})
        await asyncio.sleep(0)
    await asyncio.sleep(5 * TICK)
    clock.advance(GRACE)
    await nobody_watches(sandbox)
    sandbox.administrator.create_user("too-late")
    assert await end_of(stream) == ("OK", BUFFER + 500)


async def test_a_restart_ends_watches_as_an_outage_and_replays_nothing(start, connect, clock):
    async with start(lag=ListingLag.observed()) as sandbox:
        client = connect(sandbox, sandbox.identity_path.read_bytes())
        stream = await watching(client, "user")
        sandbox.administrator.create_user("ada")
        await sandbox.restart_auth(down_for=0)
        assert await end_of(stream) == ("UNAVAILABLE", 0)
        anew = await watching(connect(sandbox, sandbox.identity_path.read_bytes()), "user")
        clock.advance(5)
        assert await silent(anew)


async def test_a_crash_ends_watches_as_an_outage(bot, sandbox, refusal):
    stream = await watching(bot, "user")
    await refusal(bot.auth.UpsertApplicationServer(UpsertApplicationServerRequest()))
    assert await end_of(stream) == ("UNAVAILABLE", 0)
    await sandbox.recovered()


async def test_a_watch_that_its_reader_leaves_is_forgotten(bot, sandbox):
    stream = await watching(bot, "user")
    assert sandbox.cluster.watches.open_watches == 1
    stream.cancel()
    await nobody_watches(sandbox)
    await bot.auth.Ping(PingRequest())


@pytest.mark.parametrize("applied", [False, True])
async def test_faults_affect_the_beginning_of_watches(bot, sandbox, refusal, applied):
    sandbox.faults.add(Fault("*/WatchEvents", code=grpc.StatusCode.UNAVAILABLE, applied=applied, count=1))
    assert (await refusal(ask(bot, "user").read()))[0] == "UNAVAILABLE"
    assert await confirmed(ask(bot, "user")) == ["user"]


# From outside


async def test_the_control_interface_disturbs_watches(bot, sandbox, control, clock):
    stream = await watching(bot, "user")
    async with control.post("/watches/drop", json={"count": 1, "kind": "user"}):
        sandbox.administrator.create_user("lost")
    async with control.post("/watches/withhold", json={"seconds": 30}):
        sandbox.administrator.create_user("ada")
    async with control.get("/watches") as answer:
        assert await answer.json() == {"open": 1, "waiting": 1}
    clock.advance(30)
    assert await told(stream, 1) == ["User ada"]
    async with control.post("/watches/overflow") as answer:
        assert answer.status == 200
    assert await end_of(stream) == ("OK", 0)
    stream = await watching(bot, "user")
    async with control.post("/watches/end") as answer:
        assert answer.status == 200
    assert await end_of(stream) == ("OK", 0)
