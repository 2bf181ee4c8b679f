"""The channel of one identity, and its replacement while calls are in flight.

Stubs are built once, on an object that looks up the present channel at each call. A new identity gets a channel of its
own, which must carry a call before it takes over. Calls that began on the old channel end there; then it is closed.
"""

# ruff: noqa: ANN401 - what stubs give a channel is passed on as it is

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Self, cast

from teleport_okta.teleport.dial import CLIENT_VERSION, version_metadata

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import grpc.aio

    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.route import Channel, Route
    from teleport_okta.teleport.teleport_errors import TeleportError

_DRAIN_TIMEOUT: Final = 60.0
"""Seconds that calls on a replaced channel may still take: longer than the deadline of any attempt."""

_log = logging.getLogger(__name__)


class Channels:
    """The channel of one identity to the auth server, and earlier channels that still have calls in flight."""

    def __init__(
        self,
        route: Route,
        directory: Path,
        channel: Channel,
        identity: Identity,
        *,
        client_version: str = CLIENT_VERSION,
    ) -> None:
        self.route = route
        self.set_client_version(client_version)
        self.identity = identity
        self.previous_identity: Identity | None = None
        """The identity to go back to if the present one is refused: a rotation of the CA can be rolled back."""
        self._directory = directory
        self._current = _InUse(channel)
        self._retiring: set[asyncio.Task[None]] = set()
        self.grpc = cast("grpc.aio.Channel", _SwitchedChannel(lambda: self._current))

    @classmethod
    async def open(
        cls, route: Route, identity: Identity, *, directory: Path, client_version: str = CLIENT_VERSION
    ) -> Self:
        """Open the first channel; nothing is sent yet. `directory` is where a forwarder may put its socket."""
        return cls(route, directory, await route.open(identity, directory), identity, client_version=client_version)

    def set_client_version(self, client_version: str) -> None:
        """Send this client version with each call from now on."""
        self.client_version = client_version
        self.metadata = version_metadata(client_version)

    def why(self) -> TeleportError | None:
        """Return why the channel could not connect the last time, if its forwarder knows more than gRPC says."""
        return self._current.channel.why()

    @property
    def current(self) -> Channel:
        """The channel for calls that begin now."""
        return self._current.channel

    async def open_apart(self, identity: Identity) -> Channel:
        """Return a channel beside the others, for a call that may close its connection; the caller closes it."""
        return await self.route.open(identity, self._directory)

    async def replace(self, identity: Identity, probe: Callable[[Channel], Awaitable[None]]) -> None:
        """Switch to another identity once `probe` has succeeded on its channel; the old one becomes the previous one.

        An error of `probe` is raised, and nothing has changed then.
        """
        channel = await self.route.open(identity, self._directory)
        try:
            await probe(channel)
        except BaseException:
            await channel.aclose()
            raise
        old, self._current = self._current, _InUse(channel)
        self.previous_identity, self.identity = self.identity, identity
        self._retire(old)

    async def aclose(self) -> None:
        """Close every channel. The caller has ended the calls in flight."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self._current.channel.aclose()

    def _retire(self, old: _InUse) -> None:
        task = asyncio.ensure_future(_close_when_idle(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


class _InUse:
    """A channel and the number of its calls in flight."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.idle = asyncio.Event()
        self.idle.set()
        self._calls = 0

    def began(self) -> None:
        self._calls += 1
        self.idle.clear()

    def ended(self) -> None:
        self._calls -= 1
        if not self._calls:
            self.idle.set()


async def _close_when_idle(old: _InUse) -> None:
    try:
        async with asyncio.timeout(_DRAIN_TIMEOUT):
            await old.idle.wait()
    except TimeoutError:
        _log.warning("calls on a replaced connection to Teleport did not end within %.0f seconds", _DRAIN_TIMEOUT)
    finally:
        await old.channel.aclose()


class _SwitchedChannel:
    """The part of a gRPC channel that stubs use; each call uses the channel that is current when the call begins."""

    def __init__(self, current: Callable[[], _InUse]) -> None:
        self._current = current

    def unary_unary(self, method: str, *details: Any, **more: Any) -> _SwitchedMethod:
        return _SwitchedMethod(self._current, method, details, more)

    def unary_stream(self, method: str, *details: Any, **more: Any) -> Any:
        return self._stream("unary_stream", method, details, more)

    def stream_unary(self, method: str, *details: Any, **more: Any) -> Any:
        return self._stream("stream_unary", method, details, more)

    def _stream(self, kind: str, method: str, details: tuple[Any, ...], more: dict[str, Any]) -> Any:
        """A stream ends with the channel that it began on; its reader starts it again."""

        def call(*args: Any, **options: Any) -> Any:
            return getattr(self._current().channel.grpc, kind)(method, *details, **more)(*args, **options)

        return call


class _SwitchedMethod:
    """One unary method over the channel that is current."""

    def __init__(
        self, current: Callable[[], _InUse], method: str, details: tuple[Any, ...], more: dict[str, Any]
    ) -> None:
        self._current = current
        self._method = method
        self._details = details
        self._more = more
        self._bound: tuple[_InUse, Any] | None = None

    async def __call__(self, request: Any, **options: Any) -> Any:
        in_use = self._current()
        if self._bound is None or self._bound[0] is not in_use:
            self._bound = in_use, in_use.channel.grpc.unary_unary(self._method, *self._details, **self._more)
        call = self._bound[1]
        in_use.began()
        try:
            return await call(request, **options)
        finally:
            in_use.ended()
