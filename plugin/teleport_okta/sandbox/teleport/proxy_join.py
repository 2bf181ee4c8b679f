"""Joining at the proxy, which forwards the request to the auth server (`docs/reference/teleport.md` 2.4).

One call serves both endpoints: gRPC, and `POST /webapi/host/credentials`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from .refusal import Refusal
from .rpc import Call, rpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport.legacy.client.proto.certs_pb2 import Certs
    from teleport.legacy.types.types_pb2 import RegisterUsingTokenRequest


class ProxyJoin:
    """The only service of the proxy without a client certificate.

    `register` is the call of the auth server; `auth_is_up` returns whether the proxy can reach that server now.
    """

    def __init__(
        self, register: Callable[[Call, RegisterUsingTokenRequest], Certs], *, auth_is_up: Callable[[], bool]
    ) -> None:
        self._register = register
        self._auth_is_up = auth_is_up

    @rpc("proto.JoinService/RegisterUsingToken", open=True)
    def register_using_token(self, call: Call, request: RegisterUsingTokenRequest) -> Certs:
        """Forward the request. UNAVAILABLE while the auth server is down."""
        if not self._auth_is_up():
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "the auth server is not reachable from the proxy")
        return self._register(call, request)
