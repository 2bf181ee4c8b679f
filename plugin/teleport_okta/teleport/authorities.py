"""The cluster's host CAs (`docs/reference/teleport-observed.md` 4).

During a rotation there are two: the active one issues certificates, the other one is still trusted, or trusted already.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from teleport.trust.v1 import trust_service_pb2

from teleport_okta.teleport.trust import is_issued_by

if TYPE_CHECKING:
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity import Identity


@dataclass(frozen=True, slots=True)
class HostCAs:
    """The present CAs (PEM), and the phase of the rotation: empty or `standby` if there is none."""

    phase: str
    active: tuple[bytes, ...]
    additional: tuple[bytes, ...]

    @property
    def is_rotating(self) -> bool:
        """Whether a rotation is under way."""
        return self.phase not in {"", "standby"}

    def without_others(self, identity: Identity) -> Identity:
        """Return the identity with those of its CAs that are among these; it may lack some of these."""
        known = {_der(pem) for pem in (*self.active, *self.additional)}
        return replace(identity, ca_pems=tuple(pem for pem in identity.ca_pems if _der(pem) in known))

    def suits(self, identity: Identity) -> bool:
        """Whether an identity trusts exactly these CAs, and an active one issued it."""
        trusted = {_der(pem) for pem in identity.ca_pems}
        if trusted != {_der(pem) for pem in (*self.active, *self.additional)}:
            return False
        certificate = x509.load_pem_x509_certificate(identity.certificate_pem)
        return any(is_issued_by(certificate, x509.load_pem_x509_certificate(pem)) for pem in self.active)


async def read_host_cas(connection: Connection) -> HostCAs:
    """Read the host CAs of the connection's cluster. Raises RpcError."""
    reply = await connection.call(
        connection.trust.GetCertAuthority,
        trust_service_pb2.GetCertAuthorityRequest(type="host", domain=connection.identity.cluster),
        name="TrustService/GetCertAuthority",
        subject="the host CA",
    )
    return HostCAs(
        phase=reply.Spec.Rotation.Phase,
        active=tuple(pair.Cert for pair in reply.Spec.ActiveKeys.TLS),
        additional=tuple(pair.Cert for pair in reply.Spec.AdditionalTrustedKeys.TLS),
    )


def _der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
