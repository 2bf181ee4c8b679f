"""Certificate authorities, by which a client follows a rotation (`docs/reference/teleport-observed.md` 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.legacy.types.types_pb2 import (
    CAKeySet,
    CertAuthoritySpecV2,
    CertAuthorityV2,
    Metadata,
    Rotation,
    RotationSchedule,
    SSHKeyPair,
    TLSKeyPair,
)
from teleport.trust.v1.trust_service_pb2 import GetCertAuthoritiesResponse

from ..metadata import YEAR_ONE, timestamp_at
from ..refusal import bad_parameter, not_found, quoted
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from teleport.trust.v1.trust_service_pb2 import GetCertAuthoritiesRequest, GetCertAuthorityRequest

    from ..authority import CertificateAuthority
    from ..cluster import Cluster
    from ..identity_file import IdentityIssuer
    from ..rotation import HostAuthority
    from ..ssh_authority import SshAuthority

_KIND: Final = "cert_authority"
_PLAYED: Final = ("host", "user")
_REAL_TYPES: Final = frozenset(
    {*_PLAYED, "db", "db_client", "openssh", "jwt", "saml_idp", "oidc_idp", "spiffe", "okta", "awsra", "bound_keypair"}
)
_GRACE_PERIOD: Final = 30 * 3600 * 1_000_000_000
"""The default grace period of a rotation, in nanoseconds. It has no meaning for a manual rotation."""


class Trust:
    """TrustService, without the private keys, which no caller gets."""

    def __init__(self, cluster: Cluster, issuer: IdentityIssuer) -> None:
        self._cluster = cluster
        self._issuer = issuer

    @rpc("teleport.trust.v1.TrustService/GetCertAuthority")
    def get_cert_authority(self, call: Call, request: GetCertAuthorityRequest) -> CertAuthorityV2:
        """Return the authority of a type, of this cluster only."""
        _check_type(request.type)
        call.access.require(_KIND, "read" if request.include_key else "readnosecrets")
        if request.domain != self._cluster.name or request.type not in _PLAYED:
            raise not_found(f"key {quoted(f'/authorities/{request.type}/{request.domain}')} is not found")
        return self._authority(request.type)

    @rpc("teleport.trust.v1.TrustService/GetCertAuthorities")
    def get_cert_authorities(self, call: Call, request: GetCertAuthoritiesRequest) -> GetCertAuthoritiesResponse:
        """Return the authorities of a type, of this cluster only."""
        call.access.require(_KIND, "list", "readnosecrets", *(["read"] if request.include_key else []))
        _check_type(request.type)
        played = [request.type] if request.type in _PLAYED else []
        return GetCertAuthoritiesResponse(cert_authorities_v2=[self._authority(kind) for kind in played])

    def _authority(self, kind: str) -> CertAuthorityV2:
        spec = CertAuthoritySpecV2(Type=kind, ClusterName=self._cluster.name)
        if kind == "user":
            spec.ActiveKeys.CopyFrom(_keys(self._issuer.user_ca, self._issuer.user_ssh))
        else:
            host = self._issuer.host
            spec.ActiveKeys.CopyFrom(_keys(host.active.tls, host.active.ssh))
            if host.additional is not None:
                spec.AdditionalTrustedKeys.CopyFrom(_keys(host.additional.tls, host.additional.ssh))
            if host.current_id:
                spec.Rotation.CopyFrom(_rotation(host))
        metadata = Metadata(Name=self._cluster.name, Namespace="default")
        return CertAuthorityV2(Kind=_KIND, SubKind=kind, Version="v2", Metadata=metadata, Spec=spec)


def _check_type(kind: str) -> None:
    if kind not in _REAL_TYPES:
        raise bad_parameter(f"{quoted(kind)} authority type is not supported")


def _keys(tls: CertificateAuthority, ssh: SshAuthority) -> CAKeySet:
    return CAKeySet(TLS=[TLSKeyPair(Cert=tls.pem)], SSH=[SSHKeyPair(PublicKey=ssh.public_line)])


def _rotation(host: HostAuthority) -> Rotation:
    """Return the state of a rotation. The server always sends all times; missing ones are the year 1."""
    never = _time(None)
    return Rotation(
        State="in_progress" if host.in_progress else "standby",
        Phase=host.phase.value,
        Mode="manual" if host.in_progress else "",
        CurrentID=host.current_id,
        Started=_time(host.started),
        GracePeriod=_GRACE_PERIOD,
        LastRotated=_time(host.last_rotated),
        Schedule=RotationSchedule(UpdateClients=never, UpdateServers=never, Standby=never),
    )


def _time(seconds: float | None) -> Timestamp:
    return timestamp_at(YEAR_ONE if seconds is None else seconds)
