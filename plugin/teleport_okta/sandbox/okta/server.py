"""Serves the organisation on real ports: HTTP, and HTTPS for clients that require it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from teleport_okta.sandbox.okta.gateway import Gateway, Response
from teleport_okta.sandbox.okta.messages import Request
from teleport_okta.sandbox.okta.provisioning.runner import ProvisioningRunner
from teleport_okta.sandbox.web_certificate import WebCertificate

if TYPE_CHECKING:
    from types import TracebackType

    from teleport_okta.sandbox.okta.organization import OktaOrganization


_HERE = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost"})  # noqa: S104 - compared with, not bound to


class OktaSandbox:
    """Serves an organisation while its context is open.

    ::

        async with OktaSandbox(org) as okta:
            ...  # call okta.url with org.ssws_token

    With `tls` it is served over HTTPS as well, at `https_url`; its certificate is issued by a CA of its own, which a
    client trusts by `ca_pem`. Links in answers have the scheme and host of the request. Meanwhile `provisioning` runs
    the provisioning jobs of the apps.
    """

    def __init__(self, org: OktaOrganization, host: str = "127.0.0.1", port: int = 0, *, tls: bool = False) -> None:
        self.org = org
        self.host = host
        self.port = port
        self.https_port = 0
        self._certificate = WebCertificate.issue("Okta sandbox CA", [host]) if tls else None
        self.provisioning = ProvisioningRunner(org)
        self._gateway = Gateway(org)
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        """The organisation's URL."""
        return f"http://{self.host}:{self.port}"

    @property
    def https_url(self) -> str:
        """The same organisation's HTTPS URL. Raises ``ValueError`` without `tls`."""
        if self._certificate is None:
            raise ValueError("this sandbox serves no HTTPS")
        return f"https://{'localhost' if self.host in _HERE else self.host}:{self.https_port}"

    @property
    def ca_pem(self) -> bytes:
        """The CA certificate that a client of `https_url` must trust. Raises ``ValueError`` without `tls`."""
        if self._certificate is None:
            raise ValueError("this sandbox serves no HTTPS")
        return self._certificate.ca_pem

    async def __aenter__(self) -> OktaSandbox:
        server = web.Server(self._handle)
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port).start()
            plain = len(self._runner.addresses)
            if self._certificate is not None:
                await web.TCPSite(self._runner, self.host, 0, ssl_context=self._certificate.context()).start()
                self.https_port = self._runner.addresses[plain][1]
        except OSError:
            await self._runner.cleanup()
            raise
        self.port = self._runner.addresses[0][1]
        await self.provisioning.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.provisioning.__aexit__(kind, error, trace)
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
