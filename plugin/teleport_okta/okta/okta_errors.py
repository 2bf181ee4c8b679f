"""The errors of calls to Okta, by what the operator or the caller can do about them.

Each error of an answer has a `Failure`: the call, the status, Okta's code and text, and the two ids that Okta's support
asks for. No error contains a token, an assertion, a key, or a body that did not come from Okta.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import ConfigError, TeleportOktaError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed call. `path` has no query; `status` is None if no answer came.

    `code` is Okta's, such as `E0000006`, or the OAuth `error` of the token endpoint. `summary` and `causes` are Okta's
    text.
    """

    method: str
    path: str
    status: int | None = None
    code: str | None = None
    summary: str = ""
    causes: tuple[str, ...] = ()
    error_id: str | None = None
    request_id: str | None = None

    @property
    def call(self) -> str:
        """The method and path."""
        return f"{self.method} {self.path}"

    @property
    def details(self) -> str:
        """Status, code, Okta's text and the ids, on one line."""
        head = " ".join(str(part) for part in (self.status, self.code) if part is not None)
        words = [" ".join(word.split()) for word in (self.summary, *self.causes) if word]
        ids = [
            f"{name} {value}"
            for name, value in (("request id", self.request_id), ("error id", self.error_id))
            if value is not None
        ]
        text = f"{head}: {'; '.join(words)}" if head and words else head or "; ".join(words)
        return f"{text} [{', '.join(ids)}]" if ids else text


class OktaError(TeleportOktaError):
    """A call to Okta failed. An error is never taken as an absence, so no person is removed because of one."""

    remedy_text = "read Okta's message; Okta's support can find the call by the request id"

    def __init__(self, failure: Failure, says: str, *, remedy: str = "") -> None:
        what = ": ".join(filter(None, (f"{failure.call} {says}", failure.details)))
        super().__init__(what, remedy=remedy or self.remedy_text)
        self.failure = failure


class OktaUnauthorizedError(OktaError):
    """Okta does not accept our token: it was revoked, has expired, or the admin who created it was deactivated."""

    remedy_text = "create a new API token and set okta.api_token, or check that the service app is active"


class OktaForbiddenError(OktaError):
    """Our credential may not do this. Grant the scope to the service app, and the permission to its admin role."""

    remedy_text = "check the scopes of the service app, its admin role, and the features of the organisation"


class OktaNotFoundError(OktaError):
    """The object of the call does not exist, or is hidden from our admin role."""

    remedy_text = "check that the object exists, and that it is in the resource set of our admin role"


class UnknownAppError(OktaNotFoundError):
    """The app whose people are synced does not exist, or is hidden. Correct okta.app_id, or the admin role."""


class OktaRateLimitedError(OktaError):
    """The rate limit was reached, also at every retry. Raise our share in Okta, or reduce the use by other tools."""

    remedy_text = (
        "raise this credential's share under Application (or API token) rate limits in Okta, "
        "or reduce the use by other tools"
    )


class OktaUnavailableError(OktaError):
    """Okta did not answer in time, or failed itself, also at every retry. The next pass tries again."""

    remedy_text = "the next pass tries again; if this persists, check okta.org_url, the network, and status.okta.com"


class OktaTimedOutError(OktaUnavailableError):
    """The connection was made, but no complete answer came in time, also at every retry. The next pass tries again."""


class OktaUnreachableError(OktaUnavailableError):
    """No connection to Okta could be made, also at every retry. Check okta.org_url, the network and status.okta.com."""


class OktaOutcomeUnknownError(OktaError):
    """A write was sent, and no complete answer came, so it may have been done. Look in Okta before you repeat it."""

    remedy_text = "check in Okta whether it was done, before you repeat it"


class OktaTlsError(OktaError):
    """The server's certificate could not be verified. Check the URL, and whether a proxy inspects TLS on the way."""


class OktaMalformedAnswerError(OktaError):
    """The answer is not one of Okta's API: it is cut off, HTML, a redirect, or has an unexpected form."""

    remedy_text = "the next pass tries again; if this persists, check okta.org_url, and any proxy between us and Okta"

    def __init__(self, failure: Failure, says: str, *, remedy: str = "", cut_off: bool = False) -> None:
        super().__init__(failure, says, remedy=remedy)
        self.cut_off = cut_off


class OktaAnswerTooLongError(OktaMalformedAnswerError):
    """The answer is longer than any answer of Okta's API; the rest of it was not read."""


class OktaBadRequestError(OktaError):
    """Okta refused the request as invalid. Its text says why; if the setting that it names is right, report a bug."""


class OktaBusyError(OktaError):
    """Okta was changing the object of the call, also at every retry. The next pass tries again."""

    remedy_text = "the next pass tries again; if this persists, find out what keeps changing this object in Okta"


class AppLabelTakenError(OktaBadRequestError):
    """The organisation accepts no second app with this label. Use that app, rename it, or choose another label."""

    remedy_text = (
        "use the app with that label, rename it in Okta, or choose another label; the app may be hidden from our admin "
        "role"
    )


class OktaCursorRefusedError(OktaBadRequestError):
    """The cursor of a listing is no longer valid. The listing must start again (`docs/reference/okta.md` 2.2)."""


class OktaTokenRefusedError(OktaError):
    """The token endpoint refused the service app; `failure.code` is the OAuth error. The remedy names what to check."""


class OktaScopeError(OktaTokenRefusedError):
    """The service app was not granted every requested scope. Grant them under Okta API Scopes.

    `asked` are the requested scopes, `missing` those of them that are known to be missing; Okta rarely names them.
    """

    def __init__(
        self, failure: Failure, says: str, *, asked: tuple[str, ...], missing: tuple[str, ...], remedy: str
    ) -> None:
        super().__init__(failure, says, remedy=remedy)
        self.asked = asked
        self.missing = missing


class HttpProxyRefusedError(OktaError):
    """The HTTP proxy refused to connect us to Okta. Set its credentials, or allow Okta's address in the proxy."""


class HttpProxyUnreachableError(OktaUnreachableError):
    """The HTTP proxy does not answer, or cannot reach Okta. Check its address, and that it runs."""


class NotAnOktaOrganizationError(OktaError):
    """The server at okta.org_url is not an Okta organisation. Correct the URL."""


class OrganizationUrlError(ConfigError):
    """okta.org_url cannot be used. The message suggests the URL that was probably meant."""


class CredentialError(ConfigError):
    """A token or key in the configuration cannot be used. The message names the key or the file, without the secret."""


class PrivateKeyError(CredentialError):
    """The private key file of the service app cannot be used."""

    def __init__(self, path: Path, problem: str, *, remedy: str = "") -> None:
        super().__init__(f"okta.private_key: {path}: {problem}", remedy=remedy or _KEY_REMEDY)
        self.path = path


_KEY_REMEDY: Final = (
    "give the PEM file, without a passphrase, or the JWK of the RSA (2048 bits or more) or EC (P-256, P-384, P-521) "
    "private key that is registered for the service app"
)


class CaFileError(ConfigError):
    """okta.ca cannot be used. The message names the file and the problem."""


class HttpProxyUrlError(ConfigError):
    """The HTTP proxy in the environment cannot be used. The message names the variable, without its value."""
