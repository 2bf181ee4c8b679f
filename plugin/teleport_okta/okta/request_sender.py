"""Sends one call: waits for its turn in the bucket, signs it, retries it, and renews the token."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeVar

from teleport_okta.observe.waits import waiting_for
from teleport_okta.okta.answers import Answer
from teleport_okta.okta.buckets import bucket_of
from teleport_okta.okta.okta_errors import (
    OktaError,
    OktaMalformedAnswerError,
    OktaOutcomeUnknownError,
    OktaUnauthorizedError,
)
from teleport_okta.okta.rate_headers import closed_for, rate_headers
from teleport_okta.okta.response_errors import error_of
from teleport_okta.okta.retries import DEADLINE, may_have_happened, pause_before_retry
from teleport_okta.okta.throttle import LONG_WAIT
from teleport_okta.okta.transport import MOST_BYTES, Request

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from yarl import URL

    from teleport_okta.clock import Clock
    from teleport_okta.observe.work_metrics import CallObserver
    from teleport_okta.okta.credentials import TokenRequest
    from teleport_okta.okta.okta_clock import OktaClock
    from teleport_okta.okta.throttle import Pacer, Turn

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Transport(Protocol):
    """One attempt over the network; see `transport.HttpTransport`."""

    async def send(self, request: Request) -> Answer:
        """Return the answer, whatever its status; raise OktaError if no complete one came."""
        ...


class Signature(Protocol):
    """A credential with the token endpoint of its organisation."""

    async def sign(self, method: str, url: URL) -> dict[str, str]:
        """Return the headers that authorise this request."""
        ...

    def refused(self, headers: dict[str, str]) -> bool:
        """Record a 401; return whether signing again may help."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A request. It is signed again for every attempt, or never without a `signature`.

    `token` makes it a request for a token. `rows` is the requested number of rows of a listing. `body` is JSON;
    `most_bytes` is as in `transport.Request`. A call that is not `repeatable` must not be done twice: it is sent again
    only if it is certain that it was not done.
    """

    method: str
    url: URL
    signature: Signature | None = None
    accept: str = "application/json"
    token: TokenRequest | None = None
    rows: int | None = None
    body: bytes | None = field(default=None, repr=False)
    most_bytes: int = MOST_BYTES
    repeatable: bool = True


class Sender:
    """Sends calls, counts the requests by bucket, retries included, and measures Okta's clock."""

    def __init__(
        self,
        transport: Transport,
        pacer: Pacer,
        *,
        clock: Clock,
        okta_clock: OktaClock,
        rng: Random,
        observer: CallObserver | None = None,
    ) -> None:
        self._observer = observer
        self._transport = transport
        self._pacer = pacer
        self._clock = clock
        self._okta_clock = okta_clock
        self._rng = rng
        self.calls: Counter[str] = Counter()

    async def send(self, call: Call, read: Callable[[Answer], T]) -> T:
        """Return what `read` makes of the answer; if it finds the answer cut off, the call is retried.

        Raises the OktaError of the last attempt when there are no more retries, or no more time for them, and
        OktaOutcomeUnknownError for a call that is not repeatable and may have been done. An error of the signature is
        final: the call to the token endpoint had its own retries.
        """
        bucket = bucket_of(call.method, call.url.raw_path)
        first_sent: float | None = None
        first_id: str | None = None
        retries, renewed = 0, False
        while True:
            asked = self._clock.monotonic()
            async with self._pacer.turn(bucket) as turn:
                self._note_wait(bucket, self._clock.monotonic() - asked)
                # Within the turn: a signature is dated, so it must not be made before a long wait for the limit.
                signed = await call.signature.sign(call.method, call.url) if call.signature else {}
                first_sent = self._clock.monotonic() if first_sent is None else first_sent
                outcome = await self._exchange(call, signed | _retry_headers(first_id, retries), bucket, turn)
            if isinstance(outcome, Answer):
                try:
                    return read(outcome)
                except OktaMalformedAnswerError as error:
                    outcome = error
            if isinstance(outcome, OktaUnauthorizedError) and not renewed and call.signature is not None:
                renewed = call.signature.refused(signed)
                if renewed:
                    continue
            if not call.repeatable and may_have_happened(outcome):
                raise OktaOutcomeUnknownError(
                    outcome.failure, "may have been done, but no complete answer came"
                ) from outcome
            pause = pause_before_retry(
                outcome, retries, self._rng, rate=turn.headers, closed_for=turn.closed_for, rows=call.rows
            )
            if pause is None or self._clock.monotonic() + pause - first_sent > DEADLINE:
                raise outcome
            retries += 1
            first_id = first_id or outcome.failure.request_id
            level = logging.INFO if pause >= LONG_WAIT else logging.DEBUG
            _log.log(level, "%s; retry %d in %.1f s", outcome.what, retries, pause)
            if turn.refused:
                self._note_wait(bucket, pause)
            with waiting_for(f"the retry of {call.method} {call.url.raw_path}, for {pause:.0f} s"):
                await self._clock.sleep(pause)

    async def _exchange(self, call: Call, headers: dict[str, str], bucket: str, turn: Turn) -> Answer | OktaError:
        async with self._pacer.wire:
            form = call.token.form() if call.token is not None else None
            proof = call.token.headers() if call.token is not None else {}
            # Set without a body too: aiohttp's default is application/octet-stream, a type that Okta does not accept.
            typed = {"Content-Type": "application/json"} if call.method != "GET" and form is None else {}
            sent_headers = {"Accept": call.accept, **typed, **headers, **proof}
            request = Request(call.method, call.url, sent_headers, form, call.body, call.most_bytes)
            self.calls[bucket] += 1
            if self._observer is not None:
                self._observer.called(bucket)
            sent, started = self._clock.now(), self._clock.monotonic()
            what = f"{call.method} {call.url.raw_path}"
            try:
                with waiting_for(f"Okta to answer {what}"):
                    answer = await self._transport.send(request)
            except OktaError as error:
                _log.debug("%s: no answer after %.2f s: %s", what, self._clock.monotonic() - started, error.what)
                return error
        took = self._clock.monotonic() - started
        _log.debug("%s: %d in %.2f s (limit of %s)", what, answer.status, took, bucket)
        self._okta_clock.heard(answer.headers, sent=sent, took=took)
        if call.token is not None:
            call.token.heard(answer.headers)
        now = self._okta_clock.now().timestamp()
        turn.headers = rate_headers(answer.headers, now=now)
        turn.refused = answer.status == HTTPStatus.TOO_MANY_REQUESTS
        turn.closed_for = closed_for(answer.status, answer.headers, now=now)
        if turn.refused and self._observer is not None:
            self._observer.refused(bucket)
        return error_of(answer) or answer

    def _note_wait(self, bucket: str, seconds: float) -> None:
        if self._observer is not None:
            self._observer.waited(bucket, seconds)


def _retry_headers(first_id: str | None, retries: int) -> dict[str, str]:
    """Return the headers that name the repeated request, as Okta's own SDKs send them."""
    return {"X-Okta-Retry-For": first_id, "X-Okta-Retry-Count": str(retries)} if first_id else {}
