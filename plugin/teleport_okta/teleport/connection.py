"""A connection to the auth server as one identity: every call is made here, and its failures get their meaning here.

What can go wrong, and is told apart: the server is away (the call is repeated), it refuses our certificate (we go back
to the one before), it refuses our version (it closes the connection without an answer, which looks like an outage), and
an administrator has locked us.
"""

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
from teleport_okta.teleport.availability import Availability
from teleport_okta.teleport.channels import Channels
from teleport_okta.teleport.dial import CLIENT_VERSION
from teleport_okta.teleport.gates import client_version_for
from teleport_okta.teleport.identity_errors import IdentityExpiredError
from teleport_okta.teleport.retry import Attempts, RetryPolicy
from teleport_okta.teleport.teleport_errors import (
    ClientVersionRefusedError,
    NotFoundError,
    PermissionDeniedError,
    RpcError,
    TeleportError,
    UnavailableError,
    rpc_error,
)

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.own_locks import OwnLocks
    from teleport_okta.teleport.route import Channel, Route

Request = TypeVar("Request")
Response = TypeVar("Response")

CALL_DEADLINE: Final = 30.0
"""Seconds that one attempt of a call may take."""

WRITE_DEADLINE: Final = 15.0
"""Seconds that one attempt of a write may take where a lease is needed: `lease.MARGIN` is longer."""

_SUSPICIOUS_FAILURES: Final = 3
"""After this many failures in a row we ask whether it is really an outage: a refused version never ends by itself."""

_PROBE_DEADLINE: Final = 5.0
"""Seconds that a probe may take."""

_log = logging.getLogger(__name__)


class WriteLease(Protocol):
    """The right to write, which another process may hold (`lease.Lease`)."""

    async def confirm(self) -> None:
        """Return if we hold it for as long as a write may take; raise NotTheWriterError otherwise."""
        ...


