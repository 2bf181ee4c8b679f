"""A small Okta organisation and a small Teleport auth server.

They are part of the product: the demo and the tests use them. Only ``demo`` and ``cli`` import this package; the rest
of the product connects to a sandbox as to the real system.
"""
