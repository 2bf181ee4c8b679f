"""Facts about the auth server that need no permission: Ping, its name, its CA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp
from teleport.legacy.client.proto.authservice_pb2 import (
    GetClusterCACertResponse,
    GetDomainNameResponse,
    PingResponse,
)
from teleport.legacy.types.types_pb2 import (
    SIGNATURE_ALGORITHM_SUITE_BALANCED_V1,
    SIGNATURE_ALGORITHM_SUITE_UNSPECIFIED,
)

from ..metadata import YEAR_ONE
from ..rpc import Call, rpc
from ..versions import Feature

if TYPE_CHECKING:
    from google.protobuf.empty_pb2 import Empty
    from teleport.legacy.client.proto.authservice_pb2 import PingRequest

    from ..cluster import Cluster
    from ..identity_file import IdentityIssuer


class AuthFacts:
    """Facts about the cluster. They need no permission, but a locked caller is refused."""

    def __init__(self, cluster: Cluster, issuer: IdentityIssuer) -> None:
        self._cluster = cluster
        self._issuer = issuer

    @rpc("proto.AuthService/Ping")
    def ping(self, call: Call, _request: PingRequest) -> PingResponse:
        """Return name, version and features, also to a caller without a certificate."""
        no_licence = Timestamp(seconds=YEAR_ONE)
        return PingResponse(
            ClusterName=self._cluster.name,
            ServerVersion=self._cluster.version,
            ServerFeatures=self._cluster.edition.features(
                self._cluster.entitlements, with_entitlements=self._cluster.has(Feature.ENTITLEMENTS)
            ),
            ProxyPublicAddr=self._cluster.proxy_address,
            RemoteAddr=call.remote_address,
            signature_algorithm_suite=(
                SIGNATURE_ALGORITHM_SUITE_BALANCED_V1
                if self._cluster.has(Feature.MODERN_KEYS)
                else SIGNATURE_ALGORITHM_SUITE_UNSPECIFIED
            ),
            LicenseExpiry=no_licence,
        )

    @rpc("proto.AuthService/GetDomainName")
    def get_domain_name(self, _call: Call, _request: Empty) -> GetDomainNameResponse:
        """Return the cluster's name."""
        return GetDomainNameResponse(DomainName=self._cluster.name)

    @rpc("proto.AuthService/GetClusterCACert")
    def get_cluster_ca_cert(self, _call: Call, _request: Empty) -> GetClusterCACertResponse:
        """Return every trusted host CA, which a joining service compares with its pins.

        See `docs/reference/teleport-observed.md` 4.
        """
        return GetClusterCACertResponse(TLSCA=b"\n".join(keys.tls.pem for keys in self._issuer.host.trusted))
