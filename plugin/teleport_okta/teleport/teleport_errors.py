"""Errors of calls to Teleport, each with its remedy.

Callers branch on the class. `rpc_error` is the one place that turns a gRPC status into one
(`docs/reference/teleport.md` 1.7); identities and joining have branches of their own in `identity_errors` and
`join_errors`.
"""

from __future__ import annotations

import re
from typing import Final

import grpc

from teleport_okta.errors import TeleportOktaError


class TeleportError(TeleportOktaError):
    """An error of the Teleport cluster, or of the connection to it."""


class RpcError(TeleportError):
    """A call failed. `method` is `Service/Method`, `subject` the object, `details` the server's message."""

    remedy_text = "see the auth server's log"

    def __init__(self, method: str, subject: str, details: str, *, what: str = "", remedy: str = "") -> None:
        said = " ".join(details.split()) or "no reason given"
        super().__init__(what or f"{method} on {subject}: {said}", remedy=remedy or self.remedy_text)
        self.method = method
        self.subject = subject
        self.details = said


class UnavailableError(RpcError):
    """The cluster could not be reached, or the connection broke. The call may have taken effect all the same."""

    remedy_text = "check that teleport.addr is the auth server's address and port, and that it is up"


AFTER_ROTATION: Final = (
    "if its host CA was rotated while this process was down, join again: remove the file host/identity in the data "
    "directory, and start with teleport.join_token set, and with a file of the bot that was written after the rotation "
    "(without teleport.identity: with the new teleport.ca_pins)"
)
"""The remedy for a host that missed a whole rotation: certificates of the old CA are refused for ever."""


class UntrustedServerError(UnavailableError):
    """No CA of our identity issued the server's certificate, so nothing was sent."""

    remedy_text = f"check that teleport.addr is the auth server of this cluster; {AFTER_ROTATION}"


class HungUpError(UnavailableError):
    """The server closed the connection right after the TLS handshake: it refuses our certificate, or is stopping."""

    remedy_text = f"if the auth server is up, it most likely refuses the certificate: {AFTER_ROTATION}"


class DeadlineError(UnavailableError):
    """No answer came before the deadline. The call may have taken effect all the same."""

    remedy_text = "check the auth server's load and the network between"


class PermissionDeniedError(RpcError):
    """The identity is not allowed to do this, or its user is locked or deleted."""

    remedy_text = "check the identity's role, and that its user exists and is not locked"


class LockedError(PermissionDeniedError):
    """The identity is locked. `lock` is the name of the lock, and the message says who set it and why if it has one."""

    def __init__(self, method: str, subject: str, problem: str, *, lock: str) -> None:
        super().__init__(
            method,
            subject,
            f"access denied: {problem}",
            remedy=f"remove the lock if this service may work again: `tctl rm lock/{lock}`",
        )
        self.lock = lock


class NotFoundError(RpcError):
    """The object does not exist."""

    remedy_text = "it may have been deleted meanwhile; the next pass looks again"


class AlreadyExistsError(RpcError):
    """Another object of this name exists."""

    remedy_text = "rename or remove the existing one if it should be ours"


class RevisionConflictError(RpcError):
    """The object was changed or deleted since it was read. Read it again, then decide again."""

    remedy_text = "another client changed it; it is read again and retried"


class InvalidArgumentError(RpcError):
    """The server refuses the content."""

    remedy_text = "correct what the message names"


class LimitExceededError(RpcError):
    """The server asks us to slow down."""

    remedy_text = "it is retried with growing delay; lower the load on the auth server if it persists"


class MessageTooLargeError(LimitExceededError):
    """A message is larger than one side accepts (4 MiB towards the server); repeating it is pointless."""

    remedy_text = "split the object that the message names"


class FeatureUnavailableError(RpcError):
    """This cluster does not have the service or method."""

    remedy_text = "it needs Teleport Enterprise or a newer auth server"


class UnknownFailureError(RpcError):
    """The server failed for a reason that it does not classify."""


class MissingRoleError(RpcError):
    """A user was refused because one of its roles does not exist. `roles` are all its roles."""

    def __init__(self, method: str, subject: str, details: str, *, roles: tuple[str, ...]) -> None:
        super().__init__(
            method,
            subject,
            details,
            what=f"{method} on {subject}: a role that it should have does not exist: {details.strip()}",
            remedy=f"create the missing one of these roles ({', '.join(roles)}), or take it out of sync.default_roles",
        )
        self.roles = roles


class RoleInUseError(RpcError):
    """A role cannot be deleted while a user or an access list refers to it."""

    remedy_text = "take it from every user and access list first; `tctl get users` shows who has it"


class ClientVersionRefusedError(TeleportError):
    """The cluster closes the connection to clients of our version (`docs/reference/teleport-observed.md` 1.3)."""

    def __init__(self, client_version: str, server_version: str) -> None:
        super().__init__(
            f"the auth server ({server_version or 'version unknown'}) refuses clients of version {client_version}: "
            f"it answers only while no client version is named",
            remedy="use a teleport-okta release made for this server's major version",
        )
        self.client_version = client_version
        self.server_version = server_version


_BY_CODE: Final[dict[grpc.StatusCode, type[RpcError]]] = {
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.CANCELLED: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.UNAUTHENTICATED: PermissionDeniedError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: RevisionConflictError,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: LimitExceededError,
    grpc.StatusCode.UNIMPLEMENTED: FeatureUnavailableError,
}

_TLS_FAILURES: Final[dict[str, type[RpcError]]] = {
    "CERTIFICATE_VERIFY_FAILED": UntrustedServerError,
    "Unwrap failed": HungUpError,
}
"""gRPC's message for a handshake in which one side refused the other's certificate (TLS 1.3)."""

_TOO_LARGE: Final = re.compile(r"message.* larger than max", re.IGNORECASE)


def rpc_error(error: grpc.aio.AioRpcError, *, method: str, subject: str) -> RpcError:
    """Return our error for a gRPC status.

    The code decides, except in four cases that only the text distinguishes. NOT_FOUND with "access denied" is about the
    caller's own user or role and not about the object (`docs/reference/teleport.md` 1.7), so it must never count as an
    absence. gRPC also uses RESOURCE_EXHAUSTED for oversized messages, INTERNAL for a stream that was reset, and
    UNAVAILABLE for certificates that one side refuses.
    """
    details = error.details() or ""
    kind = _BY_CODE.get(error.code(), UnknownFailureError)
    if kind is NotFoundError and "access denied" in details:
        kind = PermissionDeniedError
    elif kind is LimitExceededError and _TOO_LARGE.search(details):
        kind = MessageTooLargeError
    elif error.code() is grpc.StatusCode.INTERNAL and "RST_STREAM" in details:
        kind = UnavailableError
    elif kind is UnavailableError:
        kind = next((found for text, found in _TLS_FAILURES.items() if text in details), kind)
    return kind(method, subject, details)
