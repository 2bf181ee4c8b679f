"""Teleport's audit log. Only the host identity may add events (`docs/reference/teleport.md` 4.17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.legacy.types.events import events_pb2 as pb

from teleport_okta.model.audit_event import AccessListsSynced, ResourcesSynced, SyncFailed, UsersSynced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from teleport_okta.model.audit_event import AuditEvent
    from teleport_okta.teleport.identity_router import IdentityRouter

RESOURCES_AT_MOST: Final = 100
"""Resources in one event: a server refuses an event above 64 KiB (`docs/reference/teleport-observed.md` 5.6)."""

TEXT_AT_MOST: Final = 48
"""Characters of a name or a description. Both are ids of at most 32 characters; even if each of these characters took
six bytes, as an escaped one does in JSON, an event would stay below 64 KiB."""

ERROR_AT_MOST: Final = 2000


class AuditLog:
    """Adds events to the audit log, with the lease to write."""

    def __init__(self, identities: IdentityRouter) -> None:
        self._writing = identities.writing_as_host()

    async def emit(self, event: AuditEvent) -> None:
        """Add an event; a large one is split. After a lost answer it is sent again, and may be in the log twice.

        Raises PermissionDeniedError, NotTheWriterError or another RpcError.
        """
        for message in _messages(event, self._writing.identity.host_id or ""):
            await self._writing.call(
                self._writing.auth.EmitAuditEvent,
                message,
                name="AuthService/EmitAuditEvent",
                subject="the audit log",
            )


def _messages(event: AuditEvent, host_id: str) -> Iterator[pb.OneOf]:
    match event:
        case UsersSynced():
            yield pb.OneOf(
                OktaUserSync=pb.OktaUserSync(
                    Metadata=_metadata("okta.user.sync", "TOK007", event.error),
                    Status=_status(event.error),
                    org_url=event.org_url,
                    app_id=event.app_id,
                    num_users_created=event.created,
                    num_users_deleted=event.deleted,
                    num_users_modified=event.modified,
                    num_users_total=event.total,
                )
            )
        case AccessListsSynced():
            yield pb.OneOf(
                OktaAccessListSync=pb.OktaAccessListSync(
                    Metadata=_metadata("okta.access_list.sync", "TOK006", event.error),
                    Status=_status(event.error),
                    num_app_filters=event.app_filters,
                    num_group_filters=event.group_filters,
                    num_apps=event.apps,
                    num_groups=event.groups,
                    numRoles=event.roles,
                    numAccessLists=event.lists,
                    numAccessListMembers=event.members,
                )
            )
        case SyncFailed():
            yield pb.OneOf(
                OktaSyncFailure=pb.OktaSyncFailure(
                    Metadata=_metadata("okta.sync.failure", "TOK003", event.error),
                    Server=_server(host_id),
                    Status=_status(event.error),
                )
            )
        case ResourcesSynced():
            yield from _resources(event, host_id)


def _resources(event: ResourcesSynced, host_id: str) -> Iterator[pb.OneOf]:
    kind, code = ("okta.applications.update", "TOK002") if event.apps else ("okta.groups.update", "TOK001")
    everything = [
        (action, resource)
        for action, resources in (("added", event.added), ("updated", event.updated), ("deleted", event.deleted))
        for resource in resources
    ]
    for start in range(0, len(everything), RESOURCES_AT_MOST):
        part = everything[start : start + RESOURCES_AT_MOST]
        added, updated, deleted = (
            [resource for of, resource in part if of == action] for action in ("added", "updated", "deleted")
        )
        yield pb.OneOf(
            OktaResourcesUpdate=pb.OktaResourcesUpdate(
                Metadata=_metadata(kind, code, ""),
                Server=_server(host_id),
                Updated=pb.OktaResourcesUpdatedMetadata(
                    Added=len(added),
                    Updated=len(updated),
                    Deleted=len(deleted),
                    AddedResources=_listed(added),
                    UpdatedResources=_listed(updated),
                    DeletedResources=_listed(deleted),
                ),
            )
        )


def _listed(resources: Iterable[tuple[str, str]]) -> list[pb.OktaResource]:
    return [
        pb.OktaResource(ID=name[:TEXT_AT_MOST], Description=description[:TEXT_AT_MOST])
        for name, description in resources
    ]


def _metadata(kind: str, code: str, error: str) -> pb.Metadata:
    """Return the metadata of an event; the server fills in id, time and cluster."""
    return pb.Metadata(Type=kind, Code=f"{code}{'E' if error else 'I'}")


def _status(error: str) -> pb.Status:
    return pb.Status(Success=not error, Error=error[:ERROR_AT_MOST])


def _server(host_id: str) -> pb.ServerMetadata:
    return pb.ServerMetadata(ServerNamespace="default", ServerID=host_id)
