"""The last result of each part of the sync, and the number of its objects in Teleport."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - pydantic reads it at run time
from enum import StrEnum


class FailureKind(StrEnum):
    """The kind of a failure, by its remedy."""

    NONE = ""
    UNAUTHORIZED = "unauthorized"
    """Okta does not accept the credential."""

    CONFIGURATION = "configuration"
    """A setting, a permission or a scope is missing or wrong."""

    OTHER = "other"


class Part(StrEnum):
    """A part of a full pass with a result of its own."""

    USERS = "users"
    APPS_AND_GROUPS = "apps and groups"
    ACCESS_LISTS = "access lists"


@dataclass(frozen=True, slots=True)
class PartResult:
    """The result of one part: `error` is that of its last full pass, empty if it succeeded. Times are in UTC."""

    part: Part
    error: str = ""
    succeeded: datetime | None = None
    failed: datetime | None = None

    def after(self, error: str, at: datetime) -> PartResult:
        """Return the result after one more full pass, which ended with `error`, or succeeded if that is empty."""
        if error:
            return PartResult(self.part, error, self.succeeded, at)
        return PartResult(self.part, "", at, self.failed)

    def as_json(self) -> dict[str, object]:
        """Return plain values, for `--format json`."""
        return {
            "part": self.part.value,
            "error": self.error,
            "succeeded": self.succeeded and self.succeeded.isoformat(),
            "failed": self.failed and self.failed.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Holdings:
    """The number of our objects in Teleport; lists are those of groups and of apps."""

    users: int = 0
    user_groups: int = 0
    app_servers: int = 0
    group_lists: int = 0
    app_lists: int = 0
    pushed_lists: int = 0
    roles: int = 0
    members: int = 0
