"""Whether each component of the process can do its work now, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Component:
    """One part of the process. `reason` is why it is not ready, or what it does while it is ready; may be empty."""

    name: str
    is_ready: bool
    reason: str = ""


TELEPORT: Final = "teleport"

NOT_CONNECTED: Final = (Component(TELEPORT, is_ready=False, reason="the cluster was not reached yet"),)
"""The components of a process that has not connected to the cluster yet."""


class Health:
    """The components of a process, read at each request."""

    def __init__(self) -> None:
        self._look: Callable[[], tuple[Component, ...]] = lambda: NOT_CONNECTED

    def follow(self, look: Callable[[], tuple[Component, ...]]) -> None:
        """Set the function that reads the components. It must not block: any client may call it, at any rate."""
        self._look = look

    def components(self) -> tuple[Component, ...]:
        """Return the components as of now."""
        return self._look()
