"""The part of the proxy's HTTP API that clients without a browser need (`docs/reference/teleport.md` 1.3, 1.4 and 2.4).

Every path is served under `/webapi` and under `/v1/webapi`. Errors have Teleport's shape
`{"error": {"message": …}}`, with the status of their class.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import grpc
from aiohttp import web
from google.protobuf.json_format import ParseDict, ParseError
from teleport.legacy.types.types_pb2 import RegisterUsingTokenRequest

from .access import Access
from .caller import ANONYMOUS
from .refusal import Refusal, bad_parameter
from .rpc import Call

if TYPE_CHECKING:
    from teleport.legacy.client.proto.certs_pb2 import Certs

    from .calls import CallCounter
    from .cluster import Cluster
    from .faults import Fault, FaultPlan
    from .proxy_join import ProxyJoin

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUS: Final = {
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.FAILED_PRECONDITION: 412,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 504,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""The HTTP status of each class of error; the default is 500."""

_JOIN_FIELDS: Final = {
    "hostID": "HostID",
    "node_name": "NodeName",
    "role": "Role",
    "token": "Token",
    "additional_principals": "AdditionalPrincipals",
    "dns_names": "DNSNames",
    "public_tls_key": "PublicTLSKey",
    "public_ssh_key": "PublicSSHKey",
    "remote_addr": "RemoteAddr",
    "ec2_id": "EC2IdentityDocument",
    "id_token": "IDToken",
    "expires": "Expires",
    "bot_instance_id": "BotInstanceID",
    "bot_generation": "BotGeneration",
    "previous_bot_instance_id": "PreviousBotInstanceID",
}
"""The JSON names of a join request; names that are not here are ignored, as Go's decoder does."""


class ProxyWeb:
    """The routes of the web API. `address` is the proxy's own, `host:port`; `upgrade` serves connection upgrades."""

    def __init__(
        self,
        cluster: Cluster,
        join: ProxyJoin,
        *,
        address: Callable[[], str],
        upgrade: Handler,
        calls: CallCounter,
        faults: FaultPlan,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._cluster = cluster
        self._join = join
        self._address = address
        self._upgrade = upgrade
        self._calls = calls
        self._faults = faults
        self._sleep = sleep

    def application(self) -> web.Application:
        """Return the application to serve."""
        app = web.Application(middlewares=[self._answer])
        for prefix in ("/webapi", "/v1/webapi"):
            app.add_routes(
                [
                    web.get(f"{prefix}/find", self._find),
                    web.get(f"{prefix}/ping", self._ping),
                    web.post(f"{prefix}/host/credentials", self._host_credentials),
                    web.get(f"{prefix}/connectionupgrade", self._upgrade),
                ]
            )
        return app

    @web.middleware
    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count the request, apply its fault, and answer refusals as the proxy does."""
        path = request.path.removeprefix("/v1")
        with self._calls.during(path):
            fault = self._faults.next_for(path)
            try:
                if fault is None:
                    return await handler(request)
                await self._sleep(fault.latency)
                if not fault.applied:
                    _fail(fault, request)
                response = await handler(request)
                _fail(fault, request)
            except Refusal as refusal:
                return _error(_STATUS.get(refusal.code, 500), refusal.text)
            except web.HTTPException as error:
                return _error(error.status, error.reason)
            return response

    async def _find(self, _request: web.Request) -> web.Response:
        """Answer with the facts that a client needs before it connects."""
        return web.json_response(self._discovery(_auth_unasked()))

    async def _ping(self, _request: web.Request) -> web.Response:
        """Answer with the same facts and the authentication settings."""
        return web.json_response(self._discovery(_auth_settings(self._cluster.edition.enterprise)))

    async def _host_credentials(self, request: web.Request) -> web.Response:
        """Admit a service by its token, as RegisterUsingToken does."""
        call = Call(ANONYMOUS, Access(()), request.remote or "", "")
        certificates = self._join.register_using_token(call, join_request(await _json_body(request)))
        return web.json_response(_certificates_as_json(certificates))

    def _discovery(self, auth: Json) -> Json:
        address, version = self._address(), self._cluster.version
        return {
            "auth": auth,
            "proxy": {
                "kube": {"enabled": True, "listen_addr": address},
                "ssh": {
                    "listen_addr": address,
                    "tunnel_listen_addr": address,
                    "web_listen_addr": address,
                    "public_addr": address,
                    "dial_timeout": 30_000_000_000,
                },
                "db": {"postgres_listen_addr": address, "mysql_listen_addr": address},
                "tls_routing_enabled": True,
            },
            "server_version": version,
            "min_client_version": f"{int(version.split('.', 1)[0]) - 1}.0.0-aa",
            "auto_update": {
                "tools_version": version,
                "tools_auto_update": False,
                "agent_version": version,
                "agent_auto_update": False,
                "agent_update_jitter_seconds": 60,
            },
            "cluster_name": self._cluster.name,
            "automatic_upgrades": False,
            "edition": self._cluster.edition.value,
            "fips": False,
        }


def join_request(body: Json) -> RegisterUsingTokenRequest:
    """Return the join request in a body of `/webapi/host/credentials`."""
    fields = {name: body[key] for key, name in _JOIN_FIELDS.items() if body.get(key) is not None}
    try:
        for name in ("PublicTLSKey", "PublicSSHKey", "EC2IdentityDocument"):
            b64decode(fields.get(name, ""), validate=True)
        return ParseDict(fields, RegisterUsingTokenRequest())
    except (ParseError, TypeError, ValueError) as error:
        raise bad_parameter(f"failed to parse request body: {error}") from error


async def _json_body(request: web.Request) -> Json:
    try:
        body = json.loads(await request.text())
    except ValueError as error:
        raise bad_parameter(f"request: {error}") from error
    if not isinstance(body, dict):
        raise bad_parameter("request: not a JSON object")
    return body


def _certificates_as_json(certificates: Certs) -> Json:
    return {
        "ssh": _base64(certificates.SSH),
        "tls": _base64(certificates.TLS),
        "tls_ca_certs": [_base64(pem) for pem in certificates.TLSCACerts],
        "ssh_ca_certs": [_base64(line) for line in certificates.SSHCACerts],
    }


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _auth_unasked() -> Json:
    """Return the section of `find` that does not need the auth server."""
    return {
        "type": "",
        "private_key_policy": "",
        "piv_slot": "",
        "piv_pin_cache_ttl": 0,
        "device_trust": {},
        "has_motd": False,
        "default_session_ttl": "0s",
        "signature_algorithm_suite": "balanced-v1",
    }


def _auth_settings(enterprise: bool) -> Json:
    return {
        **_auth_unasked(),
        "type": "local",
        "second_factor": "otp",
        "preferred_local_mfa": "otp",
        "local": {"name": ""},
        "private_key_policy": "none",
        "device_trust": {} if enterprise else {"disabled": True},
        "default_session_ttl": "12h0m0s",
    }


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"message": message}}, status=status)


def _fail(fault: Fault, request: web.Request) -> None:
    """Fail the request as the fault says. A fault that only delays does nothing here."""
    if fault.reset:
        if request.transport is not None:
            request.transport.abort()
        raise Refusal(grpc.StatusCode.UNAVAILABLE, fault.message)
    if fault.code is not None:
        raise Refusal(fault.code, fault.message)
