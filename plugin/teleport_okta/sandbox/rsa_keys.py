"""The RSA keys of the sandboxes, from one place: tests replace it, because a key takes a twentieth of a second."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import rsa


def new_rsa_key() -> rsa.RSAPrivateKey:
    """Return a new key of 2048 bits."""
    return rsa.generate_private_key(65537, 2048)
