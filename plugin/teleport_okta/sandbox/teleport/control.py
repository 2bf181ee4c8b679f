"""The HTTP address at which somebody outside the process plays the administrator (docs/sandbox-teleport.md)."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from aiohttp import web

from ..control_paths import with_and_without_slash
from ..own_address import refuse_foreign
from .control_audit import AuditControl
from .control_connectors import ConnectorControl
from .control_faults import FaultControl
from .control_json import Body, as_json, body_of
from .control_lists import ListControl
from .control_plugins import PluginControl
from .control_resources import ResourceControl
from .control_watches import WatchControl
from .edition import Entitlement
from .lists.member_stores import MEMBER_KIND
from .refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from .sandbox import TeleportSandbox

_PROXY_KEYS: Final = {"load_balancer", "connection_upgrade"}


class Control:
    """The control listener of a running sandbox, on a loopback port of its own, from `async with` to its end."""

    def __init__(self, sandbox: TeleportSandbox, host: str = "127.0.0.1") -> None:
        self._sandbox = sandbox
        self._host = host
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[refuse_foreign, _answer_errors])
        for route in self._routes():
            for path in with_and_without_slash(route.path):
                app.router.add_route(route.method, path, route.handler)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0)
        await site.start()
        self.url = f"http://{self._host}:{self._runner.addresses[0][1]}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._describe),
            web.get("/entitlements", self._show_entitlements),
            web.post("/entitlements", self._change_entitlements),
            web.post("/restart", self._restart),
            web.get("/proxy", self._show_proxy),
            web.post("/proxy", self._change_proxy),
            web.post("/listings/hold", self._hold_listings),
            web.post("/listings/rebuild", self._rebuild_cache),
            web.post("/users", self._create_user),
            web.patch("/users/{name}", self._edit_user),
            web.delete("/users/{name}", self._delete_user),
            web.post("/users/{name}/mfa", self._add_mfa_device),
            web.post("/users/{name}/sso-login", self._sso_login),
            web.post("/locks", self._create_lock),
            web.delete("/locks/{name}", self._delete_lock),
            web.post("/tokens", self._create_token),
            web.delete("/tokens/{name}", self._revoke_token),
            web.post("/kubernetes/service-account-token", self._issue_service_account_token),
            web.post("/identities", self._issue_identity),
            web.post("/bot/renew", self._renew_bot),
            web.get("/rotation", self._show_rotation),
            web.post("/rotate", self._rotate),
            web.get("/semaphores", self._list_semaphores),
            web.delete("/semaphores/{kind}/{name}", self._delete_semaphore),
            *AuditControl(self._sandbox).routes(),
            *ConnectorControl(self._sandbox).routes(),
            *FaultControl(self._sandbox).routes(),
            *ListControl(self._sandbox).routes(),
            *PluginControl(self._sandbox).routes(),
            *ResourceControl(self._sandbox).routes(),
            *WatchControl(self._sandbox).routes(),
            web.get("/{kind}", self._list_kind),
            web.get("/{kind}/{name}", self._show_object),
        ]

    # What is there

    async def _describe(self, _request: web.Request) -> web.Response:
        cluster = self._sandbox.cluster
        return web.json_response(
            {
                "cluster": cluster.name,
                "edition": cluster.edition.value,
                "version": cluster.version,
                "connections": self._sandbox.open_connections,
                "crashes": self._sandbox.crashes,
                "objects": {kind: len(cluster.caches(kind)) for kind in sorted([*cluster.stores, MEMBER_KIND])},
            }
        )

    async def _list_kind(self, request: web.Request) -> web.Response:
        store = self._store(request)
        objects = sorted(store.all_stored(), key=store.kind.name_of)
        return web.json_response([as_json(found) for found in objects])

    async def _show_object(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = self._store(request).stored(name)
        if found is None:
            raise KeyError(name)
        shown = as_json(found)
        if request.match_info["kind"] == "users":
            shown["mfa_devices"] = self._sandbox.administrator.mfa_devices(name)
        return web.json_response(shown)

    def _store(self, request: web.Request) -> Any:  # noqa: ANN401 - a store of whatever kind the path names
        return self._sandbox.cluster.stores[request.match_info["kind"].removesuffix("s")]

    # The licence, the server and its proxy

    async def _show_entitlements(self, _request: web.Request) -> web.Response:
        entitlements = self._sandbox.cluster.entitlements
        return web.json_response({name: asdict(entitlement) for name, entitlement in entitlements.items()})

    async def _change_entitlements(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._sandbox.cluster.license({name: Entitlement(**values) for name, values in body.items()})
        return await self._show_entitlements(request)

    async def _restart(self, request: web.Request) -> web.Response:
        await self._sandbox.restart_auth(**await body_of(request))
        return web.json_response({})

    async def _show_proxy(self, _request: web.Request) -> web.Response:
        proxy = self._sandbox.proxy
        return web.json_response(
            {
                "address": proxy.address,
                "connections": proxy.open_connections,
                "load_balancer": proxy.load_balancer,
                "connection_upgrade": proxy.upgrade.enabled,
            }
        )

    async def _change_proxy(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        wrong = sorted(key for key, value in body.items() if key not in _PROXY_KEYS or not isinstance(value, bool))
        if wrong:
            raise ValueError(f"not a switch of the proxy, or neither true nor false: {', '.join(wrong)}")
        proxy = self._sandbox.proxy
        proxy.load_balancer = body.get("load_balancer", proxy.load_balancer)
        proxy.upgrade.enabled = body.get("connection_upgrade", proxy.upgrade.enabled)
        return await self._show_proxy(request)

    async def _hold_listings(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._sandbox.cluster.caches(body["kind"]).hold_listings(float(body["seconds"]))
        return web.json_response({})

    async def _rebuild_cache(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._sandbox.cluster.caches(body["kind"]).rebuild_cache(float(body["seconds"]))
        return web.json_response({})

    # The administrator, and logins

    async def _create_user(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        user = self._sandbox.administrator.create_user(body.pop("name"), **body)
        return web.json_response(as_json(user), status=201)

    async def _edit_user(self, request: web.Request) -> web.Response:
        user = self._sandbox.administrator.edit_user(request.match_info["name"], **await body_of(request))
        return web.json_response(as_json(user))

    async def _delete_user(self, request: web.Request) -> web.Response:
        self._sandbox.administrator.delete_user(request.match_info["name"])
        return web.json_response({})

    async def _add_mfa_device(self, request: web.Request) -> web.Response:
        device = self._sandbox.administrator.add_mfa_device(request.match_info["name"], **await body_of(request))
        return web.json_response({"device": device.metadata.Name, "id": device.id}, status=201)

    async def _sso_login(self, request: web.Request) -> web.Response:
        user = self._sandbox.administrator.sso_login(request.match_info["name"], **await body_of(request))
        return web.json_response(as_json(user))

    async def _create_lock(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        lock = self._sandbox.administrator.create_lock(body.pop("name"), body.pop("user"), **body)
        return web.json_response(as_json(lock), status=201)

    async def _delete_lock(self, request: web.Request) -> web.Response:
        self._sandbox.administrator.delete_lock(request.match_info["name"])
        return web.json_response({})

    async def _create_token(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        administrator = self._sandbox.administrator
        rules = body.pop("kubernetes", None)
        if rules is None:
            token = administrator.create_token(body.pop("name"), body.pop("roles"), **body)
        else:
            jwks = self._jwks(rules)
            token = administrator.create_kubernetes_token(
                body.pop("name"), body.pop("roles"), rules["allow"], jwks, **body
            )
        return web.json_response({"name": token.name, "roles": token.roles, "expires": token.expires}, status=201)

    def _jwks(self, rules: Body) -> str | None:
        """Return the keys that a token of type static_jwks carries: those given, or the sandbox's own cluster's."""
        kind = rules.get("type", "static_jwks" if "jwks" in rules else "in_cluster")
        if kind == "in_cluster":
            return None
        if kind != "static_jwks":
            raise ValueError(f"unsupported kubernetes join method type ({kind})")
        return json.dumps(rules["jwks"]) if "jwks" in rules else self._sandbox.cluster.kubernetes.jwks

    async def _issue_service_account_token(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        body.setdefault("audience", self._sandbox.cluster.name)
        token = self._sandbox.cluster.kubernetes.service_account_token(body.pop("service_account"), **body)
        return web.Response(text=token, status=201)

    async def _revoke_token(self, request: web.Request) -> web.Response:
        self._sandbox.administrator.revoke_token(request.match_info["name"])
        return web.json_response({})

    async def _issue_identity(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        lifetime = timedelta(seconds=float(body.get("lifetime", 3600)))
        identity = self._sandbox.issue_identity(body["user"], body["roles"], lifetime=lifetime)
        return web.Response(body=identity.text(), content_type="text/plain", status=201)

    async def _renew_bot(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        if "lifetime" in body:
            body["lifetime"] = timedelta(seconds=float(body["lifetime"]))
        self._sandbox.renew_bot(**body)
        return web.json_response({})

    # The host CA, and semaphores

    async def _show_rotation(self, _request: web.Request) -> web.Response:
        host = self._sandbox.issuer.host
        return web.json_response(
            {
                "phase": host.phase.value,
                "id": host.current_id,
                "active": host.active.tls.pin,
                "additional": host.additional.tls.pin if host.additional is not None else None,
                "serving": host.serving.tls.pin,
            }
        )

    async def _rotate(self, request: web.Request) -> web.Response:
        self._sandbox.administrator.rotate(**await body_of(request))
        return await self._show_rotation(request)

    async def _list_semaphores(self, _request: web.Request) -> web.Response:
        semaphores = self._sandbox.cluster.semaphores
        return web.json_response([as_json(semaphore) for _, semaphore in sorted(semaphores.items())])

    async def _delete_semaphore(self, request: web.Request) -> web.Response:
        kind, name = request.match_info["kind"], request.match_info["name"]
        if self._sandbox.cluster.semaphores.pop((kind, name), None) is None:
            raise KeyError(f"{kind}/{name}")
        return web.json_response({})


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer a request that cannot be carried out with a reason instead of a traceback."""
    try:
        return await handler(request)
    except KeyError as error:
        return web.json_response({"error": f"there is no {error.args[0]!r}"}, status=404)
    except (ValueError, TypeError, PermissionError) as error:
        return web.json_response({"error": str(error)}, status=400)
    except Refusal as refusal:
        return web.json_response({"error": refusal.text}, status=409)
