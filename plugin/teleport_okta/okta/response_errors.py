"""The typed error that an answer's status and code stand for (`docs/reference/okta.md` 1.5, 2.3)."""

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
"""423 while priorities are reconciled, 409 for changes at the same time and for a user who is still being activated."""


def error_of(answer: Answer) -> OktaError | None:
    """Return what is wrong with an answer by its status, or None for a success."""
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    failure = answer.failure()
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return OktaUnavailableError(failure, "failed inside Okta")
    if answer.status < HTTPStatus.BAD_REQUEST:
        return _redirected(answer, failure)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return OktaRateLimitedError(failure, "was refused, because the rate limit is used up")
    if failure.path.startswith("/oauth2/"):
        return _no_token(failure)
    return _unproven(failure) if failure.code in _UNPROVEN else _refused(failure)


def _unproven(failure: Failure) -> OktaError:
    """A call whose proof does not hold; as with a bad token, a new one may help."""
    says = "was refused, because its proof of possession does not hold"
    return OktaUnauthorizedError(failure, says, remedy=_TOKEN_REMEDIES["invalid_dpop_proof"])


def _refused(failure: Failure) -> OktaError:
    match failure.status, failure.code:
        case HTTPStatus.UNAUTHORIZED, code if code != _FEATURE_MISSING:
            return OktaUnauthorizedError(
                failure,
                "was refused, because the token is not valid",
                remedy="it was revoked, has expired, or its owner was deactivated: make a new API token and set "
                "okta.api_token, or check that the service app is active",
            )
        case HTTPStatus.UNAUTHORIZED, _:
            return OktaForbiddenError(failure, "needs a feature that the organisation does not have")
        case HTTPStatus.FORBIDDEN, _:
            return OktaForbiddenError(failure, "was not permitted", remedy=remedy_for(failure.method, failure.path))
        case HTTPStatus.NOT_FOUND, _:
            return OktaNotFoundError(failure, "found nothing")
    return _refused_for_what_it_asks(failure)


def _refused_for_what_it_asks(failure: Failure) -> OktaError:
    if failure.status == HTTPStatus.LOCKED or failure.code in _CONFLICTS:
        return OktaBusyError(failure, "was refused, because Okta is changing the same object")
    if _is_bad_cursor(failure):
        return OktaCursorRefusedError(failure, "was refused, because the cursor is no longer valid")
    return OktaBadRequestError(failure, "was refused")


def _is_bad_cursor(failure: Failure) -> bool:
    """E0000029 is about paging by definition; E0000031 came with the same cause on another listing."""
    return failure.code == _BAD_PAGING or (
        failure.code == _BAD_SEARCH and any("cursor" in cause.lower() for cause in failure.causes)
    )


def _redirected(answer: Answer, failure: Failure) -> OktaError:
    target = urlsplit(answer.headers.get("Location", "")).hostname
    where = f" to {target}" if target else ""
    return OktaMalformedAnswerError(
        failure,
        f"was redirected{where}, which the API never does",
        remedy="set okta.org_url to the organisation's own address",
    )


_UNPROVEN: Final = frozenset({"invalid_dpop_proof", "use_dpop_nonce"})
"""OAuth errors of RFC 9449, which the API answers too, instead of codes of its own."""

_TOKEN_REMEDIES: Final = {
    "invalid_client": "check okta.client_id, that the service app is active and uses a public key, that the public key "
    "of okta.private_key is registered and active under okta.private_key_id, and that this machine's clock is right",
    "unauthorized_client": "use an app of the type API Services, whose only grant is Client Credentials",
    "access_denied": "allow this machine's address in the network zone of the service app",
    "invalid_dpop_proof": "check that this machine's clock is right, and that nothing on the way changes the headers "
    "DPoP and Date; okta.org_url must be the address that Okta itself sees",
    "use_dpop_nonce": "check that nothing on the way keeps or removes the header DPoP-Nonce of Okta's answers",
}


def _no_token(failure: Failure) -> OktaError:
    """A refused token. OAuth's error says what to do, so an answer without one was cut off, or is not Okta's."""
    if failure.code is None:
        says = "gave no token, and no reason"
        remedy = "check okta.org_url, and that no proxy answers in Okta's place"
        return OktaMalformedAnswerError(failure, says, remedy=remedy, cut_off=True)
    remedy = _TOKEN_REMEDIES.get(failure.code, "check okta.org_url, and the service app in Okta")
    return OktaTokenRefusedError(failure, "gave no token", remedy=remedy)
