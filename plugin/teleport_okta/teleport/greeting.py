"""A cluster's answer to a Ping, which needs no certificate (`docs/reference/teleport-observed.md` 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc.aio
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc

from teleport_okta.teleport.teleport_errors import UnavailableError, rpc_error

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.route import Route

_DEADLINE: Final = 10.0

_ENTERPRISE: Final = ("SAML", "Identity", "AccessLists", "OktaSCIM", "OktaUserSync")
"""Entitlements that no Community edition has (`docs/reference/teleport.md` 7.3)."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """A cluster's name and version, whether it is Enterprise, and whether it has SAML."""

    cluster: str
    version: str
    is_enterprise: bool
    has_saml: bool


async def greet(route: Route, directory: Path, *, identity: Identity | None, trust: bytes = b"") -> Greeting:
    """Ping once, as `identity`, or anonymously with `trust` (PEM) as roots. No client version is sent.

    `directory` is a private one, for sockets. Raises PermissionDeniedError if the identity is refused, UnavailableError
    if there is no answer, or another RpcError.
    """
    channel = await route.open(identity, directory, trust=trust)
    method, subject = "AuthService/Ping", "the cluster"
    try:
        stub = authservice_pb2_grpc.AuthServiceStub(channel.grpc)
        reply = await stub.Ping(authservice_pb2.PingRequest(), timeout=_DEADLINE)
    except grpc.aio.AioRpcError as error:
        failure = rpc_error(error, method=method, subject=subject)
        why = channel.why()
        if isinstance(failure, UnavailableError) and why is not None:
            failure = UnavailableError(method, subject, why.what, remedy=why.remedy)
        raise failure from error
    finally:
        await channel.aclose()
    if not reply.ClusterName or not reply.ServerVersion:
        raise UnavailableError(method, subject, "the answer is empty: the server cannot read its own settings")
    features = reply.ServerFeatures
    entitled = {name for name, info in features.entitlements.items() if info.enabled}
    older = features.SAML or features.IdentityGovernance
    return Greeting(
        cluster=reply.ClusterName,
        version=reply.ServerVersion,
        is_enterprise=not entitled.isdisjoint(_ENTERPRISE) if features.entitlements else older,
        has_saml="SAML" in entitled if "SAML" in features.entitlements else features.SAML,
    )
