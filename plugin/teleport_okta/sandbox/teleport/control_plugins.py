"""The part of the control address that is about plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .control_json import as_json, body_of

if TYPE_CHECKING:
    from .sandbox import TeleportSandbox


class PluginControl:
    """Installs, edits, shows and deletes plugins by hand. They are listed as every kind is."""

    def __init__(self, sandbox: TeleportSandbox) -> None:
        self._cluster = sandbox.cluster
        self._administrator = sandbox.administrator.plugins

    def routes(self) -> list[web.RouteDef]:
        """Return the requests that are answered here."""
        return [
            web.post("/plugins", self._install),
            web.get("/plugins/{name}", self._show),
            web.patch("/plugins/{name}", self._edit),
            web.delete("/plugins/{name}", self._delete),
        ]

    async def _install(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        installed = self._administrator.install_okta(body.pop("name", "okta"), **body)
        shown = as_json(installed.plugin)
        if installed.scim_token:
            shown["scim_token"] = installed.scim_token
        return web.json_response(shown, status=201)

    async def _show(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        credentials = [as_json(each) for each in self._administrator.credentials(name)]
        plugin = self._cluster.plugins.stored(name)
        if plugin is None:
            raise KeyError(name)
        return web.json_response({**as_json(plugin), "static_credentials": credentials})

    async def _edit(self, request: web.Request) -> web.Response:
        plugin = self._administrator.edit(request.match_info["name"], **await body_of(request))
        return web.json_response(as_json(plugin))

    async def _delete(self, request: web.Request) -> web.Response:
        self._administrator.delete(request.match_info["name"])
        return web.json_response({})
