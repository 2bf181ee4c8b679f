"""SCIM by gRPC: each request is the operation that HTTP has for it, and each refusal has its code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus

import bcrypt
import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from teleport.scim.v1 import scim_service_pb2 as pb
from teleport_okta.clock import VirtualClock
from teleport_okta.scim.calls import ScimAnswer, ScimCall, Verb
from teleport_okta.scim.limits import Limits
from teleport_okta.scim.scim_errors import ScimError, ScimType, later
from teleport_okta.scim.tokens import ScimTokens, digest_of
from teleport_okta.serve.scim_resources import resource_from_json, resource_to_json
from teleport_okta.serve.scim_service import ScimRpcService, offered_scim
from teleport_okta.settings_scim import ScimSettings
from teleport_okta.state.store import Store
from unit.scim.scim_client import TOKEN, ScriptedHandler, settings
from unit.serve.rpc_testing import RpcServer

SERVICE = pb.DESCRIPTOR.services_by_name["SCIMService"]
ADA = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@example.com", "active": True}
SHOWN = {**ADA, "id": "0b8f", "externalId": "00uA", "meta": {"resourceType": "User", "location": "https://x/0b8f"}}
REQUESTS = {
    "ListSCIMResources": pb.ListSCIMResourcesRequest,
    "GetSCIMResource": pb.GetSCIMResourceRequest,
    "CreateSCIMResource": pb.CreateSCIMResourceRequest,
    "UpdateSCIMResource": pb.UpdateSCIMResourceRequest,
    "DeleteSCIMResource": pb.DeleteSCIMResourceRequest,
}


class Observer:
    def __init__(self):
        self.seen = []

    def answered(self, asked, status, seconds, *, has_token):
        self.seen.append((asked and (asked.verb, asked.endpoint), int(status), has_token))


@dataclass
class World:
    handler: ScriptedHandler
    service: ScimRpcService
    server: RpcServer
    observer: Observer
    clock: VirtualClock

    async def ask(self, name, *, target=None, **request):
        """Call a method with the good token about user 0b8f, unless a target says otherwise."""
        whole = {
            "authorization": f"Bearer {TOKEN}",
            "plugin_id": "okta",
            "resource_type": "User",
            "resource_id": "0b8f",
            **(target or {}),
        }
        return await self.server.call(name, REQUESTS[name](target=pb.RequestTarget(**whole), **request))


async def built(tmp_path, **options):
    store, clock = await Store.open(tmp_path), VirtualClock()
    await store.scim_tokens.add(digest_of(TOKEN.encode()), at=clock.now())
    configured = settings(**options.pop("settings", {}))
    handler, observer = ScriptedHandler(), Observer()
    tokens = ScimTokens(store.scim_tokens, configured.token_hash, clock=clock)
    service = ScimRpcService(handler, tokens, configured, clock=clock, observer=observer, **options)
    return store, World(handler, service, RpcServer(SERVICE, service), observer, clock)


@pytest.fixture
async def world(tmp_path):
    store, world = await built(tmp_path)
    yield world
    await store.close()


def asked(world):
    (call,) = world.handler.calls
    return call


async def test_a_list_is_asked_for_with_its_filter_and_its_page(world):
    body = {"totalResults": 41, "startIndex": 11, "itemsPerPage": 1, "Resources": [SHOWN]}
    world.handler.answer = ScimAnswer(HTTPStatus.OK, body)
    text = 'userName eq "a+b&c=d é@x.io"'
    ended = await world.ask("ListSCIMResources", filter=text, page=pb.Page(start_index=11, count=2**63))
    assert asked(world) == ScimCall(Verb.LIST, "Users", query={"filter": text, "startIndex": "11", "count": str(2**63)})
    assert (ended.code, ended.response.total_results, ended.response.start_index) == (grpc.StatusCode.OK, 41, 11)
    assert [resource_to_json(one) for one in ended.response.resources] == [SHOWN]


async def test_a_list_without_a_page_or_a_filter_has_no_parameters(world):
    world.handler.answer = ScimAnswer(
        HTTPStatus.OK, {"totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": []}
    )
    await world.ask("ListSCIMResources", target={"resource_type": "Group", "resource_id": ""})
    assert asked(world) == ScimCall(Verb.LIST, "Groups")


async def test_one_is_asked_for_by_its_id(world):
    world.handler.answer = ScimAnswer(HTTPStatus.OK, SHOWN)
    ended = await world.ask("GetSCIMResource")
    assert asked(world) == ScimCall(Verb.GET, "Users", "0b8f")
    assert resource_to_json(ended.response) == SHOWN


@pytest.mark.parametrize(
    ("method", "verb", "resource_id", "status"),
    [("CreateSCIMResource", Verb.CREATE, "", 201), ("UpdateSCIMResource", Verb.REPLACE, "0b8f", 200)],
)
async def test_a_write_has_the_same_body_as_over_http(world, method, verb, resource_id, status):
    world.handler.answer = ScimAnswer(HTTPStatus(status), SHOWN)
    sent = {**SHOWN, "unknown": {"n": [1, None, 2.5]}}
    ended = await world.ask(method, resource=resource_from_json(sent))
    assert asked(world) == ScimCall(verb, "Users", resource_id, body=sent)
    assert resource_to_json(ended.response) == SHOWN
    assert world.observer.seen == [((verb, "Users"), status, True)]


async def test_a_deletion_is_answered_by_nothing(world):
    world.handler.answer = ScimAnswer(HTTPStatus.NO_CONTENT)
    ended = await world.ask("DeleteSCIMResource")
    assert asked(world) == ScimCall(Verb.DELETE, "Users", "0b8f")
    assert ended.response == Empty()


@pytest.mark.parametrize("method", REQUESTS)
@pytest.mark.parametrize("authorization", ["", TOKEN, f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer ", "Bearer é"])
async def test_without_a_valid_token_the_request_is_not_read(world, method, authorization):
    target = {"authorization": authorization, "plugin_id": "no-such", "resource_type": "Thing"}
    ended = await world.ask(method, target=target)
    assert (ended.code, ended.details) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "The bearer token is missing or wrong.",
    )
    assert world.handler.calls == []
    assert world.observer.seen == [(None, 401, False)]


async def test_ten_wrong_tokens_in_a_minute_block_a_caller_for_a_minute_except_for_valid_tokens(world):
    bad = {"authorization": "Bearer wrong"}
    for _ in range(10):
        assert (await world.ask("GetSCIMResource", target=bad)).code is grpc.StatusCode.UNAUTHENTICATED
    blocked = await world.ask("GetSCIMResource", target=bad)
    assert (blocked.code, blocked.trailing["retry-after"]) == (grpc.StatusCode.UNAVAILABLE, "60")
    world.handler.answer = ScimAnswer(HTTPStatus.OK, SHOWN)
    assert (await world.ask("GetSCIMResource")).code is grpc.StatusCode.OK
    world.server.peer = "ipv4:10.0.0.8:1"
    assert (await world.ask("GetSCIMResource", target=bad)).code is grpc.StatusCode.UNAUTHENTICATED
    world.server.peer = "ipv4:10.0.0.7:1234"
    world.clock.advance(60)
    assert (await world.ask("GetSCIMResource", target=bad)).code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("method", "target", "code", "words"),
    [
        ("ListSCIMResources", {"plugin_id": "other"}, grpc.StatusCode.NOT_FOUND, "no plugin of this name"),
        ("CreateSCIMResource", {"plugin_id": ""}, grpc.StatusCode.NOT_FOUND, "no plugin of this name"),
        ("GetSCIMResource", {"resource_type": "Users"}, grpc.StatusCode.INVALID_ARGUMENT, "User or Group"),
        ("GetSCIMResource", {"resource_type": ""}, grpc.StatusCode.INVALID_ARGUMENT, "User or Group"),
        ("GetSCIMResource", {"resource_id": ""}, grpc.StatusCode.INVALID_ARGUMENT, "resource_id is missing"),
        ("UpdateSCIMResource", {"resource_id": ""}, grpc.StatusCode.INVALID_ARGUMENT, "resource_id is missing"),
        ("DeleteSCIMResource", {"resource_id": ""}, grpc.StatusCode.INVALID_ARGUMENT, "resource_id is missing"),
        ("GetSCIMResource", {"resource_id": "../Groups"}, grpc.StatusCode.NOT_FOUND, "nothing at this address"),
        ("DeleteSCIMResource", {"resource_id": "a?b"}, grpc.StatusCode.NOT_FOUND, "nothing at this address"),
        ("DeleteSCIMResource", {"resource_id": "/"}, grpc.StatusCode.NOT_FOUND, "nothing at this address"),
        ("GetSCIMResource", {"resource_id": "x" * 129}, grpc.StatusCode.NOT_FOUND, "nothing at this address"),
        ("GetSCIMResource", {"resource_id": ".search"}, grpc.StatusCode.INVALID_ARGUMENT, "not offered here"),
    ],
)
async def test_a_target_that_is_not_served_reaches_no_handler(world, method, target, code, words):
    ended = await world.ask(method, target=target)
    assert (ended.code, words in ended.details) == (code, True), ended
    assert world.handler.calls == []


@pytest.mark.parametrize(
    ("error", "code", "trailing"),
    [
        (ScimError(HTTPStatus.BAD_REQUEST, "why", ScimType.INVALID_VALUE), "INVALID_ARGUMENT", "invalidValue"),
        (ScimError(HTTPStatus.NOT_FOUND, "why"), "NOT_FOUND", None),
        (ScimError(HTTPStatus.CONFLICT, "why", ScimType.UNIQUENESS), "ALREADY_EXISTS", "uniqueness"),
        (ScimError(HTTPStatus.PRECONDITION_FAILED, "why"), "FAILED_PRECONDITION", None),
        (ScimError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "why"), "RESOURCE_EXHAUSTED", None),
        (ScimError(HTTPStatus.NOT_IMPLEMENTED, "why"), "UNIMPLEMENTED", None),
        (ScimError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "why"), "INVALID_ARGUMENT", None),
        (ScimError(HTTPStatus.FORBIDDEN, "why"), "PERMISSION_DENIED", None),
        (ScimError(HTTPStatus.BAD_GATEWAY, "why"), "INTERNAL", None),
    ],
)
async def test_a_refusal_has_a_code_and_its_text(world, error, code, trailing):
    world.handler.answer = error
    ended = await world.ask("GetSCIMResource")
    assert (ended.code.name, ended.details) == (code, "why")
    assert ended.trailing.get("scim-type") == trailing
    assert "retry-after" not in ended.trailing


@pytest.mark.parametrize(
    ("error", "seconds"), [(later("not now"), "30"), (ScimError(HTTPStatus.TOO_MANY_REQUESTS, "not now"), "5")]
)
async def test_a_client_that_should_retry_gets_the_delay(world, error, seconds):
    world.handler.answer = error
    ended = await world.ask("DeleteSCIMResource")
    assert (ended.code, ended.details) == (grpc.StatusCode.UNAVAILABLE, "not now")
    assert ended.trailing["retry-after"] == seconds


async def test_an_internal_error_shows_no_details(world, caplog):
    world.handler.answer = RuntimeError("secret")
    ended = await world.ask("GetSCIMResource")
    assert (ended.code, "secret" in ended.details) == (grpc.StatusCode.INTERNAL, False)
    assert "secret" in caplog.text
    assert world.observer.seen == [((Verb.GET, "Users"), 500, True)]


async def test_no_token_and_no_person_is_in_the_log(world, caplog):
    caplog.set_level("DEBUG")
    world.handler.answer = ScimAnswer(HTTPStatus.CREATED, SHOWN)
    await world.ask("CreateSCIMResource", resource=resource_from_json(ADA))
    await world.ask("GetSCIMResource", target={"authorization": "Bearer wrong-token"})
    for word in (TOKEN, "wrong-token", "ada@example.com", "0b8f"):
        assert word not in caplog.text
    assert "SCIM create Users by gRPC answered 201" in caplog.text


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("sent", "code", "words"),
    [
        ({"a": nested(31)}, "OK", ""),
        ({"a": nested(32)}, "INVALID_ARGUMENT", "nests more than 32"),
        ({"userName": "ada\x00"}, "INVALID_ARGUMENT", "userName has a control character"),
        ({"n": 1e400}, "INVALID_ARGUMENT", "Infinity"),
        ({"n": float("nan")}, "INVALID_ARGUMENT", "NaN"),
    ],
)
async def test_a_resource_has_the_limits_of_a_body(world, sent, code, words):
    world.handler.answer = ScimAnswer(HTTPStatus.OK, SHOWN)
    ended = await world.ask("UpdateSCIMResource", resource=resource_from_json(sent))
    assert (ended.code.name, words in ended.details) == (code, True), ended


async def test_a_resource_may_be_as_large_as_a_body(tmp_path):
    store, world = await built(tmp_path, settings={"max_body": 64 * 1024})
    world.handler.answer = ScimAnswer(HTTPStatus.OK, SHOWN)
    fits = {"text": ""}
    fits["text"] = "x" * (64 * 1024 - len(json.dumps(fits, separators=(",", ":"))))
    assert (await world.ask("UpdateSCIMResource", resource=resource_from_json(fits))).code is grpc.StatusCode.OK
    fits["text"] += "x"
    ended = await world.ask("UpdateSCIMResource", resource=resource_from_json(fits))
    assert (ended.code, "65536 bytes" in ended.details) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
    await store.close()


@pytest.mark.parametrize("text", ["x" * 6_001, "a\x00b"])
async def test_a_filter_has_the_limits_of_a_query(world, text):
    ended = await world.ask("ListSCIMResources", filter=text)
    assert ended.code is grpc.StatusCode.INVALID_ARGUMENT
    assert world.handler.calls == []


async def test_long_work_continues_without_its_client(tmp_path):
    store, world = await built(tmp_path, limits=Limits(deadline=0.1))
    world.handler.go.clear()
    world.handler.answer = ScimAnswer(HTTPStatus.OK, SHOWN)
    ended = await world.ask("GetSCIMResource")
    assert (ended.code, ended.trailing["retry-after"]) == (grpc.StatusCode.UNAVAILABLE, "15")
    assert not asked(world).is_awaited()
    world.handler.go.set()
    await world.service.in_flight.drained(5)
    assert world.handler.done == 1
    await store.close()


async def test_the_work_of_a_client_that_left_continues(world):
    world.handler.go.clear()
    target = pb.RequestTarget(
        authorization=f"Bearer {TOKEN}", plugin_id="okta", resource_type="User", resource_id="0b8f"
    )
    calling = asyncio.ensure_future(world.service.GetSCIMResource(pb.GetSCIMResourceRequest(target=target), _Nobody()))
    await world.handler.started.wait()
    assert asked(world).is_awaited()
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    assert not asked(world).is_awaited()
    world.handler.go.set()
    await world.service.in_flight.drained(5)
    assert world.handler.done == 1


class _Nobody:
    def peer(self):
        return "nobody"


async def test_requests_above_the_limit_get_a_delay(tmp_path):
    store, world = await built(tmp_path, limits=Limits(requests=1))
    world.handler.go.clear()
    world.handler.answer = ScimAnswer(HTTPStatus.OK, SHOWN)
    first = asyncio.ensure_future(world.ask("GetSCIMResource"))
    await world.handler.started.wait()
    assert (await world.ask("GetSCIMResource")).code is grpc.StatusCode.UNAVAILABLE
    world.handler.go.set()
    assert (await first).code is grpc.StatusCode.OK
    await store.close()


async def test_for_a_blocked_caller_no_bcrypt_hash_is_computed(tmp_path):
    token = "cd" * 32
    hashed = bcrypt.hashpw(token.encode(), bcrypt.gensalt(4)).decode()
    store, world = await built(tmp_path, settings={"token_hash": hashed})
    world.handler.answer = ScimAnswer(HTTPStatus.OK, SHOWN)
    for _ in range(10):
        await world.ask("GetSCIMResource", target={"authorization": "Bearer wrong"})
    good = {"authorization": f"Bearer {token}"}
    assert (await world.ask("GetSCIMResource", target=good)).code is grpc.StatusCode.UNAVAILABLE
    world.clock.advance(60)
    assert (await world.ask("GetSCIMResource", target=good)).code is grpc.StatusCode.OK
    await store.close()


async def test_it_is_offered_if_scim_is_configured(tmp_path):
    store, clock, handler = await Store.open(tmp_path), VirtualClock(), ScriptedHandler()
    tokens = ScimTokens(store.scim_tokens, None, clock=clock)
    async with offered_scim(ScimSettings(), handler, tokens, clock=clock) as nothing:
        assert nothing == ()
    async with offered_scim(settings(), handler, tokens, clock=clock) as offers:
        assert [offer.name for offer in offers] == [SERVICE.full_name]
    await store.close()


async def test_the_stop_waits_for_work_that_continues_without_its_client(tmp_path):
    store, clock, handler = await Store.open(tmp_path), VirtualClock(), ScriptedHandler()
    await store.scim_tokens.add(digest_of(TOKEN.encode()), at=clock.now())
    tokens = ScimTokens(store.scim_tokens, None, clock=clock)
    handler.go.clear()
    async with offered_scim(settings(deadline="1s"), handler, tokens, clock=clock) as (offer,):
        server = RpcServer(SERVICE, offer.add.args[0])
        target = pb.RequestTarget(
            authorization=f"Bearer {TOKEN}", plugin_id="okta", resource_type="User", resource_id="0b8f"
        )
        late = await server.call("GetSCIMResource", pb.GetSCIMResourceRequest(target=target))
        assert late.code is grpc.StatusCode.UNAVAILABLE
        asyncio.get_running_loop().call_later(0.2, handler.go.set)
    assert handler.done == 1
    await store.close()
