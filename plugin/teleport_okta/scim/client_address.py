"""The address of a client, behind trusted proxies."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")


class ClientAddresses:
    """Finds the clients behind trusted proxies, which are addresses or networks (CIDR)."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._trusted: tuple[_Network, ...] = tuple(
            ipaddress.ip_network(proxy, strict=False) for proxy in trusted_proxies
        )

    def of(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Return the client's address; `peer` is the other end of the connection, the rest `X-Forwarded-For` headers.

        Each proxy appends the address that it was called from. So the last entry that is not a trusted proxy is the
        client: the client itself may have written the entries before it. From a peer that is not trusted, the header is
        ignored.
        """
        client = _parsed(peer)
        if client is None:
            return peer
        entries = [entry for header in forwarded_for for entry in header.split(",")]
        while entries and self._is_trusted(client):
            entry = _parsed(entries.pop())
            if entry is None:
                break
            client = entry
        return str(client)

    def _is_trusted(self, address: _Address) -> bool:
        return any(address in network for network in self._trusted)


def _parsed(text: str) -> _Address | None:
    text = text.strip()
    match = _WITH_PORT.fullmatch(text)
    if match is not None:
        text = match.group(1) or match.group(2)
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
