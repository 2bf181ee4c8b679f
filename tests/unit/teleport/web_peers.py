"""A proxy's web service on loopback, with a certificate of a CA that the test chooses and pages that it writes."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding
from unit.teleport.small_pki import SmallCA, key_pem, new_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Page = Callable[[web.Request], Awaitable[web.StreamResponse]]

FIND = {
    "cluster_name": "small.example",
    "server_version": "18.0.0",
    "min_client_version": "17.0.0-aa",
    "edition": "ent",
    "proxy": {"tls_routing_enabled": True, "ssh": {"listen_addr": "0.0.0.0:3023"}},
}


@dataclass
class WebProxy:
    """Pages by path; what has none is answered with 404. `protocols` are those that TLS may agree on."""

    directory: Path
    address: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)

    @property
    def ca_path(self) -> Path:
        """The PEM file of the CA of the web certificate."""
        return self.directory / "web-ca.pem"

    def tell(self, path: str, answer: Any, *, status: int = 200) -> None:
        """Answer a path with JSON, or with a page of HTML when given text."""

        async def page(_request: web.Request) -> web.StreamResponse:
            if isinstance(answer, str):
                return web.Response(text=answer, status=status, content_type="text/html")
            return web.json_response(answer, status=status)

        self.pages[path] = page

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path, body))
        page = self.pages.get(request.path)
        return await page(request) if page is not None else web.Response(status=404, text="404 page not found")


@asynccontextmanager
async def web_proxy(
    directory: Path, *, server_name: str = "localhost", protocols: tuple[str, ...] = ("http/1.1",)
) -> AsyncIterator[WebProxy]:
    """Run such a service."""
    ca, key = SmallCA.make("web"), new_key()
    chain = directory / "web.pem"
    chain.write_bytes(ca.issue_server(key.public_key(), server_name).public_bytes(Encoding.PEM) + key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    context.set_alpn_protocols(list(protocols))
    proxy = WebProxy(directory)
    proxy.ca_path.write_bytes(ca.pem)
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", proxy.serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    proxy.address = f"localhost:{runner.addresses[0][1]}"
    try:
        yield proxy
    finally:
        await runner.cleanup()
