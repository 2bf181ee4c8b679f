"""A child of `scim`: SCIM clients that send requests one after the other, each on a connection that it keeps.

Each line of standard input is JSON, and is answered with one line of JSON: a `Server` is remembered, by its name; an
`Order` is carried out, and answered with a `Load`, or one of a sample with the status, the headers and the body.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from yarl import URL

from tests.bench.population import profile
from tests.bench.results import BenchError
from tests.bench.scim_people import GROUP, GROUP_URN, PATCH_URN, PRESENT, TOKEN, described

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = 100
_STRIDE = 7919
"""A prime: people come up in an order that is not the one in which they were stored."""

_KEPT_HEADERS = ("Content-Type", "Cache-Control", "Server", "Location")


@dataclass(frozen=True, slots=True)
class Server:
    """A server, and whom it has from the beginning: `ids` of people by number, and `group` with the first `members`."""

    name: str
    url: str
    ids: list[str]
    group: str = ""
    members: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """What to send to which server: so many requests of an operation, by so many clients at once.

    `first` is the number of the first request; from the numbers, names of new people are made. A `sample` is one
    request whose answer is wanted.
    """

    server: str
    operation: str
    clients: int
    requests: int
    first: int
    sample: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: seconds on the wall for all, and milliseconds for each request."""

    seconds: float
    milliseconds: list[float]


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    url: URL
    status: tuple[int, ...]
    body: bytes | None = None


def requests(server: Server, order: Order) -> Iterator[_Request]:
    """Return the requests of an order."""
    for number in range(order.first, order.first + order.requests):
        yield _request(server, order.operation, number)


def _request(server: Server, operation: str, number: int) -> _Request:
    users, people = f"{server.url}/Users", len(server.ids)
    person = number * _STRIDE % people
    match operation:
        case "create":
            return _of("POST", users, described(number, group="new"), status=(201,))
        case "get":
            return _of("GET", f"{users}/{server.ids[person]}")
        case "filter":
            name = profile(person, group=PRESENT)["login"]
            return _of("GET", f"{users}?filter=userName%20eq%20%22{name}%22&startIndex=1&count={_PAGE}")
        case "patch":
            change = {"op": "replace", "path": "title", "value": f"Specialist {number}"}
            return _of("PATCH", f"{users}/{server.ids[person]}", _patch(change), status=(200, 204))
        case "list":
            page = number * _STRIDE % (people // _PAGE)
            return _of("GET", f"{users}?startIndex={1 + page * _PAGE}&count={_PAGE}")
    return _of_group(server, operation, number)


def _of_group(server: Server, operation: str, number: int) -> _Request:
    group = f"{server.url}/Groups/{server.group}"
    match operation:
        case "group get":
            return _of("GET", group)
        case "group patch":
            # Somebody who is not in the group comes, and goes again by the next request.
            member = [{"value": server.ids[server.members]}]
            change = {"op": "remove" if number % 2 else "add", "path": "members", "value": member}
            return _of("PATCH", group, _patch(change), status=(204,))
        case "group put":
            some = server.ids[: server.members]
            members = [{"value": one, "display": f"Person {one}", "type": "User"} for one in some]
            return _of("PUT", group, {"schemas": [GROUP_URN], "displayName": GROUP, "members": members})
    raise BenchError(f"an operation that is not known: {operation}")


def _patch(change: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [PATCH_URN], "Operations": [change]}


def _of(method: str, url: str, body: dict[str, Any] | None = None, *, status: tuple[int, ...] = (200,)) -> _Request:
    return _Request(method, URL(url, encoded=True), status, None if body is None else json.dumps(body).encode())


async def load(session: aiohttp.ClientSession, server: Server, order: Order) -> Load:
    """Send what an order says. Raises BenchError for an answer that is no success."""
    # Their bodies are made before any is sent.
    waiting = iter([*requests(server, order)])
    milliseconds: list[float] = []

    async def client() -> None:
        for request in waiting:
            began = time.perf_counter()
            await _sent(session, request)
            milliseconds.append((time.perf_counter() - began) * 1e3)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as clients:
        for _ in range(order.clients):
            clients.create_task(client())
    return Load(time.perf_counter() - began, milliseconds)


async def _sent(session: aiohttp.ClientSession, request: _Request, *, is_kept: bool = False) -> dict[str, Any]:
    async with session.request(request.method, request.url, data=request.body) as response:
        body = await response.read()
        if response.status not in request.status:
            raise BenchError(f"{request.method} {request.url}: {response.status} {body.decode()[:300]}")
        if not is_kept:
            return {}
        headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
        return {"status": response.status, "headers": headers, "body": body.decode()}


async def _answer() -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/scim+json"}
    servers: dict[str, Server] = {}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=0)) as session:
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            answer: object = None
            if "url" in asked:
                servers[asked["name"]] = Server(**asked)
            else:
                order = Order(**asked)
                server = servers[order.server]
                if order.sample:
                    answer = await _sent(session, next(requests(server, order)), is_kept=True)
                else:
                    answer = asdict(await load(session, server, order))
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    argparse.ArgumentParser().parse_args()
    asyncio.run(_answer())
