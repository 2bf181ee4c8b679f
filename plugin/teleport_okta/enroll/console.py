"""The dialogue of an enrolment with the administrator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from teleport_okta.saml.enrolment import Step


class Console(Protocol):
    """Shows progress, and asks questions."""

    def say(self, line: str) -> None:
        """Show a line."""
        ...

    def show(self, step: Step) -> None:
        """Show a step with its state."""
        ...

    @property
    def is_asking(self) -> bool:
        """Whether a person can be asked."""
        ...

    async def agrees(self, question: str, *, default: bool = False) -> bool:
        """Ask a yes-or-no question. The service continues meanwhile."""
        ...

    async def ask(self, question: str) -> str:
        """Ask for a line, which may be empty."""
        ...

    def at_interrupt(self, stop: Callable[[], object]) -> AbstractContextManager[None]:
        """Call a function instead of ending the command, when the person presses Ctrl-C during the block."""
        ...
