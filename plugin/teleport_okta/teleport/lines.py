"""The line that calls go over, and its replacement while calls are under way.

Stubs are built once, on a channel that looks up the line at each call. A new identity gets a line of its own, which
must carry a call before it takes over; what began on the old line ends there, and then the old line is closed.
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

    from teleport_okta.teleport.errors import TeleportError
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.way import Line, Way

_LONGEST_FAREWELL: Final = 60.0
"""Seconds that calls on a replaced line may still take; longer than any single attempt of one."""

_log = logging.getLogger(__name__)


class Lines:
    """The line of one identity to the auth server, and those before it that still have calls in flight."""

    def __init__(
        self, way: Way, directory: Path, line: Line, identity: Identity, *, client_version: str = CLIENT_VERSION
    ) -> None:
        self.way = way
        self.speak(client_version)
        self.identity = identity
        self.spare: Identity | None = None
        """An identity to go back to, should the present one be refused."""
        self._directory = directory
        self._current = _InUse(line)
        self._retiring: set[asyncio.Task[None]] = set()
        self.channel = cast("grpc.aio.Channel", _SwitchedChannel(lambda: self._current))

    @classmethod
    async def open(cls, way: Way, identity: Identity, *, directory: Path, client_version: str = CLIENT_VERSION) -> Self:
        """Open the first line; nothing is sent yet. `directory` is where a forwarder may put its socket."""
        return cls(way, directory, await way.open(identity, directory), identity, client_version=client_version)

    def speak(self, client_version: str) -> None:
        """Name this version of a client from now on."""
        self.client_version = client_version
        self.metadata = version_metadata(client_version)

    def why(self) -> TeleportError | None:
        """Return why the line could not be connected the last time, if that is known better than gRPC knows it."""
        return self._current.line.why()

    @property
    def current(self) -> Line:
        """The line that calls which begin now go over."""
        return self._current.line

    async def open_apart(self, identity: Identity) -> Line:
        """Return a line beside the others, for a question that may cost the connection; the caller ends it."""
        return await self.way.open(identity, self._directory)

    async def replace(self, identity: Identity, prove: Callable[[Line], Awaitable[None]]) -> None:
        """Let an identity take over once `prove` has come back from its line; the old identity becomes the spare.

        What `prove` raises is raised, and nothing has changed then.
        """
        line = await self.way.open(identity, self._directory)
        try:
            await prove(line)
        except BaseException:
            await line.aclose()
            raise
        old, self._current = self._current, _InUse(line)
        self.spare, self.identity = self.identity, identity
        self._retire(old)

    async def aclose(self) -> None:
        """Close every line. Whoever has calls in flight ends them first."""
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self._current.line.aclose()

    def _retire(self, old: _InUse) -> None:
        task = asyncio.ensure_future(_close_when_idle(old))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


class _InUse:
    """A line with the number of its calls in flight."""

    def __init__(self, line: Line) -> None:
        self.line = line
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
        async with asyncio.timeout(_LONGEST_FAREWELL):
            await old.idle.wait()
    except TimeoutError:
        _log.warning("calls on a replaced connection to Teleport did not end within %.0f seconds", _LONGEST_FAREWELL)
    finally:
        await old.line.aclose()


class _SwitchedChannel:
    """The part of a channel that stubs use; each call goes over the line that is current when it begins."""

    def __init__(self, current: Callable[[], _InUse]) -> None:
        self._current = current

    def unary_unary(self, method: str, *details: Any, **more: Any) -> _SwitchedMethod:
        return _SwitchedMethod(self._current, method, details, more)

    def unary_stream(self, method: str, *details: Any, **more: Any) -> Any:
        return self._stream("unary_stream", method, details, more)

    def stream_unary(self, method: str, *details: Any, **more: Any) -> Any:
        return self._stream("stream_unary", method, details, more)

    def _stream(self, kind: str, method: str, details: tuple[Any, ...], more: dict[str, Any]) -> Any:
        """A stream begins on the current line and ends with it; its reader begins anew."""

        def call(*args: Any, **options: Any) -> Any:
            return getattr(self._current().line.channel, kind)(method, *details, **more)(*args, **options)

        return call


class _SwitchedMethod:
    """One unary method over whichever line is current."""

    def __init__(
        self, current: Callable[[], _InUse], method: str, details: tuple[Any, ...], more: dict[str, Any]
    ) -> None:
        self._current = current
        self._method = method
        self._details = details
        self._more = more
        self._bound: tuple[_InUse, Any] | None = None

    async def __call__(self, request: Any, **options: Any) -> Any:
        line = self._current()
        if self._bound is None or self._bound[0] is not line:
            self._bound = line, line.line.channel.unary_unary(self._method, *self._details, **self._more)
        call = self._bound[1]
        line.began()
        try:
            return await call(request, **options)
        finally:
            line.ended()
