"""Sends SCIM requests as Okta does, and reads the answers as Okta does (`docs/reference/scim.md` 2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import aiohttp
from yarl import URL

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Mapping

    from teleport_okta.sandbox.okta.app_defaults import Json
    from teleport_okta.sandbox.okta.provisioning.settings import ProvisioningSettings

_HEADERS = {
    "User-Agent": "Okta SCIM Client 1.0.0",
    "Accept": "application/scim+json",
    "Accept-Charset": "utf-8",
    "Accept-Encoding": "gzip,deflate",
    "Content-Type": "application/scim+json; charset=utf-8",
    "Connection": "keep-alive",
}
_MOST_ATTEMPTS = 10
_DEFAULT_WAIT = 300.0
"""Seconds until the first retry if ``Retry-After`` is missing or no integer."""

_INTEGER = re.compile(r"\s*\d{1,9}\s*")
_NUMBERS = ("totalResults", "startIndex", "itemsPerPage")


class ScimError(Exception):
    """A request failed, and an administrator must retry. ``detail`` is the shown text; Okta may have none."""

    def __init__(self, detail: str | None, status: int | None = None) -> None:
        super().__init__(detail or "no reason given")
        self.detail = detail
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: its status and its decoded body, ``None`` without one."""

    status: int
    body: object


class ScimClient:
    """Sends the requests of one job to one SCIM server.

    `pause` waits some seconds of the organisation's time before a throttled request is repeated; without it, a
    throttled request fails.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: ProvisioningSettings,
        *,
        trust: ssl.SSLContext | bool = True,
        pause: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self.settings = settings
        self._session = session
        self._trust = trust
        self._pause = pause

    async def list(self, path: str, what: str, **query: str | int) -> list[Json]:
        """Return the resources of a ListResponse; a 404 with a SCIM error is an empty one.

        Raises :class:`ScimError` if the answer is no ListResponse; without a detail if its numbers are texts.
        """
        reply = await self._send("GET", path, query=query, accept={404})
        if reply.status == 404:
            if _detail(reply.body) is None:
                raise ScimError("Not Found", 404)
            return []
        body = reply.body
        if not isinstance(body, dict) or "totalResults" not in body:
            raise ScimError(f"No results for {what} returned", reply.status)
        if any(type(body[name]) is not int for name in _NUMBERS if name in body):
            raise ScimError(None, reply.status)
        resources = body.get("Resources") or []
        if not isinstance(resources, list) or not all(isinstance(item, dict) for item in resources):
            raise ScimError(f"No results for {what} returned", reply.status)
        return resources if body["totalResults"] else []

    async def get(self, path: str) -> Json:
        """Return one resource."""
        reply = await self._send("GET", path)
        if not isinstance(reply.body, dict):
            raise ScimError(f"GET {path} returned no resource", reply.status)
        return reply.body

    async def create(self, path: str, body: Json, what: str) -> str:
        """Create a resource and return its id. The answer must contain the resource."""
        reply = await self._send("POST", path, body)
        created = reply.body if isinstance(reply.body, dict) else {}
        return id_of(created, f"Create new {what} returned empty {what}")

    async def put(self, path: str, body: Json) -> None:
        """Replace a resource."""
        await self._send("PUT", path, body)

    async def patch(self, path: str, body: Json) -> None:
        """Change a resource."""
        await self._send("PATCH", path, body)

    async def delete(self, path: str) -> None:
        """Delete a resource."""
        await self._send("DELETE", path)

    async def _send(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        accept: set[int] | None = None,
    ) -> Reply:
        wait = 0.0
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            status, headers, content = await self._exchange(method, path, body, query or {})
            if status != 429 or self._pause is None or attempt == _MOST_ATTEMPTS:
                return _reply(status, content, accept or set())
            asked = headers.get("Retry-After", "")
            first = float(asked) if _INTEGER.fullmatch(asked) else _DEFAULT_WAIT
            wait = max(first, 2 * wait)
            await self._pause(wait)
        raise AssertionError("the last attempt has returned")

    async def _exchange(
        self, method: str, path: str, body: Json | None, query: Mapping[str, str | int]
    ) -> tuple[int, Mapping[str, str], bytes]:
        text = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        url = URL(self.settings.base_url.rstrip("/") + path + (f"?{text}" if text else ""), encoded=True)
        content = None if body is None else json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        try:
            async with self._session.request(
                method,
                url,
                data=None if content is None else content.encode(errors="backslashreplace"),
                headers=_HEADERS | {"Authorization": self.settings.authorization},
                allow_redirects=False,
                ssl=self._trust,
            ) as response:
                return response.status, response.headers, await response.read()
        except TimeoutError as error:
            raise ScimError(f"{method} {path} timed out") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise ScimError(f"{method} {path} failed: {error}") from error


def id_of(resource: Json, otherwise: str) -> str:
    """Return the id of a resource, or raise :class:`ScimError` with the text `otherwise`."""
    value = resource.get("id")
    if not isinstance(value, str) or not value:
        raise ScimError(otherwise)
    return value


def equals(attribute: str, value: str) -> str:
    """Return the filter for an attribute's value."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{attribute} eq "{escaped}"'


def _reply(status: int, content: bytes, accept: set[int]) -> Reply:
    """Decode an answer. One that cannot be decoded is reported as such, and its status and text are lost."""
    try:
        body: object = json.loads(content) if content.strip() else None
    except (ValueError, RecursionError) as error:
        raise ScimError(f"The response is not JSON: {error}", status) from error
    if 200 <= status < 300 or status in accept:
        return Reply(status, body)
    if 300 <= status < 400:
        raise ScimError(f"The server answered {status}; redirects are not followed", status)
    raise ScimError(_detail(body) or f"The server answered {status}", status)


def _detail(body: object) -> str | None:
    detail = body.get("detail") if isinstance(body, dict) else None
    return detail if isinstance(detail, str) and detail else None
