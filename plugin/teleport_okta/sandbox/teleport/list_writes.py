"""The cost of writes to access lists: one lock for the whole cluster, and time while it is held.

A server takes the lock for every write to a list or its members, so parallel writes gain nothing: a call that finds the
lock taken retries a quarter of a second later, in no order, until the call's deadline
(`docs/reference/teleport-observed.md` 1.10, `docs/reference/teleport.md` 4.9; the interval is that of Teleport's public
source). A caller's deadline follows the machine's clock, and the sandbox may use another one. So the deadline here is a
setting: five seconds, after which the call is answered DEADLINE_EXCEEDED.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc
from teleport.accesslist.v1.accesslist_service_pb2 import UpsertAccessListWithMembersRequest

from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from google.protobuf.message import Message

_SERVICE: Final = "/teleport.accesslist.v1.AccessListService/"
_LOCKED: Final = frozenset(
    _SERVICE + name
    for name in (
        "UpsertAccessList",
        "UpdateAccessList",
        "DeleteAccessList",
        "UpsertAccessListWithMembers",
        "UpsertAccessListMember",
        "UpdateAccessListMember",
        "DeleteAccessListMember",
        "DeleteAllAccessListMembersForAccessList",
    )
)


@dataclass(frozen=True, slots=True)
class ListCosts:
    """Seconds: for each write, for each member of a full replace, between two tries, and from the call to its deadline.

    The first two were measured.
    """

    write: float = 0.010
    member: float = 0.0012
    retry: float = 0.25
    timeout: float = 5.0


class ListWrites:
    """The lock. Without costs, no call waits."""

    def __init__(
        self, costs: ListCosts | None, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._costs = costs
        self._now = now
        self._sleep = sleep
        self._taken = False

    @asynccontextmanager
    async def turn(self, path: str, request: Message) -> AsyncIterator[None]:
        """Wait until the call has held the lock for its time. Calls without the lock do not wait."""
        if self._costs is None or path not in _LOCKED:
            yield
            return
        await self._take(self._costs)
        try:
            await self._sleep(_duration(self._costs, request))
            yield
        finally:
            self._taken = False

    async def _take(self, costs: ListCosts) -> None:
        deadline = self._now() + costs.timeout
        # Polling, not a queue: waiting calls get the lock in no order, as on the real server.
        while self._taken:
            if self._now() >= deadline:
                raise Refusal(grpc.StatusCode.DEADLINE_EXCEEDED, "context deadline exceeded")
            await self._sleep(costs.retry)
        self._taken = True


def _duration(costs: ListCosts, request: Message) -> float:
    members = len(request.members) if isinstance(request, UpsertAccessListWithMembersRequest) else 0
    return costs.write + members * costs.member
