"""EmitAuditEvent: events that a service of the cluster reports (`docs/reference/teleport.md` 4.17,
`docs/reference/teleport-observed.md` 2 and 5.6).

A foreign server id was accepted for OktaResourcesUpdate, and is refused for the other two events that have one. If an
event is too large, Teleport's public source shortens its error text, and this server refuses the event: a client
should rely on neither.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.types.events.events_pb2 import OktaAssignmentResult, OktaSyncFailure

from ..audit_log import ENTRY_LIMIT, size_of, unwrapped
from ..caller import CallerKind
from ..metadata import YEAR_ONE, timestamp_at
from ..refusal import access_denied, bad_parameter
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.types.events.events_pb2 import OneOf

    from ..cluster import Cluster


class AuditEvents:
    """The audit call of AuthService. It accepts the five events of the Okta integration."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @rpc("proto.AuthService/EmitAuditEvent")
    def emit_audit_event(self, call: Call, request: OneOf) -> Empty:
        """Store an event."""
        event = unwrapped(request)
        if event is None:
            raise bad_parameter("failed to parse event, session record is corrupted")
        call.access.require("event", "create")
        if call.caller.kind is not CallerKind.HOST:
            raise access_denied("this request can be only executed by a teleport built-in server")
        if isinstance(event, OktaSyncFailure | OktaAssignmentResult) and not _is_from(event, call.caller.host_id):
            raise access_denied("failed to validate event metadata")
        self._complete(event)
        size = size_of(event)
        if size > ENTRY_LIMIT:
            name = type(event).DESCRIPTOR.name
            raise bad_parameter(f"event *events.{name} reached max FileLog entry size limit, current size {size}")
        self._cluster.audit_log.add(request)
        return Empty()

    def _complete(self, event: Any) -> None:  # noqa: ANN401 - one of the five messages
        """Require type and code. Fill missing id, time and cluster."""
        metadata = event.Metadata
        if not metadata.Type:
            raise bad_parameter("missing mandatory event type field")
        if not metadata.Code:
            raise bad_parameter(f"missing mandatory event code field for {metadata.Type} event")
        metadata.ID = metadata.ID or str(uuid.uuid4())
        if not metadata.HasField("Time") or metadata.Time.seconds <= YEAR_ONE:
            metadata.Time.CopyFrom(timestamp_at(round(self._cluster.now(), 3)))
        metadata.ClusterName = metadata.ClusterName or self._cluster.name


def _is_from(event: OktaSyncFailure | OktaAssignmentResult, host_id: str) -> bool:
    return event.Server.ServerID == host_id and not event.Server.ForwardedBy
