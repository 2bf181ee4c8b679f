"""The SCIM endpoint, started and stopped.

::

    async with serving_scim(settings.scim, handler, tokens, clock=clock) as bound:
        ...  # None: nothing is configured
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.errors import ConfigError
from teleport_okta.scim.connections import Listener, ScimHttpServer
from teleport_okta.scim.endpoint import ScimEndpoint
from teleport_okta.scim.limits import Limits
from teleport_okta.scim.tls import ServerCertificate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.clock import Clock
    from teleport_okta.scim.calls import ScimHandler
    from teleport_okta.scim.tokens import ScimTokens
    from teleport_okta.scim.traffic import ScimObserver
    from teleport_okta.settings_scim import ScimSettings

_BACKLOG = 128

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BoundAddress:
    """Where requests are answered."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        """Return the address as the beginning of a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_tls else 'http'}://{host}:{self.port}"


@asynccontextmanager
async def serving_scim(
    settings: ScimSettings,
    handler: ScimHandler,
    tokens: ScimTokens,
    *,
    clock: Clock,
    limits: Limits | None = None,
    observer: ScimObserver | None = None,
) -> AsyncIterator[BoundAddress | None]:
    """Answer SCIM requests until the block ends; those in flight are finished then. `observer` is told of each.

    Gives None, and does nothing, without `scim.listen`, and as long as there is no token, which is logged.
    Raises ConfigError for an address or files that cannot be used, and StateError.
    """
    if settings.listen is None:
        yield None
        return
    if not await tokens.exist():
        _log.warning(
            "scim.listen is set, and nobody has a token: nothing is listened on; make one with "
            "`teleport-okta scim-token new`, and restart"
        )
        yield None
        return
    limits = limits or Limits.of(settings)
    certificate = None
    if settings.certificate is not None and settings.key is not None:
        certificate = ServerCertificate(settings.certificate, settings.key, clock=clock)
    listening = await _bound(settings.listen)
    endpoint = ScimEndpoint(handler, tokens, settings, limits=limits, clock=clock, observer=observer)
    server = ScimHttpServer(endpoint.answer, limits)
    listener = Listener(listening, server, certificate=certificate, limits=limits, clock=clock)
    accepting = asyncio.create_task(listener.accept())
    host, port = listening.getsockname()[:2]
    bound = BoundAddress(host, port, certificate is not None)
    _log.info("SCIM requests are answered at %s", bound)
    try:
        yield bound
    finally:
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        listening.close()
        await _finish(server, endpoint, limits.drain)


async def _finish(server: ScimHttpServer, endpoint: ScimEndpoint, within: float) -> None:
    """Close idle connections, finish the requests of others, and then the work whose clients are gone."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    server.pre_shutdown()
    await server.shutdown(within)
    await endpoint.in_flight.drained(max(0.0, end - loop.time()))


async def _bound(listen: str) -> socket.socket:
    """Return a socket that listens at host:port; raises ConfigError."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, *_, address = found[0]
        is_any = family is socket.AF_INET6 and host == "::"
        listening = socket.create_server(
            address[:2],
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=is_any and socket.has_dualstack_ipv6(),
        )
    except (OSError, OverflowError) as error:
        what = f"scim.listen: {listen} cannot be listened on: {error}"
        raise ConfigError(what, remedy="choose another address or port") from error
    listening.setblocking(False)
    return listening
