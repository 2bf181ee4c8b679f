"""The SCIM endpoint, which listens while there is a token.

::

    async with serving_scim(settings.scim, handler, tokens, clock=clock) as server:
        ...  # None: nothing is configured
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.errors import ConfigError
from teleport_okta.listeners.accept import Listener
from teleport_okta.listeners.bind import BoundAddress, bound_socket
from teleport_okta.listeners.http_server import BoundedServer
from teleport_okta.scim.endpoint import NAME, ScimEndpoint
from teleport_okta.scim.limits import Limits
from teleport_okta.scim.replies import error_response
from teleport_okta.scim.scim_errors import ScimError
from teleport_okta.scim.tls import ServerCertificate

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator
    from datetime import datetime
    from http import HTTPStatus

    from aiohttp import web

    from teleport_okta.clock import Clock
    from teleport_okta.scim.calls import ScimHandler
    from teleport_okta.scim.tokens import ScimTokens
    from teleport_okta.scim.traffic import ScimObserver
    from teleport_okta.settings_scim import ScimSettings

_CLOSED: Final = "there is no token; make one with `teleport-okta scim-token new`"

_OPENED_AGAIN_AFTER: Final = 10.0
"""Seconds from an address or files that cannot be used to the next try."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def serving_scim(
    settings: ScimSettings,
    handler: ScimHandler,
    tokens: ScimTokens,
    *,
    clock: Clock,
    limits: Limits | None = None,
    observer: ScimObserver | None = None,
) -> AsyncIterator[ScimServer | None]:
    """Answer SCIM requests, while there is a token, until the block ends; `observer` is told of each.

    Gives None, and does nothing, without `scim.listen`. Raises StateError, and ConfigError for a hash that is no hash
    and, if there is a token, for an address or files that cannot be used.
    """
    if settings.listen is None:
        yield None
        return
    tokens.check()
    server = ScimServer(settings, handler, tokens, clock=clock, limits=limits, observer=observer)
    await server.adapt()
    if server.bound is None:
        _log.warning("scim.listen is set, and nothing is listened on: %s", server.reason)
    following = asyncio.create_task(server.follow_tokens())
    try:
        yield server
    finally:
        server.stop()
        await following


class ScimServer:
    """Listens while there is a token, and finishes the requests in flight when there is none any more."""

    def __init__(
        self,
        settings: ScimSettings,
        handler: ScimHandler,
        tokens: ScimTokens,
        *,
        clock: Clock,
        limits: Limits | None = None,
        observer: ScimObserver | None = None,
    ) -> None:
        self._settings = settings
        self._handler = handler
        self._tokens = tokens
        self._clock = clock
        self._limits = limits or Limits.of(settings)
        self._observer = observer
        self._opened: _Opened | None = None
        self._is_stopping = False
        self.reason = _CLOSED
        """Why nothing is listened on, while nothing is."""

        self.problem = ""
        """Why it cannot be listened on although there is a token; empty if it can."""

    def __str__(self) -> str:
        """Return where requests are answered, as the beginning of a URL; empty where they are not."""
        return "" if self.bound is None else str(self.bound)

    @property
    def bound(self) -> BoundAddress | None:
        """Where requests are answered; None while nothing is listened on."""
        return None if self._opened is None else self._opened.bound

    @property
    def certificate_expires(self) -> datetime | None:
        """When the certificate in use ends; None while there is none."""
        certificate = None if self._opened is None else self._opened.certificate
        return None if certificate is None else certificate.expires

    async def certificate_problem(self) -> str:
        """Say why files that were replaced are not used; empty where they are, and where there is no TLS."""
        certificate = None if self._opened is None else self._opened.certificate
        if certificate is None:
            return ""
        await certificate.context()
        return certificate.problem

    async def adapt(self) -> None:
        """Listen if there is a token and not if there is none. Raises ConfigError and StateError."""
        if not self._is_stopping and await self._tokens.exist():
            if self._opened is None:
                self._opened = await self._open()
                _log.info("SCIM requests are answered at %s", self)
            return
        opened, self._opened, self.reason = self._opened, None, _CLOSED
        if opened is not None:
            if not self._is_stopping:
                _log.warning("the last SCIM token is gone: nothing is listened on any more")
            await opened.close(self._limits.drain)

    async def follow_tokens(self) -> None:
        """Listen, or not, as tokens come and go, until stopped; what cannot be used is tried again."""
        while not self._is_stopping:
            await self._until_changed(at_most=_OPENED_AGAIN_AFTER if self.problem else None)
            before, failed = self.problem, ""
            try:
                await self.adapt()
            except ConfigError as error:
                self.reason = failed = str(error)
            except Exception as error:  # noqa: BLE001 - the root of a task: an unforeseen failure must not end it
                self.reason = failed = f"{type(error).__name__}: {error}"
                _log.exception("opening the SCIM endpoint failed in a way that it should not; it is tried again")
            if failed and failed != before:
                _log.warning("SCIM requests cannot be answered, which is tried again: %s", failed)
            self.problem = failed
        await self.adapt()

    def stop(self) -> None:
        """Have `follow_tokens` end, and nothing listened on."""
        self._is_stopping = True
        self._tokens.changed.set()

    async def _until_changed(self, *, at_most: float | None) -> None:
        waits: list[asyncio.Task[Any]] = [asyncio.create_task(self._tokens.changed.wait())]
        if at_most is not None:
            waits.append(asyncio.create_task(self._clock.sleep(at_most)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        # Before tokens are asked for, so that one which comes meanwhile is seen next.
        self._tokens.changed.clear()

    async def _open(self) -> _Opened:
        certificate = None
        if self._settings.certificate is not None and self._settings.key is not None:
            certificate = ServerCertificate(self._settings.certificate, self._settings.key, clock=self._clock)
        listening = await bound_socket(self._settings.listen or "", key="scim.listen")
        endpoint = ScimEndpoint(
            self._handler,
            self._tokens,
            self._settings,
            limits=self._limits,
            clock=self._clock,
            observer=self._observer,
        )
        return _Opened(listening, endpoint, certificate, limits=self._limits, clock=self._clock)


class _Opened:
    """A socket that is listened on, and what is answered there."""

    def __init__(
        self,
        listening: socket.socket,
        endpoint: ScimEndpoint,
        certificate: ServerCertificate | None,
        *,
        limits: Limits,
        clock: Clock,
    ) -> None:
        host, port = listening.getsockname()[:2]
        self.bound = BoundAddress(host, port, certificate is not None)
        self.certificate = certificate
        self._listening = listening
        self._endpoint = endpoint
        self._server = BoundedServer(endpoint.answer, limits, name=NAME, refuse=_refusal)
        listener = Listener(listening, self._server, limits=limits, clock=clock, certificate=certificate)
        self._accepting = asyncio.create_task(listener.accept())

    async def close(self, within: float) -> None:
        """Close idle connections, finish the requests of others, and then the work whose clients are gone.

        What takes longer than that, in seconds, is cut off.
        """
        self._accepting.cancel()
        await asyncio.gather(self._accepting, return_exceptions=True)
        self._listening.close()
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        self._server.pre_shutdown()
        await self._server.shutdown(within)
        await self._endpoint.in_flight.drained(max(0.0, end - loop.time()))


def _refusal(status: HTTPStatus, detail: str) -> web.Response:
    return error_response(ScimError(status, detail))
