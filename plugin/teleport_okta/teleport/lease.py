"""One writer at a time: a lease on a Teleport semaphore that is named after the owner.

Teleport's backend decides which process holds it (`docs/reference/teleport.md` 4.13). What can go wrong is that two
processes write at once, because the old holder does not know that its lease has ended. Two things prevent that:

- The holder counts the lease as lost `MARGIN` seconds before its end. A write that begins just before that is over,
  by its deadline, before another process can take the lease, even if the clocks differ by `CLOCK_TOLERANCE`.
- Whether the clocks differ by more is tested when the lease is taken: it is asked for `CLOCK_TOLERANCE` seconds first.
  A server whose clock is further ahead refuses an end that lies in its past. Then the lease is lengthened at once.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final

from google.protobuf.timestamp_pb2 import Timestamp
from teleport.legacy.types import types_pb2

from teleport_okta.teleport.connection import WRITE_DEADLINE
from teleport_okta.teleport.teleport_errors import (
    DeadlineError,
    InvalidArgumentError,
    LimitExceededError,
    NotFoundError,
    RpcError,
    TeleportError,
    UnavailableError,
)

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.teleport.connection import Connection

SEMAPHORE_KIND: Final = "teleport-okta"

LIFE: Final = 60.0
"""Seconds that the lease lasts: after a crash, a process with another data directory waits this long at most."""

RENEW_AFTER: Final = LIFE / 3
"""Seconds after which the lease is renewed: a few failed renewals do no harm before `MARGIN` is reached."""

CLOCK_TOLERANCE: Final = 8.0
"""Seconds that the server's clock may be ahead of ours."""

MARGIN: Final = WRITE_DEADLINE + CLOCK_TOLERANCE + 2.0
"""Seconds before its end at which the lease counts as lost: one write, the clocks' difference, and 2 s of slack."""

_KEEPER_PAUSE: Final = 2.0
"""Seconds between two looks at whether the lease is due."""

_log = logging.getLogger(__name__)


class NotTheWriterError(TeleportError):
    """Another process has the lease, or ours is lost. What has not been written is planned again later."""


class StandbyError(NotTheWriterError):
    """Another process of this owner holds the lease. `holder` is the name that it gave."""

    def __init__(self, owner: str, holder: str) -> None:
        super().__init__(
            f"another process writes for {owner}: {holder or 'its name is not known'}",
            remedy="this one takes over when that one ends; stop that one to have this one write",
        )
        self.holder = holder


class ClockBehindError(TeleportError):
    """The server's clock is so far ahead of ours that a lease of ours would end before we noticed."""

    def __init__(self) -> None:
        super().__init__(
            f"this machine's clock is more than {CLOCK_TOLERANCE:.0f} seconds behind the auth server's, "
            "so the lease to write cannot be held safely",
            remedy="synchronise the clocks of both machines (NTP)",
        )


@dataclass(frozen=True, slots=True)
class Holder:
    """How a process names itself in its lease.

    `seat` identifies something that one living process can have at a time, such as a locked data directory. A holder
    of the same seat is therefore dead, and its lease is cancelled at once instead of waiting for its end.
    """

    name: str
    seat: str

    def __str__(self) -> str:
        return f"{self.name} [{self.seat}]"


