"""Which CAs to believe at the first join: those of an identity file, or pinned ones.

See `docs/reference/teleport-observed.md` 4.

A pin is `sha256:` and the hex SHA-256 of a CA's SubjectPublicKeyInfo, as `tctl status` prints it. With pins only, the
server's leaf is taken from a TLS handshake that believes nothing, and serves as the only root for asking the server's
CAs. They are believed if every one of them is pinned and the leaf is issued by one of them. Nothing secret is sent
before that.
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
from teleport_okta.teleport.proxy.errors import ProxyError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.way import Way

_DEADLINE: Final = 15.0
"""Seconds for asking the server's CAs."""


def ca_pin(certificate: x509.Certificate) -> str:
    """Return the pin of a CA certificate."""
    public_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(public_key).hexdigest()}"


async def believed_cas(way: Way, *, bot: Identity | None, ca_pins: Collection[str], directory: Path) -> bytes:
    """Return the PEM of the CAs to believe: the bot's, or else the server's own, checked against the pins.

    Raises JoinTrustMissingError when there is neither, JoinUnreachableError, PinMismatchError or UntrustedLeafError.
    """
    if bot is not None:
        return b"".join(bot.ca_pems)
    if not ca_pins:
        raise JoinTrustMissingError(way.address)
    try:
        leaf = await way.server_leaf()
    except ProxyError as error:
        raise JoinUnreachableError(way.address, error.problem) from error
    bundle = await _cluster_cas(way, leaf.public_bytes(Encoding.PEM), directory)
    verify_pins(way.address, leaf, bundle, ca_pins)
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
    way: Way, leaf_pem: bytes, returned: Collection[bytes], *, trust: bytes, ca_pins: Collection[str], directory: Path
) -> None:
    """Raise ForeignAnswerError unless a join's answer names believed CAs only, and is issued by one of them.

    A host that stores a CA believes it from then on, so this comes first. Pins, where there are any, decide alone.
    Otherwise a CA is believed if it is in `trust`, or if a server that proves itself by `trust` vouches for it: during
    a rotation there is one more than the bot's file knows. Raises JoinRefusedError when a certificate cannot be read.
    """
    try:
        leaf = x509.load_pem_x509_certificate(leaf_pem)
        cas = [ca for bundle in returned for ca in x509.load_pem_x509_certificates(bundle)]
    except ValueError as error:
        raise JoinRefusedError(way.address, "the answer is unusable: a certificate in it cannot be read") from error
    found = [ca_pin(ca) for ca in cas]
    believed = set(ca_pins) or _pins_of(trust)
    if not ca_pins and not set(found) <= believed:
        believed |= _pins_of(await _cluster_cas(way, trust, directory))
    if not set(found) <= believed or not any(is_issued_by(leaf, ca) for ca in cas):
        raise ForeignAnswerError(way.address, found, are_pinned=bool(ca_pins))


def _pins_of(bundle: bytes) -> set[str]:
    return {ca_pin(ca) for ca in x509.load_pem_x509_certificates(bundle)}


def is_issued_by(leaf: x509.Certificate, ca: x509.Certificate) -> bool:
    """Say whether a CA has signed a certificate."""
    try:
        leaf.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


async def _cluster_cas(way: Way, trust: bytes, directory: Path) -> bytes:
    """Ask the auth server for its CAs, once it has proved itself by `trust`. Raises JoinUnreachableError."""
    line = await way.open(None, directory, trust=trust)
    try:
        reply = await authservice_pb2_grpc.AuthServiceStub(line.channel).GetClusterCACert(Empty(), timeout=_DEADLINE)
    except grpc.aio.AioRpcError as error:
        why = line.why()
        reason = why.what if why is not None else error.details()
        raise JoinUnreachableError(way.address, f"GetClusterCACert: {reason}") from error
    finally:
        await line.aclose()
    return reply.TLSCA
