"""What a pass leaves alone and reports: rows that it cannot use, harm that is held, objects of other integrations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from teleport_okta.model.harm import Harmed, held_digest
from teleport_okta.model.problems import VerbatimProblem
from teleport_okta.model.reason_text import remedy_of, text_of
from teleport_okta.model.reasons import Verbatim

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.model.harm import Evidence
    from teleport_okta.model.problems import Problem
    from teleport_okta.model.reasons import Reason


_NO_CAUSE: Final = Verbatim("")


class _InWords:
    """Equality, order and hash by the text of a value: if it was stored, only its text is known."""

    __slots__ = ()

    def as_json(self) -> Mapping[str, object]:
        """Return plain values, for `--format json`."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._key() == other._key()

    def __lt__(self, other: Self) -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return tuple(self.as_json().values())


@dataclass(frozen=True, slots=True, eq=False)
class Quarantined(_InWords):
    """One row or object that is left alone until its cause is gone, while all others are synced.

    `name` may be empty (a person without a login), and so may `okta_id` (an object that is only in Teleport).
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


@dataclass(frozen=True, slots=True, order=True)
class PutOff:
    """A change that is due, and is not tried before `until`: `row` has the object and the reason."""

    row: Quarantined
    until: datetime


@dataclass(frozen=True, slots=True, eq=False)
class Held(_InWords):
    """One harm that the brake does not let through. `cause` is why it would be done, `hold_cause` why it is held.

    `approvable` is False if the read proves nothing about it. It counts for so many `people`.
    """

    kind: str
    name: str
    okta_id: str
    cause: Reason
    evidence: Evidence
    approvable: bool = True
    hold_cause: Reason = _NO_CAUSE
    people: int = 1

    @property
    def harmed(self) -> Harmed:
        """Whom it is about."""
        return Harmed(self.kind, self.name, self.okta_id)

    @property
    def reason(self) -> str:
        """Why it would be done, in English."""
        return text_of(self.cause)

    @property
    def why(self) -> str:
        """Why it is held, in English."""
        return text_of(self.hold_cause)

    def as_json(self) -> dict[str, object]:
        """Return plain values, for `--format json`."""
        return {
            "kind": self.kind,
            "name": self.name,
            "okta_id": self.okta_id,
            "reason": self.reason,
            "evidence": self.evidence,
            "approvable": self.approvable,
            "why": self.why,
            "people": self.people,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Hold(_InWords):
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
    cause: Reason
    approvable: bool = True

    @property
    def why(self) -> str:
        """The cause in English."""
        return text_of(self.cause)

    def as_json(self) -> dict[str, object]:
        """Return plain values, for `--format json`."""
        return {
            "kind": self.kind,
            "evidence": self.evidence,
            "count": self.count,
            "of": self.of,
            "limit": self.limit,
            "used": self.used,
            "why": self.why,
            "approvable": self.approvable,
        }


@dataclass(frozen=True, slots=True, order=True)
class Leftover:
    """An object with the labels of another or an earlier Okta integration, and without ours: listed, never changed."""

    kind: str
    name: str
    organization: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What is held, and the leftovers, as they are kept for `status`."""

    held: tuple[Held, ...] = ()
    holds: tuple[Hold, ...] = ()
    leftovers: tuple[Leftover, ...] = ()

    @property
    def held_digest(self) -> str:
        """The digest by which an operator approves what is held; empty if nothing can be approved."""
        return held_digest(held.harmed for held in self.held if held.approvable)

    def as_json(self) -> dict[str, object]:
        """Return plain values, for `--format json`."""
        return {
            "held": [one.as_json() for one in self.held],
            "holds": [one.as_json() for one in self.holds],
            "leftovers": [asdict(one) for one in self.leftovers],
        }
