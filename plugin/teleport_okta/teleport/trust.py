"""Which CAs to trust at the first join: those of an identity file, or pinned ones.

A pin is `sha256:` and the hex SHA-256 of a CA's SubjectPublicKeyInfo, as `tctl status` prints it. With pins only, trust
begins with nothing: a TLS handshake that verifies nothing shows the server's leaf, which is the only root while we ask
the server for its CAs. They are trusted if every one of them is pinned and one of them issued the leaf. One pinned CA
among several is not enough: a server in between could add its own beside a genuine one, which is public. The
join token is sent only after that (`docs/reference/teleport-observed.md` 4).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import grpc.aio
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto import authservice_pb2_grpc

from teleport_okta.teleport.join_errors import (
    ForeignAnswerError,
    JoinRefusedError,
    JoinTrustMissingError,
    JoinUnreachableError,
    PinMismatchError,
    UntrustedLeafError,
)
from teleport_okta.teleport.proxy.proxy_errors import ProxyError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.route import Route

_DEADLINE: Final = 15.0
"""Seconds for asking the server's CAs."""


def ca_pin(certificate: x509.Certificate) -> str:
    """Return the pin of a CA certificate."""
    public_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(public_key).hexdigest()}"


async def trusted_cas(route: Route, *, bot: Identity | None, ca_pins: Collection[str], directory: Path) -> bytes:
    """Return the PEM of the CAs to trust: the bot's, or else the server's own, checked against the pins.

    Raises JoinTrustMissingError when there is neither, JoinUnreachableError, PinMismatchError or UntrustedLeafError.
    """
    if bot is not None:
        return b"".join(bot.ca_pems)
    if not ca_pins:
        raise JoinTrustMissingError(route.address)
    try:
        leaf = await route.server_leaf()
    except ProxyError as error:
        raise JoinUnreachableError(route.address, error.problem) from error
    bundle = await _cluster_cas(route, leaf.public_bytes(Encoding.PEM), directory)
    verify_pins(route.address, leaf, bundle, ca_pins)
    return bundle


def verify_pins(address: str, leaf: x509.Certificate, bundle: bytes, pins: Collection[str]) -> None:
    """Raise unless every CA of the bundle is pinned, and one of them has issued the leaf."""
    try:
        cas = x509.load_pem_x509_certificates(bundle)
    except ValueError as error:
        raise JoinUnreachableError(address, "its CA certificates cannot be read") from error
    found = [ca_pin(ca) for ca in cas]
    if not set(found) <= set(pins):
        raise PinMismatchError(address, found)
    if not any(is_issued_by(leaf, ca) for ca in cas):
        raise UntrustedLeafError(address)


async def verify_issued(
    route: Route,
    leaf_pem: bytes,
    returned: Collection[bytes],
    *,
    trust: bytes,
    ca_pins: Collection[str],
    directory: Path,
) -> None:
    """Raise ForeignAnswerError unless a join's answer has trusted CAs only, and one of them issued the certificate.

    A host that stores a CA trusts it from then on, so this comes before the answer is stored. Pins, if there are any,
    decide alone. Otherwise a CA is trusted if it is in `trust`, or if a server that `trust` verifies lists it: during a
    rotation there is one CA more than the bot's file has. Raises JoinRefusedError if a certificate cannot be read.
    """
    try:
        leaf = x509.load_pem_x509_certificate(leaf_pem)
        cas = [ca for bundle in returned for ca in x509.load_pem_x509_certificates(bundle)]
    except ValueError as error:
        raise JoinRefusedError(route.address, "the answer is unusable: a certificate in it cannot be read") from error
    found = [ca_pin(ca) for ca in cas]
    believed = set(ca_pins) or _pins_of(trust)
    if not ca_pins and not set(found) <= believed:
        believed |= _pins_of(await _cluster_cas(route, trust, directory))
    if not set(found) <= believed or not any(is_issued_by(leaf, ca) for ca in cas):
        raise ForeignAnswerError(route.address, found, are_pinned=bool(ca_pins))


def _pins_of(bundle: bytes) -> set[str]:
    return {ca_pin(ca) for ca in x509.load_pem_x509_certificates(bundle)}


def is_issued_by(leaf: x509.Certificate, ca: x509.Certificate) -> bool:
    """Say whether a CA has signed a certificate."""
    try:
        leaf.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


async def _cluster_cas(route: Route, trust: bytes, directory: Path) -> bytes:
    """Ask the auth server for its CAs; `trust` verifies the server. Raises JoinUnreachableError."""
    channel = await route.open(None, directory, trust=trust)
    try:
        reply = await authservice_pb2_grpc.AuthServiceStub(channel.grpc).GetClusterCACert(Empty(), timeout=_DEADLINE)
    except grpc.aio.AioRpcError as error:
        why = channel.why()
        reason = why.what if why is not None else error.details()
        raise JoinUnreachableError(route.address, f"GetClusterCACert: {reason}") from error
    finally:
        await channel.aclose()
    return reply.TLSCA
