"""Every method of every service over a real socket: each is in the table, and refused to unlisted callers."""

from __future__ import annotations

import grpc
import pytest
from contract.serve.remote_world import built_remote, every_service, outcome
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2  # noqa: F401 - its descriptors
from grpc_reflection.v1alpha import reflection_pb2  # noqa: F401
from teleport.okta.v1 import okta_service_pb2
from teleport.scim.v1 import scim_service_pb2
from teleport_okta.serve.access import LISTS, METHODS, Need
from teleport_okta.serve.remote import RemoteLimits
from teleport_okta_api import admin_pb2

SERVICES = [
    admin_pb2.DESCRIPTOR.services_by_name["Admin"],
    okta_service_pb2.DESCRIPTOR.services_by_name["OktaService"],
    scim_service_pb2.DESCRIPTOR.services_by_name["SCIMService"],
    descriptor_pool.Default().FindServiceByName("grpc.health.v1.Health"),
    descriptor_pool.Default().FindServiceByName("grpc.reflection.v1alpha.ServerReflection"),
]
DECLARED = {f"/{service.full_name}/{method.name}" for service in SERVICES for method in service.methods}

LISTED = {
    Need.READ: {"readers": ["user:ada"]},
    Need.WRITE: {"writers": ["user:ada"]},
    Need.SCIM: {"scim_callers": ["user:ada"]},
    Need.ENROL: {"writers": ["user:ada"]},
}


@pytest.fixture
async def registered(monkeypatch):
    """The paths of all methods that were registered at a server."""
    seen = set()
    register = grpc.aio._server.Server.add_registered_method_handlers

    def noting(server, service, handlers):
        seen.update(f"/{service}/{name}" for name in handlers)
        return register(server, service, handlers)

    monkeypatch.setattr(grpc.aio._server.Server, "add_registered_method_handlers", noting)
    return seen


async def test_the_table_has_every_method_of_every_service_and_nothing_else(tmp_path, registered):
    async with built_remote(tmp_path, offers=every_service()):
        pass
    assert registered == DECLARED == set(METHODS)


async def test_with_empty_lists_every_call_is_refused(tmp_path):
    async with built_remote(tmp_path, offers=every_service()) as world:
        for client in (world.user(roles=["editor"]), world.user("bot-x"), world.host("Proxy"), world.host("Okta")):
            for method in METHODS:
                code, details = await outcome(client, world.port, method)
                assert (code, "is not allowed" in details) == (grpc.StatusCode.PERMISSION_DENIED, True), method


@pytest.mark.parametrize("granted", list(Need))
async def test_a_right_opens_its_own_methods_and_no_others(tmp_path, granted):
    lists = LISTED[granted]
    limits = RemoteLimits(stream=0.2)
    async with built_remote(tmp_path, limits=limits, offers=every_service(), **lists) as world:
        for method, need in METHODS.items():
            code, details = await outcome(world.user(), world.port, method)
            may = any(name in lists for name in LISTS[need])
            assert (code is not grpc.StatusCode.PERMISSION_DENIED) is may, (method, code, details)
            other, _ = await outcome(world.user("eve"), world.port, method)
            assert other is grpc.StatusCode.PERMISSION_DENIED, method


async def test_a_method_that_the_table_lacks_is_refused_even_if_a_server_has_it(tmp_path, monkeypatch):
    monkeypatch.setattr("teleport_okta.serve.access.METHODS", {})
    async with built_remote(tmp_path, writers=["user:ada"], readers=["user:ada"]) as world:
        for method in METHODS:
            code, _ = await outcome(world.user(), world.port, method)
            assert code is grpc.StatusCode.UNIMPLEMENTED, method
            code, _ = await outcome(world.user("eve"), world.port, method)
            assert code is grpc.StatusCode.PERMISSION_DENIED, method


@pytest.mark.parametrize("method", ["/teleport_okta_api.Admin/Nothing", "/nothing.at.All/Nothing", "/", "//"])
async def test_an_unknown_method_reveals_nothing_to_unlisted_callers(tmp_path, method):
    async with built_remote(tmp_path, readers=["user:ada"]) as world:
        assert (await outcome(world.user("eve"), world.port, method))[0] is grpc.StatusCode.PERMISSION_DENIED
        assert (await outcome(world.user(), world.port, method))[0] is grpc.StatusCode.UNIMPLEMENTED


async def test_a_method_that_is_declared_and_has_no_content_yet_is_not_offered(tmp_path, caplog):
    method = "/teleport.okta.v1.OktaService/ListOktaImportRules"
    async with built_remote(tmp_path, offers=every_service(), writers=["user:ada"]) as world:
        answered = await outcome(world.user(), world.port, method)
    assert answered == (grpc.StatusCode.UNIMPLEMENTED, f"{method} is not offered here")
    assert "Traceback" not in caplog.text


async def test_a_refusal_names_the_list_that_would_allow_it(tmp_path):
    async with built_remote(tmp_path, readers=["user:ada"]) as world, world.user().channel(world.port) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary("/teleport_okta_api.Admin/Approve")(b"")
    assert refused.value.details() == (
        "/teleport_okta_api.Admin/Approve is not allowed: it needs an entry in serve.writers"
    )
    assert b"restart the service" in dict(refused.value.trailing_metadata())["remedy-bin"]
