"""Joining with a token, and renewing a host's certificates.

See `docs/reference/teleport.md` 2.4, `docs/reference/teleport-observed.md` 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    load_pem_public_key,
    load_ssh_public_key,
)
from teleport.legacy.client.proto import joinservice_pb2 as _joinservice  # noqa: F401 - describes the service
from teleport.legacy.client.proto.certs_pb2 import Certs

from ..authority import Host
from ..caller import SYSTEM_ROLES, CallerKind
from ..refusal import access_denied, bad_parameter, quoted
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.client.proto.authservice_pb2 import HostCertsRequest
    from teleport.legacy.types.types_pb2 import RegisterUsingTokenRequest

    from ..authority import PublicKey
    from ..cluster import Cluster
    from ..identity_file import IdentityIssuer

_KEYS = (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey)


class Joining:
    """The calls by which a service gets the certificates of a system role."""

    def __init__(self, cluster: Cluster, issuer: IdentityIssuer) -> None:
        self._cluster = cluster
        self._issuer = issuer

    @rpc("proto.JoinService/RegisterUsingToken", open=True)
    def register_using_token(self, call: Call, request: RegisterUsingTokenRequest) -> Certs:
        """Issue certificates to a service whose token is valid for the requested role. The caller needs no certificate.

        The token's method decides which proof is needed. A plain token ignores an `IDToken`, as in Teleport's public
        source.
        """
        if not request.HostID and request.Role != "Bot":
            raise bad_parameter("missing parameter HostID")
        if not request.Token:
            raise bad_parameter("missing parameter Token")
        if request.Role not in SYSTEM_ROLES:
            raise bad_parameter(f"role {request.Role} is not registered")
        token = self._cluster.tokens.get(request.Token)
        if token is None or (token.expires is not None and token.expires <= self._cluster.now()):
            raise access_denied(
                f"{quoted(request.NodeName)} can not join the cluster with role {quoted(request.Role)}, "
                "token expired or not found"
            )
        if request.Role not in token.roles and request.Role != "Instance":
            raise bad_parameter(
                f"node {quoted(request.NodeName)} [{request.HostID}] can not join the cluster, "
                f"the token does not allow {quoted(request.Role)} role"
            )
        if token.kubernetes is not None:
            token.kubernetes.admit(
                request.IDToken,
                cluster=self._cluster.name,
                kubernetes=self._cluster.kubernetes,
                now=self._cluster.now(),
            )
        if request.HasField("Expires"):
            raise bad_parameter("'expires' cannot be set on join for non-bot certificates")
        host = Host(
            request.HostID,
            request.Role,
            node_name=request.NodeName,
            names=tuple(request.DNSNames),
            principals=tuple(request.AdditionalPrincipals),
            system_roles=token.roles if request.Role == "Instance" else (),
        )
        return self._certificates(host, request.PublicTLSKey, request.PublicSSHKey)

    @rpc("proto.AuthService/GenerateHostCerts")
    def generate_host_certs(self, call: Call, request: HostCertsRequest) -> Certs:
        """Renew the caller's own certificates, with its current role."""
        own = f"{request.HostID}.{self._cluster.name}"
        if call.caller.name != own:
            raise access_denied(f"username mismatch {quoted(call.caller.name)} and {quoted(own)}")
        if call.caller.kind is not CallerKind.HOST or call.caller.system_role != request.Role:
            raise access_denied(f"roles do not match: {','.join(call.caller.roles)} and {request.Role}")
        host = Host(
            request.HostID,
            request.Role,
            node_name=request.NodeName,
            names=tuple(request.DNSNames),
            principals=tuple(request.AdditionalPrincipals),
        )
        return self._certificates(host, request.PublicTLSKey, request.PublicSSHKey)

    def _certificates(self, host: Host, tls: bytes, ssh: bytes) -> Certs:
        ssh_key = _load_ssh_key(ssh)
        signing, trusted = self._issuer.host.active, self._issuer.host.trusted
        certificate = signing.tls.issue_host(_load_tls_key(tls), host, self._issuer.host_lifetime)
        return Certs(
            SSH=signing.ssh.issue_host(ssh_key, host),
            TLS=certificate.public_bytes(Encoding.PEM),
            TLSCACerts=[keys.tls.pem for keys in trusted],
            SSHCACerts=[keys.ssh.public_line for keys in trusted],
        )


def _load_ssh_key(line: bytes) -> PublicKey:
    try:
        key = load_ssh_public_key(line)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise bad_parameter("failed to parse SSH public key") from error
    if not isinstance(key, _KEYS):
        raise bad_parameter("failed to parse SSH public key")
    return key


def _load_tls_key(pem: bytes) -> PublicKey:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise bad_parameter("failed to decode public key PEM block") from error
    if not isinstance(key, _KEYS):
        raise bad_parameter("failed to decode public key PEM block")
    return key
