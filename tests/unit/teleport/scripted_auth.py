"""An auth server on loopback whose every answer the test writes, over TLS with the small cluster's CA."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_public_key
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from teleport.accesslist.v1 import accesslist_service_pb2
from teleport.legacy.client.proto import authservice_pb2, certs_pb2
from teleport.legacy.types import types_pb2
from teleport.okta.v1 import okta_service_pb2
from teleport.plugins.v1 import plugin_service_pb2
from teleport.users.v1 import users_service_pb2
from unit.teleport.small_pki import SmallCA, host_subject, key_pem, new_key

USERS = "/teleport.users.v1.UsersService/"
AUTH = "/proto.AuthService/"
ACCESS_LISTS = "/teleport.accesslist.v1.AccessListService/"
OKTA = "/teleport.okta.v1.OktaService/"
PLUGINS = "/teleport.plugins.v1.PluginService/"
REGISTER = "/proto.JoinService/RegisterUsingToken"


@dataclass(frozen=True)
class Refuse:
    """A status instead of an answer."""

    code: grpc.StatusCode
    details: str = ""


Answer = Message | Refuse | Callable[[Any], Message | Refuse]

_REQUESTS: dict[str, type[Message]] = {
    USERS + "GetUser": users_service_pb2.GetUserRequest,
    USERS + "ListUsers": users_service_pb2.ListUsersRequest,
    USERS + "CreateUser": users_service_pb2.CreateUserRequest,
    USERS + "UpdateUser": users_service_pb2.UpdateUserRequest,
    USERS + "DeleteUser": users_service_pb2.DeleteUserRequest,
    AUTH + "Ping": authservice_pb2.PingRequest,
    AUTH + "ListRoles": authservice_pb2.ListRolesRequest,
    AUTH + "ListResources": authservice_pb2.ListResourcesRequest,
    AUTH + "ListUserGroups": authservice_pb2.ListUserGroupsRequest,
    AUTH + "ListAccessRequests": authservice_pb2.ListAccessRequestsRequest,
    ACCESS_LISTS + "ListAccessLists": accesslist_service_pb2.ListAccessListsRequest,
    ACCESS_LISTS + "GetAccessList": accesslist_service_pb2.GetAccessListRequest,
    ACCESS_LISTS + "DeleteAccessList": accesslist_service_pb2.DeleteAccessListRequest,
    ACCESS_LISTS + "UpsertAccessListWithMembers": accesslist_service_pb2.UpsertAccessListWithMembersRequest,
    ACCESS_LISTS + "ListAccessListMembers": accesslist_service_pb2.ListAccessListMembersRequest,
    ACCESS_LISTS + "ListAllAccessListMembers": accesslist_service_pb2.ListAllAccessListMembersRequest,
    ACCESS_LISTS + "GetAccessListMember": accesslist_service_pb2.GetAccessListMemberRequest,
    ACCESS_LISTS + "UpsertAccessListMember": accesslist_service_pb2.UpsertAccessListMemberRequest,
    OKTA + "ListOktaImportRules": okta_service_pb2.ListOktaImportRulesRequest,
    PLUGINS + "GetPlugin": plugin_service_pb2.GetPluginRequest,
    AUTH + "GetRole": authservice_pb2.GetRoleRequest,
    AUTH + "CreateRole": authservice_pb2.CreateRoleRequest,
    AUTH + "GetLock": authservice_pb2.GetLockRequest,
    AUTH + "WatchEvents": authservice_pb2.Watch,
    AUTH + "GetClusterCACert": Empty,
    REGISTER: types_pb2.RegisterUsingTokenRequest,
}


@dataclass
class ScriptedAuth(grpc.GenericRpcHandler):
    """Answers in the order given, the last one again and again; what has no answer is UNIMPLEMENTED."""

    address: str = ""
    requests: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    metadata: dict[str, str] = field(default_factory=dict)
    _answers: dict[str, list[Answer]] = field(default_factory=dict)
    _streams: dict[str, asyncio.Queue[Message | Refuse | None]] = field(default_factory=dict)
    _held: dict[str, asyncio.Event] = field(default_factory=dict)
    _arrived: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def hold(self, method: str, until: asyncio.Event) -> None:
        """Let the answers of a method wait."""
        self._held[method] = until

    async def arrived(self, method: str) -> None:
        """Wait until a call of the method has arrived."""
        await self._arrived[method].wait()

    def answer(self, method: str, *answers: Answer) -> None:
        self._answers[method] = list(answers)

    def stream(self, method: str, *answers: Message | Refuse | None) -> None:
        """Let a method stream what is given here, now and later; None ends the stream."""
        queue = self._streams.setdefault(method, asyncio.Queue())
        for answer in answers:
            queue.put_nowait(answer)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        method = handler_call_details.method
        if method in self._streams:
            return grpc.unary_stream_rpc_method_handler(
                self._streamer(method),
                request_deserializer=_REQUESTS[method].FromString,
                response_serializer=lambda reply: reply.SerializeToString(),
            )
        if method not in self._answers:
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._handler(method),
            request_deserializer=_REQUESTS[method].FromString,
            response_serializer=lambda reply: reply.SerializeToString(),
        )

    def _streamer(self, method: str) -> Callable[[Message, grpc.aio.ServicerContext[Any, Any]], AsyncIterator[Message]]:
        async def stream(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Message]:
            self.requests[method].append(request)
            self.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
            while (answer := await self._streams[method].get()) is not None:
                if isinstance(answer, Refuse):
                    await context.abort(answer.code, answer.details)
                else:
                    yield answer

        return stream

    def _handler(self, method: str) -> Callable[[Message, grpc.aio.ServicerContext[Any, Any]], Awaitable[Message]]:
        async def handle(request: Message, context: grpc.aio.ServicerContext[Any, Any]) -> Message:
            self.requests[method].append(request)
            self.metadata = {key: str(value) for key, value in context.invocation_metadata() or ()}
            self._arrived[method].set()
            if method in self._held:
                await self._held[method].wait()
            script = self._answers[method]
            answer = script.pop(0) if len(script) > 1 else script[0]
            if callable(answer):
                answer = answer(request)
            if isinstance(answer, Refuse):
                await context.abort(answer.code, answer.details)
            return answer

        return handle


@asynccontextmanager
async def scripted_auth(ca: SmallCA) -> AsyncIterator[ScriptedAuth]:
    """Run such a server."""
    key = new_key()
    leaf = ca.issue_server(key.public_key()).public_bytes(Encoding.PEM)
    server = grpc.aio.server()
    auth = ScriptedAuth()
    server.add_generic_rpc_handlers((auth,))
    credentials = grpc.ssl_server_credentials([(key_pem(key), leaf)])
    auth.address = f"127.0.0.1:{server.add_secure_port('127.0.0.1:0', credentials)}"
    await server.start()
    try:
        yield auth
    finally:
        await server.stop(None)


def certs_for(request: types_pb2.RegisterUsingTokenRequest, ca: SmallCA, *, role: str = "Okta") -> certs_pb2.Certs:
    """Issue what a join answers with."""
    public_key: Any = load_pem_public_key(request.PublicTLSKey)
    leaf = ca.issue(public_key, host_subject(role, request.HostID)).public_bytes(Encoding.PEM)
    return certs_pb2.Certs(SSH=b"ecdsa-cert AAAA\n", TLS=leaf, TLSCACerts=[ca.pem], SSHCACerts=[b"ssh"])
