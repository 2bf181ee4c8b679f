"""`/metrics`, `/livez` and `/readyz`, from the start of the process, before it has reached a cluster.

Answers come from memory, so no request waits for the state, for Okta or for Teleport.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from teleport_okta.listeners.accept import Listener
from teleport_okta.listeners.bind import BoundAddress, bound_socket
from teleport_okta.listeners.http_server import BoundedServer, send
from teleport_okta.listeners.limits import ConnectionLimits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from prometheus_client import CollectorRegistry

    from teleport_okta.clock import Clock
    from teleport_okta.observe.health import Health

NAME: Final = "monitoring"

LIMITS: Final = ConnectionLimits(idle=10.0, write=10.0, linger=1.0, drain=1.0, connections=32)
"""A scraper and a few probes need a handful of connections."""

_OPEN_METRICS: Final = "application/openmetrics-text"

_FRESH: Final = 1.0
"""Seconds for which rendered metrics are used again."""

_METHODS: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})

_COMMON: Final[dict[str, str]] = {hdrs.CACHE_CONTROL: "no-store", hdrs.SERVER: "teleport-okta"}

_log = logging.getLogger(__name__)


class MonitoringEndpoint:
    """Answers requests about one process.

    Metrics are rendered once a second at most: each time takes milliseconds, which block the event loop.
    """

    def __init__(
        self, registry: CollectorRegistry, health: Health, *, clock: Clock, limits: ConnectionLimits = LIMITS
    ) -> None:
        self._clock = clock
        self._rendered: dict[str, tuple[float, bytes]] = {}
        self._registry = registry
        self._health = health
        self._limits = limits
        self._pages: dict[str, Callable[[web.BaseRequest], web.Response]] = {
            "/metrics": self._metrics,
            "/livez": lambda _: text_response(HTTPStatus.OK, "alive"),
            "/readyz": lambda _: self._ready(),
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request, also if an unexpected failure happens."""
        page = self._pages.get(request.path)
        if page is None:
            response = text_response(HTTPStatus.NOT_FOUND, f"The only addresses here are {', '.join(self._pages)}.")
        elif request.method not in _METHODS:
            response = text_response(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are allowed here.")
            response.headers[hdrs.ALLOW] = ", ".join(sorted(_METHODS))
        else:
            try:
                response = page(request)
            except Exception:  # noqa: BLE001 - the root of a request: its client gets an answer after any failure
                _log.exception("%s could not be answered", request.path)
                response = text_response(HTTPStatus.INTERNAL_SERVER_ERROR, "The request failed. The log says why.")
        if request.can_read_body:
            response.force_close()
        await send(request, response, within=self._limits.write, name=NAME)
        return response

    def _metrics(self, request: web.BaseRequest) -> web.Response:
        # Not the library's choose_encoder: it puts versions and escapings from the request into the answer unchecked.
        is_open = _OPEN_METRICS in request.headers.get(hdrs.ACCEPT, "")
        encoder = openmetrics.generate_latest if is_open else generate_latest
        content_type = openmetrics.CONTENT_TYPE_LATEST if is_open else CONTENT_TYPE_PLAIN_0_0_4
        now = self._clock.monotonic()
        rendered = self._rendered.get(content_type)
        if rendered is None or now - rendered[0] >= _FRESH:
            rendered = self._rendered[content_type] = now, encoder(self._registry)
        return web.Response(body=rendered[1], headers={**_COMMON, hdrs.CONTENT_TYPE: content_type})

    def _ready(self) -> web.Response:
        components = self._health.components()
        is_ready = all(component.is_ready for component in components)
        found = {
            "ready": is_ready,
            "components": {one.name: {"ready": one.is_ready, "reason": one.reason} for one in components},
        }
        return web.Response(
            status=HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE,
            text=json.dumps(found, indent=2) + "\n",
            content_type="application/json",
            headers=_COMMON,
        )


def text_response(status: HTTPStatus, text: str) -> web.Response:
    """Return a response of one line."""
    return web.Response(status=status, text=f"{text}\n", headers=_COMMON)


@asynccontextmanager
async def serving_monitoring(
    listen: str | None,
    registry: CollectorRegistry,
    health: Health,
    *,
    clock: Clock,
    limits: ConnectionLimits = LIMITS,
) -> AsyncIterator[BoundAddress | None]:
    """Answer at host:port until the block ends (None: not at all). Raises ConfigError."""
    if listen is None:
        yield None
        return
    listening = await bound_socket(listen, key="metrics.listen")
    host, port = listening.getsockname()[:2]
    bound = BoundAddress(host, port, is_tls=False)
    endpoint = MonitoringEndpoint(registry, health, clock=clock, limits=limits)
    server = BoundedServer(endpoint.answer, limits, name=NAME, refuse=text_response)
    accepting = asyncio.create_task(Listener(listening, server, limits=limits, clock=clock).accept())
    _log.info("metrics and health are served at %s", bound)
    try:
        yield bound
    finally:
        accepting.cancel()
        await asyncio.gather(accepting, return_exceptions=True)
        listening.close()
        server.pre_shutdown()
        await server.shutdown(limits.drain)
