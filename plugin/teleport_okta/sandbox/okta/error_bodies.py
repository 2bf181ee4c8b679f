"""Okta's error answers: codes, texts and causes (`docs/reference/okta.md` 1.5 and 2.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_BAD_DATE = (
    "Bad request. Invalid date. Dates must be of the form yyyy-MM-dd'T'HH:mm:ss.SSSZZ,"
    " e.g. 2013-01-01T12:00:00.000-07:00."
)
_SUMMARIES: dict[str, tuple[int, str]] = {
    "E0000003": (400, "The request body was not well-formed."),
    "E0000005": (403, "Invalid session"),
    "E0000006": (403, "You do not have permission to perform the requested action"),
    "E0000008": (404, "The requested path was not found"),
    "E0000009": (500, "Internal Server Error"),
    "E0000010": (503, "Service is in read only mode"),
    "E0000011": (401, "Invalid token provided"),
    "E0000016": (403, "Activation failed because the user is already active"),
    "E0000018": (400, "Bad request.  Accept and/or Content-Type headers are likely not set."),
    "E0000019": (400, "Bad request. Accept and/or Content-Type headers likely do not match supported values."),
    "E0000021": (400, "Bad request.  Accept and/or Content-Type headers likely do not match supported values."),
    "E0000022": (405, "The endpoint does not support the provided HTTP method"),
    "E0000028": (400, "The request is missing a required parameter."),
    "E0000029": (400, "Invalid paging request."),
    "E0000030": (
        400,
        _BAD_DATE,
    ),
    "E0000031": (400, "Invalid search criteria."),
    "E0000032": (403, "Unlock is not allowed for this user."),
    "E0000033": (400, "Bad request. Can't specify a search query and filter in the same request."),
    "E0000038": (403, "This operation is not allowed in the user's current status."),
    "E0000040": (400, "Application label must not be the same as an existing application label."),
    "E0000046": (403, "Deactivate application for user forbidden."),
    "E0000047": (429, "API call exceeded rate limit due to too many requests."),
    "E0000053": (400, "Bad request."),
    "E0000055": (409, "Duplicate group."),
    "E0000056": (403, "Delete application forbidden."),
    "E0000060": (501, "Unsupported operation."),
    "E0000062": (409, "The specified user is already assigned to the application."),
    "E0000112": (409, "Cannot update this user because they are still being activated."),
    "E0000117": (403, "Cannot assign apps or update app profiles for an inactive user."),
}


class OktaError(Exception):
    """An error answer of the management API, raised to callers in the same process (tests, the demo)."""

    def __init__(self, status: int, code: str, summary: str, causes: tuple[str, ...] = ()) -> None:
        super().__init__(f"{status} {code}: {summary}" + "".join(f" ({cause})" for cause in causes))
        self.status = status
        self.code = code
        self.summary = summary
        self.causes = causes

    def body(self, error_id: str) -> dict[str, object]:
        """Return the JSON body, with `error_id` as its reference."""
        return {
            "errorCode": self.code,
            "errorSummary": self.summary,
            "errorLink": self.code,
            "errorId": error_id,
            "errorCauses": [{"errorSummary": cause} for cause in self.causes],
        }


@dataclass(frozen=True, slots=True)
class OAuthFailure(Exception):  # noqa: N818 - named as the OAuth specifications do
    """An OAuth error: of the token endpoint, or about a DPoP proof (`docs/reference/okta.md` 1.5)."""

    status: int
    error: str
    description: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """The headers of the answer."""

    def body(self) -> dict[str, object]:
        """Return the JSON body."""
        return {"error": self.error, "error_description": self.description}


def refusal(code: str, *causes: str) -> OktaError:
    """Return an error whose status and text are always the same."""
    status, summary = _SUMMARIES[code]
    return OktaError(status, code, summary, causes)


def invalid(subject: str, *causes: str) -> OktaError:
    """Return ``E0000001`` about `subject`: a field or an operation; each cause reads ``field: text``."""
    return OktaError(400, "E0000001", f"Api validation failed: {subject}", causes)


def blank(field: str) -> OktaError:
    """Return the refusal of a required field that is missing or empty."""
    return invalid(field, f"{field}: The field cannot be left blank")


def cursor_refusal(code: str) -> OktaError:
    """Return the 400 of an invalid cursor, with a configurable code: Okta's is not known (5.1)."""
    status, summary = _SUMMARIES.get(code, (400, "Api validation failed: after"))
    return OktaError(400, code, summary if status == 400 else "Bad request.", ("after: Invalid cursor.",))


def not_found(identifier: str, kind: str) -> OktaError:
    """Return ``E0000007`` for an object of Okta's type `kind` (User, UserGroup, AppInstance, …)."""
    return OktaError(404, "E0000007", f"Not found: Resource not found: {identifier} ({kind})")
