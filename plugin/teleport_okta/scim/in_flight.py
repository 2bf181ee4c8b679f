"""Requests in flight: their limit, the deadline of each, and draining at a stop.

If a client stops waiting, the work of its request is not cancelled, because a user may be provisioned in part. It
continues, counts as a request in flight, and a stop waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.scim.scim_errors import ScimError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")

_RETRY_WHEN_FULL: Final = 2
_RETRY_AFTER_DEADLINE: Final = 15
"""Seconds in `Retry-After`; Okta doubles them with each try."""

_log = logging.getLogger(__name__)


class Place:
    """The place of one request among those in flight."""

    def __init__(self) -> None:
        self.task: asyncio.Task[object] | None = None
        self.is_given_up = False
        """Whether the client got the answer that the request takes too long."""

    async def run(self, work: Coroutine[None, None, T], *, within: float) -> T:
        """Do the work of the request. Raises its errors, and ScimError after `within` seconds.

        The work then continues without the client.
        """
        task = asyncio.get_running_loop().create_task(work)
        self.task = task
        try:
            await asyncio.wait({task}, timeout=within)
        finally:
            if not task.done():
                task.add_done_callback(_log_late_end)
        if not task.done():
            self.is_given_up = True
            detail = "This takes longer and continues. Send the same request again later."
            raise ScimError(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after=_RETRY_AFTER_DEADLINE)
        return task.result()


class InFlight:
    """The requests in flight, up to a limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._tasks: set[asyncio.Task[object]] = set()

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Yield a place for one request, which it keeps until its work is done; raises ScimError if there is none."""
        if self._count >= self._most:
            detail = f"{self._most} requests are being answered already. Send this one again later."
            raise ScimError(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after=_RETRY_WHEN_FULL)
        self._count += 1
        place = Place()
        try:
            yield place
        finally:
            task = place.task
            if task is None or task.done():
                self._count -= 1
            else:
                self._tasks.add(task)
                task.add_done_callback(self._free)

    async def drained(self, within: float) -> None:
        """Wait for work that continues without its client; cancel the rest after `within` seconds."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=within)
        rest = set(self._tasks)
        if rest:
            _log.warning("%d SCIM requests were not done %g s after the stop, and are cancelled", len(rest), within)
            for task in rest:
                task.cancel()
            await asyncio.wait(rest)

    def _free(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        self._count -= 1


def _log_late_end(task: asyncio.Task[object]) -> None:
    error = None if task.cancelled() else task.exception()
    match error:
        case None:
            _log.info("a SCIM request ended after its client got the answer to wait")
        case ScimError():
            _log.info("a SCIM request was refused after its client got the answer to wait: %d", error.status)
        case _:
            _log.error("a SCIM request failed after its client got the answer to wait", exc_info=error)
