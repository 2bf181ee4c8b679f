"""A connection to the auth server as one identity: one channel, its stubs, and the way every call is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self, TypeVar

import grpc
import grpc.aio
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport.users.v1 import users_service_pb2_grpc

from teleport_okta.teleport.dial import CLIENT_VERSION, open_channel, version_metadata
from teleport_okta.teleport.errors import (
    ClientVersionRefusedError,
    NotFoundError,
    RpcError,
    UnavailableError,
    rpc_error,
)
from teleport_okta.teleport.retry import Attempts, RetryPolicy

if TYPE_CHECKING:
    import random

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.identity import Identity

Request = TypeVar("Request")
Response = TypeVar("Response")

CALL_DEADLINE: Final = 30.0
"""Seconds that one attempt of a call may take."""

_SUSPICIOUS_FAILURES: Final = 3
"""After every so many failures in a row we ask whether our version is refused: such an outage would never end."""

_PROBE_DEADLINE: Final = 5.0
"""Seconds that the answer to that question may take."""


class Connection:
    """Calls to one auth server as one identity.

    gRPC reconnects by itself, with growing, jittered, capped pauses; a call that fails meanwhile is repeated here if
    it may be. The object lives as long as its identity does.
    """

    def __init__(
        self,
        address: str,
        identity: Identity,
        *,
        clock: Clock,
        rng: random.Random,
        policy: RetryPolicy | None = None,
        client_version: str = CLIENT_VERSION,
    ) -> None:
        identity.check(clock.now())
        self.address = address
        self.identity = identity
        self._clock = clock
        self._rng = rng
        self._policy = policy or RetryPolicy()
        self._client_version = client_version
        self._metadata = version_metadata(client_version)
        self._channel = open_channel(address, identity)
        self.auth = authservice_pb2_grpc.AuthServiceStub(self._channel)
        self.users = users_service_pb2_grpc.UsersServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the channel. Whoever has calls in flight ends them first."""
        await self._channel.close()

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for services that have no stub here."""
        return self._channel

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
        """Make a call exactly once. Raises a subclass of RpcError."""
        try:
            return await method(request, timeout=CALL_DEADLINE, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise rpc_error(error, method=name, subject=subject) from error

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

    async def _diagnose(self, failures: int) -> None:
        """Tell the two faults that look like an outage from one: an expired identity, and a refused client version."""
        self.identity.check(self._clock.now())
        if failures % _SUSPICIOUS_FAILURES == 0:
            await self._check_version()

    async def _check_version(self) -> None:
        """Raise ClientVersionRefusedError if the server hangs up when our version is named, and only then.

        It is asked without the version before and after, so that a restart in between is no refusal.
        """
        server = await self._ping_apart(None)
        if server is None or await self._ping_apart(self._metadata) is not None:
            return
        if await self._ping_apart(None) is not None:
            raise ClientVersionRefusedError(self._client_version, server.ServerVersion)

    async def _ping_apart(self, metadata: grpc.aio.Metadata | None) -> authservice_pb2.PingResponse | None:
        """Ask on a channel of its own, since a refusal closes the connection under everybody; None: no answer.

        A refused version arrives as a closed connection (`teleport-observed.md` 1.3).
        """
        async with open_channel(self.address, self.identity) as channel:
            ping = authservice_pb2_grpc.AuthServiceStub(channel).Ping
            try:
                return await ping(authservice_pb2.PingRequest(), timeout=_PROBE_DEADLINE, metadata=metadata)
            except grpc.aio.AioRpcError:
                return None
