"""The part of the control address that is about access lists and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .control_json import Body, as_json, body_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport.accesslist.v1.accesslist_pb2 import AccessList

    from .sandbox import TeleportSandbox


class ListControl:
    """Makes, edits, staffs and deletes lists by hand. They are listed as every kind is."""

    def __init__(self, sandbox: TeleportSandbox) -> None:
        self._administrator = sandbox.administrator.lists

    def routes(self) -> list[web.RouteDef]:
        """Return the requests that are answered here."""
        return [
            web.post("/access_lists", self._create),
            web.get("/access_lists/{name}", self._show),
            web.patch("/access_lists/{name}", self._edit),
            web.delete("/access_lists/{name}", self._delete),
            web.post("/access_lists/{name}/members", self._add_member),
            web.delete("/access_lists/{name}/members/{member}", self._remove_member),
        ]

    async def _create(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        return web.json_response(as_json(self._administrator.create(body.pop("name"), **body)), status=201)

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(self._with_members(request.match_info["name"]))

    async def _edit(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await body_of(request)
        parts: dict[str, Callable[..., AccessList]] = {
            "review": self._administrator.schedule_review,
            "membership_requires": self._administrator.require_of_members,
            "ownership_requires": self._administrator.require_of_owners,
        }
        asked = {part: body.pop(part) for part in parts if part in body}
        self._administrator.edit(name, **body)
        for part, values in asked.items():
            parts[part](name, **values)
        return web.json_response(self._with_members(name))

    async def _delete(self, request: web.Request) -> web.Response:
        self._administrator.delete(request.match_info["name"])
        return web.json_response({})

    async def _add_member(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        member = self._administrator.add_member(request.match_info["name"], body.pop("name"), **body)
        return web.json_response(as_json(member), status=201)

    async def _remove_member(self, request: web.Request) -> web.Response:
        self._administrator.remove_member(request.match_info["name"], request.match_info["member"])
        return web.json_response({})

    def _with_members(self, name: str) -> Body:
        shown = as_json(self._administrator.stored(name))
        shown["members"] = [as_json(member) for member in self._administrator.members(name)]
        return shown
