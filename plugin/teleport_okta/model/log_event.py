"""One event of Okta's System Log, reduced to what tells that something changed (`docs/reference/okta.md` 5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

USER: Final = "User"
GROUP: Final = "UserGroup"
APP: Final = "AppInstance"
APP_USER: Final = "AppUser"
TOKEN: Final = "Token"  # noqa: S105 - a type
"""Types of targets, as Okta writes them."""


@dataclass(frozen=True, slots=True)
class Target:
    """What an event is about. Okta may leave out the id."""

    type: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event; one without a `uuid` cannot be told from another of its kind.

    `published` is its own time, not the order in which events arrive; None where it cannot be read. `outcome` is in
    capitals, and empty where there is none. `legacy_type` is the older name, which some senders give alone. `actor` is
    the id of who did it.
    """

    uuid: str
    type: str
    published: datetime | None
    outcome: str = ""
    targets: tuple[Target, ...] = ()
    legacy_type: str = ""
    actor: str = ""

    def ids(self, kind: str) -> Iterator[str]:
        """Return the ids of the targets of a type."""
        return (target.id for target in self.targets if target.type == kind and target.id)

    def first(self, kind: str) -> str:
        """Return the id of the first target of a type; empty where there is none."""
        return next(self.ids(kind), "")
