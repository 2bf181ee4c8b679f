"""The settings of an organisation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Edition(StrEnum):
    """The kind of Okta subscription; it decides the rate limits (`docs/reference/okta.md` 2.4)."""

    DEV = "dev"
    ONE_APP = "one-app"
    ENTERPRISE = "enterprise"
    WORKFORCE = "workforce"


@dataclass(frozen=True, slots=True)
class Delays:
    """The delays of Okta's background work after a write, in seconds of the injected time."""

    search: float = 1.0
    """Until a change shows in ``search=`` of users; usually about a second (`docs/reference/okta.md` 3.1)."""

    group_job: float = 2.0
    """Until a group's assignment or membership has made or removed app users (`docs/reference/okta.md` 3.4)."""

    group_job_per_user: float = 0.0005
    """The additional delay for each further user of the group."""

    membership_stamp: float = 3.0
    """Until ``lastMembershipUpdated`` shows a change of members.

    See `docs/reference/okta.md` 3.2: 2 to 13 seconds seen.
    """

    transition: float = 0.0
    """The time for which activation and deactivation show ``transitioningToStatus`` before the status changes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings. The defaults are those of an ordinary workforce organisation."""

    edition: Edition = Edition.WORKFORCE
    share: int = 50
    """The share of every rate limit for one token or client, in percent."""

    subdomain: str = "acme"
    company: str = "Acme"
    domain: str = "example.com"
    """Mail domain of invented people."""

    delays: Delays = field(default_factory=Delays)
    clock_skew: float = 0.0
    """Seconds that the organisation's clock is ahead of the injected time; below zero, behind."""

    everyone_lists_deactivated: bool = True
    """Whether members of Everyone include deactivated users; for a real organisation this is not known."""

    unique_app_labels: bool = False
    """Whether a second app of the same label is refused; real organisations differ (`docs/reference/okta.md` 4.1)."""

    metadata_needs_kid: bool = False
    """Whether metadata without ``kid`` is refused. The schema requires it (`docs/reference/okta.md` 4.3)."""

    shuffles_links: bool = False
    """Whether every answer has the links of an app in another order. Okta promises no order."""

    most_events: int = 200_000
    """The most events in the System Log; the oldest are dropped."""
