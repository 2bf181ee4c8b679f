from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport.accesslist.v1.accesslist_pb2 import AccessList, Member
from teleport.legacy.client.proto.event_pb2 import DELETE, INIT, PUT, Event
from teleport.legacy.types.types_pb2 import (
    AccessRequestV3,
    AppServerV3,
    LockV2,
    OktaImportRuleV1,
    ResourceHeader,
    RoleV6,
    UserGroupV1,
    UserV2,
    WatchKind,
    WatchStatusSpecV1,
    WatchStatusV1,
)
from teleport_okta.model.teleport import Cluster, Feature
from teleport_okta.teleport import watch as watch_module
from teleport_okta.teleport.convert_watch import Seen, seen_from_event
from teleport_okta.teleport.teleport_errors import (
    DeadlineError,
    FeatureUnavailableError,
    UnavailableError,
)
from teleport_okta.teleport.watch import Watch, WatchEnd, WatchEndedError, kinds_to_watch
from unit.teleport.scripted_auth import AUTH, Refuse

if TYPE_CHECKING:
    from teleport_okta.teleport.cluster import Teleport
    from unit.teleport.scripted_auth import ScriptedAuth

WATCH = AUTH + "WatchEvents"
OLD = {"Name": "a", "Labels": {"x": "y"}, "Revision": "r1"}
NEW = {"name": "a", "labels": {"x": "y"}, "revision": "r1"}

STORED = [
    (Event(User=UserV2(Metadata=OLD)), Seen("user", "a", labels={"x": "y"}, revision="r1")),
    (Event(Role=RoleV6(Metadata=OLD)), Seen("role", "a", labels={"x": "y"}, revision="r1")),
    (Event(Lock=LockV2(Metadata=OLD)), Seen("lock", "a", labels={"x": "y"}, revision="r1")),
    (
        Event(UserGroup=UserGroupV1(Header={"Metadata": OLD})),
        Seen("user_group", "a", labels={"x": "y"}, revision="r1"),
    ),
    (
        Event(OktaImportRule=OktaImportRuleV1(Header={"Metadata": OLD})),
        Seen("okta_import_rule", "a", labels={"x": "y"}, revision="r1"),
    ),
    (
        Event(AppServer=AppServerV3(Metadata={"Name": "a", "Labels": {"x": "y"}}, Spec={"HostID": "h1"})),
        Seen("app_server", "a", host_id="h1", labels={"x": "y"}),
    ),
    (
        Event(AccessList=AccessList(header={"metadata": NEW})),
        Seen("access_list", "a", labels={"x": "y"}, revision="r1"),
    ),
    (
        Event(AccessListMember=Member(header={"metadata": NEW}, spec={"access_list": "l1"})),
        Seen("member", "a", list_name="l1", labels={"x": "y"}, revision="r1"),
    ),
]

FUTURE_OPERATION = Event(User=UserV2(Metadata=OLD))
FUTURE_OPERATION.MergeFromString(b"\x08\x63")  # Type = 99
FUTURE_RESOURCE = Event(Type=PUT)
FUTURE_RESOURCE.MergeFromString(b"\xc2\x3e\x02\x0a\x00")  # an unknown message in field 1000

UNKNOWN = {
    "operation": FUTURE_OPERATION,
    "resource": FUTURE_RESOURCE,
    "nothing": Event(Type=PUT),
    "a kind that is not ours": Event(Type=PUT, AccessRequest=AccessRequestV3()),
    "its deletion": Event(Type=DELETE, ResourceHeader=ResourceHeader(Kind="access_request")),
    "a deletion without a header": Event(Type=DELETE, User=UserV2(Metadata=OLD)),
    "another confirmation": Event(Type=INIT, WatchStatus=WatchStatusV1()),
}


def confirmation(*kinds: str) -> Event:
    spec = WatchStatusSpecV1(Kinds=[WatchKind(Kind=kind) for kind in kinds])
    return Event(Type=INIT, WatchStatus=WatchStatusV1(Spec=spec))


def user(name: str) -> Event:
    return Event(Type=PUT, User=UserV2(Metadata={"Name": name}))


async def next_of(watch: Watch) -> Seen:
    async with asyncio.timeout(5):
        return await anext(watch)


async def end_of(watch: Watch) -> WatchEndedError:
    with pytest.raises(WatchEndedError) as ended:
        await next_of(watch)
    return ended.value


async def until_it_is_over(watch: Watch) -> None:
    """Wait for the end without taking what is buffered."""
    async with asyncio.timeout(5):
        await asyncio.wait([watch._reader])


# What events say


@pytest.mark.parametrize(("event", "seen"), STORED, ids=[seen.kind for _, seen in STORED])
def test_a_write_says_what_was_written(event: Event, seen: Seen) -> None:
    event.Type = PUT
    assert seen_from_event(event) == seen


