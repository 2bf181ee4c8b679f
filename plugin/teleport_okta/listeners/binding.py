"""Addresses that are listened on."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

from teleport_okta.errors import ConfigError

_BACKLOG: Final = 128


@dataclass(frozen=True, slots=True)
class BoundAddress:
    """Where requests are answered."""

    host: str
    port: int
    is_tls: bool

    def __str__(self) -> str:
        """Return the address as the beginning of a URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_tls else 'http'}://{host}:{self.port}"


async def bound_socket(listen: str, *, key: str) -> socket.socket:
    """Return a socket that listens at host:port; raises ConfigError, which names the key of the configuration."""
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
        what = f"{key}: {listen} cannot be listened on: {error}"
        raise ConfigError(what, remedy="choose another address or port") from error
    listening.setblocking(False)
    return listening
