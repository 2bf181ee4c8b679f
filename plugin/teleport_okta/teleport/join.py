"""Joining a cluster as a host of system role Okta (`docs/reference/teleport.md` 2.4).

The request is sent to the auth server by gRPC, or to a proxy by HTTPS (by gRPC if the proxy has no such page). They
differ in what has been verified before the token is sent. An auth server has shown a certificate of the cluster. A
proxy has shown a certificate for its public name only; so the cluster's CAs are read first, through the proxy, and the
answer must be of those CAs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import grpc.aio
from teleport.legacy.client.proto import joinservice_pb2_grpc
from teleport.legacy.types import types_pb2

from teleport_okta.teleport.host_keys import HostKeys, UnusableAnswerError, issued_identity
from teleport_okta.teleport.identity import OKTA_ROLE
from teleport_okta.teleport.join_errors import (
    JoinError,
    JoinMethodError,
    JoinPodRefusedError,
    JoinRefusedError,
    JoinTokenRefusedError,
    JoinTokenRoleError,
    JoinUnreachableError,
)
from teleport_okta.teleport.pod_token import read_pod_token
from teleport_okta.teleport.proxy.web import web_context
from teleport_okta.teleport.proxy.web_join import register_over_https
from teleport_okta.teleport.retry import Attempts, RetryPolicy
from teleport_okta.teleport.route import ThroughProxy
from teleport_okta.teleport.teleport_errors import (
    FeatureUnavailableError,
    InvalidArgumentError,
    PermissionDeniedError,
    RpcError,
    UnavailableError,
    rpc_error,
)
from teleport_okta.teleport.trust import trusted_cas, verify_issued

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Collection
    from pathlib import Path

    from teleport.legacy.client.proto.certs_pb2 import Certs

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.route import Channel, Route

JoinMethod = Literal["token", "kubernetes"]

_DEADLINE: Final = 30.0
_METHOD: Final = "JoinService/RegisterUsingToken"
_POLICY: Final = RetryPolicy(first=0.5, longest=5.0, budget=20.0)


@dataclass(frozen=True, slots=True)
class Applicant:
    """A host that wants to join, with its token.

    `token` is the secret itself, or with method `kubernetes` the name of the provision token, whose rules decide
    about the pod's service account.
    """

    host_id: str
    node_name: str
    token: str = field(repr=False)
    method: JoinMethod = "token"


async def join(
    route: Route,
    applicant: Applicant,
    *,
    bot: Identity | None,
    ca_pins: Collection[str],
    directory: Path,
    clock: Clock,
    rng: random.Random,
) -> bytes:
    """Join by this route, and return the new identity in the form of an identity file.

    The CAs to trust are those of the bot's identity, or else the pinned ones; the token is not sent before they are
    known. `directory` is a private one, for sockets. A join can be repeated: the same host gets new certificates.
    Raises a subclass of JoinError, PodTokenError or ProxyError.
    """
    id_token = await asyncio.to_thread(read_pod_token) if applicant.method == "kubernetes" else ""
    trust = await trusted_cas(route, bot=bot, ca_pins=ca_pins, directory=directory)
    keys = HostKeys.generate()
    request = types_pb2.RegisterUsingTokenRequest(
        HostID=applicant.host_id,
        NodeName=applicant.node_name,
        Role=OKTA_ROLE,
        Token=applicant.token,
        IDToken=id_token,
        PublicTLSKey=keys.tls_public,
        PublicSSHKey=keys.ssh_public,
    )
    attempts = Attempts(_POLICY, clock, rng)
    try:
        if isinstance(route, ThroughProxy):
            certs = await _register_at_proxy(route, request, directory, attempts, trust=trust)
        else:
            certs = await _register_by_grpc(await route.open(None, directory, trust=trust), route, request, attempts)
    except RpcError as error:
        # Without the cause: the server's message may contain the token.
        raise _join_error(route.address, error, applicant, id_token) from None
    if ca_pins or isinstance(route, ThroughProxy):
        await verify_issued(route, certs.TLS, certs.TLSCACerts, trust=trust, ca_pins=ca_pins, directory=directory)
    try:
        return issued_identity(applicant.host_id, keys, certs)
    except UnusableAnswerError as error:
        raise JoinRefusedError(route.address, str(error)) from error


async def _register_at_proxy(
    route: ThroughProxy,
    request: types_pb2.RegisterUsingTokenRequest,
    directory: Path,
    attempts: Attempts,
    *,
    trust: bytes,
) -> Certs:
    """Register by HTTPS; if the proxy has no such page, by gRPC.

    Behind a load balancer that ends TLS, the proxy's own gRPC port shows another certificate than the balancer, which
    we cannot verify; the request then goes to the auth server, through the proxy.
    """
    context = await asyncio.to_thread(web_context, route.address, route.extra_ca)
    try:
        return await _repeated(lambda: register_over_https(route.address, request, context=context), attempts)
    except FeatureUnavailableError:
        if route.upgraded:
            channel = await route.open(None, directory, trust=trust)
        else:
            channel = await route.open_join_service(directory)
        return await _register_by_grpc(channel, route, request, attempts)


async def _register_by_grpc(
    channel: Channel, route: Route, request: types_pb2.RegisterUsingTokenRequest, attempts: Attempts
) -> Certs:
    """Register over a channel, and close it."""
    stub = joinservice_pb2_grpc.JoinServiceStub(channel.grpc)

    async def register() -> Certs:
        try:
            # No version in the metadata: a much newer server would close the connection because of ours.
            return await stub.RegisterUsingToken(request, timeout=_DEADLINE)
        except grpc.aio.AioRpcError as error:
            failure = rpc_error(error, method=_METHOD, subject=route.address)
            why = channel.why()
            if isinstance(failure, UnavailableError) and why is not None:
                failure = UnavailableError(_METHOD, route.address, why.what, remedy=why.remedy)
            raise failure from error

    try:
        return await _repeated(register, attempts)
    finally:
        await channel.aclose()


async def _repeated(register: Callable[[], Awaitable[Certs]], attempts: Attempts) -> Certs:
    while True:
        try:
            return await register()
        except RpcError as error:
            await attempts.pause(error)


def _join_error(address: str, error: RpcError, applicant: Applicant, id_token: str) -> JoinError:
    details = error.details.replace(id_token or applicant.token, "***")
    match error:
        case UnavailableError():
            return JoinUnreachableError(address, details)
        case InvalidArgumentError() if "does not allow" in details:
            return JoinTokenRoleError(address, details)
        case PermissionDeniedError() if applicant.method == "token" or "expired or not found" in details:
            return JoinTokenRefusedError(address, details)
        case InvalidArgumentError() if "IDToken not provided" in details:
            return JoinMethodError(address, details)
    return (JoinPodRefusedError if applicant.method == "kubernetes" else JoinRefusedError)(address, details)
