"""What a pass sets aside instead of acting upon it: rows that cannot be used, harm that is held, strangers' objects."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

from teleport_okta.model.harm import Harmed, held_digest
from teleport_okta.model.problems import VerbatimProblem
from teleport_okta.model.reason_text import remedy_of, text_of

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.model.harm import Evidence
    from teleport_okta.model.problems import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Quarantined:
    """One row or object that is left alone until its cause is gone; the rest goes on.

    `name` may be empty (a person without a login), and so may `okta_id` (a Teleport object that nobody wants). Two rows
    are equal if they read the same: of a row that was stored only the text is known.
    """

    kind: str
    name: str
    okta_id: str
    cause: Problem

    @classmethod
    def from_text(cls, kind: str, name: str, okta_id: str, reason: str, remedy: str) -> Self:
        """Return a row that was stored or received."""
        return cls(kind, name, okta_id, VerbatimProblem(reason, remedy))

    @property
    def reason(self) -> str:
        """The cause in English."""
        return text_of(self.cause)

    @property
    def remedy(self) -> str:
        """What a person can do about the cause, in English."""
        return remedy_of(self.cause)

    def as_json(self) -> dict[str, str]:
        """Return plain values, for `--format json`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "okta_id": self.okta_id,
            "reason": self.reason,
            "remedy": self.remedy,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quarantined) and self._text == other._text

    def __lt__(self, other: Quarantined) -> bool:
        return self._text < other._text

    def __hash__(self) -> int:
        return hash(self._text)

    @property
    def _text(self) -> tuple[str, ...]:
        return self.kind, self.name, self.okta_id, self.reason, self.remedy


@dataclass(frozen=True, slots=True, order=True)
class PutOff:
    """A change that is not tried before a time, although it is due: `row` says of what, and why."""

    row: Quarantined
    until: datetime


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """One harm that the brake does not let through. `reason` says why it would be done, `why` why it is held.

    `approvable` is False when the read says nothing about it. It counts for so many `people`.
    """

    kind: str
    name: str
    okta_id: str
    reason: str
    evidence: Evidence
    approvable: bool = True
    why: str = ""
    people: int = 1

    @property
    def harmed(self) -> Harmed:
        """Whom it is about."""
        return Harmed(self.kind, self.name, self.okta_id)


@dataclass(frozen=True, slots=True, order=True)
class Hold:
    """Why the brake holds harm of one kind and evidence: `count` of `of`, at a limit of `limit` an hour.

    `used` of the limit went to harm that was done within the hour. All four are objects; of access lists they are the
    imported members.
    """

    kind: str
    evidence: Evidence
    count: int
    of: int
    limit: int
    used: int
    why: str
    approvable: bool = True


@dataclass(frozen=True, slots=True, order=True)
class Leftover:
    """An object of another or an earlier Okta integration: its labels, and not ours. Listed, never touched."""

    kind: str
    name: str
    organization: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What is held and was found beside it, as it is kept for `status`."""

    held: tuple[Held, ...] = ()
    holds: tuple[Hold, ...] = ()
    leftovers: tuple[Leftover, ...] = ()

    @property
    def held_digest(self) -> str:
        """The digest by which a person approves what is held; empty when nothing that can be approved is."""
        return held_digest(held.harmed for held in self.held if held.approvable)

    def as_json(self) -> dict[str, object]:
        """Return plain values, for `--format json`."""
        return asdict(self)
