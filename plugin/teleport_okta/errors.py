"""The base class of our errors. Each names the problem and what the operator can do about it.

Each package defines its own errors beside the code that raises them (`teleport/teleport_errors.py`,
`okta/okta_errors.py`, …). Only `cli` prints an error, and only the outermost function of a task logs one.
"""

from __future__ import annotations


class TeleportOktaError(Exception):
    """A failure that a person may have to act on.

    `what` names the object and the cause in one sentence; `remedy` names the key, permission or command to change.
    `lines` are shown after the remedy, for a person to copy. None of them may contain a secret.
    """

    lines: tuple[str, ...] = ()

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} ({self.remedy})" if self.remedy else self.what


class ConfigError(TeleportOktaError):
    """The configuration cannot be used. Correct the key that the message names."""


class InterruptedPassError(TeleportOktaError):
    """A pass was not run because the service is stopping. The next start continues where it was."""
