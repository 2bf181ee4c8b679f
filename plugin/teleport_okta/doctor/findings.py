"""The finding of a check, as a value: how severe it is, and the remedy."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.errors import TeleportOktaError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

T = TypeVar("T")

_NO_REMEDY: Final = "try again; if it stays so, check what the message names"

_log = logging.getLogger(__name__)


class Severity(StrEnum):
    """How severe a finding is: no problem, information, a weakness, or a failure of something that is configured."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for `ok`, more for what is worse."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. Warnings and errors have a remedy: a key, a permission or a command."""

    section: Section
    check: str
    severity: Severity
    what: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.severity.rank >= Severity.WARNING.rank and not self.remedy:
            msg = f"{self.section.value}, {self.check}: a {self.severity} without a remedy"
            raise ValueError(msg)

    def as_json(self) -> dict[str, str]:
        """Return the finding in the shape of `doctor --format json`."""
        return {
            "section": self.section.value,
            "check": self.check,
            "severity": self.severity.value,
            "what": self.what,
            "remedy": self.remedy,
        }


class Section(Enum):
    """The part of the installation that a finding is about. The methods make findings."""

    CONFIGURATION = "configuration"
    STATE_DIRECTORY = "state directory"
    SERVICE = "service"
    OKTA = "Okta"
    TELEPORT = "Teleport"
    SIGN_IN = "sign-in"
    IDENTITIES = "identities"
    SCIM = "SCIM"
    GRPC = "gRPC"

    def ok(self, check: str, what: str) -> Finding:
        """Return a finding without a problem."""
        return Finding(self, check, Severity.OK, what)

    def note(self, check: str, what: str, remedy: str = "") -> Finding:
        """Return information; the state may be intended."""
        return Finding(self, check, Severity.NOTE, what, remedy)

    def warning(self, check: str, what: str, remedy: str) -> Finding:
        """Return a weakness: it will fail soon, or others have too much access, or an optional part is off."""
        return Finding(self, check, Severity.WARNING, what, remedy)

    def error(self, check: str, what: str, remedy: str) -> Finding:
        """Return a failure: the service, or a part that is configured, cannot work."""
        return Finding(self, check, Severity.ERROR, what, remedy)

    def failed(self, check: str, error: TeleportOktaError, severity: Severity = Severity.ERROR) -> Finding:
        """Return the finding for an error of ours, with its text and remedy."""
        return Finding(self, check, severity, error.what, error.remedy or _NO_REMEDY)

    def unchecked(self, check: str, because: str) -> Finding:
        """Return that it was not checked; the obstacle has a finding of its own."""
        return Finding(self, check, Severity.NOTE, f"not checked, because {because}")


def worst(findings: Iterable[Finding]) -> Severity:
    """Return the worst severity; `ok` without findings."""
    return max((finding.severity for finding in findings), key=lambda severity: severity.rank, default=Severity.OK)


async def settled(section: Section, check: str, work: Awaitable[Iterable[Finding]]) -> list[Finding]:
    """Return what a check found. An error becomes its finding, so that the other checks run."""
    nothing: tuple[Finding, ...] = ()
    found, failure = await attempted(section, check, work, otherwise=nothing)
    return [*found, *failure]


async def compared(section: Section, check: str, compare: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Do the same for a comparison, which needs no I/O."""

    async def work() -> list[Finding]:
        return list(compare())

    return await settled(section, check, work())


async def attempted(section: Section, check: str, work: Awaitable[T], *, otherwise: T) -> tuple[T, list[Finding]]:
    """Return the result of a check for others to use, and no finding; or `otherwise`, and its error as a finding.

    The text of an unexpected error may contain secrets, so only its type is shown.
    """
    try:
        return await work, []
    except TeleportOktaError as error:
        return otherwise, [section.failed(check, error)]
    except OSError as error:
        what = ": ".join(filter(None, (str(error.filename or ""), error.strerror or type(error).__name__)))
        return otherwise, [section.error(check, f"cannot be checked: {what}", "run this as the service's user")]
    except Exception as error:  # noqa: BLE001 - the root of a check: one that is broken must not hide the others
        _log.exception("the check %r failed with an unexpected error", check)
        what = f"this check failed with an unexpected error: {type(error).__name__}"
        return otherwise, [section.error(check, what, "report this, with the output on stderr")]


def without_secrets(findings: Iterable[Finding], secrets: Iterable[str]) -> tuple[Finding, ...]:
    """Redact secrets: an answer of another system may repeat what we sent."""
    known = tuple(secrets)

    def clean(text: str) -> str:
        for secret in known:
            text = text.replace(secret, "[redacted]")
        return text

    return tuple(replace(finding, what=clean(finding.what), remedy=clean(finding.remedy)) for finding in findings)
