"""Joining a cluster as a host of system role Okta, with a token (`reference/teleport.md` 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from teleport.legacy.client.proto import joinservice_pb2_grpc
from teleport.legacy.types import types_pb2

from teleport_okta.teleport.dial import CLIENT_VERSION, open_anonymous_channel, version_metadata
from teleport_okta.teleport.errors import (
    InvalidArgumentError,
    PermissionDeniedError,
    RpcError,
    UnavailableError,
    rpc_error,
)
from teleport_okta.teleport.identity import OKTA_ROLE, parse_identity, render_identity
from teleport_okta.teleport.identity_errors import IdentityError
from teleport_okta.teleport.join_errors import (
    JoinError,
    JoinRefusedError,
    JoinTokenRefusedError,
    JoinTokenRoleError,
    JoinUnreachableError,
)
from teleport_okta.teleport.retry import Attempts, RetryPolicy

if TYPE_CHECKING:
    import random

    from teleport.legacy.client.proto.certs_pb2 import Certs

    from teleport_okta.clock import Clock

_DEADLINE: Final = 30.0
_METHOD: Final = "JoinService/RegisterUsingToken"
_POLICY: Final = RetryPolicy(first=0.5, longest=5.0, budget=20.0)


async def join(
    address: str,
    *,
    token: str,
    trust: bytes,
    host_id: str,
    node_name: str,
    clock: Clock,
    rng: random.Random,
) -> bytes:
    """Join as host `host_id`, and return the new identity in the form of an identity file.

    `trust` holds the CA certificates (PEM) that must have issued the server's certificate; the token is sent to
    nobody else. A join may be repeated: the same host simply gets new certificates. Two key pairs are made here. The
    SSH one is demanded by the server and used by nobody, so its private half is not kept.

    Raises a subclass of JoinError.
    """
    tls_key = ec.generate_private_key(ec.SECP256R1())
    ssh_key = ec.generate_private_key(ec.SECP256R1())
    request = types_pb2.RegisterUsingTokenRequest(
        HostID=host_id,
        NodeName=node_name,
        Role=OKTA_ROLE,
        Token=token,
        PublicTLSKey=tls_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        PublicSSHKey=ssh_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n",
    )
    try:
        certs = await _register(address, trust, request, Attempts(_POLICY, clock, rng))
    except RpcError as error:
        # Without the cause: what a server says of a token may hold it.
        raise _join_error(address, error, token) from None
    key_pem = tls_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _checked(address, host_id, key_pem, certs)


async def _register(
    address: str, trust: bytes, request: types_pb2.RegisterUsingTokenRequest, attempts: Attempts
) -> Certs:
    channel = open_anonymous_channel(address, trust=trust)
    try:
        stub = joinservice_pb2_grpc.JoinServiceStub(channel)
        while True:
            try:
                return await stub.RegisterUsingToken(
                    request, timeout=_DEADLINE, metadata=version_metadata(CLIENT_VERSION)
                )
            except grpc.aio.AioRpcError as error:
                await attempts.pause(rpc_error(error, method=_METHOD, subject=address))
    finally:
        await channel.close()


def _join_error(address: str, error: RpcError, token: str) -> JoinError:
    details = error.details.replace(token, "***")
    if isinstance(error, UnavailableError):
        return JoinUnreachableError(address, details)
    if isinstance(error, PermissionDeniedError):
        return JoinTokenRefusedError(address, details)
    if isinstance(error, InvalidArgumentError) and "does not allow" in details:
        return JoinTokenRoleError(address, details)
    return JoinRefusedError(address, details)


def _checked(address: str, host_id: str, key_pem: bytes, certs: Certs) -> bytes:
    """Return the identity file of the answer, once it has proved to be what was asked for."""
    content = render_identity(key_pem, certs.SSH.decode(errors="replace"), certs.TLS, tuple(certs.TLSCACerts))
    try:
        identity = parse_identity(content, source="just issued")
    except IdentityError as error:
        raise JoinRefusedError(address, f"the answer is unusable: {error.what}") from error
    if not identity.is_okta_host or identity.host_id != host_id:
        raise JoinRefusedError(address, f"the answer is a certificate of {identity.subject}, not of host {host_id}")
    return content
