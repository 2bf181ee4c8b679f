from __future__ import annotations

import grpc
import grpc.aio
import pytest
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    DeadlineError,
    FeatureUnavailableError,
    InvalidArgumentError,
    LimitExceededError,
    MessageTooLargeError,
    NotFoundError,
    PermissionDeniedError,
    RevisionConflictError,
    RpcError,
    UnavailableError,
    UnknownFailureError,
    rpc_error,
)

Code = grpc.StatusCode


def answered(code: grpc.StatusCode, details: str) -> RpcError:
    error = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details)
    return rpc_error(error, method="UsersService/GetUser", subject="user 'ada'")


@pytest.mark.parametrize(
    ("code", "details", "expected"),
    [
        (Code.UNAVAILABLE, "Socket closed", UnavailableError),
        (Code.CANCELLED, "", UnavailableError),
        (Code.DEADLINE_EXCEEDED, "", DeadlineError),
        (Code.PERMISSION_DENIED, 'access denied to perform action "read" on "user"', PermissionDeniedError),
        (Code.UNAUTHENTICATED, "", PermissionDeniedError),
        (Code.NOT_FOUND, 'user "ada" not found', NotFoundError),
        (Code.ALREADY_EXISTS, 'user "ada" already registered', AlreadyExistsError),
        (Code.FAILED_PRECONDITION, "resource revision does not match", RevisionConflictError),
        (Code.INVALID_ARGUMENT, "special characters are not allowed", InvalidArgumentError),
        (Code.RESOURCE_EXHAUSTED, "err-max-leases", LimitExceededError),
        (Code.UNIMPLEMENTED, "unknown service x", FeatureUnavailableError),
        (Code.UNKNOWN, "failed", UnknownFailureError),
        (Code.ABORTED, "", UnknownFailureError),
        (Code.INTERNAL, "Received RST_STREAM with error code 2", UnavailableError),
        (Code.INTERNAL, "Failed to deserialize response", UnknownFailureError),
        (Code.RESOURCE_EXHAUSTED, "received message larger than max (5 vs. 4)", MessageTooLargeError),
    ],
)
def test_codes_become_errors(code: grpc.StatusCode, details: str, expected: type[RpcError]) -> None:
    error = answered(code, details)

    assert type(error) is expected
    assert "UsersService/GetUser" in str(error)
    assert "user 'ada'" in str(error)
    assert error.remedy


def test_a_caller_whose_own_record_is_gone_is_not_an_absent_object() -> None:
    error = answered(Code.NOT_FOUND, "access denied\n\tuser bot-okta not found")

    assert type(error) is PermissionDeniedError


def test_details_of_several_lines_become_one() -> None:
    assert answered(Code.UNKNOWN, "outer\n\tinner").details == "outer inner"
