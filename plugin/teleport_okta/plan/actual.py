"""What a plan is compared with: the objects of a cluster, as they were read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.teleport import TeleportLock, TeleportRole, TeleportUser


@dataclass(frozen=True, slots=True)
class ActualUsers:
    """The users and locks that a cluster holds, by name, all of them, ours and others'; and its roles."""

    users: Mapping[str, TeleportUser]
    locks: Mapping[str, TeleportLock]
    roles: tuple[TeleportRole, ...] = ()
