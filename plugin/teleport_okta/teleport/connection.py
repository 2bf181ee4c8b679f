"""A connection to the auth server as one identity: the way every call is made, and what its failures mean."""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

import grpc
import grpc.aio
from teleport.accesslist.v1 import accesslist_service_pb2_grpc
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport.okta.v1 import okta_service_pb2_grpc
from teleport.plugins.v1 import plugin_service_pb2_grpc
from teleport.trust.v1 import trust_service_pb2_grpc
from teleport.users.v1 import users_service_pb2_grpc

from teleport_okta.observe.waits import waiting_for
from teleport_okta.teleport.answering import Answering
from teleport_okta.teleport.dial import CLIENT_VERSION
from teleport_okta.teleport.errors import (
    ClientVersionRefusedError,
    NotFoundError,
    PermissionDeniedError,
    RpcError,
    TeleportError,
    UnavailableError,
    rpc_error,
)
from teleport_okta.teleport.gates import client_version_for
from teleport_okta.teleport.identity_errors import IdentityExpiredError
from teleport_okta.teleport.lines import Lines
from teleport_okta.teleport.retry import Attempts, RetryPolicy

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.own_locks import OwnLocks
    from teleport_okta.teleport.way import Line, Way

Request = TypeVar("Request")
Response = TypeVar("Response")

CALL_DEADLINE: Final = 30.0
"""Seconds that one attempt of a call may take."""

WRITE_DEADLINE: Final = 15.0
"""Seconds that one attempt of a write may take, where only the holder of a lease may write."""

_SUSPICIOUS_FAILURES: Final = 3
"""After every so many failures in a row we ask whether it is really an outage: some would never end."""

_PROBE_DEADLINE: Final = 5.0
"""Seconds that the answer to such a question may take."""

_log = logging.getLogger(__name__)


class Right(Protocol):
    """The right to write, which somebody else may have (`lease.Lease`)."""

    async def confirm(self) -> None:
        """Return while we have it, for as long as a write may take; raise NotTheWriterError when we do not."""
        ...


