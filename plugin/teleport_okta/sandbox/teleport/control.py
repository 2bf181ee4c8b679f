"""The control interface: other processes play the administrator, and make faults (docs/sandbox-teleport.md)."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message
from pydantic import ValidationError

from ..control_api import ControlApi, Route, Seconds, Unchecked, missing_fields
from .audit_log import unwrapped
from .control_faults import fault_routes
from .control_objects import connector_routes, found, list_routes, message_json, plugin_routes, resource_routes
from .edition import Entitlement
from .lists.member_stores import MEMBER_KIND
from .refusal import Refusal
from .sandbox import BOT_LIFETIME, TeleportSandbox


class Control(ControlApi):
    """The control interface of a running sandbox, on a port of its own, from `async with` to its end."""

    def __init__(self, sandbox: TeleportSandbox, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self._sandbox = sandbox
        self._cluster = sandbox.cluster

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [
            *self._server_routes(),
            *self._people_routes(),
            *self._identity_routes(),
            *connector_routes(self._sandbox),
            *fault_routes(self._sandbox),
            *list_routes(self._sandbox),
            *plugin_routes(self._sandbox),
            *resource_routes(self._sandbox),
            Route("GET /{kind}", self._list_kind),
            Route("GET /{kind}/{name}", self._show_object),
        ]

    def explain(self, error: Exception) -> tuple[int, object] | None:
        """Return 404 for an object or a field that is not there, 409 for a write that the server refuses."""
        if isinstance(error, KeyError):
            return 404, {"error": f"there is no {error.args[0]!r}"}
        if isinstance(error, ValidationError) and (missing := missing_fields(error)):
            return 404, {"error": f"there is no {missing[0]!r}"}
        if isinstance(error, Refusal):
            return 409, {"error": error.text}
        return (400, {"error": str(error)}) if isinstance(error, PermissionError) else super().explain(error)

    def as_json(self, value: object) -> object:
        """Return the JSON of a message, as the API spells its fields."""
        return message_json(value) if isinstance(value, Message) else super().as_json(value)

    # What is there

    def _describe(self) -> object:
        cluster = self._cluster
        return {
            "cluster": cluster.name,
            "edition": cluster.edition.value,
            "version": cluster.version,
            "connections": self._sandbox.open_connections,
            "crashes": self._sandbox.crashes,
            "objects": {kind: len(cluster.caches(kind)) for kind in sorted([*cluster.stores, MEMBER_KIND])},
        }

    def _list_kind(self, kind: str) -> object:
        store = self._store(kind)
        return sorted(store.all_stored(), key=store.kind.name_of)

    def _show_object(self, kind: str, name: str) -> object:
        shown = message_json(found(self._store(kind).stored(name), name))
        devices = {"mfa_devices": self._sandbox.administrator.mfa_devices(name)} if kind == "users" else {}
        return shown | devices

    def _store(self, kind: str) -> Any:  # noqa: ANN401 - a store of whatever kind the path names
        return self._cluster.stores[kind.removesuffix("s")]

    # The licence, the server and its proxy

    def _server_routes(self) -> list[Route]:
        return [
            Route("GET /", self._describe),
            Route("GET /entitlements", self._entitlements),
            Route("POST /entitlements", self._change_entitlements),
            Route("POST /restart", self._restart, exact=True),
            Route("GET /proxy", self._proxy),
            Route("POST /proxy", self._change_proxy, exact=True),
            Route("POST /listings/hold", self._hold_listings),
            Route("POST /listings/rebuild", self._rebuild_cache),
            Route("GET /audit_events", self._audit_events),
            Route("DELETE /audit_events", self._cluster.audit_log.clear),
        ]

    def _entitlements(self) -> object:
        return {name: asdict(entitlement) for name, entitlement in self._cluster.entitlements.items()}

    def _change_entitlements(self, **entitlements: dict[str, Any]) -> object:
        self._cluster.license({name: Entitlement(**values) for name, values in entitlements.items()})
        return self._entitlements()

    async def _restart(self, down_for: Seconds = 1.0) -> None:
        await self._sandbox.restart_auth(down_for)

    def _proxy(self) -> object:
        proxy = self._sandbox.proxy
        return {
            "address": proxy.address,
            "connections": proxy.open_connections,
            "load_balancer": proxy.load_balancer,
            "connection_upgrade": proxy.upgrade.enabled,
        }

    def _change_proxy(self, load_balancer: bool | None = None, connection_upgrade: bool | None = None) -> object:
        proxy = self._sandbox.proxy
        if load_balancer is not None:
            proxy.load_balancer = load_balancer
        if connection_upgrade is not None:
            proxy.upgrade.enabled = connection_upgrade
        return self._proxy()

    def _hold_listings(self, kind: str, seconds: Seconds) -> None:
        self._cluster.caches(kind).hold_listings(seconds)

    def _rebuild_cache(self, kind: str, seconds: Seconds) -> None:
        self._cluster.caches(kind).rebuild_cache(seconds)

    def _audit_events(self, **query: str) -> object:
        log = self._cluster.audit_log
        return log.of(query["type"]) if "type" in query else [unwrapped(event) for event in log.events]

    # The administrator, and logins

    def _people_routes(self) -> list[Route]:
        administrator = self._sandbox.administrator
        return [
            Route("POST /users", administrator.create_user, 201, exact=True),
            Route("PATCH /users/{name}", administrator.edit_user, exact=True),
            Route("DELETE /users/{name}", administrator.delete_user),
            Route("POST /users/{name}/mfa", self._add_mfa_device, 201, exact=True),
            Route("POST /users/{name}/sso-login", administrator.sso_login, exact=True),
            Route("POST /locks", administrator.create_lock, 201, exact=True),
            Route("DELETE /locks/{name}", administrator.delete_lock),
        ]

    def _add_mfa_device(self, name: str, device: str = "phone") -> object:
        added = self._sandbox.administrator.add_mfa_device(name, device)
        return {"device": added.metadata.Name, "id": added.id}

    # Tokens, identities, the host CA, and semaphores

    def _identity_routes(self) -> list[Route]:
        administrator = self._sandbox.administrator
        return [
            Route("POST /tokens", self._create_token, 201),
            Route("DELETE /tokens/{name}", administrator.revoke_token),
            Route("POST /kubernetes/service-account-token", self._issue_service_account_token, 201),
            Route("POST /identities", self._issue_identity, 201),
            Route("POST /bot/renew", self._renew_bot, exact=True),
            Route("GET /rotation", self._rotation),
            Route("POST /rotate", self._rotate, exact=True),
            Route("GET /semaphores", lambda: [semaphore for _, semaphore in sorted(self._cluster.semaphores.items())]),
            Route("DELETE /semaphores/{kind}/{name}", self._delete_semaphore),
        ]

    def _create_token(
        self, name: str, roles: list[str], kubernetes: dict[str, Any] | None = None, **others: Unchecked
    ) -> object:
        administrator = self._sandbox.administrator
        if kubernetes is None:
            token = administrator.create_token(name, roles, **others)
        else:
            jwks = self._jwks(kubernetes)
            token = administrator.create_kubernetes_token(name, roles, kubernetes["allow"], jwks, **others)
        return {"name": token.name, "roles": token.roles, "expires": token.expires}

    def _jwks(self, rules: dict[str, Any]) -> str | None:
        """Return the keys that a token of type static_jwks carries: those given, or the sandbox's own cluster's."""
        kind = rules.get("type", "static_jwks" if "jwks" in rules else "in_cluster")
        if kind == "in_cluster":
            return None
        if kind != "static_jwks":
            raise ValueError(f"unsupported kubernetes join method type ({kind})")
        return json.dumps(rules["jwks"]) if "jwks" in rules else self._cluster.kubernetes.jwks

    def _issue_service_account_token(self, service_account: str, **claims: Unchecked) -> str:
        claims.setdefault("audience", self._cluster.name)
        return self._cluster.kubernetes.service_account_token(service_account, **claims)

    def _issue_identity(self, user: str, roles: list[str], lifetime: Seconds = 3600) -> str:
        return self._sandbox.issue_identity(user, roles, lifetime=timedelta(seconds=lifetime)).text().decode()

    def _renew_bot(self, torn: str | None = None, lifetime: Seconds | None = None) -> None:
        self._sandbox.renew_bot(torn=torn, lifetime=BOT_LIFETIME if lifetime is None else timedelta(seconds=lifetime))

    def _rotation(self) -> object:
        host = self._sandbox.issuer.host
        return {
            "phase": host.phase.value,
            "id": host.current_id,
            "active": host.active.tls.pin,
            "additional": host.additional.tls.pin if host.additional is not None else None,
            "serving": host.serving.tls.pin,
        }

    def _rotate(self, phase: str, refuse_new_for: Seconds = 0.0) -> object:
        self._sandbox.administrator.rotate(phase, refuse_new_for=refuse_new_for)
        return self._rotation()

    def _delete_semaphore(self, kind: str, name: str) -> None:
        if self._cluster.semaphores.pop((kind, name), None) is None:
            raise KeyError(f"{kind}/{name}")
