"""Objects of another or an earlier Okta integration: listed for people to decide about, never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.findings import Leftover
from teleport_okta.plan.changes import LOCK, USER

if TYPE_CHECKING:
    from collections.abc import Container

    from teleport_okta.plan.actual import ActualUsers


def leftovers(actual: ActualUsers, *, wanted: Container[str]) -> tuple[Leftover, ...]:
    """Return objects with the vendor's labels and no owner label, except for wanted users, who are taken over."""
    found = [
        *((USER, user.name, user.labels) for name, user in actual.users.items() if name not in wanted),
        *((LOCK, lock.name, lock.labels) for lock in actual.locks.values()),
    ]
    return tuple(
        sorted(
            Leftover(kind, name, carried.get(labels.OKTA_ORG, ""))
            for kind, name, carried in found
            if labels.is_leftover(carried)
        )
    )
