"""A small forward proxy, for clients that reach an organisation only through one (``HTTPS_PROXY``).

Like the proxy of a company it has tunnels with ``CONNECT``, plain HTTP in absolute form, and Basic authentication
(RFC 9110 sections 9.3.6 and 11.7). It terminates no TLS. It counts tunnels and requests by target.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType

_CHUNK: Final = 64 * 1024
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Head:
    """The first line and the header lines of a request to the proxy."""

    method: str
    target: str
    lines: tuple[str, ...]

    @classmethod
    def parse(cls, raw: bytes) -> _Head | None:
        first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        parts = first.split(" ")
        return cls(parts[0], parts[1], tuple(lines)) if len(parts) == 3 else None

    def header(self, name: str) -> str:
        found = (line.partition(":")[2].strip() for line in self.lines if _name(line) == name)
        return next(found, "")

    def authority(self) -> tuple[str, int] | None:
        """Return host and port to connect to; ``None`` if the request is for this proxy itself, or is invalid."""
        url = urlsplit(f"//{self.target}" if self.method == "CONNECT" else self.target)
        try:
            port = url.port or _DEFAULT_PORTS.get(url.scheme)
        except ValueError:
            return None
        return (url.hostname, port) if url.hostname and port else None

    def forwarded(self) -> bytes:
        """Return the request for the origin server: one for each connection, without the proxy's headers."""
        url = urlsplit(self.target)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        dropped = {"connection", "proxy-connection", "proxy-authorization"}
        kept = [line for line in self.lines if _name(line) not in dropped]
        return "\r\n".join([f"{self.method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]).encode("latin-1")


class HttpProxy:
    """Runs while its context is open.

    ::

        async with HttpProxy(credentials=("ada", "secret")) as proxy:
            proxy.refuse("localhost:8443")
            ...  # point a client at proxy.url
            assert proxy.tunnels == {"localhost:9443": 1}
    """

    def __init__(self, *, credentials: tuple[str, str] | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self.credentials = credentials
        """User and password that a client must send; ``None``: none are needed."""

        self.tunnels: Counter[str] = Counter()
        """Tunnels opened, by ``host:port``."""

        self.requests: Counter[str] = Counter()
        """Plain HTTP requests forwarded, by ``host:port``."""

        self.refusals: Counter[int] = Counter()
        """Requests that the proxy itself answered, by status: 400, 403, 407 or 502."""

        self._refused: set[str] = set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The proxy's URL, without credentials."""
        return f"http://{self.host}:{self.port}"

    def refuse(self, *targets: str) -> None:
        """Answer 403 from now on to requests for these targets (``host:port``)."""
        self._refused.update(targets)

    def permit(self, *targets: str) -> None:
        """Allow these targets again."""
        self._refused.difference_update(targets)

    async def __aenter__(self) -> HttpProxy:
        self._server = await asyncio.start_server(self._accept, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._connections.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._serve(reader, writer)
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = _Head.parse(await reader.readuntil(b"\r\n\r\n"))
        authority = head.authority() if head is not None else None
        if head is None or authority is None:
            return await self._answer(writer, 400, "Bad Request")
        target = f"{authority[0]}:{authority[1]}"
        if not self._admits(head.header("proxy-authorization")):
            return await self._answer(
                writer, 407, "Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="proxy"'
            )
        if target in self._refused:
            return await self._answer(writer, 403, "Forbidden")
        try:
            origin_reader, origin_writer = await asyncio.open_connection(*authority)
        except OSError:
            return await self._answer(writer, 502, "Bad Gateway")
        try:
            if head.method == "CONNECT":
                self.tunnels[target] += 1
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                self.requests[target] += 1
                origin_writer.write(head.forwarded())
            async with asyncio.TaskGroup() as both_ways:
                both_ways.create_task(_pump(reader, origin_writer))
                both_ways.create_task(_pump(origin_reader, writer))
        finally:
            origin_writer.close()

    def _admits(self, authorization: str) -> bool:
        if self.credentials is None:
            return True
        expected = "Basic " + base64.b64encode(":".join(self.credentials).encode()).decode()
        return hmac.compare_digest(authorization.encode(), expected.encode())

    async def _answer(self, writer: asyncio.StreamWriter, status: int, reason: str, *headers: str) -> None:
        self.refusals[status] += 1
        lines = [f"HTTP/1.1 {status} {reason}", *headers, "Content-Length: 0", "Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode("latin-1"))
        await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Relay one direction until its end, which is relayed too; a broken connection breaks the other."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


def _name(line: str) -> str:
    return line.partition(":")[0].strip().lower()
