"""Errors of SCIM requests, as the client gets them (RFC 7644 §3.12)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from teleport_okta.model.provisioned import Verdict

if TYPE_CHECKING:
    from teleport_okta.model.provisioned import Settlement


class ScimType(StrEnum):
    """The `scimType` of an error (RFC 7644 table 9)."""

    INVALID_FILTER = "invalidFilter"
    INVALID_PATH = "invalidPath"
    INVALID_SYNTAX = "invalidSyntax"
    INVALID_VALUE = "invalidValue"
    INVALID_VERSION = "invalidVers"
    MUTABILITY = "mutability"
    NO_TARGET = "noTarget"
    SENSITIVE = "sensitive"
    TOO_MANY = "tooMany"
    UNIQUENESS = "uniqueness"


@dataclass
class ScimError(Exception):
    """A refused request. Okta shows `detail` to the administrator, so it names the cause and the remedy.

    `retry_after`: seconds after which the client should try again, for a 429.
    """

    status: HTTPStatus
    detail: str
    scim_type: ScimType | None = None
    retry_after: int | None = None

    def __str__(self) -> str:
        return self.detail


RETRY_AFTER: Final = 30
"""Seconds after which a client should repeat a request; Okta doubles them each time."""


def later(detail: str) -> ScimError:
    """Return the error of a request that may succeed later. Okta repeats it by itself."""
    return ScimError(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after=RETRY_AFTER)


def refused(settlement: Settlement) -> ScimError:
    """Return the error of a request that could not be applied in Teleport."""
    if settlement.verdict is Verdict.CONFLICT:
        return ScimError(HTTPStatus.CONFLICT, settlement.why, ScimType.UNIQUENESS)
    return later(settlement.why)


def bad_request(scim_type: ScimType, detail: str) -> ScimError:
    """Return the error of an invalid request."""
    return ScimError(HTTPStatus.BAD_REQUEST, detail, scim_type)
