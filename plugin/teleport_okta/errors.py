"""The base class of our errors: each says what went wrong and what the operator can do about it.

Each package defines its own errors beside the code that raises them (`teleport/teleport_errors.py`,
`okta/okta_errors.py`, …). Only `cli` prints an error, and only the outermost function of a task logs one.
"""

from __future__ import annotations


class TeleportOktaError(Exception):
    """Something went wrong that a person may have to look at.

    `what` names the object and the cause in one sentence; `remedy` names the key, permission or command to change.
    Neither may hold a secret.
    """

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what} ({self.remedy})" if self.remedy else self.what


class ConfigError(TeleportOktaError):
    """The configuration cannot be used. Correct the key that the message names."""


class InterruptedPassError(TeleportOktaError):
    """A pass does not happen because the service is stopping. The next start goes on from where it was."""
