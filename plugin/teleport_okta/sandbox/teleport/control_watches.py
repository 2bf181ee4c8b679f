"""The part of the control address that is about watches: it makes trouble for those that are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .control_json import body_of

if TYPE_CHECKING:
    from .sandbox import TeleportSandbox


class WatchControl:
    """Ends watches, and withholds or loses their events (`watch_hub.WatchHub`)."""

    def __init__(self, sandbox: TeleportSandbox) -> None:
        self._hub = sandbox.cluster.watches

    def routes(self) -> list[web.RouteDef]:
        """Return the requests that are answered here."""
        return [
            web.get("/watches", self._show),
            web.post("/watches/end", self._end),
            web.post("/watches/overflow", self._overflow),
            web.post("/watches/withhold", self._withhold),
            web.post("/watches/drop", self._drop),
        ]

    async def _show(self, _request: web.Request) -> web.Response:
        return web.json_response({"open": self._hub.open_watches, "waiting": self._hub.waiting})

    async def _end(self, _request: web.Request) -> web.Response:
        self._hub.end_all()
        return web.json_response({})

    async def _overflow(self, _request: web.Request) -> web.Response:
        self._hub.overflow()
        return web.json_response({})

    async def _withhold(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._hub.withhold(float(body["seconds"]))
        return web.json_response({})

    async def _drop(self, request: web.Request) -> web.Response:
        self._hub.drop(**await body_of(request))
        return web.json_response({})
