"""What can go wrong between us and Okta, by what the operator or the caller can do about it.

Every error that comes from an answer carries a `Failure`: the call, the status, Okta's own code and words, and the two
ids that Okta's support asks for. No error holds a token, an assertion, a key, or a body that was not Okta's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import ConfigError, TeleportOktaError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Failure:
    """One call that failed, as far as is known. `path` has no query; `status` is None where no answer came.

    `code` is `E0000006` and the like, at the token endpoint the OAuth `error`; `summary` and `causes` are Okta's words.
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
        """Status, code, Okta's words and the ids, on one line."""
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
    """A call to Okta did not bring what it should have. An error is never an absence: nobody leaves because of one."""

    remedy_text = "look at what Okta says; its support can find the call by the request id"

    def __init__(self, failure: Failure, says: str, *, remedy: str = "") -> None:
        what = ": ".join(filter(None, (f"{failure.call} {says}", failure.details)))
        super().__init__(what, remedy=remedy or self.remedy_text)
        self.failure = failure


class OktaUnauthorizedError(OktaError):
    """Okta does not accept our token. Check whether it was revoked, has expired, or lost the admin who made it."""

    remedy_text = "make a new API token and set okta.api_token, or check that the service app is active"


class OktaForbiddenError(OktaError):
    """Okta knows us but does not let us. Grant the scope to the service app, and the permission to its admin role."""

    remedy_text = "check the scopes of the service app, its admin role, and the features of the organisation"


class OktaNotFoundError(OktaError):
    """What the call names is not there, or is hidden from our admin role."""

    remedy_text = "check that it is there, and in the resource set of our admin role"


class UnknownAppError(OktaNotFoundError):
    """The app whose people are to be synced is not there. Correct okta.app_id, or widen the admin role to the app."""


class OktaRateLimitedError(OktaError):
    """The limit stayed used up through every retry. Raise our share in Okta, or lower what other tools use."""

    remedy_text = (
        "raise this credential's share under Application (or API token) rate limits in Okta, "
        "or lower what other tools use"
    )


class OktaUnavailableError(OktaError):
    """Okta did not answer, not in time, or with a fault of its own, through every retry. The next pass tries again."""

    remedy_text = "the next pass tries again; if it stays so, check okta.org_url, the network, and status.okta.com"


class OktaTimedOutError(OktaUnavailableError):
    """A connection came about, but no whole answer in time, through every retry. The next pass tries again."""


class OktaUnreachableError(OktaUnavailableError):
    """No connection to Okta came about, through every retry. Check okta.org_url, the network, and status.okta.com."""


class OktaOutcomeUnknownError(OktaError):
    """A write was sent, and no whole answer came back, so it may have been done. Look in Okta before repeating it."""

    remedy_text = "look in Okta whether it was done before it is repeated"


class OktaTlsError(OktaError):
    """The server could not prove to be the one named. Check the URL, and whether a proxy breaks TLS open on the way."""


class OktaMalformedAnswerError(OktaError):
    """An answer came that is not what Okta's API sends: cut off, HTML, a redirect, or of another shape."""

    remedy_text = "the next pass tries again; if it stays so, check okta.org_url, and what stands between us and Okta"

    def __init__(self, failure: Failure, says: str, *, remedy: str = "", cut_off: bool = False) -> None:
        super().__init__(failure, says, remedy=remedy)
        self.cut_off = cut_off


class OktaAnswerTooLongError(OktaMalformedAnswerError):
    """An answer is longer than any that Okta's API sends; the rest of it was not read."""


class OktaBadRequestError(OktaError):
    """Okta refused the request as wrong. Okta's words say why; if the setting it names is right, report it as a bug."""


class OktaBusyError(OktaError):
    """Okta was changing what the call is about, through every retry. The next pass tries again."""

    remedy_text = "the next pass tries again; if it stays so, look for what changes this object in Okta all the time"


class AppLabelTakenError(OktaBadRequestError):
    """The organisation takes no second app of this label. Use that app, rename it, or choose another label."""

    remedy_text = (
        "use the app of that label, rename it in Okta, or choose another label; an app that our admin role does not "
        "show counts too"
    )


class OktaCursorRefusedError(OktaBadRequestError):
    """The cursor of a listing is no longer valid. The listing has to start again (`docs/reference/okta.md` 2.2)."""


class OktaTokenRefusedError(OktaError):
    """The token endpoint refused the service app; `failure.code` is the OAuth error. The remedy names what to check."""


class OktaScopeError(OktaTokenRefusedError):
    """The service app was not granted every scope that was asked for. Grant them under Okta API Scopes.

    `asked` are the scopes asked for, `missing` those among them that are known to be missing; Okta rarely says which.
    """

    def __init__(
        self, failure: Failure, says: str, *, asked: tuple[str, ...], missing: tuple[str, ...], remedy: str
    ) -> None:
        super().__init__(failure, says, remedy=remedy)
        self.asked = asked
        self.missing = missing


class HttpProxyRefusedError(OktaError):
    """The HTTP proxy lets us not through to Okta. Give it the credentials, or the permission, that it wants."""


class HttpProxyUnreachableError(OktaUnreachableError):
    """The HTTP proxy does not answer, or does not reach Okta itself. Check its address, and that it runs."""


class NotAnOktaOrganizationError(OktaError):
    """Something answers at okta.org_url, but it is not an Okta organisation. Correct the URL."""


class OrganizationUrlError(ConfigError):
    """okta.org_url cannot be used. The message prints the URL that was probably meant."""


class CredentialError(ConfigError):
    """A token or key in the configuration cannot be used as it is. The message names the key or file, no secret."""


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
    """okta.ca cannot be used. The message names the file and what is wrong with it."""


class HttpProxyUrlError(ConfigError):
    """The environment names an HTTP proxy that cannot be used. The message names the variable, not its value."""
