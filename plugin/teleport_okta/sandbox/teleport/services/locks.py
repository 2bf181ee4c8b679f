"""Locks (`docs/reference/teleport.md` 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto.authservice_pb2 import GetLocksResponse
from teleport.legacy.types.types_pb2 import LockTarget

from teleport_okta.model.labels import ORIGIN_OKTA

from ..lock_storage import lock_in_force
from ..metadata import YEAR_ONE, check_metadata, origin_of, timestamp_at
from ..origin import check_origin, check_stored_origin
from ..refusal import access_denied, bad_parameter, not_found, quoted
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.client.proto.authservice_pb2 import DeleteLockRequest, GetLockRequest, GetLocksRequest
    from teleport.legacy.types.types_pb2 import LockV2

    from ..caller import Caller
    from ..cluster import Cluster

_ONLY_OKTA_USERS = "Okta service may only lock okta user"


class Locks:
    """The lock calls of AuthService."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @rpc("proto.AuthService/GetLock")
    def get_lock(self, call: Call, request: GetLockRequest) -> LockV2:
        """Return one lock, in force or not."""
        call.access.require("lock", "read")
        lock = self._cluster.locks.get(request.Name)
        if lock is None:
            raise not_found(f"lock {quoted(request.Name)} is not found")
        return lock

    @rpc("proto.AuthService/GetLocks")
    def get_locks(self, call: Call, request: GetLocksRequest) -> GetLocksResponse:
        """Return all locks, or those in force, or those that match one of the given targets."""
        call.access.require("lock", "list", "read")
        now = self._cluster.now()
        return GetLocksResponse(
            Locks=[
                lock
                for lock in self._cluster.locks.listed()
                if (not request.InForceOnly or lock_in_force(lock, now))
                and (not request.Targets or any(_fits(target, lock.Spec.Target) for target in request.Targets))
            ]
        )

    @rpc("proto.AuthService/UpsertLock")
    def upsert_lock(self, call: Call, request: LockV2) -> Empty:
        """Create or replace a lock."""
        lock = request
        call.access.require("lock", "create", "update")
        check_origin(call.caller, lock.Metadata)
        self._check_okta_target(call.caller, lock)
        stored = self._cluster.locks.get(lock.Metadata.Name)
        check_stored_origin(call.caller, stored.Metadata if stored is not None else None, "update")
        if not lock.Spec.CreatedBy:
            lock.Spec.CreatedBy = call.caller.name
        if not lock.Spec.HasField("CreatedAt") or lock.Spec.CreatedAt.seconds <= YEAR_ONE:
            lock.Spec.CreatedAt.CopyFrom(timestamp_at(self._cluster.now()))
        lock.Kind, lock.Version = "lock", "v2"
        check_metadata(lock.Metadata)
        if lock.Spec.Target == LockTarget():
            raise bad_parameter("at least one target field must be set")
        self._cluster.locks.upsert(lock)
        return Empty()

    @rpc("proto.AuthService/DeleteLock")
    def delete_lock(self, call: Call, request: DeleteLockRequest) -> Empty:
        """Remove a lock."""
        call.access.require("lock", "delete")
        if not request.Name:
            raise bad_parameter("missing lock name")
        stored = self._cluster.locks.get(request.Name)
        check_stored_origin(call.caller, stored.Metadata if stored is not None else None, "delete")
        if self._cluster.locks.delete(request.Name) is None:
            raise not_found(f"lock {quoted(request.Name)} is not found")
        return Empty()

    def _check_okta_target(self, caller: Caller, lock: LockV2) -> None:
        """Allow the Okta service only locks on one user of its own (`docs/reference/teleport-observed.md` 2)."""
        if not caller.is_okta_service:
            return
        name = lock.Spec.Target.User
        if not name or lock.Spec.Target != LockTarget(User=name):
            raise bad_parameter(_ONLY_OKTA_USERS)
        user = self._cluster.users.get(name)
        if user is None or origin_of(user.Metadata) != ORIGIN_OKTA:
            raise access_denied(_ONLY_OKTA_USERS)


def _fits(wanted: LockTarget, target: LockTarget) -> bool:
    """Return whether all non-empty fields of a target match. An empty target matches nothing."""
    fields = wanted.ListFields()
    return bool(fields) and all(getattr(target, field.name) == value for field, value in fields)
