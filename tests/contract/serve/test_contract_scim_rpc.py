"""SCIM by gRPC over real TLS, in front of the same people and groups as SCIM by HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
import pytest
from contract.scim.door import GROUP, USER, built_door
from contract.serve.remote_world import built_remote
from teleport.scim.v1 import scim_service_pb2 as pb
from teleport.scim.v1 import scim_service_pb2_grpc as pb_grpc
from teleport_okta.scim.service import ScimService
from teleport_okta.scim.tokens import ScimTokens
from teleport_okta.serve.scim_resources import resource_from_json, resource_to_json
from teleport_okta.serve.scim_service import offered_scim

if TYPE_CHECKING:
    from contract.scim.door import Door

ADA = {
    "schemas": [USER],
    "userName": "ada@example.com",
    "externalId": "00uADA",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"primary": True, "value": "ada@example.com", "type": "work"}],
    "active": True,
    "unknown": {"to": ["us", None, 1]},
}


@dataclass
class BothDoors:
    """The same world by HTTP and by gRPC."""

    http: Door
    channel: grpc.aio.Channel
    stub: pb_grpc.SCIMServiceStub
    others: pb_grpc.SCIMServiceStub
    """The stub of somebody who is not listed."""

    def target(self, kind="User", resource_id="", **how):
        return pb.RequestTarget(
            **{"authorization": f"Bearer {self.http.token}", "plugin_id": "okta", **how},
            resource_type=kind,
            resource_id=resource_id,
        )

    async def create(self, body, kind="User"):
        request = pb.CreateSCIMResourceRequest(target=self.target(kind), resource=resource_from_json(body))
        return resource_to_json(await self.stub.CreateSCIMResource(request))

    async def get(self, resource_id, kind="User"):
        request = pb.GetSCIMResourceRequest(target=self.target(kind, resource_id))
        return resource_to_json(await self.stub.GetSCIMResource(request))


@asynccontextmanager
async def both_doors(directory, **settings):
    async with built_door(directory / "world", settings=settings) as http:
        world = http.world
        scim = world.settings.scim
        handler = ScimService(world.parts.store, world.parts.provisioning, base_url=scim.public_url, clock=world.clock)
        tokens = ScimTokens(world.parts.store.scim_tokens, scim.token_hash, clock=world.clock)
        async with (
            offered_scim(scim, handler, tokens, clock=world.clock) as offers,
            built_remote(directory, offers=offers, scim_callers=["host-role:Proxy"], writers=["user:eve"]) as remote,
            remote.host("Proxy").channel(remote.port) as channel,
            remote.user("eve").channel(remote.port) as other,
        ):
            yield BothDoors(http, channel, pb_grpc.SCIMServiceStub(channel), pb_grpc.SCIMServiceStub(other))


@pytest.fixture
async def doors(tmp_path):
    async with both_doors(tmp_path) as built:
        yield built


async def test_a_user_is_created_changed_found_and_deleted(doors):
    made = await doors.create(ADA)
    assert set(doors.http.world.owned()) == {"ada@example.com"}
    assert (await doors.http.ask("GET", f"/Users/{made['id']}")).body == made == await doors.get(made["id"])
    listed = await doors.stub.ListSCIMResources(
        pb.ListSCIMResourcesRequest(target=doors.target(), filter='userName eq "ADA@example.com"')
    )
    assert [resource_to_json(one) for one in listed.resources] == [made]
    assert (listed.total_results, listed.start_index, listed.items_per_page) == (1, 1, 1)
    away = {**made, "active": False}
    request = pb.UpdateSCIMResourceRequest(target=doors.target("User", made["id"]), resource=resource_from_json(away))
    assert resource_to_json(await doors.stub.UpdateSCIMResource(request))["active"] is False
    assert doors.http.world.owned() == {}
    assert "ada@example.com" in doors.http.world.locks()
    await doors.stub.DeleteSCIMResource(pb.DeleteSCIMResourceRequest(target=doors.target("User", made["id"])))
    assert (await doors.http.ask("GET", f"/Users/{made['id']}")).status == 404


async def test_the_journal_names_the_caller_of_each_change_and_none_for_http(doors):
    made = await doors.create(ADA)
    await doors.http.ask("DELETE", f"/Users/{made['id']}")
    entries = await doors.http.world.parts.store.journal.history(limit=10)
    by_action = {(entry.kind, entry.action): entry.who for entry in entries}
    assert by_action["user", "create"].startswith("SCIM by gRPC: ")
    assert "Proxy" in by_action["user", "create"]
    assert by_action["user", "delete"] == ""


async def test_pages_and_a_page_without_a_count(doors):
    for number in range(3):
        await doors.http.provision(f"u{number}@example.com", okta_id=f"00u{number}")
    target = doors.target()
    page = await doors.stub.ListSCIMResources(
        pb.ListSCIMResourcesRequest(target=target, page=pb.Page(start_index=2, count=1))
    )
    assert (page.total_results, page.start_index, page.items_per_page, len(page.resources)) == (3, 2, 1, 1)
    for whole in (pb.Page(), pb.Page(start_index=1), pb.Page(count=2**64 - 1), None):
        page = await doors.stub.ListSCIMResources(pb.ListSCIMResourcesRequest(target=target, page=whole))
        assert (page.total_results, len(page.resources)) == (3, 3)
    past = pb.ListSCIMResourcesRequest(target=target, page=pb.Page(start_index=2**64 - 1))
    assert len((await doors.stub.ListSCIMResources(past)).resources) == 0


async def test_a_group_is_pushed(tmp_path):
    async with both_doors(tmp_path, access_lists={"default_owners": ["admin"]}) as doors:
        await doors.http.world.run()
        made = await doors.create(ADA)
        group = await doors.create(
            {"schemas": [GROUP], "displayName": "Engines", "members": [{"value": made["id"]}]}, "Group"
        )
        assert [member["value"] for member in group["members"]] == [made["id"]]
        assert await doors.get(group["id"], "Group") == group
        assert (await doors.get(made["id"]))["groups"][0]["display"] == "Engines"


async def refusal(call):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value


async def test_refusals_arrive_with_code_text_and_metadata(doors):
    await doors.create(ADA)
    twice = await refusal(doors.create({**ADA, "externalId": "00uEVE"}))
    assert (twice.code(), dict(twice.trailing_metadata())["scim-type"]) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "uniqueness",
    )
    assert "ada@example.com" in twice.details()
    missing = await refusal(doors.get("no-such-id"))
    assert (missing.code(), missing.details()) == (grpc.StatusCode.NOT_FOUND, "There is no user with this id.")
    nameless = await refusal(doors.create({"schemas": [USER]}))
    assert (nameless.code(), "userName" in nameless.details()) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    groups = await refusal(doors.create({"displayName": "x"}, "Group"))
    assert groups.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "default_owners" in groups.details()


async def test_a_caller_needs_the_list_and_the_token(doors):
    request = pb.GetSCIMResourceRequest(target=doors.target("User", "x"))
    assert (await refusal(doors.others.GetSCIMResource(request))).code() is grpc.StatusCode.PERMISSION_DENIED
    request.target.authorization = "Bearer wrong"
    assert (await refusal(doors.stub.GetSCIMResource(request))).code() is grpc.StatusCode.UNAUTHENTICATED


def nested(depth):
    """Objects inside one another, so many."""
    value = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def delimited(field, content):
    """A field of a message, as protobuf writes it: tag, length, content."""
    length, written = len(content), b""
    while length > 127:
        written += bytes([length % 128 + 128])
        length //= 128
    return bytes([field * 8 + 2]) + written + bytes([length]) + content


def deep_request(target, depth):
    """The bytes of a creation with lists inside one another, deeper than Python's protobuf would write them."""
    value = delimited(6, b"")
    for _ in range(depth):
        value = delimited(6, delimited(1, value))
    entry = delimited(1, b"deep") + delimited(2, value)
    resource = delimited(5, delimited(1, entry))
    return delimited(1, target.SerializeToString()) + delimited(2, resource)


async def test_what_http_takes_by_depth_is_taken_and_deeper_is_refused(doors):
    made = await doors.create({**ADA, "deep": nested(31)})
    assert made["userName"] == "ada@example.com"
    deep = await refusal(doors.create({**ADA, "deep": nested(32)}))
    assert (deep.code(), "nests more than 32" in deep.details()) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    raw = doors.channel.unary_unary("/teleport.scim.v1.SCIMService/CreateSCIMResource")
    for depth in (40, 200, 20_000):
        deep = await refusal(raw(deep_request(doors.target(), depth)))
        assert deep.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await doors.get(made["id"]) == made


async def test_a_resource_that_is_too_large_is_refused_either_way(doors):
    large = await refusal(doors.create({**ADA, "text": "x" * 2_100_000}))
    assert (large.code(), "2097152 bytes" in large.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
    larger = await refusal(doors.create({**ADA, "text": "x" * 5_000_000}))
    assert larger.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_teleport_away_means_later(doors):
    await doors.http.world.teleport._running_front.close()
    later = await refusal(doors.create(ADA))
    assert later.code() is grpc.StatusCode.UNAVAILABLE
    assert int(dict(later.trailing_metadata())["retry-after"]) > 0
    await doors.http.world.teleport._running_front.reopen()
