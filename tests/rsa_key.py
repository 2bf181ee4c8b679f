"""One RSA key for all tests that need any: making one takes a tenth of a second, and each worker imports every test."""

from cryptography.hazmat.primitives.asymmetric import rsa

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
