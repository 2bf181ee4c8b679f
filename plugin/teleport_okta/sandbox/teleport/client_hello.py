"""Parses the first message of a TLS client: the server name and the offered protocols (RFC 8446 §4.1.2).

The bytes are not consumed: the caller routes the connection and forwards them unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LARGEST_HELLO: Final = 64 * 1024
"""The most bytes of a hello. Real ones have up to a few thousand."""

_HANDSHAKE_RECORD: Final = 22
_CLIENT_HELLO: Final = b"\x01"
_SERVER_NAME: Final = 0
_ALPN: Final = 16


class NotTlsError(ValueError):
    """The bytes are not the beginning of a TLS session."""


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The unencrypted data of a client: the server name (empty if there is none) and the ALPN list in its order."""

    server_name: str = ""
    protocols: tuple[str, ...] = ()


def parse_client_hello(received: bytes) -> ClientHello | None:
    """Return the hello at the beginning of the received bytes, or None while it is incomplete.

    Raises NotTlsError if the bytes are no hello.
    """
    message = _first_message(received)
    if message is None:
        if len(received) > LARGEST_HELLO:
            raise NotTlsError("the ClientHello is too long")
        return None
    fields = _Reader(message)
    fields.take(2 + 32)
    fields.take_vector(1)
    fields.take_vector(2)
    fields.take_vector(1)
    name = ""
    protocols: tuple[str, ...] = ()
    extensions = _Reader(fields.take_vector(2) if fields.left else b"")
    while extensions.left:
        kind, content = extensions.take_number(2), extensions.take_vector(2)
        if kind == _SERVER_NAME:
            name = _host_name(content)
        elif kind == _ALPN:
            protocols = _protocol_list(content)
    return ClientHello(name, protocols)


def _first_message(received: bytes) -> bytes | None:
    """Join the records that carry the hello, and return its body."""
    message, records = b"", _Reader(received)
    while records.left >= 5:
        kind, version, size = records.take_number(1), records.take_number(2), records.take_number(2)
        if kind != _HANDSHAKE_RECORD or version >> 8 != 3 or size == 0:
            raise NotTlsError("not a TLS handshake")
        message += records.take(min(size, records.left))
        if message[:1] not in {b"", _CLIENT_HELLO}:
            raise NotTlsError("not a ClientHello")
        if len(message) >= 4 and len(message) >= 4 + int.from_bytes(message[1:4], "big"):
            return message[4 : 4 + int.from_bytes(message[1:4], "big")]
    if received and received[0] != _HANDSHAKE_RECORD:
        raise NotTlsError("not a TLS handshake")
    return None


def _host_name(content: bytes) -> str:
    names = _Reader(_Reader(content).take_vector(2))
    while names.left:
        kind, name = names.take_number(1), names.take_vector(2)
        if kind == 0:
            return name.decode("ascii", errors="replace")
    return ""


def _protocol_list(content: bytes) -> tuple[str, ...]:
    names, found = _Reader(_Reader(content).take_vector(2)), []
    while names.left:
        found.append(names.take_vector(1).decode("latin-1"))
    return tuple(found)


class _Reader:
    """Reads a message from its beginning. Reading past the end raises NotTlsError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise NotTlsError("the ClientHello is malformed")
        self._at += size
        return self._data[self._at - size : self._at]

    def take_number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take_vector(self, prefix: int) -> bytes:
        """Read a field that begins with its own length, which has this number of bytes."""
        return self.take(self.take_number(prefix))
