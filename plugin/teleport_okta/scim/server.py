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
"""Seconds until an unusable address, or unusable files, are tried again."""

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
    """Answer SCIM requests while there is a token, until the block ends; each is reported to `observer`.

    Yields None, and does nothing, without `scim.listen`. Raises StateError, and ConfigError for an invalid hash and, if
    there is a token, for an unusable address or unusable files.
    """
    if settings.listen is None:
        yield None
        return
    tokens.check()
    server = ScimServer(settings, handler, tokens, clock=clock, limits=limits, observer=observer)
    await server.adapt()
    if server.bound is None:
        _log.warning("scim.listen is set, and the service does not listen: %s", server.reason)
    following = asyncio.create_task(server.follow_tokens())
    try:
        yield server
    finally:
        server.stop()
        await following


class ScimServer:
    """Listens while there is a token. After the last one is revoked, it finishes the requests in flight."""

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
        """Why it does not listen, while it does not."""

        self.problem = ""
        """Why it cannot listen although there is a token; empty if it can."""

    def __str__(self) -> str:
        """Return the address of the listener, as the beginning of a URL; empty while it does not listen."""
        return "" if self.bound is None else str(self.bound)

    @property
    def bound(self) -> BoundAddress | None:
        """The address of the listener; None while it does not listen."""
        return None if self._opened is None else self._opened.bound

    @property
    def certificate_expires(self) -> datetime | None:
        """When the certificate in use expires; None without one."""
        certificate = None if self._opened is None else self._opened.certificate
        return None if certificate is None else certificate.expires

    async def certificate_problem(self) -> str:
        """Return why replaced files are not used; empty if they are, or without TLS."""
        certificate = None if self._opened is None else self._opened.certificate
        if certificate is None:
            return ""
        await certificate.context()
        return certificate.problem

    async def adapt(self) -> None:
        """Listen if there is a token, and stop listening if there is none. Raises ConfigError and StateError."""
        if not self._is_stopping and await self._tokens.exist():
            if self._opened is None:
                self._opened = await self._open()
                _log.info("the SCIM endpoint listens at %s", self)
            return
        opened, self._opened, self.reason = self._opened, None, _CLOSED
        if opened is not None:
            if not self._is_stopping:
                _log.warning("the last SCIM token was revoked: the SCIM endpoint stops listening")
            await opened.close(self._limits.drain)

    async def follow_tokens(self) -> None:
        """Start and stop listening as tokens are added and revoked, until stopped. A failure is tried again."""
        while not self._is_stopping:
            await self._until_changed(at_most=_OPENED_AGAIN_AFTER if self.problem else None)
            before, failed = self.problem, ""
            try:
                await self.adapt()
            except ConfigError as error:
                self.reason = failed = str(error)
            except Exception as error:  # noqa: BLE001 - the root of a task: an unexpected error must not end it
                self.reason = failed = f"{type(error).__name__}: {error}"
                _log.exception("opening the SCIM endpoint failed with an unexpected error; this is tried again")
            if failed and failed != before:
                _log.warning("the SCIM endpoint cannot listen; this is tried again: %s", failed)
            self.problem = failed
        await self.adapt()

    def stop(self) -> None:
        """End `follow_tokens`, and stop listening."""
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
        # Clear it before the tokens are read: one that is added in between then sets it again.
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
    """An open listener: its socket, certificate and server."""

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
        """Close idle connections, finish the requests of others, and then work that continues without its client.

        After `within` seconds the rest is cancelled.
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
