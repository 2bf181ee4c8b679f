"""One event of Okta's System Log, reduced to the fields that show a change (`docs/reference/okta.md` 5.3)."""

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
"""The types of targets, in Okta's spelling."""


@dataclass(frozen=True, slots=True)
class Target:
    """An object of an event. Okta may omit the id."""

    type: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event; without a `uuid` it cannot be distinguished from another one of its type.

    `published` is its own time, which is not the order of arrival; None if it cannot be read. `outcome` is in capitals,
    and empty if there is none. `legacy_type` is the older name, and some events have only that. `actor` is the id of
    its cause.
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
        """Return the id of the first target of a type; empty if there is none."""
        return next(self.ids(kind), "")
