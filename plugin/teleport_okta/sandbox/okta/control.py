"""The control interface: other processes act as the administrator, set faults and count calls.

Nearly every route is one method of :class:`OktaOrganization`; ``docs/sandbox-okta.md`` lists them.
"""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from teleport_okta.sandbox.control_api import ControlApi, Route, Seconds, Text
from teleport_okta.sandbox.okta.app_defaults import Json
from teleport_okta.sandbox.okta.app_views import app_group_json, app_json, app_user_json
from teleport_okta.sandbox.okta.apps import App
from teleport_okta.sandbox.okta.control_log import log_routes
from teleport_okta.sandbox.okta.control_saml import saml_routes
from teleport_okta.sandbox.okta.error_bodies import OktaError
from teleport_okta.sandbox.okta.faults import Fault, FaultKind
from teleport_okta.sandbox.okta.group_views import group_json
from teleport_okta.sandbox.okta.groups import OKTA_GROUP, Group
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.provisioning.control import provisioning_routes
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.okta.timeline import iso
from teleport_okta.sandbox.okta.tokens import OAuthClient
from teleport_okta.sandbox.okta.user_views import user_json
from teleport_okta.sandbox.okta.users import User

_FAULT_FIELDS = ("method", "path", "count", "after", "probability", "seconds", "percent")


