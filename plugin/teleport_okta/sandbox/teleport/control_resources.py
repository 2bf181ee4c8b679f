"""The part of the control address that is about user groups, app servers and import rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .control_json import as_json, body_of

if TYPE_CHECKING:
    from .sandbox import TeleportSandbox


class ResourceControl:
    """Makes, edits and deletes them by hand. They are listed as every kind is."""

    def __init__(self, sandbox: TeleportSandbox) -> None:
        self._cluster = sandbox.cluster
        self._administrator = sandbox.administrator.resources

    def routes(self) -> list[web.RouteDef]:
        """Return the requests that are answered here."""
        return [
            web.post("/user_groups", self._create_user_group),
            web.patch("/user_groups/{name}", self._edit_user_group),
            web.delete("/user_groups/{name}", self._delete_user_group),
            web.post("/app_servers", self._create_app_server),
            web.get("/app_servers/{host_id}/{name}", self._show_app_server),
            web.patch("/app_servers/{host_id}/{name}", self._edit_app_server),
            web.delete("/app_servers/{host_id}/{name}", self._delete_app_server),
            web.post("/okta_import_rules", self._create_import_rule),
            web.delete("/okta_import_rules/{name}", self._delete_import_rule),
        ]

    async def _create_user_group(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        group = self._administrator.create_user_group(body.pop("name"), **body)
        return web.json_response(as_json(group), status=201)

    async def _edit_user_group(self, request: web.Request) -> web.Response:
        group = self._administrator.edit_user_group(request.match_info["name"], **await body_of(request))
        return web.json_response(as_json(group))

    async def _delete_user_group(self, request: web.Request) -> web.Response:
        self._administrator.delete_user_group(request.match_info["name"])
        return web.json_response({})

    async def _create_app_server(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        server = self._administrator.create_app_server(body.pop("name"), **body)
        return web.json_response(as_json(server), status=201)

    async def _show_app_server(self, request: web.Request) -> web.Response:
        name = "{host_id}/{name}".format_map(request.match_info)
        server = self._cluster.app_servers.stored(name)
        if server is None:
            raise KeyError(name)
        return web.json_response(as_json(server))

    async def _edit_app_server(self, request: web.Request) -> web.Response:
        found = request.match_info
        server = self._administrator.edit_app_server(found["host_id"], found["name"], **await body_of(request))
        return web.json_response(as_json(server))

    async def _delete_app_server(self, request: web.Request) -> web.Response:
        self._administrator.delete_app_server(request.match_info["host_id"], request.match_info["name"])
        return web.json_response({})

    async def _create_import_rule(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        rule = self._administrator.create_import_rule(body.pop("name"), **body)
        return web.json_response(as_json(rule), status=201)

    async def _delete_import_rule(self, request: web.Request) -> web.Response:
        self._administrator.delete_import_rule(request.match_info["name"])
        return web.json_response({})
