"""What a check finds, as a value: how it is, and what to do where it is not well."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.errors import TeleportOktaError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

T = TypeVar("T")

_NO_REMEDY: Final = "try again; if it stays so, look at what the message names"

_log = logging.getLogger(__name__)


class Severity(StrEnum):
    """How a finding is: as it should be; worth knowing; weak; broken, so that what is configured does not work."""

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
    """One thing that was looked at. Whatever is a warning or an error has a remedy: a key, a permission, a command."""

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
    """What a finding is about. Its methods make one."""

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
        """It is as it should be."""
        return Finding(self, check, Severity.OK, what)

    def note(self, check: str, what: str, remedy: str = "") -> Finding:
        """It is worth knowing, and may be meant so."""
        return Finding(self, check, Severity.NOTE, what, remedy)

    def warning(self, check: str, what: str, remedy: str) -> Finding:
        """It works, and is weak: soon it will not, or somebody may do harm, or a part is off that is not configured."""
        return Finding(self, check, Severity.WARNING, what, remedy)

    def error(self, check: str, what: str, remedy: str) -> Finding:
        """It is broken: the service, or a part that is configured, cannot do its work."""
        return Finding(self, check, Severity.ERROR, what, remedy)

    def failed(self, check: str, error: TeleportOktaError, severity: Severity = Severity.ERROR) -> Finding:
        """What was looked at ended with an error of ours, which knows the words and the remedy."""
        return Finding(self, check, severity, error.what, error.remedy or _NO_REMEDY)

    def unchecked(self, check: str, because: str) -> Finding:
        """It could not be looked at; what is in the way has a finding of its own."""
        return Finding(self, check, Severity.NOTE, f"not checked, because {because}")


def worst(findings: Iterable[Finding]) -> Severity:
    """Return the worst severity there is; `ok` for nothing at all."""
    return max((finding.severity for finding in findings), key=lambda severity: severity.rank, default=Severity.OK)


async def settled(section: Section, check: str, work: Awaitable[Iterable[Finding]]) -> list[Finding]:
    """Return what a check found. However it ends, the others go on: its error becomes its finding."""
    nothing: tuple[Finding, ...] = ()
    found, failure = await attempted(section, check, work, otherwise=nothing)
    return [*found, *failure]


async def compared(section: Section, check: str, compare: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return what a comparison of things that were read found, likewise."""

    async def work() -> list[Finding]:
        return list(compare())

    return await settled(section, check, work())


async def attempted(section: Section, check: str, work: Awaitable[T], *, otherwise: T) -> tuple[T, list[Finding]]:
    """Return what a check brought for others to use, and no finding; or `otherwise`, and its error as a finding.

    The words of an error that nobody foresaw may hold anything, so only its name is shown.
    """
    try:
        return await work, []
    except TeleportOktaError as error:
        return otherwise, [section.failed(check, error)]
    except OSError as error:
        what = ": ".join(filter(None, (str(error.filename or ""), error.strerror or type(error).__name__)))
        return otherwise, [section.error(check, f"cannot be looked at: {what}", "run this as the service's user")]
    except Exception as error:  # noqa: BLE001 - the root of a check: one that is broken must not hide the others
        _log.exception("the check %r failed in a way that it should not", check)
        what = f"this check broke off in a way that it should not: {type(error).__name__}"
        return otherwise, [section.error(check, what, "report this, with what stands in stderr")]


def without_secrets(findings: Iterable[Finding], secrets: Iterable[str]) -> tuple[Finding, ...]:
    """Blot out whatever is secret: what others answer us may repeat what we sent them."""
    known = tuple(secrets)

    def clean(text: str) -> str:
        for secret in known:
            text = text.replace(secret, "[redacted]")
        return text

    return tuple(replace(finding, what=clean(finding.what), remedy=clean(finding.remedy)) for finding in findings)
