"""The other services on the local socket: health, reflection, and SCIM, for every user who may open it."""

from __future__ import annotations

from http import HTTPStatus

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from teleport.scim.v1 import scim_service_pb2 as pb
from teleport.scim.v1 import scim_service_pb2_grpc as pb_grpc
from teleport_okta.clock import VirtualClock
from teleport_okta.scim.calls import ScimAnswer
from teleport_okta.scim.tokens import ScimTokens, digest_of
from teleport_okta.serve.admin import SOCKET_NAME, AdminService, serving
from teleport_okta.serve.scim_service import offered_scim
from teleport_okta.state.store import Store
from unit.scim.scim_client import TOKEN, ScriptedHandler, settings


@pytest.fixture
async def channel(tmp_path):
    store, clock, handler = await Store.open(tmp_path), VirtualClock(), ScriptedHandler()
    handler.answer = ScimAnswer(HTTPStatus.OK, {"id": "0b8f"})
    await store.scim_tokens.add(digest_of(TOKEN.encode()), at=clock.now())
    tokens = ScimTokens(store.scim_tokens, None, clock=clock)
    async with (
        offered_scim(settings(), handler, tokens, clock=clock) as others,
        serving(AdminService(None, store, clock), tmp_path, others),
        grpc.aio.insecure_channel(f"unix:{tmp_path / SOCKET_NAME}") as channel,
    ):
        yield channel
    await store.close()


@pytest.mark.parametrize("service", ["", "teleport_okta_api.Admin", "teleport.scim.v1.SCIMService"])
async def test_every_service_is_healthy(channel, service):
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_names_every_service(channel):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = [one async for one in stub.ServerReflectionInfo(iter([asked]))]
    assert {service.name for service in answer.list_services_response.service} == {
        "teleport_okta_api.Admin",
        "teleport.scim.v1.SCIMService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }


async def test_scim_needs_its_token_here_as_well(channel):
    stub = pb_grpc.SCIMServiceStub(channel)
    target = pb.RequestTarget(plugin_id="okta", resource_type="User", resource_id="0b8f")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.GetSCIMResource(pb.GetSCIMResourceRequest(target=target))
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    target.authorization = f"Bearer {TOKEN}"
    assert (await stub.GetSCIMResource(pb.GetSCIMResourceRequest(target=target))).id == "0b8f"
