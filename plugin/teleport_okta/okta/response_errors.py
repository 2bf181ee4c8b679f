"""The typed error for an answer's status and code (`docs/reference/okta.md` 1.5, 2.3)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from teleport_okta.okta.needs import remedy_for
from teleport_okta.okta.okta_errors import (
    OktaBadRequestError,
    OktaBusyError,
    OktaCursorRefusedError,
    OktaError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaNotFoundError,
    OktaRateLimitedError,
    OktaTokenRefusedError,
    OktaUnauthorizedError,
    OktaUnavailableError,
)

if TYPE_CHECKING:
    from teleport_okta.okta.answers import Answer
    from teleport_okta.okta.okta_errors import Failure

_FEATURE_MISSING: Final = "E0000015"
_BAD_PAGING: Final = "E0000029"
_BAD_SEARCH: Final = "E0000031"
_CONFLICTS: Final = frozenset({"E0000239", "E0000268", "E0000145", "E0000195", "E0000112"})
"""423 while Okta reconciles priorities, 409 for concurrent changes and for a user who is still being activated."""


def error_of(answer: Answer) -> OktaError | None:
    """Return the error for the status of an answer; None for a success."""
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    failure = answer.failure()
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return OktaUnavailableError(failure, "failed inside Okta")
    if answer.status < HTTPStatus.BAD_REQUEST:
        return _redirected(answer, failure)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return OktaRateLimitedError(failure, "was refused, because the rate limit is reached")
    if failure.path.startswith("/oauth2/"):
        return _no_token(failure)
    return _unproven(failure) if failure.code in _UNPROVEN else _refused(failure)


def _unproven(failure: Failure) -> OktaError:
    """Return the error for an invalid proof. As with an invalid token, a new one may help."""
    says = "was refused, because its proof of possession is not valid"
    return OktaUnauthorizedError(failure, says, remedy=_TOKEN_REMEDIES["invalid_dpop_proof"])


def _refused(failure: Failure) -> OktaError:
    match failure.status, failure.code:
        case HTTPStatus.UNAUTHORIZED, code if code != _FEATURE_MISSING:
            return OktaUnauthorizedError(
                failure,
                "was refused, because the token is not valid",
                remedy="it was revoked, has expired, or its owner was deactivated: create a new API token and set "
                "okta.api_token, or check that the service app is active",
            )
        case HTTPStatus.UNAUTHORIZED, _:
            return OktaForbiddenError(failure, "needs a feature that the organisation does not have")
        case HTTPStatus.FORBIDDEN, _:
            return OktaForbiddenError(failure, "was not permitted", remedy=remedy_for(failure.method, failure.path))
        case HTTPStatus.NOT_FOUND, _:
            return OktaNotFoundError(failure, "found nothing")
    return _bad_request(failure)


def _bad_request(failure: Failure) -> OktaError:
    if failure.status == HTTPStatus.LOCKED or failure.code in _CONFLICTS:
        return OktaBusyError(failure, "was refused, because Okta is changing the same object")
    if _is_bad_cursor(failure):
        return OktaCursorRefusedError(failure, "was refused, because the cursor is no longer valid")
    return OktaBadRequestError(failure, "was refused")


def _is_bad_cursor(failure: Failure) -> bool:
    """Whether the cursor was refused: E0000029 is always about paging, E0000031 only if its cause names the cursor."""
    return failure.code == _BAD_PAGING or (
        failure.code == _BAD_SEARCH and any("cursor" in cause.lower() for cause in failure.causes)
    )


def _redirected(answer: Answer, failure: Failure) -> OktaError:
    target = urlsplit(answer.headers.get("Location", "")).hostname
    where = f" to {target}" if target else ""
    return OktaMalformedAnswerError(
        failure,
        f"was redirected{where}, but Okta's API does not redirect",
        remedy="set okta.org_url to the organisation's own address",
    )


_UNPROVEN: Final = frozenset({"invalid_dpop_proof", "use_dpop_nonce"})
"""OAuth errors of RFC 9449, which Okta's API uses too, instead of its own codes."""

_TOKEN_REMEDIES: Final = {
    "invalid_client": "check okta.client_id, that the service app is active and uses a public key, that the public key "
    "of okta.private_key is registered and active under okta.private_key_id, and that this machine's clock is right",
    "unauthorized_client": "use an app of the type API Services, whose only grant is Client Credentials",
    "access_denied": "allow this machine's address in the network zone of the service app",
    "invalid_dpop_proof": "check that this machine's clock is right, and that nothing on the way changes the headers "
    "DPoP and Date; okta.org_url must be the address that Okta receives",
    "use_dpop_nonce": "check that nothing on the way removes or caches the header DPoP-Nonce of Okta's answers",
}


def _no_token(failure: Failure) -> OktaError:
    """Return the error for a refused token. An answer without an OAuth error was cut off, or is not Okta's."""
    if failure.code is None:
        says = "gave no token, and no reason"
        remedy = "check okta.org_url, and that no proxy answers instead of Okta"
        return OktaMalformedAnswerError(failure, says, remedy=remedy, cut_off=True)
    remedy = _TOKEN_REMEDIES.get(failure.code, "check okta.org_url, and the service app in Okta")
    return OktaTokenRefusedError(failure, "gave no token", remedy=remedy)
