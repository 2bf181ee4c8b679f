"""The keys of a host, and the identity made of them and a server's answer, for a join or a renewal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from teleport_okta.teleport.identity import parse_identity, render_identity
from teleport_okta.teleport.identity_errors import IdentityError

if TYPE_CHECKING:
    from teleport.legacy.client.proto.certs_pb2 import Certs


class UnusableAnswerError(Exception):
    """The server issued something else than we asked for."""


@dataclass(frozen=True, slots=True)
class HostKeys:
    """Two new key pairs. The server requires an SSH key; we do not use it, so its private half is not kept."""

    private_pem: bytes = field(repr=False)
    tls_public: bytes
    ssh_public: bytes

    @classmethod
    def generate(cls) -> HostKeys:
        """Make both pairs (ECDSA P-256)."""
        tls_key = ec.generate_private_key(ec.SECP256R1())
        ssh_key = ec.generate_private_key(ec.SECP256R1())
        return cls(
            private_pem=tls_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            tls_public=tls_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            ssh_public=ssh_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b"\n",
        )


def issued_identity(host_id: str, keys: HostKeys, certs: Certs) -> bytes:
    """Return an answer in the form of an identity file, after checking that it is this host's identity of role Okta.

    Raises UnusableAnswerError.
    """
    content = render_identity(keys.private_pem, certs.SSH.decode(errors="replace"), certs.TLS, tuple(certs.TLSCACerts))
    try:
        identity = parse_identity(content, source="just issued")
    except IdentityError as error:
        msg = f"the answer is unusable: {error.what}"
        raise UnusableAnswerError(msg) from error
    if not identity.is_okta_host or identity.host_id != host_id:
        msg = f"the answer is a certificate of {identity.subject}, not of host {host_id}"
        raise UnusableAnswerError(msg)
    return content