class Connection:
    """Calls to one auth server as one identity, which can be replaced by its successor while calls are in flight.

    gRPC reconnects by itself, with growing, jittered, capped pauses; a call that fails meanwhile is repeated here if
    it may be.
    """

    def __init__(
        self,
        lines: Lines,
        *,
        clock: Clock,
        rng: random.Random,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._lines = lines
        self._clock = clock
        self._rng = rng
        self._policy = policy or RetryPolicy()
        self._right: Right | None = None
        self.answering = Answering(clock)
        self.own_locks: OwnLocks | None = None
        """Finds the lock because of which this identity is refused, where another one can be asked."""

        self.auth = authservice_pb2_grpc.AuthServiceStub(lines.channel)
        self.users = users_service_pb2_grpc.UsersServiceStub(lines.channel)
        self.access_lists = accesslist_service_pb2_grpc.AccessListServiceStub(lines.channel)
        self.okta = okta_service_pb2_grpc.OktaServiceStub(lines.channel)
        self.plugins = plugin_service_pb2_grpc.PluginServiceStub(lines.channel)
        self.trust = trust_service_pb2_grpc.TrustServiceStub(lines.channel)

    @classmethod
    async def open(
        cls,
        way: Way,
        identity: Identity,
        *,
        directory: Path,
        clock: Clock,
        rng: random.Random,
        policy: RetryPolicy | None = None,
        client_version: str = CLIENT_VERSION,
    ) -> Self:
        """Prepare a connection by this way; the first call dials. Raises IdentityExpiredError and its like."""
        identity.check(clock.now())
        lines = await Lines.open(way, identity, directory=directory, client_version=client_version)
        return cls(lines, clock=clock, rng=rng, policy=policy)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every channel. Whoever has calls in flight ends them first."""
        await self._lines.aclose()

    @property
    def identity(self) -> Identity:
        """The identity that calls are made with now."""
        return self._lines.identity

    @property
    def spare(self) -> Identity | None:
        """The identity to fall back on when the present one is refused."""
        return self._lines.spare

    @spare.setter
    def spare(self, identity: Identity | None) -> None:
        self._lines.spare = identity

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for services that have no stub here."""
        return self._lines.channel

    def guarded(self, right: Right) -> Self:
        """Return the same connection for somebody whose every attempt needs a right that can be lost."""
        guarded = copy.copy(self)
        guarded._right = right  # noqa: SLF001 - one of us
        return guarded

    async def renew(self, identity: Identity) -> None:
        """Go on with another identity of the same party once it has carried a call; the old one serves until then.

        Raises IdentityExpiredError and its like, or RpcError when the call failed; the old one serves on then. It is
        kept as well, to fall back on.
        """
        identity.check(self._clock.now())
        await self._lines.replace(identity, self._prove)

    async def prove(self) -> None:
        """Make one harmless call, once; raises RpcError."""
        await self._prove(self._lines.current)

    async def answers(self) -> bool:
        """Whether one harmless call, made once, is answered: tells an outage from the failure of another call."""
        try:
            await self.prove()
        except RpcError:
            return False
        return True

    def attempts(self) -> Attempts:
        """Return the attempts of a new operation."""
        return Attempts(self._policy, self._clock, self._rng, self._diagnose)

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        name: str,
        subject: str,
    ) -> Response:
        """Make a call that may safely run twice, and repeat it while failures are transient.

        `name` is `Service/Method` and `subject` the object, for errors. Raises a subclass of RpcError,
        IdentityExpiredError, or ClientVersionRefusedError.
        """
        attempts: Attempts | None = None
        while True:
            try:
                return await self.call_once(method, request, name=name, subject=subject)
            except RpcError as error:
                attempts = attempts or self.attempts()
                await attempts.pause(error)

    async def call_once(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        name: str,
        subject: str,
    ) -> Response:
        """Make a call exactly once. Raises a subclass of RpcError, or NotTheWriterError.

        A refusal because of a lock on our own identity is LockedError if the lock can be found.
        """
        deadline = CALL_DEADLINE
        if self._right is not None:
            await self._right.confirm()
            deadline = WRITE_DEADLINE
        started = self._clock.monotonic()
        try:
            with waiting_for(f"Teleport to answer {name} of {subject}"):
                answer = await method(request, timeout=deadline, metadata=self._lines.metadata)
        except grpc.aio.AioRpcError as error:
            _log.debug("%s of %s: %s in %.2f s", name, subject, error.code().name, self._clock.monotonic() - started)
            failure = self.failure_of(error, name=name, subject=subject)
            self.answering.failed(failure, began=started)
            raise await self.explained(failure) from error
        self.let_in()
        _log.debug("%s of %s: OK in %.2f s", name, subject, self._clock.monotonic() - started)
        return answer

    def let_in(self) -> None:
        """Note that a call was answered, and not refused."""
        self.answering.answered()
        if self.own_locks is not None:
            self.own_locks.let_in()

    async def explained(self, failure: RpcError) -> RpcError:
        """Return a failure with the lock in it if it is because of one."""
        if self.own_locks is None or not isinstance(failure, PermissionDeniedError):
            return failure
        return await self.own_locks.explained(failure, self.identity)

    async def locks_of_other(self, request: authservice_pb2.GetLocksRequest) -> authservice_pb2.GetLocksResponse | None:
        """Ask for locks on the other identity, once; None if that is not answered."""
        try:
            return await self.auth.GetLocks(request, timeout=_PROBE_DEADLINE, metadata=self._lines.metadata)
        except grpc.aio.AioRpcError as error:
            _log.debug("the locks on our other identity cannot be read: %s", error.code().name)
            return None

    async def delete(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        name: str,
        subject: str,
    ) -> bool:
        """Make a call that deletes, and repeat it likewise. Returns False when the object was gone before.

        What is found gone after a lost answer counts as deleted: most likely by the attempt that went unanswered.
        """
        attempts = self.attempts()
        answer_lost = False
        while True:
            try:
                await self.call_once(method, request, name=name, subject=subject)
            except NotFoundError:
                return answer_lost
            except RpcError as error:
                await attempts.pause(error)
                answer_lost = answer_lost or isinstance(error, UnavailableError)
            else:
                return True

    def stream(
        self, method: grpc.aio.UnaryStreamMultiCallable[Request, Response], request: Request
    ) -> grpc.aio.UnaryStreamCall[Request, Response]:
        """Begin a call that is answered by a stream, without a deadline. It ends with the line that it began on."""
        return method(request, metadata=self._lines.metadata)

    def failure_of(self, error: grpc.aio.AioRpcError, *, name: str, subject: str) -> RpcError:
        """Return our error for a failed call, with the cause of an outage where that is known."""
        return _explained(rpc_error(error, method=name, subject=subject), self._lines.why())

    async def _diagnose(self, failures: int) -> None:
        """Tell the faults that look like an outage from one: an identity that is expired or refused, or our version."""
        suspicious = failures % _SUSPICIOUS_FAILURES == 0
        try:
            self.identity.check(self._clock.now())
        except IdentityExpiredError:
            if not await self._fell_back():
                raise
            return
        if suspicious and not await self._fell_back():
            await self._check_version()

    async def _fell_back(self) -> bool:
        """Go back to the identity before this one, if there is one, and it is taken where this one is refused.

        It is asked first: when it gets an answer and the present one does not, that is no outage.
        """
        spare, present, version = self._lines.spare, self.identity, self._lines.metadata
        if spare is None or await self._ping_apart(spare, version) is None:
            return False
        if await self._ping_apart(present, version) is not None or self.identity is not present:
            return False
        try:
            await self.renew(spare)
        except TeleportError:
            return False
        _log.warning("Teleport refuses the certificate of %s; going on with the one before it", spare.subject)
        return True

    async def _prove(self, line: Line) -> None:
        """Make a harmless call on a new line; raises RpcError."""
        ping = authservice_pb2_grpc.AuthServiceStub(line.channel).Ping
        try:
            await ping(authservice_pb2.PingRequest(), timeout=_PROBE_DEADLINE, metadata=self._lines.metadata)
        except grpc.aio.AioRpcError as error:
            failure = rpc_error(error, method="AuthService/Ping", subject="the new certificate")
            raise _explained(failure, line.why()) from error

    async def _check_version(self) -> None:
        """Find out whether the server hangs up when our version is named, and name one that it should take then.

        Raises ClientVersionRefusedError when that is the very one which it refuses. It is asked without the version
        before and after, so that a restart in between is no refusal.
        """
        refused, version = self._lines.client_version, self._lines.metadata
        server = await self._ping_apart(self.identity, None)
        if server is None or await self._ping_apart(self.identity, version) is not None:
            return
        if await self._ping_apart(self.identity, None) is None or self._lines.client_version != refused:
            return  # an outage after all, or found out by another call meanwhile
        accepted = client_version_for(server.ServerVersion)
        if accepted == refused:
            raise ClientVersionRefusedError(accepted, server.ServerVersion)
        _log.info("the auth server (%s) refuses clients of %s", server.ServerVersion, refused)
        self._lines.speak(accepted)

    async def _ping_apart(
        self, identity: Identity, metadata: grpc.aio.Metadata | None
    ) -> authservice_pb2.PingResponse | None:
        """Ask on a line of its own, since a refusal closes the connection under everybody; None: no answer.

        A refused version arrives as a closed connection (`docs/reference/teleport-observed.md` 1.3).
        """
        line = await self._lines.open_apart(identity)
        try:
            ping = authservice_pb2_grpc.AuthServiceStub(line.channel).Ping
            return await ping(authservice_pb2.PingRequest(), timeout=_PROBE_DEADLINE, metadata=metadata)
        except grpc.aio.AioRpcError:
            return None
        finally:
            await line.aclose()


def _explained(error: RpcError, why: TeleportError | None) -> RpcError:
    """Put the cause into an outage's words where it is known better than gRPC knows it."""
    if why is None or not isinstance(error, UnavailableError):
        return error
    return type(error)(error.method, error.subject, why.what, remedy=why.remedy)
