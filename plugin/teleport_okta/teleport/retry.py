"""When a call is repeated, after which pause, and when we give up (`docs/reference/teleport.md` 1.7).

Reads, and writes that may run twice, are repeated. A write that must not run twice (a create, a conditional update) is
repeated only if a reading shows that it did not arrive: a lost answer does not mean a lost request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from teleport_okta.observe.waits import waiting_for
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    LimitExceededError,
    MessageTooLargeError,
    RevisionConflictError,
    UnavailableError,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.teleport_errors import RpcError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds: of the first pause, of the longest, and of the whole with all its pauses."""

    first: float = 0.2
    longest: float = 5.0
    budget: float = 60.0


class Attempts:
    """The attempts of one operation: counts them, and waits between them.

    `diagnose` is called after every failure to reach the server, with the number of failures so far; it raises if the
    cause is not an outage.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        clock: Clock,
        rng: random.Random,
        diagnose: Callable[[int], Awaitable[None]] | None = None,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._rng = rng
        self._diagnose = diagnose
        self._end = clock.monotonic() + policy.budget
        self.failed = 0

    async def pause(self, error: RpcError) -> None:
        """Wait before the next attempt: longer each time, and for a random time, so that clients do not retry in step.

        Raises `error` instead if repeating cannot help, or the time for all attempts would be exceeded.
        """
        if not is_transient(error):
            raise error
        self.failed += 1
        if self._diagnose is not None and isinstance(error, UnavailableError):
            await self._diagnose(self.failed)
        longest = min(self._policy.longest, self._policy.first * 2.0 ** (self.failed - 1))
        delay = longest * (0.5 + self._rng.random() / 2)
        if self._clock.monotonic() + delay > self._end:
            raise error
        with waiting_for(f"the next attempt after: {error}"):
            await self._clock.sleep(delay)


def is_transient(error: RpcError) -> bool:
    """Whether the same request may succeed a little later."""
    return isinstance(error, UnavailableError | LimitExceededError) and not isinstance(error, MessageTooLargeError)


async def write_once(
    send: Callable[[], Awaitable[T]], look: Callable[[], Awaitable[T | None]], attempts: Attempts
) -> T:
    """Make a write that must not run twice, and return the stored object.

    `send` tries it once. After a lost answer `look` reads the object: it returns it if our write arrived; None if it
    did not, and then it is sent again. A refusal (exists, revision) after a lost answer may be caused by our own write,
    so it is followed by `look` as well.
    """
    answer_lost = False
    while True:
        try:
            return await send()
        except (AlreadyExistsError, RevisionConflictError):
            if not answer_lost:
                raise
            stored = await look()
            if stored is None:
                raise
            return stored
        except UnavailableError as error:
            await attempts.pause(error)
            answer_lost = True
            stored = await look()
            if stored is not None:
                return stored
        except LimitExceededError as error:
            await attempts.pause(error)
