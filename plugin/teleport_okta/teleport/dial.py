"""Opening a gRPC channel to an auth server, directly.

See `docs/reference/teleport.md` 1.1, 1.5; `docs/reference/teleport-observed.md` 4.

grpcio sends only the client's leaf certificate, as the server requires. The server is verified by the cluster's host CA
and the name `teleport.cluster.local`, never by the system's trust store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio

from teleport_okta import __version__

if TYPE_CHECKING:
    from teleport_okta.teleport.identity import Identity

API_DOMAIN: Final = "teleport.cluster.local"
"""The name that every auth server's certificate carries (`docs/reference/teleport.md` 1.1)."""

CLIENT_VERSION: Final = "18.0.0"
"""The Teleport version that we name in the `version` metadata. Servers accept clients back to their major version
minus one, and newer ones: 17 to 19 (`docs/reference/teleport-observed.md` 1.3)."""

_MIB: Final = 1024 * 1024

_OPTIONS: Final[tuple[tuple[str, str | int], ...]] = (
    ("grpc.ssl_target_name_override", API_DOMAIN),
    # Faster than once a minute, and the server drops the connection with too_many_pings.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # Locks are listed in one message, and pages of roles are large.
    ("grpc.max_receive_message_length", 256 * _MIB),
    # gRPC adds 20 % of jitter by itself.
    ("grpc.initial_reconnect_backoff_ms", 250),
    ("grpc.max_reconnect_backoff_ms", 10_000),
    ("grpc.primary_user_agent", f"teleport-okta/{__version__}"),
    # HTTPS_PROXY is for Okta; the auth server is dialled directly.
    ("grpc.enable_http_proxy", 0),
    ("grpc.service_config_disable_resolution", 1),
)

_OWN_CONNECTION: Final = ("grpc.use_local_subchannel_pool", 1)


def open_channel(address: str, identity: Identity) -> grpc.aio.Channel:
    """Return a channel to the auth server at `address` (host:port) that presents `identity`.

    Nothing is sent yet. The caller has checked that the identity is valid now: a new connection with an expired one
    fails like an outage.
    """
    credentials = grpc.ssl_channel_credentials(
        root_certificates=b"".join(identity.ca_pems),
        private_key=identity.key_pem,
        certificate_chain=identity.certificate_pem,
    )
    return grpc.aio.secure_channel(address, credentials, options=(*_OPTIONS, _OWN_CONNECTION))


def open_anonymous_channel(address: str, *, trust: bytes) -> grpc.aio.Channel:
    """Return a channel without a client certificate, as joining needs it; `trust` holds the PEM roots to believe."""
    credentials = grpc.ssl_channel_credentials(root_certificates=trust)
    return grpc.aio.secure_channel(address, credentials, options=(*_OPTIONS, _OWN_CONNECTION))


def open_plain_channel(target: str) -> grpc.aio.Channel:
    """Return a channel without TLS of its own to a forwarder of this process, which speaks it (`proxy/forwarder`)."""
    authority = ("grpc.default_authority", API_DOMAIN)
    return grpc.aio.insecure_channel(target, options=(*_OPTIONS, authority, _OWN_CONNECTION))


def version_metadata(client_version: str) -> grpc.aio.Metadata:
    """Return the metadata that every call carries."""
    return grpc.aio.Metadata(("version", client_version))
