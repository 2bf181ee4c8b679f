"""Identifiers like Okta's: the prefix is the type, and all of one organisation have the same end.

See `docs/reference/okta.md` 2.1.
"""

from __future__ import annotations

import base64
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 20
_TAIL = 3


class IdFactory:
    """Makes identifiers from the organisation's random source, so that a seed repeats them."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._tail = self._draw(1) + rng.choice("dx") + "7"

    def object(self, prefix: str) -> str:
        """Return a new 20-character id, such as ``00u…`` for a user."""
        return prefix + self._draw(_LENGTH - len(prefix) - _TAIL) + self._tail

    def error(self) -> str:
        """Return the id of one error answer."""
        return "oae" + self._draw(22)

    def request(self) -> str:
        """Return the id of one request, as in ``X-Okta-Request-Id``."""
        return self._draw(27)

    def kid(self) -> str:
        """Return the id of a new signing key."""
        return base64.urlsafe_b64encode(self._rng.randbytes(32)).decode().rstrip("=")

    def secret(self, length: int) -> str:
        """Return a random-looking string for tokens and links."""
        return self._draw(length)

    def _draw(self, length: int) -> str:
        return "".join(self._rng.choices(_ALPHABET, k=length))
