"""Which kind of failure an error is, as Teleport's tools tell plugins apart: who has to do something about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.errors import ConfigError
from teleport_okta.model.part_result import FailureKind
from teleport_okta.okta.okta_errors import (
    NotAnOktaOrganizationError,
    OktaForbiddenError,
    OktaNotFoundError,
    OktaScopeError,
    OktaTokenRefusedError,
    OktaUnauthorizedError,
)

if TYPE_CHECKING:
    from teleport_okta.errors import TeleportOktaError


def kind_of(error: TeleportOktaError) -> FailureKind:
    """Return the kind of an error: Okta refuses the credential, or settings and rights do not fit, or any other."""
    if isinstance(error, OktaScopeError):
        return FailureKind.CONFIGURATION
    if isinstance(error, OktaUnauthorizedError | OktaTokenRefusedError):
        return FailureKind.UNAUTHORIZED
    if isinstance(error, ConfigError | OktaForbiddenError | OktaNotFoundError | NotAnOktaOrganizationError):
        return FailureKind.CONFIGURATION
    return FailureKind.OTHER
