"""Whether a process can do its work at this moment, by component, with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the process. `reason` says why it is not ready; of one that is ready, what it does, if anything."""

    name: str
    is_ready: bool
    reason: str = ""


TELEPORT: Final = "teleport"

NOT_CONNECTED: Final = (Component(TELEPORT, is_ready=False, reason="the cluster was not reached yet"),)
"""What a process is until it has entered the cluster."""


class Health:
    """The components of a process, each time as they are when somebody asks."""

    def __init__(self) -> None:
        self._look: Callable[[], tuple[Component, ...]] = lambda: NOT_CONNECTED

    def follow(self, look: Callable[[], tuple[Component, ...]]) -> None:
        """Ask this from now on. It must not wait: any client may ask, at any rate."""
        self._look = look

    def components(self) -> tuple[Component, ...]:
        """Return the components as of now."""
        return self._look()
