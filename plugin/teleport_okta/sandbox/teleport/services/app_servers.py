"""App servers. They are listed by `resources.py`.

See `docs/reference/teleport.md` 4.6, `docs/reference/teleport-observed.md` 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp
from teleport.legacy.types.types_pb2 import AppServerV3, KeepAlive

from teleport_okta.model.labels import ORIGIN_OKTA

from ..crash import ServerCrash
from ..metadata import YEAR_ONE, check_key_part, check_namespace, origin_of, seconds_of
from ..refusal import access_denied, bad_parameter, not_found, quoted
from ..resource_rules import complete_app_server
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport.legacy.client.proto.authservice_pb2 import (
        DeleteAllApplicationServersRequest,
        DeleteApplicationServerRequest,
        UpsertApplicationServerRequest,
    )

    from ..caller import Caller
    from ..cluster import Cluster


class AppServers:
    """The app-server writes of AuthService. One host may serve many apps, and two hosts may serve apps of one name."""

    def __init__(self, cluster: Cluster) -> None:
        self._servers = cluster.app_servers
        self._version = cluster.version

    @rpc("proto.AuthService/UpsertApplicationServer")
    def upsert_application_server(self, call: Call, request: UpsertApplicationServerRequest) -> KeepAlive:
        """Create or replace an app server. Only the reply shows a client its expiry."""
        server = request.Server
        if _has_okta_origin(server) and not call.caller.is_okta_service:
            raise bad_parameter("only the Okta role can create app servers and apps with an Okta origin")
        call.access.require("app_server", "create", "update")
        complete_app_server(server, self._version)
        self._servers.upsert(server)
        if self._servers.kind.expires_at(server) is None:
            return KeepAlive(Expires=Timestamp(seconds=YEAR_ONE))
        return KeepAlive(
            Name=server.Metadata.Name,
            Namespace=server.Metadata.Namespace,
            Expires=server.Metadata.Expires,
            Type=KeepAlive.APP,
            HostID=server.Spec.HostID,
        )

    @rpc("proto.AuthService/SendKeepAlives")
    async def send_keep_alives(self, keepalives: AsyncIterator[tuple[Call, KeepAlive]]) -> Empty:
        """Set the expiry of each app server in the stream. The first refusal ends the stream.

        The client gets no answer about successes before it closes the stream.
        """
        async for call, keepalive in keepalives:
            self._keep(call.caller, keepalive)
        return Empty()

    def _keep(self, caller: Caller, keepalive: KeepAlive) -> None:
        _require_own(caller, keepalive)
        if not keepalive.Name:
            raise bad_parameter("missing resource name")
        check_namespace(keepalive.Namespace)
        name = f"{keepalive.HostID}/{keepalive.Name}"
        key = f"/appServers/default/{name}"
        check_key_part(keepalive.Name, key)
        stored = self._servers.stored(name)
        if stored is None:
            raise not_found(f"key {quoted(key)} is not found")
        kept = AppServerV3()
        kept.CopyFrom(stored)
        kept.Metadata.Expires.CopyFrom(_end_of(keepalive))
        self._servers.upsert(kept)

    @rpc("proto.AuthService/DeleteApplicationServer")
    def delete_application_server(self, call: Call, request: DeleteApplicationServerRequest) -> Empty:
        """Remove one app server of one host. Namespaces other than `default` are empty."""
        call.access.require("app_server", "delete")
        name = f"{request.HostID}/{request.Name}"
        if request.Namespace != "default" or self._servers.delete(name) is None:
            raise not_found(f"key {quoted(f'/appServers/{request.Namespace}/{name}')} is not found")
        return Empty()

    @rpc("proto.AuthService/DeleteAllApplicationServers")
    def delete_all_application_servers(self, call: Call, request: DeleteAllApplicationServersRequest) -> Empty:
        """Remove the app servers of all hosts."""
        call.access.require("app_server", "list", "delete")
        if request.Namespace == "default":
            for server in list(self._servers.all_stored()):
                self._servers.delete(self._servers.kind.name_of(server))
        return Empty()


def _require_own(caller: Caller, keepalive: KeepAlive) -> None:
    """Refuse a keepalive of another host, and one that is not for an app; one without a type is a node's.

    Agents of system role App may send them too, but no such agent can do anything in the sandbox.
    """
    if not (caller.is_okta_service and keepalive.HostID == caller.host_id and keepalive.Type == KeepAlive.APP):
        raise access_denied()


def _end_of(keepalive: KeepAlive) -> Timestamp:
    """Return the new expiry of an app server. Without one it expires at once, because the time is the year 1."""
    return keepalive.Expires if seconds_of(keepalive.Expires) is not None else Timestamp()


def _has_okta_origin(server: AppServerV3) -> bool:
    """Return whether the app server or its app is of origin okta. Without an app, another origin crashes the server.

    The server reads the app's origin before it checks that there is an app (Teleport's public source).
    """
    if origin_of(server.Metadata) == ORIGIN_OKTA:
        return True
    if not server.Spec.HasField("App"):
        raise ServerCrash("UpsertApplicationServer: the app server has no app")
    return origin_of(server.Spec.App.Metadata) == ORIGIN_OKTA
