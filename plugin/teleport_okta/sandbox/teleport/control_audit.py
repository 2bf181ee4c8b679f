"""The part of the control address that is about the audit events that the server has received."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .audit_log import unwrapped
from .control_json import as_json

if TYPE_CHECKING:
    from .sandbox import TeleportSandbox


class AuditControl:
    """Shows and forgets them."""

    def __init__(self, sandbox: TeleportSandbox) -> None:
        self._log = sandbox.cluster.audit_log

    def routes(self) -> list[web.RouteDef]:
        """Return the requests that are answered here."""
        return [web.get("/audit_events", self._show), web.delete("/audit_events", self._forget)]

    async def _show(self, request: web.Request) -> web.Response:
        wanted = request.query.get("type")
        events = map(unwrapped, self._log.events) if wanted is None else self._log.of(wanted)
        return web.json_response([as_json(event) for event in events])

    async def _forget(self, _request: web.Request) -> web.Response:
        self._log.clear()
        return web.json_response({})
