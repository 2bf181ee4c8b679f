"""Joins over HTTPS: the proxy sends the request to the auth server (`docs/reference/teleport.md` 2.4).

Request and answer are those of `JoinService/RegisterUsingToken`, as JSON; failures become the errors of a call, so that
both kinds of join have the same errors. The proxy's web certificate does not prove the cluster, so the caller checks
the CAs in the answer against the pins or the identity file.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from teleport.legacy.client.proto import certs_pb2

from teleport_okta.teleport.proxy.proxy_errors import ProxyTimeoutError, ProxyUnreachableError
from teleport_okta.teleport.proxy.web import exchange
from teleport_okta.teleport.teleport_errors import (
    FeatureUnavailableError,
    InvalidArgumentError,
    LimitExceededError,
    PermissionDeniedError,
    RpcError,
    UnavailableError,
    UnknownFailureError,
)

if TYPE_CHECKING:
    import ssl

    from teleport.legacy.types import types_pb2

    from teleport_okta.teleport.proxy.web import WebAnswer

_PATH: Final = "/webapi/host/credentials"
_METHOD: Final = f"POST {_PATH}"

_LONGEST_EXCERPT: Final = 300
"""How many characters of an answer that is not JSON an error shows."""

_BY_STATUS: Final[dict[int, type[RpcError]]] = {
    400: InvalidArgumentError,
    401: PermissionDeniedError,
    403: PermissionDeniedError,
    404: FeatureUnavailableError,
    405: FeatureUnavailableError,
    429: LimitExceededError,
    501: FeatureUnavailableError,
    502: UnavailableError,
    503: UnavailableError,
    504: UnavailableError,
}


async def register_over_https(
    address: str, request: types_pb2.RegisterUsingTokenRequest, *, context: ssl.SSLContext
) -> certs_pb2.Certs:
    """Send the request to the proxy at `address`, once; `context` verifies its web certificate before that.

    Raises a subclass of RpcError: FeatureUnavailableError if there is no such page. Raises WebCertificateError or
    NotAProxyError.
    """
    try:
        answer = await exchange(address, "POST", _PATH, context=context, json=_json(request))
    except (ProxyUnreachableError, ProxyTimeoutError) as error:
        raise UnavailableError(_METHOD, address, error.problem) from error
    if answer.status == 200:
        return _certs(address, answer)
    raise _BY_STATUS.get(answer.status, UnknownFailureError)(_METHOD, address, _reason(answer, request))


def _json(request: types_pb2.RegisterUsingTokenRequest) -> dict[str, str]:
    """Return the request with the field names of the proxy's API; bytes are base64."""
    body = {
        "hostID": request.HostID,
        "node_name": request.NodeName,
        "role": request.Role,
        "token": request.Token,
        "public_tls_key": base64.b64encode(request.PublicTLSKey).decode(),
        "public_ssh_key": base64.b64encode(request.PublicSSHKey).decode(),
    }
    if request.IDToken:
        body["id_token"] = request.IDToken
    return body


def _certs(address: str, answer: WebAnswer) -> certs_pb2.Certs:
    try:
        told: dict[str, Any] = json.loads(answer.body)
        return certs_pb2.Certs(
            SSH=_bytes(told.get("ssh")),
            TLS=_bytes(told.get("tls")),
            TLSCACerts=[_bytes(ca) for ca in told.get("tls_ca_certs") or ()],
            SSHCACerts=[_bytes(ca) for ca in told.get("ssh_ca_certs") or ()],
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise UnknownFailureError(_METHOD, address, "the answer is not what a proxy answers") from error


def _bytes(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error


def _reason(answer: WebAnswer, request: types_pb2.RegisterUsingTokenRequest) -> str:
    """Return the server's message for a refusal (`error.message`).

    Of an answer that is not Teleport's, return the beginning, without the secrets of the request, which it may repeat.
    """
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    error = told.get("error") if isinstance(told, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    if isinstance(message, str) and message:
        return f"HTTP {answer.status}: {message}"
    page = answer.body.decode(errors="replace")
    for secret in filter(None, (request.Token, request.IDToken)):
        page = page.replace(secret, "***")
    return f"HTTP {answer.status} {answer.content_type}: {page[:_LONGEST_EXCERPT]}"
