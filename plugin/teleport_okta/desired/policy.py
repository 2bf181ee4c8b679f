"""The settings that decide what a synced user looks like, resolved against one organisation and one cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LEAVER_LOCK: Final = timedelta(hours=30, minutes=15)
"""How long a leaver stays locked: Teleport's longest certificate life and a margin (`reference/teleport.md` 6.1)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the planner needs to know beside facts.

    `owner` is the Okta organisation id; `connector` is None for plain local users; `default_roles` exist in the
    cluster. `lock_suspended`: suspended people are locked while they are (otherwise suspension changes nothing).
    `no_adoption` says why users whose origin is not okta cannot be changed (None: they can).
    """

    owner: str
    organization_url: str
    connector: str | None
    default_roles: tuple[str, ...] = ()
    create_unactivated: bool = False
    lock_suspended: bool = True
    no_adoption: str | None = None
