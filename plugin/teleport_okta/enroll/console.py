"""How an enrolment talks to the person in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from teleport_okta.saml.enrolment import Step


class Console(Protocol):
    """Says what happens, and asks."""

    def say(self, line: str) -> None:
        """Show a line."""
        ...

    def show(self, step: Step) -> None:
        """Show a step: what is there, what is to be done, what was done, what is left to a person."""
        ...

    @property
    def is_asking(self) -> bool:
        """Whether there is somebody to ask."""
        ...

    async def agrees(self, question: str, *, default: bool = False) -> bool:
        """Ask yes or no. The service goes on meanwhile."""
        ...

    async def ask(self, question: str) -> str:
        """Ask for a line, which may be empty."""
        ...
