"""The control listener: plays the administrator, sets faults and counts calls, for other processes.

Every endpoint takes and gives JSON and is one method of :class:`OktaOrganization`; ``docs/sandbox-okta.md`` lists them.
It listens on the loopback interface only and asks for no credentials; pages in a browser are refused (`own_address`).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from teleport_okta.sandbox.control_paths import with_and_without_slash
from teleport_okta.sandbox.okta.app_defaults import Json, as_object
from teleport_okta.sandbox.okta.app_views import app_group_json, app_json, app_user_json
from teleport_okta.sandbox.okta.control_input import maybe, profile_of, seconds_of, text_of, texts_of
from teleport_okta.sandbox.okta.control_log import log_actions
from teleport_okta.sandbox.okta.control_saml import saml_actions
from teleport_okta.sandbox.okta.error_bodies import OktaError
from teleport_okta.sandbox.okta.group_views import group_json
from teleport_okta.sandbox.okta.groups import OKTA_GROUP
from teleport_okta.sandbox.okta.provisioning.control import provisioning_actions
from teleport_okta.sandbox.okta.timeline import iso
from teleport_okta.sandbox.okta.user_views import user_json
from teleport_okta.sandbox.own_address import refuse_foreign

if TYPE_CHECKING:
    from types import TracebackType

    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.faults import Fault
    from teleport_okta.sandbox.okta.groups import Group
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.okta.server import OktaSandbox
    from teleport_okta.sandbox.okta.tokens import OAuthClient
    from teleport_okta.sandbox.okta.users import User

Action = Callable[[dict[str, str], Json], object]

_FAULT_FIELDS = ("method", "path", "count", "after", "probability", "seconds", "percent")


class OktaControl:
    """Serves the control endpoints of a running sandbox while its context is open."""

    def __init__(self, sandbox: OktaSandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self._okta = sandbox
        self._mark = sandbox.org.mark()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens, with a closing slash."""
        return f"http://{self.host}:{self.port}/"

    async def __aenter__(self) -> OktaControl:
        app = web.Application(middlewares=[refuse_foreign])
        for name, action in self._actions().items():
            method, path = name.split(" ")
            for form in with_and_without_slash(path):
                app.router.add_route(method, form, _handler(action))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def _actions(self) -> dict[str, Action]:
        org = self._org
        others = log_actions(org) | provisioning_actions(org, self._okta.provisioning) | saml_actions(org, self._app)
        return {
            "GET /": lambda _, __: {"kind": "okta", "url": self._okta.url, "organization": org.id, "admin": org.admin},
            "POST /users": self._create_user,
            "GET /users/{user}": lambda at, _: self._user(org.user(at["user"])),
            "PATCH /users/{user}": lambda at, body: self._user(org.update_profile(at["user"], **profile_of(body))),
            "DELETE /users/{user}": lambda at, _: org.delete_user(at["user"]),
            "POST /users/{user}/activate": lambda at, _: self._user(org.activate(at["user"])),
            "POST /users/{user}/suspend": lambda at, _: self._user(org.suspend(at["user"])),
            "POST /users/{user}/unsuspend": lambda at, _: self._user(org.unsuspend(at["user"])),
            "POST /users/{user}/unlock": lambda at, _: self._user(org.unlock(at["user"])),
            "POST /users/{user}/deactivate": lambda at, _: self._user(org.deactivate(at["user"])),
            "POST /users/{user}/status": lambda at, body: self._user(
                org.set_status(at["user"], text_of(body, "status"))
            ),
            "POST /users/{user}/import": lambda at, body: self._user(
                org.import_profile(at["user"], **profile_of(body))
            ),
            "POST /apps": self._create_app,
            "POST /apps/internal": lambda _, __: [self._app(app) for app in org.add_internal_apps()],
            "PATCH /apps/{app}": self._update_app,
            "DELETE /apps/{app}": lambda at, _: org.delete_app(at["app"]),
            "POST /apps/{app}/activate": lambda at, _: self._app(org.activate_app(at["app"])),
            "POST /apps/{app}/deactivate": lambda at, _: self._app(org.deactivate_app(at["app"])),
            "POST /apps/{app}/assign": self._assign,
            "POST /apps/{app}/unassign": self._unassign,
            "POST /apps/{app}/status": self._set_assignment_status,
            "POST /links": self._shuffle_links,
            "POST /groups": self._create_group,
            "PATCH /groups/{group}": lambda at, body: self._group(org.update_group(at["group"], **profile_of(body))),
            "POST /groups/{group}/administrative": self._make_administrative,
            "DELETE /groups/{group}": lambda at, _: org.delete_group(at["group"]),
            "POST /groups/{group}/members": lambda at, body: org.add_member(at["group"], text_of(body, "user")),
            "DELETE /groups/{group}/members/{user}": lambda at, _: org.remove_member(at["group"], at["user"]),
            "GET /clients/{client}": lambda at, _: _client_json(org.client(at["client"])),
            "POST /clients/{client}": self._configure_client,
            "DELETE /clients/{client}/keys/{kid}": lambda at, _: org.remove_client_key(at["client"], at["kid"]),
            "GET /clock": lambda _, __: self._clock(),
            "POST /clock": self._skew_clock,
            "POST /role": self._role,
            "DELETE /role": lambda _, __: org.restore_role(),
            "POST /share": self._share,
            "POST /tokens/revoke": self._revoke,
            "GET /faults": lambda _, __: [_fault_json(fault) for fault in org.faults],
            "POST /faults": self._fail,
            "DELETE /faults": lambda _, __: org.recover(),
            "GET /calls": self._calls,
            "POST /calls/reset": self._reset_calls,
        } | others

    @property
    def _org(self) -> OktaOrganization:
        return self._okta.org

    def _user(self, user: User) -> Json:
        return user_json(user, self._okta.url, self._org.user_kind, full=False)

    def _create_user(self, _: dict[str, str], body: Json) -> Json:
        activate, password = body.get("activate", True) is True, body.get("password", True) is True
        return self._user(self._org.create_user(profile_of(body), activate=activate, password=password))

    def _app(self, app: App) -> Json:
        return app_json(app, self._okta.url, self._org)

    def _group(self, group: Group) -> Json:
        return group_json(group, self._okta.url)

    def _create_app(self, _: dict[str, str], body: Json) -> Json:
        request = {name: body[name] for name in ("signOnMode", "settings") if name in body}
        app = self._org.create_app(
            text_of(body, "label"),
            activate=body.get("activate", True) is True,
            links=texts_of(body, "links") if "links" in body else None,
            hidden=maybe(body, "hidden", bool),
            note=maybe(body, "note", str),
            **request,
        )
        return self._app(app)

    def _update_app(self, at: dict[str, str], body: Json) -> Json:
        app = self._org.update_app(
            at["app"],
            label=maybe(body, "label", str),
            links=texts_of(body, "links") if "links" in body else None,
            hidden=maybe(body, "hidden", bool),
            note=maybe(body, "note", str),
        )
        return self._app(app)

    def _shuffle_links(self, _: dict[str, str], body: Json) -> Json:
        self._org.apps.shuffles_links = maybe(body, "shuffle", bool) is not False
        return {"shuffle": self._org.apps.shuffles_links}

    def _assign(self, at: dict[str, str], body: Json) -> Json:
        app = self._org.app(at["app"])
        if "group" in body:
            return app_group_json(app.id, self._org.assign_group(app.id, text_of(body, "group")), self._okta.url)
        user_name = text_of(body, "userName") if "userName" in body else None
        profile = as_object(body["profile"]) if "profile" in body else None
        entry = self._org.assign(app.id, text_of(body, "user"), user_name, profile)
        return app_user_json(app, entry, self._okta.url)

    def _unassign(self, at: dict[str, str], body: Json) -> None:
        if "group" in body:
            self._org.unassign_group(at["app"], text_of(body, "group"))
        else:
            self._org.unassign(at["app"], text_of(body, "user"))

    def _set_assignment_status(self, at: dict[str, str], body: Json) -> Json:
        app = self._org.app(at["app"])
        entry = self._org.set_assignment_status(app.id, text_of(body, "user"), text_of(body, "status"))
        return app_user_json(app, entry, self._okta.url)

    def _create_group(self, _: dict[str, str], body: Json) -> Json:
        kind = text_of(body, "type") if "type" in body else OKTA_GROUP
        description = text_of(body, "description") if "description" in body else None
        source = text_of(body, "source") if "source" in body else None
        return self._group(self._org.create_group(text_of(body, "name"), description, kind=kind, source_app=source))

    def _make_administrative(self, at: dict[str, str], body: Json) -> Json:
        administrative = maybe(body, "administrative", bool) is not False
        group = self._org.make_administrative(at["group"], administrative=administrative)
        return {"administrative": group.administrative}

    def _configure_client(self, at: dict[str, str], body: Json) -> Json:
        require_dpop = maybe(body, "require_dpop", bool)
        scopes = texts_of(body, "scopes") if "scopes" in body else None
        return _client_json(self._org.configure_client(at["client"], require_dpop=require_dpop, scopes=scopes))

    def _clock(self) -> Json:
        timeline = self._org.timeline
        return {"skew": timeline.skew, "now": iso(timeline.stamp())}

    def _skew_clock(self, _: dict[str, str], body: Json) -> Json:
        self._org.skew_clock(seconds_of(body, "skew"))
        return self._clock()

    def _role(self, _: dict[str, str], body: Json) -> Json:
        self._org.narrow_role(
            without=texts_of(body, "without"), hide=texts_of(body, "hide"), only=texts_of(body, "only")
        )
        return {"permissions": sorted(self._org.role.permissions)}

    def _share(self, _: dict[str, str], body: Json) -> Json:
        percent = body.get("percent")
        if not isinstance(percent, int) or not 1 <= percent <= 100:
            raise ValueError("percent must be a whole number from 1 to 100")
        self._org.set_share(percent)
        return {"percent": percent}

    def _revoke(self, _: dict[str, str], body: Json) -> None:
        self._org.revoke_token(text_of(body, "token") if "token" in body else None)

    def _fail(self, _: dict[str, str], body: Json) -> Json:
        unknown = set(body) - {"kind", *_FAULT_FIELDS}
        if unknown:
            raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
        given = {name: body[name] for name in _FAULT_FIELDS if name in body}
        return _fault_json(self._org.fail(text_of(body, "kind"), **given))  # type: ignore[arg-type]

    def _calls(self, _: dict[str, str], __: Json) -> Json:
        calls = self._org.calls_since(self._mark)
        return {
            "total": calls.total,
            "buckets": dict(calls.buckets),
            "endpoints": dict(calls.endpoints),
            "unknown": dict(calls.unknown),
            "statuses": {str(status): count for status, count in calls.statuses.items()},
        }

    def _reset_calls(self, _: dict[str, str], __: Json) -> None:
        self._mark = self._org.mark()


def _handler(action: Action) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        text = await request.text()
        try:
            result = action(dict(request.match_info), _object(text))
            if inspect.isawaitable(result):
                result = await result
        except OktaError as error:
            return web.json_response(error.body(""), status=error.status)
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.Response(status=204) if result is None else web.json_response(result)

    return handle


def _object(text: str) -> Json:
    body = json.loads(text) if text.strip() else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


def _client_json(client: OAuthClient) -> Json:
    return {"client_id": client.id, "require_dpop": client.require_dpop, "scopes": sorted(client.scopes)}


def _fault_json(fault: Fault) -> Json:
    return {"kind": fault.kind, "hits": fault.hits} | {name: getattr(fault, name) for name in _FAULT_FIELDS}
