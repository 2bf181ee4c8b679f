"""The holders of leases to write, read without taking one (`lease`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teleport.legacy.types import types_pb2

from teleport_okta.teleport.lease import SEMAPHORE_KIND

if TYPE_CHECKING:
    from teleport_okta.teleport.connection import Connection


@dataclass(frozen=True, slots=True)
class Writer:
    """A process (`holder` is the name that it gave) that may write for an owner until its lease ends."""

    owner: str
    holder: str
    until: datetime


async def present_writers(connection: Connection, now: datetime) -> tuple[Writer, ...]:
    """Return the holders for every owner; raises RpcError."""
    reply = await connection.call(
        connection.auth.GetSemaphores,
        types_pb2.SemaphoreFilter(SemaphoreKind=SEMAPHORE_KIND),
        name="AuthService/GetSemaphores",
        subject="the leases",
    )
    leases = [(semaphore.Metadata.Name, lease) for semaphore in reply.Semaphores for lease in semaphore.Spec.Leases]
    writers = (Writer(owner, lease.Holder, lease.Expires.ToDatetime(UTC)) for owner, lease in leases)
    return tuple(writer for writer in writers if writer.until > now)
