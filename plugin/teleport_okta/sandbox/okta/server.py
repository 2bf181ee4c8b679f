"""The organisation behind a real HTTP port."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from teleport_okta.sandbox.okta.gateway import Gateway, Response
from teleport_okta.sandbox.okta.messages import Request

if TYPE_CHECKING:
    from types import TracebackType

    from teleport_okta.sandbox.okta.organization import OktaOrganization


class OktaSandbox:
    """Serves an organisation while its context is open.

    ::

        async with OktaSandbox(org) as okta:
            ...  # call okta.url with org.ssws_token
    """

    def __init__(self, org: OktaOrganization, host: str = "127.0.0.1", port: int = 0) -> None:
        self.org = org
        self.host = host
        self.port = port
        self._gateway = Gateway(org)
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """The organisation's URL."""
        return f"http://{self.host}:{self.port}"

    async def __aenter__(self) -> OktaSandbox:
        server = web.Server(self._handle)
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.host, self.port)
        try:
            await site.start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        plain = Request(
            method=request.method,
            target=request.raw_path,
            headers=request.headers.copy(),
            body=body,
            base=f"{request.scheme}://{request.host}",
        )
        with self._gateway.serve(plain) as response:
            if response.delay > 0:
                await asyncio.sleep(response.delay)
            return await _send(request, response)


async def _send(request: web.BaseRequest, response: Response) -> web.StreamResponse:
    reply = web.StreamResponse(status=response.status, headers=response.headers)
    reply.headers["Server"] = "nginx"
    if response.status != web.HTTPNoContent.status_code:
        reply.content_length = len(response.body)
    await reply.prepare(request)
    if response.cut:
        await reply.write(response.body[: len(response.body) // 2])
        if request.transport is not None:
            request.transport.abort()
        return reply
    await reply.write(response.body)
    await reply.write_eof()
    return reply