@pytest.mark.parametrize(
    ("wire", "description", "seen"),
    [
        ("user", "", Seen("user", "a", is_deleted=True)),
        ("app_server", "h1", Seen("app_server", "a", host_id="h1", is_deleted=True)),
        ("access_list", "", Seen("access_list", "a", is_deleted=True)),
        ("access_list_member", "l1", Seen("member", "a", list_name="l1", is_deleted=True)),
        ("lock", "what people wrote", Seen("lock", "a", is_deleted=True)),
    ],
)
def test_a_deletion_says_of_what_it_was(wire: str, description: str, seen: Seen) -> None:
    header = ResourceHeader(Kind=wire, Metadata={"Name": "a", "Description": description})
    assert seen_from_event(Event(Type=DELETE, ResourceHeader=header)) == seen


@pytest.mark.parametrize("event", UNKNOWN.values(), ids=UNKNOWN)
def test_what_we_do_not_know_says_nothing(event: Event) -> None:
    assert seen_from_event(event) is None


async def test_what_we_do_not_know_is_skipped_and_counted(auth: ScriptedAuth, teleport: Teleport) -> None:
    auth.stream(WATCH, confirmation("user"), *UNKNOWN.values(), user("ada"))
    async with Watch(teleport.host, ["user"]) as watch:
        await watch.open()
        assert (await next_of(watch)).name == "ada"
        assert watch.skipped == len(UNKNOWN)


# Which kinds


def test_kinds_follow_the_features_of_the_cluster() -> None:
    def cluster(**features: bool | None) -> Cluster:
        return Cluster(
            "c", "18.1.3", tuple(Feature(name, enabled=bool(on), unknown=on is None) for name, on in features.items())
        )

    assert kinds_to_watch(cluster(users=True, access_lists=False)) == ("user",)
    assert kinds_to_watch(cluster(users=True, access_lists=None)) == ("user", "access_list", "member")
    assert len(kinds_to_watch(None)) == 8


async def test_it_asks_for_partial_success_and_tells_what_was_confirmed(auth: ScriptedAuth, teleport: Teleport) -> None:
    auth.stream(WATCH, confirmation("user", "access_list_member", "kind_of_tomorrow"))
    async with Watch(teleport.host, ["user", "lock", "member"]) as watch:
        assert await watch.open() == {"user", "member"}
        assert watch.kinds == {"user", "member"}

    [request] = auth.requests[WATCH]
    assert [kind.Kind for kind in request.Kinds] == ["user", "lock", "access_list_member"]
    assert request.AllowPartialSuccess
    assert auth.metadata["version"] == "18.0.0"


# How it begins


async def test_a_server_without_watches_has_not_the_feature(teleport: Teleport) -> None:
    with pytest.raises(FeatureUnavailableError):
        await teleport.watch()


async def test_a_server_that_confirms_nothing_in_time_is_given_up(
    auth: ScriptedAuth, teleport: Teleport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_module, "INIT_DEADLINE", 0.1)
    auth.stream(WATCH)
    with pytest.raises(DeadlineError):
        await teleport.watch()


async def test_a_stream_that_ends_before_it_confirms_is_an_outage(auth: ScriptedAuth, teleport: Teleport) -> None:
    auth.stream(WATCH, None)
    with pytest.raises(UnavailableError, match="before the watch was confirmed"):
        await teleport.watch()


async def test_a_channel_that_is_closed_while_it_begins_is_an_outage(auth: ScriptedAuth, teleport: Teleport) -> None:
    auth.stream(WATCH)
    opening = asyncio.create_task(teleport.watch())
    async with asyncio.timeout(5):
        while not auth.requests[WATCH]:
            await asyncio.sleep(0.01)
    await teleport.aclose()
    with pytest.raises(UnavailableError, match="closed here"):
        await opening


async def test_a_watch_that_is_not_open_cannot_be_read(teleport: Teleport) -> None:
    with pytest.raises(RuntimeError, match="not open"):
        await anext(Watch(teleport.host, ["user"]))


# How it ends


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
async def test_a_failure_is_its_cause(auth: ScriptedAuth, teleport: Teleport, code: grpc.StatusCode) -> None:
    auth.stream(WATCH, confirmation("user"), Refuse(code, "what the server said"))
    async with await teleport.watch() as watch:
        ended = await end_of(watch)
    assert ended.reason is WatchEnd.FAILED
    assert "what the server said" in str(ended)
    assert ended.__cause__ is not None


async def test_the_stream_is_read_while_nobody_handles(auth: ScriptedAuth, teleport: Teleport) -> None:
    auth.stream(WATCH, confirmation("user"), *(user(f"user{number}") for number in range(1000)), None)
    async with await teleport.watch() as watch:
        await until_it_is_over(watch)
        names = [(await next_of(watch)).name for _ in range(1000)]
        assert names == [f"user{number}" for number in range(1000)]
        assert (await end_of(watch)).reason is WatchEnd.SERVER


async def test_the_cancellation_of_whoever_opens_it_is_no_failure(auth: ScriptedAuth, teleport: Teleport) -> None:
    auth.stream(WATCH)
    opening = asyncio.create_task(teleport.watch())
    async with asyncio.timeout(5):
        while not auth.requests[WATCH]:
            await asyncio.sleep(0.01)
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
