"""RSA keys for tests, which are not made for each: making one takes a twentieth of a second."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Callable

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""One key for all tests that need any."""

_made: list[rsa.RSAPrivateKey] = []


def key_source() -> Callable[[], rsa.RSAPrivateKey]:
    """Return a function that returns another key at each call; the next source returns the same keys again."""
    numbers = itertools.count()

    def next_key() -> rsa.RSAPrivateKey:
        number = next(numbers)
        while len(_made) <= number:
            _made.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        return _made[number]

    return next_key