class Lease:
    """The lease to write for one owner. Any number of tasks may use it at once; nothing is sent before `obtain`."""

    def __init__(self, connection: Connection, *, holder: Holder, clock: Clock) -> None:
        self._connection = connection
        self._holder = holder
        self._clock = clock
        self._owner = ""
        self._held: types_pb2.SemaphoreLease | None = None
        self._ends = 0.0
        self._asking = asyncio.Lock()
        self._is_wanted = False
        """Whether we held the lease, and did not give it up."""
        self._is_late = False
        """Whether the log says that the latest renewal failed."""
        self._is_lost = False
        """Whether the log says that it is lost."""
        self._failure = ""
        """Why the last attempt to renew or take the lease failed; empty if it succeeded."""
        self.is_ousted = False
        """Whether another process took the lease after we lost it: this one is a standby until it has it again."""

    @property
    def is_held(self) -> bool:
        """Whether we may begin a write now."""
        return self._held is not None and self._left() > MARGIN

    @property
    def trouble(self) -> str:
        """What is wrong while the lease that we had last cannot be renewed or taken again; empty otherwise."""
        if not self._is_wanted or not self._failure:
            return ""
        if self.is_held:
            return f"the lease to write for {self._owner} could not be renewed: {self._failure}"
        return f"the lease to write for {self._owner} is lost, and is requested until it is back: {self._failure}"

    def is_of_our_seat(self, holder: str) -> bool:
        """Whether a holder's name is that of this process, or of a dead process with the same data directory."""
        return holder.endswith(f"[{self._holder.seat}]")

    async def obtain(self, owner: str) -> None:
        """Take the lease of an owner, or renew it when a third of its life is over.

        Raises StandbyError when another process has it, ClockBehindError, or RpcError when Teleport cannot be asked.
        """
        async with self._asking:
            self._owner = owner
            if not await self._renewed_or_still_good():
                await self._take()

    async def confirm(self) -> None:
        """Return while a write may begin; renews the lease when it is due. Raises NotTheWriterError."""
        if self.is_held and not self._is_due():
            return
        async with self._asking:
            if not await self._renewed_or_still_good():
                what = f"the lease to write for {self._owner or 'this owner'} is lost"
                raise NotTheWriterError(what, remedy="it is requested until it is back; then writing goes on")

    async def keep(self) -> None:
        """Renew the lease until cancelled."""
        while True:
            await self._clock.sleep(_KEEPER_PAUSE)
            await self.look()

    async def look(self) -> None:
        """Renew the lease if that is due.

        A lease that an outage has ended is taken again as soon as the server answers: until then nothing is written,
        and no change is followed. One that another process took meanwhile is left to it, see `is_ousted`.
        """
        async with self._asking:
            if not self._is_wanted or await self._renewed_or_still_good():
                return
            if not self._is_lost:
                self._is_lost = True
                _log.warning("the lease to write for %s is lost; it is requested until it is back", self._owner)
            try:
                await self._take()
            except StandbyError as error:
                _log.warning("the lease to write for %s belongs to another process now: %s", self._owner, error)
            except TeleportError as error:
                self._failure = str(error)
                _log.debug("the lease to write for %s could not be requested: %s", self._owner, error)

    async def give_up(self) -> None:
        """Cancel the lease, so that the next process need not wait for its end. A failure is only logged."""
        async with self._asking:
            held, self._held = self._held, None
            self._is_wanted = self._is_lost = False
            if held is None:
                return
            try:
                await self._cancel(held.LeaseID)
            except RpcError as error:
                _log.info("the lease ends by itself within %.0f seconds: %s", LIFE, error)

    @property
    def _subject(self) -> str:
        return f"the lease of {self._owner}"

    def _is_due(self) -> bool:
        return self._left() <= LIFE - RENEW_AFTER

    def _left(self) -> float:
        """Return the seconds until the lease ends: the smaller number of two clocks.

        By the time of day alone, a clock that is set back would lengthen the lease. By the stopwatch alone, a virtual
        machine that was paused would not notice that the lease has ended.
        """
        by_stopwatch = self._ends - self._clock.monotonic()
        if self._held is None:
            return by_stopwatch
        by_time_of_day = self._held.Expires.ToDatetime(UTC) - self._clock.now()
        return min(by_stopwatch, by_time_of_day.total_seconds())

    async def _take(self) -> None:
        try:
            asked = await self._acquire()
        except LimitExceededError as error:
            present = await self._present_lease()
            if present is None:  # nobody holds it: the limit is another one, of requests
                raise
            if not self.is_of_our_seat(present.Holder):
                raise self._standby(present.Holder) from error
            await self._cancel(present.LeaseID)
            asked = await self._acquire()
        if not await self._renewed():
            present = await self._present_lease()
            raise self._too_slow(asked) if present is None else self._standby(present.Holder)
        self._is_wanted, self._is_lost, self.is_ousted, self._failure = True, False, False, ""
        _log.info("this process (%s) writes for %s", self._holder, self._owner)

    def _standby(self, holder: str) -> StandbyError:
        """Note that another process holds the lease."""
        self.is_ousted = self.is_ousted or self._is_wanted
        self._held, self._is_wanted, self._is_lost = None, False, False
        return StandbyError(self._owner, holder)

    def _too_slow(self, asked: float) -> DeadlineError:
        """Return the error for a server so slow that the short first lease ended before it was lengthened."""
        took = self._clock.monotonic() - asked
        details = f"the server took {took:.0f} seconds, by which the lease had ended again; nobody has it"
        return DeadlineError("AuthService/AcquireSemaphore", self._subject, details)

    async def _acquire(self) -> float:
        """Take the lease for `CLOCK_TOLERANCE` seconds; return the stopwatch's time of the request.

        The request is repeated while the server cannot be reached. If only the answer was lost, the next request finds
        the lease held by our own seat. Raises ClockBehindError, or LimitExceededError if the lease is held.
        """
        attempts = self._connection.attempts()
        while True:
            asked = self._clock.monotonic()
            request = types_pb2.AcquireSemaphoreRequest(
                SemaphoreKind=SEMAPHORE_KIND,
                SemaphoreName=self._owner,
                MaxLeases=1,
                Expires=self._in(CLOCK_TOLERANCE),
                Holder=str(self._holder),
            )
            try:
                self._held = await self._connection.call_once(
                    self._connection.auth.AcquireSemaphore,
                    request,
                    name="AuthService/AcquireSemaphore",
                    subject=self._subject,
                )
            except InvalidArgumentError as error:
                if self._clock.monotonic() - asked < CLOCK_TOLERANCE:
                    raise ClockBehindError from error
                raise self._too_slow(asked) from error
            except UnavailableError as error:
                await attempts.pause(error)
            else:
                self._ends = asked + CLOCK_TOLERANCE
                return asked

    async def _present_lease(self) -> types_pb2.SemaphoreLeaseRef | None:
        reply = await self._connection.call(
            self._connection.auth.GetSemaphores,
            types_pb2.SemaphoreFilter(SemaphoreKind=SEMAPHORE_KIND, SemaphoreName=self._owner),
            name="AuthService/GetSemaphores",
            subject=self._subject,
        )
        return next((lease for semaphore in reply.Semaphores for lease in semaphore.Spec.Leases), None)

    async def _cancel(self, lease_id: str) -> None:
        await self._connection.call_once(
            self._connection.auth.CancelSemaphoreLease,
            types_pb2.SemaphoreLease(
                SemaphoreKind=SEMAPHORE_KIND, SemaphoreName=self._owner, LeaseID=lease_id, Expires=self._in(LIFE)
            ),
            name="AuthService/CancelSemaphoreLease",
            subject=self._subject,
        )

    async def _renewed(self) -> bool:
        """Lengthen the lease if that is due; False if it is gone. Raises RpcError if that failed."""
        if self._held is None:
            return False
        if not self._is_due():
            return True
        longer = types_pb2.SemaphoreLease()
        longer.CopyFrom(self._held)
        longer.Expires.CopyFrom(self._in(LIFE))
        asked = self._clock.monotonic()
        try:
            await self._connection.call_once(
                self._connection.auth.KeepAliveSemaphoreLease,
                longer,
                name="AuthService/KeepAliveSemaphoreLease",
                subject=self._subject,
            )
        except NotFoundError:
            self._held = None
            return False
        self._held, self._ends, self._is_late, self._failure = longer, asked + LIFE, False, ""
        return True

    async def _renewed_or_still_good(self) -> bool:
        """The same, but a failed renewal counts as success while enough of the lease is left for another attempt."""
        try:
            return await self._renewed()
        except RpcError as error:
            said, self._is_late, self._failure = self._is_late, True, str(error)
            _log.log(logging.DEBUG if said else logging.INFO, "the lease of %s was not renewed: %s", self._owner, error)
            return self.is_held

    def _in(self, seconds: float) -> Timestamp:
        moment = Timestamp()
        moment.FromDatetime(self._clock.now() + timedelta(seconds=seconds))
        return moment
