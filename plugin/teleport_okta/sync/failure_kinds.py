"""The kind of failure of an error, as Teleport's tools show it for a plugin: it says who must act."""

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
    """Return the kind of an error: Okta refuses the credential, settings or rights do not fit, or another."""
    if isinstance(error, OktaScopeError):
        return FailureKind.CONFIGURATION
    if isinstance(error, OktaUnauthorizedError | OktaTokenRefusedError):
        return FailureKind.UNAUTHORIZED
    if isinstance(error, ConfigError | OktaForbiddenError | OktaNotFoundError | NotAnOktaOrganizationError):
        return FailureKind.CONFIGURATION
    return FailureKind.OTHER
