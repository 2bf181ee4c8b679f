"""The part of the control address that is about SAML connectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .control_json import as_json, body_of

if TYPE_CHECKING:
    from .sandbox import TeleportSandbox


class ConnectorControl:
    """Makes, edits, shows and deletes connectors by hand. Nothing is downloaded to show one."""

    def __init__(self, sandbox: TeleportSandbox) -> None:
        self._connectors = sandbox.cluster.saml_connectors
        self._administrator = sandbox.administrator.connectors

    def routes(self) -> list[web.RouteDef]:
        """Return the requests that are answered here."""
        return [
            web.get("/saml_connectors", self._list),
            web.post("/saml_connectors", self._create),
            web.get("/saml_connectors/{name}", self._show),
            web.patch("/saml_connectors/{name}", self._edit),
            web.delete("/saml_connectors/{name}", self._delete),
        ]

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([as_json(found) for found in self._connectors.listed()])

    async def _create(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        connector = await self._administrator.create(body.pop("name"), **body)
        return web.json_response(as_json(connector), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        connector = self._connectors.stored(name)
        if connector is None:
            raise KeyError(name)
        return web.json_response(as_json(connector))

    async def _edit(self, request: web.Request) -> web.Response:
        connector = await self._administrator.edit(request.match_info["name"], **await body_of(request))
        return web.json_response(as_json(connector))

    async def _delete(self, request: web.Request) -> web.Response:
        self._administrator.delete(request.match_info["name"])
        return web.json_response({})
