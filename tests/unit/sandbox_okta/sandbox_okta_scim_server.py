"""A small SCIM server that stores resources and records every request, and an organisation that provisions to it."""

from __future__ import annotations

import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from multidict import CIMultiDict
from teleport_okta.sandbox.okta import Feature, ProvisioningSettings, Style
from teleport_okta.sandbox.okta.provisioning.runner import ProvisioningRunner
from unit.sandbox_okta.sandbox_okta_world import PROMPT, World, profile

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from teleport_okta.sandbox.okta import Settings

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
TOKEN = "Bearer s3cret"
_FILTER = re.compile(r'(\w+) eq "(.*)"')
_MEMBER = re.compile(r'members\[value eq "(.*)"\]')

Json = dict[str, Any]


@dataclass(frozen=True)
class Recorded:
    method: str
    target: str
    headers: CIMultiDict[str]
    body: Any

    @property
    def line(self) -> str:
        return f"{self.method} {self.target}"


@dataclass
class Forced:
    """An answer that comes instead of the server's own, to requests of a method."""

    status: int
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    method: str | None = None


def refusal(status: int, detail: str, method: str | None = None) -> Forced:
    body = {"schemas": [ERROR], "status": str(status), "detail": detail}
    return Forced(status, json.dumps(body), {"Content-Type": "application/scim+json"}, method)


class ScimServer:
    def __init__(self) -> None:
        self.users: dict[str, Json] = {}
        self.groups: dict[str, Json] = {}
        self.requests: list[Recorded] = []
        self.forced: list[Forced] = []
        self.url = ""
        self._runner: web.ServerRunner | None = None

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._runner.addresses[0][1]}/scim/v2"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def taken(self) -> list[str]:
        """Return method and target of the requests since the last call."""
        lines = [request.line for request in self.requests]
        self.requests.clear()
        return lines

    def bodies(self) -> list[Any]:
        return [request.body for request in self.requests]

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        text = await request.text()
        body = json.loads(text) if text else None
        target = request.raw_path.removeprefix("/scim/v2")
        self.requests.append(Recorded(request.method, target, CIMultiDict(request.headers), body))
        for forced in self.forced:
            if forced.method in {None, request.method}:
                self.forced.remove(forced)
                return web.Response(status=forced.status, text=forced.text, headers=forced.headers)
        status, answer = self._answer(request.method, request.path.removeprefix("/scim/v2"), request.query, body)
        if answer is None:
            return web.Response(status=status)
        return web.json_response(answer, status=status, content_type="application/scim+json")

    def _answer(self, method: str, path: str, query: Any, body: Any) -> tuple[int, Json | None]:
        _, kind, *rest = path.split("/")
        store = self.users if kind == "Users" else self.groups
        if not rest:
            return self._list(store, query) if method == "GET" else self._create(store, kind, body)
        found = store.get(rest[0])
        if found is None:
            return 404, {"schemas": [ERROR], "status": "404", "detail": f"Resource {rest[0]} not found"}
        if method == "PUT":
            store[rest[0]] = found = {name: value for name, value in body.items() if name != "password"}
        elif method == "PATCH":
            for operation in body["Operations"]:
                _apply(found, operation)
        elif method == "DELETE":
            del store[rest[0]]
            return 204, None
        return 200, found

    @staticmethod
    def _list(store: dict[str, Json], query: Any) -> tuple[int, Json]:
        found = list(store.values())
        match = _FILTER.fullmatch(query.get("filter", ""))
        if match is not None:
            found = [item for item in found if str(item[match[1]]).lower() == match[2].lower()]
        numbers = {"totalResults": len(found), "startIndex": 1, "itemsPerPage": len(found)}
        return 200, {"schemas": [LIST], **numbers, "Resources": found}

    @staticmethod
    def _create(store: dict[str, Json], kind: str, body: Json) -> tuple[int, Json]:
        if any(item.get("userName") == body.get("userName", "") and item.get("active") for item in store.values()):
            return 409, {"schemas": [ERROR], "status": "409", "scimType": "uniqueness", "detail": "userName is taken"}
        again = next((item for item in store.values() if item.get("externalId") == body.get("externalId", "")), None)
        number = again["id"] if again else f"{kind[0].lower()}{len(store) + 1}"
        kept = {name: value for name, value in body.items() if name != "password"}
        store[number] = kept | {"id": number, "meta": {"resourceType": kind[:-1]}}
        return 201, store[number]


def _apply(found: Json, operation: Json) -> None:
    path, value = operation.get("path"), operation.get("value")
    if path is None:
        found.update({name: item for name, item in value.items() if name not in {"id", "password"}})
    elif path == "members" and operation["op"] == "replace":
        found["members"] = value
    elif path == "members":
        found["members"] = [*found["members"], *value]
    else:
        gone = _MEMBER.fullmatch(path)
        assert gone is not None
        found["members"] = [member for member in found["members"] if member["value"] != gone[1]]


@dataclass
class Provisioned:
    """An organisation on virtual time with the app Teleport, which provisions to the server."""

    world: World
    scim: ScimServer
    runner: ProvisioningRunner
    app: str

    @property
    def org(self) -> Any:
        return self.world.org

    def person(self, name: str, **more: object) -> str:
        return self.world.org.create_user(profile(name, **more)).id

    async def assigned(self, name: str, **more: object) -> str:
        """Assign a new person, and forget the requests of it."""
        user = self.person(name, **more)
        self.org.assign(self.app, user)
        await self.settled()
        self.scim.requests.clear()
        return user

    async def settled(self) -> list[str]:
        """Wait, and return method and target of the requests since the last time, which :attr:`bodies` belong to."""
        await self.runner.settled()
        self.bodies = self.scim.bodies()
        return self.scim.taken()

    def app_user(self, user: str) -> Json:
        return self.world.get(f"/api/v1/apps/{self.app}/users/{user}").json()

    def details(self) -> list[str | None]:
        return [task.detail for task in self.org.provisioning.tasks.values()]

    def members(self, group: str = "g1") -> list[str]:
        return [member["value"] for member in self.scim.groups[group]["members"]]


@asynccontextmanager
async def provisioned(
    style: Style, settings: Settings = PROMPT, *, runner: ProvisioningRunner | None = None, **choices: Any
) -> AsyncIterator[Provisioned]:
    world, scim = World(settings), ScimServer()
    await scim.start()
    app = world.org.create_app("Teleport").id
    features = choices.pop("features", Feature)
    chosen = ProvisioningSettings(scim.url, TOKEN, style=style, features=frozenset(features), **choices)
    try:
        async with runner or ProvisioningRunner(world.org) as running:
            world.org.enable_provisioning(app, chosen)
            yield Provisioned(world, scim, running, app)
    finally:
        await scim.stop()