class Connection:
    """Calls to one auth server as one identity, which can be replaced by its successor while calls are in flight.

    gRPC reconnects by itself, with growing, jittered, capped pauses; a call that fails meanwhile is repeated here if
    it may be.
    """

    def __init__(
        self,
        channels: Channels,
        *,
        clock: Clock,
        rng: random.Random,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._channels = channels
        self._clock = clock
        self._rng = rng
        self._policy = policy or RetryPolicy()
        self._lease: WriteLease | None = None
        self.answering = Availability(clock)
        self.own_locks: OwnLocks | None = None
        """Finds the lock because of which this identity is refused, where another one can be asked."""

        self.auth = authservice_pb2_grpc.AuthServiceStub(channels.grpc)
        self.users = users_service_pb2_grpc.UsersServiceStub(channels.grpc)
        self.access_lists = accesslist_service_pb2_grpc.AccessListServiceStub(channels.grpc)
        self.okta = okta_service_pb2_grpc.OktaServiceStub(channels.grpc)
        self.plugins = plugin_service_pb2_grpc.PluginServiceStub(channels.grpc)
        self.trust = trust_service_pb2_grpc.TrustServiceStub(channels.grpc)

    @classmethod
    async def open(
        cls,
        route: Route,
        identity: Identity,
        *,
        directory: Path,
        clock: Clock,
        rng: random.Random,
        policy: RetryPolicy | None = None,
        client_version: str = CLIENT_VERSION,
    ) -> Self:
        """Prepare a connection by this route; the first call dials. Raises IdentityExpiredError and its like."""
        identity.check(clock.now())
        channels = await Channels.open(route, identity, directory=directory, client_version=client_version)
        return cls(channels, clock=clock, rng=rng, policy=policy)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every channel. The caller has ended the calls in flight."""
        await self._channels.aclose()

    @property
    def identity(self) -> Identity:
        """The identity that calls are made with now."""
        return self._channels.identity

    @property
    def previous_identity(self) -> Identity | None:
        """The identity to fall back on when the present one is refused."""
        return self._channels.previous_identity

    @previous_identity.setter
    def previous_identity(self, identity: Identity | None) -> None:
        self._channels.previous_identity = identity

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for services that have no stub here."""
        return self._channels.grpc

    def requiring_lease(self, lease: WriteLease) -> Self:
        """Return the same connection, which confirms the lease before each attempt of a call."""
        requiring = copy.copy(self)
        requiring._lease = lease  # noqa: SLF001 - one of us
        return requiring

    async def renew(self, identity: Identity) -> None:
        """Go on with another identity of the same party once it has carried a call; the old one serves until then.

        Raises IdentityExpiredError and its like, or RpcError when the call failed; the old one serves on then. It is
        kept as well, to fall back on.
        """
        identity.check(self._clock.now())
        await self._channels.replace(identity, self._probe)

    async def probe(self) -> None:
        """Make one harmless call, once; raises RpcError."""
        await self._probe(self._channels.current)

    async def answers(self) -> bool:
        """Whether one harmless call, made once, is answered: tells an outage from the failure of another call."""
        try:
            await self.probe()
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
        if self._lease is not None:
            await self._lease.confirm()
            deadline = WRITE_DEADLINE
        started = self._clock.monotonic()
        try:
            with waiting_for(f"Teleport to answer {name} of {subject}"):
                answer = await method(request, timeout=deadline, metadata=self._channels.metadata)
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
            return await self.auth.GetLocks(request, timeout=_PROBE_DEADLINE, metadata=self._channels.metadata)
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
        """Begin a call that is answered by a stream, without a deadline. It ends with the channel that it began on."""
        return method(request, metadata=self._channels.metadata)

    def failure_of(self, error: grpc.aio.AioRpcError, *, name: str, subject: str) -> RpcError:
        """Return our error for a failed call, with the cause of an outage where that is known."""
        return _explained(rpc_error(error, method=name, subject=subject), self._channels.why())

    async def _diagnose(self, failures: int) -> None:
        """Find the faults that look like an outage: an identity that is expired or refused, or a refused version."""
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
        """Go back to the identity before this one, if there is one, and the server takes it but refuses this one.

        The previous identity is tried first. In an outage it gets no answer either, and that ends the question.
        """
        previous_identity, present, version = self._channels.previous_identity, self.identity, self._channels.metadata
        if previous_identity is None or await self._ping_apart(previous_identity, version) is None:
            return False
        if await self._ping_apart(present, version) is not None or self.identity is not present:
            return False
        try:
            await self.renew(previous_identity)
        except TeleportError:
            return False
        _log.warning(
            "Teleport refuses the certificate of %s; going on with the one before it", previous_identity.subject
        )
        return True

    async def _probe(self, channel: Channel) -> None:
        """Make a harmless call on a new channel; raises RpcError."""
        ping = authservice_pb2_grpc.AuthServiceStub(channel.grpc).Ping
        try:
            await ping(authservice_pb2.PingRequest(), timeout=_PROBE_DEADLINE, metadata=self._channels.metadata)
        except grpc.aio.AioRpcError as error:
            failure = rpc_error(error, method="AuthService/Ping", subject="the new certificate")
            raise _explained(failure, channel.why()) from error

    async def _check_version(self) -> None:
        """Find out whether the server closes the connection because of our version, and name another version then.

        Raises ClientVersionRefusedError if there is no other version to name. The server is pinged without the version
        before and after, so that a restart in between does not count as a refusal.
        """
        refused, version = self._channels.client_version, self._channels.metadata
        server = await self._ping_apart(self.identity, None)
        if server is None or await self._ping_apart(self.identity, version) is not None:
            return
        if await self._ping_apart(self.identity, None) is None or self._channels.client_version != refused:
            return  # an outage after all, or found out by another call meanwhile
        accepted = client_version_for(server.ServerVersion)
        if accepted == refused:
            raise ClientVersionRefusedError(accepted, server.ServerVersion)
        _log.info("the auth server (%s) refuses clients of %s", server.ServerVersion, refused)
        self._channels.set_client_version(accepted)

    async def _ping_apart(
        self, identity: Identity, metadata: grpc.aio.Metadata | None
    ) -> authservice_pb2.PingResponse | None:
        """Ping on a channel of its own, since a refusal closes the connection for every call on it; None: no answer.

        A refused version arrives as a closed connection (`docs/reference/teleport-observed.md` 1.3).
        """
        channel = await self._channels.open_apart(identity)
        try:
            ping = authservice_pb2_grpc.AuthServiceStub(channel.grpc).Ping
            return await ping(authservice_pb2.PingRequest(), timeout=_PROBE_DEADLINE, metadata=metadata)
        except grpc.aio.AioRpcError:
            return None
        finally:
            await channel.aclose()


def _explained(error: RpcError, why: TeleportError | None) -> RpcError:
    """Put the cause into the message of an outage if the forwarder knows it: gRPC only says UNAVAILABLE."""
    if why is None or not isinstance(error, UnavailableError):
        return error
    return type(error)(error.method, error.subject, why.what, remedy=why.remedy)
