"""Opens the sockets of listeners."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from dataclasses import dataclass
from typing import Final

from teleport_okta.errors import ConfigError

_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class BoundAddress:
    """The address of a listener."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        """Return the address as the beginning of a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_tls else 'http'}://{host}:{self.port}"


async def bound_socket(listen: str, *, key: str) -> socket.socket:
    """Return a socket that listens at host:port; raises ConfigError, which names the key of the settings."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, *_, address = found[0]
        is_any = family is socket.AF_INET6 and host == "::"
        listening = socket.create_server(
            address[:2],
            family=family,
            backlog=_BACKLOG,
            dualstack_ipv6=is_any and socket.has_dualstack_ipv6(),
        )
    except (OSError, OverflowError) as error:
        raise ConfigError(f"{key}: cannot listen at {listen}: {_cause(error)}", remedy=_remedy(error)) from error
    listening.setblocking(False)
    return listening


def _cause(error: OSError | OverflowError) -> str:
    """Return the reason without the address, which `socket.create_server` adds and our message has already."""
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno is not None:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)


def _remedy(error: OSError | OverflowError) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "stop the process that listens there, which may be a second service, or choose another address or port"
    return "choose another address or port"
