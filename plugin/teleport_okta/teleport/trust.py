"""Which CA to believe before the first join: that of an identity file, or a pinned one (`teleport-observed.md` 4).

A pin is `sha256:` and the hex SHA-256 of a CA's SubjectPublicKeyInfo, as `tctl status` prints it. With pins only, the
server's leaf is taken from a TLS handshake that believes nothing, and serves as the only root for asking the server's
CAs. They are believed if every one of them is pinned and the leaf is issued by one of them. Nothing secret is sent
before that.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from typing import TYPE_CHECKING, Final

import grpc.aio
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto import authservice_pb2_grpc

from teleport_okta.teleport.dial import API_DOMAIN, open_anonymous_channel
from teleport_okta.teleport.join_errors import JoinUnreachableError, PinMismatchError, UntrustedLeafError

if TYPE_CHECKING:
    from collections.abc import Collection

_DEADLINE: Final = 15.0
"""Seconds for the handshake, and again for the call."""


def ca_pin(certificate: x509.Certificate) -> str:
    """Return the pin of a CA certificate."""
    public_key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"sha256:{hashlib.sha256(public_key).hexdigest()}"


async def pinned_trust(address: str, pins: Collection[str]) -> bytes:
    """Return the PEM of the CAs of the auth server at `address`, checked against the pins.

    Raises JoinUnreachableError, PinMismatchError or UntrustedLeafError.
    """
    leaf = await _server_leaf(address)
    bundle = await _cluster_cas(address, leaf)
    verify_pins(address, leaf, bundle, pins)
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
    if not any(_is_issued_by(leaf, ca) for ca in cas):
        raise UntrustedLeafError(address)


def _is_issued_by(leaf: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


async def _server_leaf(address: str) -> x509.Certificate:
    """Take the server's certificate from a handshake that verifies nothing and after which nothing is sent."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        async with asyncio.timeout(_DEADLINE):
            _, writer = await asyncio.open_connection(
                host.strip("[]"), int(port), ssl=context, server_hostname=API_DOMAIN
            )
    except TimeoutError as error:
        raise JoinUnreachableError(address, f"no TLS handshake within {_DEADLINE:.0f} seconds") from error
    except OSError as error:
        raise JoinUnreachableError(address, str(error)) from error
    tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
    der = tls.getpeercert(binary_form=True)
    writer.transport.abort()
    if der is None:
        raise JoinUnreachableError(address, "the server presented no certificate")
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise JoinUnreachableError(address, "the server's certificate cannot be read") from error


async def _cluster_cas(address: str, leaf: x509.Certificate) -> bytes:
    channel = open_anonymous_channel(address, trust=leaf.public_bytes(Encoding.PEM))
    try:
        reply = await authservice_pb2_grpc.AuthServiceStub(channel).GetClusterCACert(Empty(), timeout=_DEADLINE)
    except grpc.aio.AioRpcError as error:
        raise JoinUnreachableError(address, f"GetClusterCACert: {error.details()}") from error
    finally:
        await channel.close()
    return reply.TLSCA