class OktaControl(ControlApi):
    """Serves the control interface of a running sandbox while its context is open."""

    def __init__(self, sandbox: OktaSandbox, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._okta = sandbox
        self._mark = sandbox.org.mark()

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [
            *self._user_routes(),
            *self._app_routes(),
            *self._group_routes(),
            *self._access_routes(),
            *self._call_routes(),
            *log_routes(self._org),
            *provisioning_routes(self._org, self._okta.provisioning),
            *saml_routes(self._org, self._app),
        ]

    def explain(self, error: Exception) -> tuple[int, object] | None:
        """Return Okta's own status and body for an error of Okta."""
        return (error.status, error.body("")) if isinstance(error, OktaError) else super().explain(error)

    def answer_nothing(self) -> web.Response:
        """Return 204."""
        return web.Response(status=204)

    @property
    def _org(self) -> OktaOrganization:
        return self._okta.org

    # People

    def _user_routes(self) -> list[Route]:
        org, shown = self._org, self._user

        def create(profile: Json, activate: bool = True, password: bool = True) -> Json:
            return shown(org.create_user(profile, activate=activate, password=password))

        def update(user: str, profile: Json) -> Json:
            return shown(org.update_profile(user, **profile))

        def import_profile(user: str, profile: Json) -> Json:
            return shown(org.import_profile(user, **profile))

        def set_status(user: str, status: Text) -> Json:
            return shown(org.set_status(user, status))

        return [
            Route("POST /users", create),
            Route("GET /users/{user}", lambda user: shown(org.user(user))),
            Route("PATCH /users/{user}", update),
            Route("DELETE /users/{user}", org.delete_user),
            Route("POST /users/{user}/activate", lambda user: shown(org.activate(user))),
            Route("POST /users/{user}/suspend", lambda user: shown(org.suspend(user))),
            Route("POST /users/{user}/unsuspend", lambda user: shown(org.unsuspend(user))),
            Route("POST /users/{user}/unlock", lambda user: shown(org.unlock(user))),
            Route("POST /users/{user}/deactivate", lambda user: shown(org.deactivate(user))),
            Route("POST /users/{user}/status", set_status),
            Route("POST /users/{user}/import", import_profile),
        ]

    def _user(self, user: User) -> Json:
        return user_json(user, self._okta.url, self._org.user_kind, full=False)

    # Apps and their assignments

    def _app_routes(self) -> list[Route]:
        org, shown = self._org, self._app
        return [
            Route("POST /apps", self._create_app),
            Route("POST /apps/internal", lambda: [shown(app) for app in org.add_internal_apps()]),
            Route("PATCH /apps/{app}", self._update_app),
            Route("DELETE /apps/{app}", org.delete_app),
            Route("POST /apps/{app}/activate", lambda app: shown(org.activate_app(app))),
            Route("POST /apps/{app}/deactivate", lambda app: shown(org.deactivate_app(app))),
            Route("POST /apps/{app}/assign", self._assign),
            Route("POST /apps/{app}/unassign", self._unassign),
            Route("POST /apps/{app}/status", self._set_assignment_status),
            Route("POST /links", self._shuffle_links),
        ]

    def _app(self, app: App) -> Json:
        return app_json(app, self._okta.url, self._org)

    def _create_app(
        self,
        label: Text,
        activate: bool = True,
        links: list[str] | None = None,
        hidden: bool | None = None,
        note: str | None = None,
        **others: object,
    ) -> Json:
        # A missing signOnMode makes a SAML app, and null makes a directory: the two must stay different.
        request = {name: others[name] for name in ("signOnMode", "settings") if name in others}
        app = self._org.create_app(label, activate=activate, links=links, hidden=hidden, note=note, **request)
        return self._app(app)

    def _update_app(
        self,
        app: str,
        label: str | None = None,
        links: list[str] | None = None,
        hidden: bool | None = None,
        note: str | None = None,
    ) -> Json:
        return self._app(self._org.update_app(app, label=label, links=links, hidden=hidden, note=note))

    def _shuffle_links(self, shuffle: bool | None = None) -> Json:
        self._org.apps.shuffles_links = shuffle is not False
        return {"shuffle": self._org.apps.shuffles_links}

    def _assign(
        self,
        app: str,
        group: Text | None = None,
        user: Text | None = None,
        user_name: Annotated[Text | None, Field(alias="userName")] = None,
        profile: Json | None = None,
    ) -> Json:
        found = self._org.app(app)
        if group is not None:
            return app_group_json(found.id, self._org.assign_group(found.id, group), self._okta.url)
        entry = self._org.assign(found.id, _required(user, "user"), user_name, profile)
        return app_user_json(found, entry, self._okta.url)

    def _unassign(self, app: str, group: Text | None = None, user: Text | None = None) -> None:
        if group is not None:
            self._org.unassign_group(app, group)
        else:
            self._org.unassign(app, _required(user, "user"))

    def _set_assignment_status(self, app: str, user: Text, status: Text) -> Json:
        found = self._org.app(app)
        return app_user_json(found, self._org.set_assignment_status(found.id, user, status), self._okta.url)

    # Groups

    def _group_routes(self) -> list[Route]:
        org = self._org

        def update(group: str, profile: Json) -> Json:
            return self._group(org.update_group(group, **profile))

        def make_administrative(group: str, administrative: bool | None = None) -> Json:
            found = org.make_administrative(group, administrative=administrative is not False)
            return {"administrative": found.administrative}

        def add_member(group: str, user: Text) -> None:
            org.add_member(group, user)

        return [
            Route("POST /groups", self._create_group),
            Route("PATCH /groups/{group}", update),
            Route("POST /groups/{group}/administrative", make_administrative),
            Route("DELETE /groups/{group}", org.delete_group),
            Route("POST /groups/{group}/members", add_member),
            Route("DELETE /groups/{group}/members/{user}", org.remove_member),
        ]

    def _group(self, group: Group) -> Json:
        return group_json(group, self._okta.url)

    def _create_group(
        self,
        name: Text,
        description: Text | None = None,
        kind: Annotated[Text, Field(alias="type")] = OKTA_GROUP,
        source: Text | None = None,
    ) -> Json:
        return self._group(self._org.create_group(name, description, kind=kind, source_app=source))

    # Clients, tokens, the role, the clock

    def _access_routes(self) -> list[Route]:
        org = self._org

        def configure(client: str, require_dpop: bool | None = None, scopes: list[str] | None = None) -> Json:
            return _client_json(org.configure_client(client, require_dpop=require_dpop, scopes=scopes))

        def narrow_role(
            without: list[str] | None = None, hide: list[str] | None = None, only: list[str] | None = None
        ) -> Json:
            org.narrow_role(without=without or (), hide=hide or (), only=only or ())
            return {"permissions": sorted(org.role.permissions)}

        def set_share(percent: Annotated[int, Field(ge=1, le=100)]) -> Json:
            org.set_share(percent)
            return {"percent": percent}

        def revoke(token: Text | None = None) -> None:
            org.revoke_token(token)

        def skew_clock(skew: Seconds) -> Json:
            org.skew_clock(skew)
            return clock()

        def clock() -> Json:
            return {"skew": org.timeline.skew, "now": iso(org.timeline.stamp())}

        return [
            Route("GET /clients/{client}", lambda client: _client_json(org.client(client))),
            Route("POST /clients/{client}", configure),
            Route("DELETE /clients/{client_id}/keys/{kid}", org.remove_client_key),
            Route("GET /clock", clock),
            Route("POST /clock", skew_clock),
            Route("POST /role", narrow_role),
            Route("DELETE /role", org.restore_role),
            Route("POST /share", set_share),
            Route("POST /tokens/revoke", revoke),
        ]

    # Faults and calls

    def _call_routes(self) -> list[Route]:
        org = self._org

        def fail(kind: FaultKind, **fault: object) -> Json:
            return _fault_json(org.fail(kind, **fault))  # type: ignore[arg-type]

        return [
            Route("GET /", lambda: {"kind": "okta", "url": self._okta.url, "organization": org.id, "admin": org.admin}),
            Route("GET /faults", lambda: [_fault_json(fault) for fault in org.faults]),
            Route("POST /faults", fail),
            Route("DELETE /faults", org.recover),
            Route("GET /calls", self._calls),
            Route("POST /calls/reset", self._reset_calls),
        ]

    def _calls(self) -> Json:
        calls = self._org.calls_since(self._mark)
        return {
            "total": calls.total,
            "buckets": dict(calls.buckets),
            "endpoints": dict(calls.endpoints),
            "unknown": dict(calls.unknown),
            "statuses": {str(status): count for status, count in calls.statuses.items()},
        }

    def _reset_calls(self) -> None:
        self._mark = self._org.mark()


def _required(value: str | None, name: str) -> str:
    if value is None:
        raise ValueError(f"{name}: Field required")
    return value


def _client_json(client: OAuthClient) -> Json:
    return {"client_id": client.id, "require_dpop": client.require_dpop, "scopes": sorted(client.scopes)}


def _fault_json(fault: Fault) -> Json:
    return {"kind": fault.kind, "hits": fault.hits} | {name: getattr(fault, name) for name in _FAULT_FIELDS}
