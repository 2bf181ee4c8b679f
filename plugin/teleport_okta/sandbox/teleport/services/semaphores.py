"""Semaphores: leases that expire.

See `docs/reference/teleport.md` 4.13, `docs/reference/teleport-observed.md` 2.
"""

from __future__ import annotations

import uuid
from datetime import UTC
from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto.authservice_pb2 import Semaphores as SemaphoresReply
from teleport.legacy.types.types_pb2 import SemaphoreLease, SemaphoreLeaseRef, SemaphoreV3

from ..metadata import check_key_part, seconds_of
from ..refusal import Refusal, bad_parameter, limit_exceeded, not_found, quoted
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.timestamp_pb2 import Timestamp
    from teleport.legacy.types.types_pb2 import AcquireSemaphoreRequest, SemaphoreFilter

    from ..cluster import Cluster

_KIND: Final = "semaphore"
_PREFIX: Final = "/semaphores/"


class Semaphores:
    """The semaphore calls of AuthService. They read the backend, without a lag."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._semaphores = cluster.semaphores

    @rpc("proto.AuthService/AcquireSemaphore")
    def acquire_semaphore(self, call: Call, request: AcquireSemaphoreRequest) -> SemaphoreLease:
        """Grant a lease until the requested time, or refuse at once if none is free."""
        call.access.require(_KIND, "create", "update")
        kind, name = request.SemaphoreKind, request.SemaphoreName
        _require_names(kind, name)
        if request.MaxLeases == 0:
            raise bad_parameter("missing parameter MaxLeases")
        if not _moment(request.Expires):
            raise bad_parameter("missing parameter Expires")
        if _moment(request.Expires) < self._cluster.now():
            raise bad_parameter("cannot acquire expired semaphore lease")
        semaphore = self._stored(kind, name) or self._new(kind, name)
        self._drop_expired_leases(semaphore)
        if len(semaphore.Spec.Leases) >= request.MaxLeases:
            raise limit_exceeded(f"cannot acquire semaphore {kind}/{name} (err-max-leases)")
        lease = SemaphoreLeaseRef(LeaseID=str(uuid.uuid4()), Expires=request.Expires, Holder=request.Holder)
        semaphore.Spec.Leases.append(lease)
        self._store(semaphore, request.Expires)
        return SemaphoreLease(SemaphoreKind=kind, SemaphoreName=name, LeaseID=lease.LeaseID, Expires=lease.Expires)

    @rpc("proto.AuthService/KeepAliveSemaphoreLease")
    def keep_alive_semaphore_lease(self, call: Call, request: SemaphoreLease) -> Empty:
        """Extend a lease to its new end. One that has ended cannot be extended."""
        call.access.require(_KIND, "update")
        if self._expires_of(request) < self._cluster.now():
            raise bad_parameter(f"lease {request.LeaseID} has expired at {_written(request.Expires)}")
        semaphore = self._stored(request.SemaphoreKind, request.SemaphoreName)
        if semaphore is None:
            path = f"{request.SemaphoreKind}/{request.SemaphoreName}"
            raise not_found(f"cannot keepalive, semaphore not found: {path}")
        self._drop_expired_leases(semaphore)
        for lease in semaphore.Spec.Leases:
            if lease.LeaseID == request.LeaseID:
                lease.Expires.CopyFrom(request.Expires)
                self._store(semaphore, request.Expires)
                return Empty()
        raise not_found(f"cannot keepalive, lease not found: {quoted(request.LeaseID)}")

    @rpc("proto.AuthService/CancelSemaphoreLease")
    def cancel_semaphore_lease(self, call: Call, request: SemaphoreLease) -> Empty:
        """Release a lease. Any caller may: a lease is no secret."""
        call.access.require(_KIND, "update")
        if self._expires_of(request) < self._cluster.now():
            raise bad_parameter(f"the lease {request.LeaseID} has expired at {_written(request.Expires)}")
        semaphore = self._stored(request.SemaphoreKind, request.SemaphoreName)
        if semaphore is None:
            raise _no_semaphore(request.SemaphoreKind, request.SemaphoreName)
        for index, lease in enumerate(semaphore.Spec.Leases):
            if lease.LeaseID == request.LeaseID:
                del semaphore.Spec.Leases[index]
                return Empty()
        raise not_found(f"cannot cancel, lease not found: {quoted(request.LeaseID)}")

    @rpc("proto.AuthService/GetSemaphores")
    def get_semaphores(self, call: Call, request: SemaphoreFilter) -> SemaphoresReply:
        """Return the semaphores of a kind, of a name, or all; leases that have ended may still be among them."""
        call.access.require(_KIND, "readnosecrets", "list")
        return SemaphoresReply(
            Semaphores=[
                semaphore
                for semaphore in self._all_stored()
                if request.SemaphoreKind in {"", semaphore.SubKind}
                and request.SemaphoreName in {"", semaphore.Metadata.Name}
            ]
        )

    @rpc("proto.AuthService/DeleteSemaphore")
    def delete_semaphore(self, call: Call, request: SemaphoreFilter) -> Empty:
        """Remove a semaphore with all its leases."""
        call.access.require(_KIND, "delete")
        kind, name = request.SemaphoreKind, request.SemaphoreName
        if not kind or not name:
            raise bad_parameter("semaphore kind and name must be specified for deletion")
        if self._stored(kind, name) is None:
            raise _no_semaphore(kind, name)
        del self._semaphores[kind, name]
        return Empty()

    def _stored(self, kind: str, name: str) -> SemaphoreV3 | None:
        """Return a semaphore, unless its last lease has ended: then the backend has deleted it."""
        semaphore = self._semaphores.get((kind, name))
        if semaphore is not None and _moment(semaphore.Metadata.Expires) <= self._cluster.now():
            del self._semaphores[kind, name]
            return None
        return semaphore

    def _all_stored(self) -> Iterator[SemaphoreV3]:
        for kind, name in sorted(self._semaphores):
            semaphore = self._stored(kind, name)
            if semaphore is not None:
                yield semaphore

    @staticmethod
    def _new(kind: str, name: str) -> SemaphoreV3:
        for part in (kind, name):
            check_key_part(part, f"{_PREFIX}{kind}/{name}")
        semaphore = SemaphoreV3(Kind=_KIND, SubKind=kind, Version="v3")
        semaphore.Metadata.Name, semaphore.Metadata.Namespace = name, "default"
        return semaphore

    def _store(self, semaphore: SemaphoreV3, expires: Timestamp) -> None:
        """Keep a semaphore at least until this time."""
        if _moment(expires) > _moment(semaphore.Metadata.Expires):
            semaphore.Metadata.Expires.CopyFrom(expires)
        semaphore.Metadata.Revision = str(uuid.uuid4())
        self._semaphores[semaphore.SubKind, semaphore.Metadata.Name] = semaphore

    def _drop_expired_leases(self, semaphore: SemaphoreV3) -> None:
        now = self._cluster.now()
        held = [lease for lease in semaphore.Spec.Leases if _moment(lease.Expires) > now]
        del semaphore.Spec.Leases[:]
        semaphore.Spec.Leases.extend(held)

    @staticmethod
    def _expires_of(lease: SemaphoreLease) -> float:
        _require_names(lease.SemaphoreKind, lease.SemaphoreName)
        if not lease.LeaseID:
            raise bad_parameter("missing parameter LeaseID")
        if not _moment(lease.Expires):
            raise bad_parameter("missing lease expiry time")
        return _moment(lease.Expires)


def _require_names(kind: str, name: str) -> None:
    if not kind:
        raise bad_parameter("missing parameter SemaphoreKind")
    if not name:
        raise bad_parameter("missing parameter SemaphoreName")


def _no_semaphore(kind: str, name: str) -> Refusal:
    return not_found(f"key {quoted(f'{_PREFIX}{kind}/{name}')} is not found")


def _moment(stamp: Timestamp) -> float:
    """Return Unix seconds. A missing time is before every other."""
    return seconds_of(stamp) or 0.0


def _written(stamp: Timestamp) -> str:
    """Return a time as the server writes it in its texts."""
    return f"{stamp.ToDatetime(UTC).isoformat(sep=' ').removesuffix('+00:00')} +0000 UTC"
