"""How the server falls over: a call that ends the whole process, and every connection with it."""

from __future__ import annotations


class ServerCrash(Exception):  # noqa: N818 - what happens to the server, not a fault of the sandbox
    """A real server would end here with a panic. Raised by a service; the sandbox restarts itself.

    The text says what the server stumbled over, for whoever reads `TeleportSandbox.crashes`.
    """
