"""The SCIM endpoint and its traffic, as `status` shows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ScimDoor:
    """The SCIM endpoint of a process.

    `address` is where it listens; empty if it does not, for this `reason`. `problem` is the error of replaced
    certificate files, so that the earlier ones are still used. `public_url` is the URL for clients. `active` is the
    number of users whom a client provisioned, `denied` of those whom it denies and who may come back. `last_request` is
    the time of the last request with a valid token. `failures` counts the failed authentications of the last hour,
    `answers` all requests since the process started, by class of status (`2xx`).
    """

    address: str = ""
    reason: str = ""
    problem: str = ""
    public_url: str = ""
    active: int = 0
    denied: int = 0
    last_request: datetime | None = None
    failures: int = 0
    answers: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """Return plain values, for `--format json`."""
        return {
            "address": self.address,
            "reason": self.reason,
            "problem": self.problem,
            "public_url": self.public_url,
            "active": self.active,
            "denied": self.denied,
            "last_request": self.last_request and self.last_request.isoformat(),
            "failures": self.failures,
            "answers": dict(self.answers),
        }
