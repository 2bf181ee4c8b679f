"""A crash of the server: a call ends the whole process, and with it every connection."""

from __future__ import annotations


class ServerCrash(Exception):  # noqa: N818 - what happens to the server, not a fault of the sandbox
    """A real server would end here with a panic. Raised by a service; the sandbox restarts itself.

    The text is the cause, and is shown in `TeleportSandbox.crashes`.
    """
