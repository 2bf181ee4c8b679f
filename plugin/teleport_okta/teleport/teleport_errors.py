"""What can go wrong when Teleport is called, and what the operator can do about it.

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
    """Something about the Teleport cluster, or about how we reach it."""


class RpcError(TeleportError):
    """A call failed. `method` is `Service/Method`, `subject` what it was about, `details` the server's own words."""

    remedy_text = "see the auth server's log"

    def __init__(self, method: str, subject: str, details: str, *, what: str = "", remedy: str = "") -> None:
        said = " ".join(details.split()) or "no reason given"
        super().__init__(what or f"{method} on {subject}: {said}", remedy=remedy or self.remedy_text)
        self.method = method
        self.subject = subject
        self.details = said


class UnavailableError(RpcError):
    """The cluster could not be reached, or went away in the middle. What was asked may have happened all the same."""

    remedy_text = "check that teleport.addr is the auth server's address and port, and that it is up"


AFTER_ROTATION: Final = (
    "if its host CA was rotated while this process was down, join again: remove the file host/identity in the data "
    "directory, and start with teleport.join_token set, and with a file of the bot that was written after the rotation "
    "(without teleport.identity: with the new teleport.ca_pins)"
)
"""What helps a host that missed a whole rotation: the old CA's certificates are refused for good."""


class UntrustedServerError(UnavailableError):
    """The server's certificate is issued by no CA that our identity names, so nothing was sent."""

    remedy_text = f"check that teleport.addr is the auth server of this cluster; {AFTER_ROTATION}"


class HungUpError(UnavailableError):
    """The server ended the connection right after the TLS handshake: it refuses our certificate, or goes down."""

    remedy_text = f"if the auth server is up, it most likely refuses the certificate: {AFTER_ROTATION}"


class DeadlineError(UnavailableError):
    """No answer came in time. What was asked may have happened all the same."""

    remedy_text = "check the auth server's load and the network between"


class PermissionDeniedError(RpcError):
    """The identity may not do this, or its user is locked or gone."""

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
    """An object of this name exists and is not the one that we wanted to create."""

    remedy_text = "rename or remove the existing one if it should be ours"


class RevisionConflictError(RpcError):
    """The object was changed or deleted since it was read. Read it again, then decide again."""

    remedy_text = "somebody else changed it; it is read again and retried"


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
    """A user was refused because a role of theirs does not exist. `roles` are those that were to be given."""

    def __init__(self, method: str, subject: str, details: str, *, roles: tuple[str, ...]) -> None:
        super().__init__(
            method,
            subject,
            details,
            what=f"{method} on {subject}: a role that it should have does not exist: {details.strip()}",
            remedy=f"create the role ({', '.join(roles)} were to be given), or take it out of sync.default_roles",
        )
        self.roles = roles


class RoleInUseError(RpcError):
    """A role cannot be deleted while a user or an access list refers to it."""

    remedy_text = "take it from every user and access list first; `tctl get users` shows who has it"


class ClientVersionRefusedError(TeleportError):
    """The cluster answers, but hangs up on clients of our version (`docs/reference/teleport-observed.md` 1.3)."""

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
"""gRPC's words for a handshake in which one side refused the other's certificate (TLS 1.3)."""

_TOO_LARGE: Final = re.compile(r"message.* larger than max", re.IGNORECASE)


def rpc_error(error: grpc.aio.AioRpcError, *, method: str, subject: str) -> RpcError:
    """Return our error for a gRPC status.

    Codes decide, with four exceptions that only the text tells apart: NOT_FOUND with "access denied" speaks of the
    caller's own user or role and not of the object (`docs/reference/teleport.md` 1.7), so it must never be read as an
    absence; RESOURCE_EXHAUSTED is also what gRPC says of oversized messages; INTERNAL is also what it says of a
    stream that was reset; UNAVAILABLE is also what it says of certificates that one side does not believe.
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
