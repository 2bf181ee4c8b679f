"""The SCIM door against two others, side by side: the server of `scim2-server`, and a bare handler of the same bytes.

Requests come from a process of its own, whose clients send one after the other. The servers are asked in turns, so that
whatever else the machine does slows them alike.

The servers do not do the same at a write. Ours is on the disk and in Teleport before it is answered: five or six
commits, and calls to the cluster, which is another process behind gRPC. The server of `scim2-server` changes a dict. So
our door is measured without Teleport too: the same HTTP, protocol and durable state, before an engine that has nothing
to do. The server of `scim2-server` closes every connection after the answer, so its clients connect anew.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
import socket
import statistics
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tests.bench.processes import (
    Availability,
    answering,
    fillable_teleport,
    module,
    okta_of,
    run,
    served,
    served_and_answering,
)
from tests.bench.results import Row, at_least, at_most
from tests.bench.scim_client import Load, Order, Server
from tests.processes import Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.processes import AnsweringSandbox
    from tests.processes import Sandbox

SECTION = "SCIM door"
CLIENTS = (1, 8, 32)

LOOKUP_GROWTH = 1.5
"""How much longer a lookup by name may take among ten times as many users: the index makes it the same."""

LONGEST_BLOCKED = 50.0
"""Milliseconds for which the event loop may be blocked at a time, and everything else waits."""

_WRITES = ("create", "patch")
_OURS, _LIBRARY, _BARE = "ours", "scim2-server", "bare handler"
_ALONE, _ALONE_FEWER = "ours without Teleport", "ours without Teleport, fewer users"
_WARM_UP = 16
_LOOKUP_ROUNDS = 5
_BLOCKED_ROUNDS = 9


@dataclass(frozen=True, slots=True)
class ScimSizes:
    """How much is asked for: of every operation so many requests at each number of clients, in so many rounds.

    `people` are there from the beginning, and for lookups in another server `fewer`; a group has `members` of them.
    """

    people: int
    fewer: int
    members: int
    rounds: int
    requests: dict[str, int]


FULL = ScimSizes(10_000, 1_000, 5_000, 3, {"create": 320, "get": 960, "filter": 960, "patch": 320, "list": 96})
QUICK = ScimSizes(10_000, 1_000, 5_000, 1, {"create": 96, "get": 320, "filter": 320, "patch": 96, "list": 32})


@dataclass
class _Cell:
    """One operation at one number of clients, at one server: requests a second by round, and milliseconds of each."""

    speeds: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    def take(self, load: Load) -> None:
        self.speeds.append(len(load.milliseconds) / load.seconds)
        self.milliseconds += load.milliseconds

    @property
    def speed(self) -> float:
        """Requests a second, in the median of the rounds."""
        return statistics.median(self.speeds)

    def percentile(self, part: float) -> float:
        """Return the milliseconds within which such a part of the requests was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class _Clients:
    """The process that sends requests. The numbers of requests go on, so that no two create the same person."""

    def __init__(self, child: Availability) -> None:
        self._child = child
        self._next = 0

    def introduce(self, server: Server) -> None:
        """Make a server known."""
        self._child.ask(json.dumps(asdict(server)))

    def load(self, server: str, operation: str, clients: int, requests: int) -> Load:
        """Send so many requests."""
        return Load(**self._ask(server, operation, clients, requests))

    def sample(self, server: str, operation: str) -> dict[str, Any]:
        """Send one request and return the answer."""
        found: dict[str, Any] = self._ask(server, operation, 1, 1, sample=True)
        return found

    def _ask(self, server: str, operation: str, clients: int, requests: int, *, sample: bool = False) -> Any:
        first = self._next
        self._next += requests
        return self._child.ask(json.dumps(asdict(Order(server, operation, clients, requests, first, sample))))


def measured(sizes: ScimSizes, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Measure the door among others, and then without Teleport."""
    with answering(module("scim_client"), deadline=3600.0) as child, ExitStack() as stack:
        clients = _Clients(child)
        progress(f"SCIM: filling a door alone with {sizes.fewer:,} and with {sizes.people:,} people")
        doors = {}
        for people, name in ((sizes.fewer, _ALONE_FEWER), (sizes.people, _ALONE)):
            members = min(sizes.members, people - 1)
            started = served_and_answering("scim_door_alone", directory / f"alone-{people}", people, members)
            doors[name] = stack.enter_context(started)
            line = doors[name].line
            clients.introduce(Server(name, line["url"], line["ids"], line["group"], members))
        return [
            *_side_by_side(sizes, directory, clients, progress),
            _lookups(sizes, clients, progress),
            *_blocked(sizes, doors[_ALONE], clients, progress),
        ]


def _side_by_side(
    sizes: ScimSizes, directory: Path, clients: _Clients, progress: Callable[[str], None]
) -> Iterator[Row]:
    with ExitStack() as stack:
        progress(f"SCIM: filling a service and a cluster with {sizes.people:,} people")
        okta = stack.enter_context(okta_of("one-group", 1, 0))
        cluster = stack.enter_context(fillable_teleport(directory / "teleport"))
        config = _installation(directory, okta, cluster).config
        ids = json.loads(run(module("scim_filler", "--config", config, "--people", sizes.people), directory).output)
        cluster.fill(config, users_alone=True)
        door = stack.enter_context(served_and_answering("scim_door", "--config", config, "--people", sizes.people))
        clients.introduce(Server(_OURS, door.line["url"], ids))
        progress(f"SCIM: filling scim2-server with {sizes.people:,} people")
        library = stack.enter_context(served("scim_library", sizes.people, _free_port()))
        clients.introduce(Server(_LIBRARY, library.line["url"], library.line["ids"]))
        answers = {operation: clients.sample(_OURS, operation) for operation in sizes.requests}
        (directory / "answers.json").write_text(json.dumps(answers))
        bare = stack.enter_context(served("scim_bare", directory / "answers.json"))
        clients.introduce(Server(_BARE, bare.line["url"], ids))
        cells = _asked_in_turns(sizes, clients, progress)
        for operation in sizes.requests:
            yield from _operation_rows(operation, sizes, cells)
        yield _pages_of_service(door, clients, sizes)


_Cells = dict[tuple[str, int, str], _Cell]


def _servers(operation: str) -> tuple[str, ...]:
    """Return who is asked: at a write also our door without Teleport, to tell what the durable state alone costs."""
    return (_OURS, _ALONE, _LIBRARY, _BARE) if operation in _WRITES else (_OURS, _LIBRARY, _BARE)


def _asked_in_turns(sizes: ScimSizes, clients: _Clients, progress: Callable[[str], None]) -> _Cells:
    """Measure every operation at every number of clients, the servers taking turns."""
    cells: _Cells = defaultdict(_Cell)
    for operation in sizes.requests:
        for server in _servers(operation):
            clients.load(server, operation, 8, _WARM_UP)
    for turn in range(sizes.rounds):
        for operation, requests in sizes.requests.items():
            progress(f"SCIM: {operation}, round {turn + 1} of {sizes.rounds}")
            for number in CLIENTS:
                for server in _servers(operation):
                    cells[operation, number, server].take(clients.load(server, operation, number, requests))
    return cells


def _operation_rows(operation: str, sizes: ScimSizes, cells: _Cells) -> Iterator[Row]:
    """Return the rows of an operation: three numbers of clients, and the ratios to others."""
    for number in CLIENTS:
        ours = cells[operation, number, _OURS]
        detail = {"p50 ms": ours.percentile(0.5), "p99 ms": ours.percentile(0.99)}
        for server in _servers(operation)[1:]:
            other = cells[operation, number, server]
            detail |= {
                f"{server}: requests a second": other.speed,
                f"{server}: p50 ms": other.percentile(0.5),
                f"{server}: p99 ms": other.percentile(0.99),
            }
        who = f"{number} client{'s' * (number > 1)}"
        yield Row(SECTION, f"{operation}, {who}, {sizes.people:,} users", ours.speed, "a second", detail={**detail})
    if operation in _WRITES:
        # No limit: what a cluster takes for a write is no property of the door.
        least, by_clients = _ratios(cells, operation, _OURS, _LIBRARY)
        what = f"{operation}: ours, on disk and in Teleport, / {_LIBRARY}, a dict"
        yield Row(SECTION, what, least, "", detail=by_clients)
        yield _at_least_as_fast(f"{operation}: {_ALONE}, on disk, / {_LIBRARY}, a dict", cells, operation, _ALONE)
    else:
        yield _at_least_as_fast(f"{operation}: ours / {_LIBRARY}", cells, operation, _OURS)
    least, by_clients = _ratios(cells, operation, _OURS, _BARE)
    yield Row(SECTION, f"{operation}: ours / {_BARE}", least, "", detail=by_clients)


def _at_least_as_fast(what: str, cells: _Cells, operation: str, server: str) -> Row:
    least, by_clients = _ratios(cells, operation, server, _LIBRARY)
    return at_least(SECTION, what, least, "", 1.0, **by_clients)


def _ratios(cells: _Cells, operation: str, server: str, other: str) -> tuple[float, dict[str, object]]:
    """Return how much faster a server is than another: the least of all numbers of clients, and each."""
    ratios = {
        number: cells[operation, number, server].speed / cells[operation, number, other].speed for number in CLIENTS
    }
    return min(ratios.values()), {f"at {number}": ratio for number, ratio in ratios.items()}


def _pages_of_service(door: AnsweringSandbox, clients: _Clients, sizes: ScimSizes) -> Row:
    return _blocked_row(f"a page of 100 of {sizes.people:,} users, whole service", door, clients, _OURS, "list")


def _blocked(
    sizes: ScimSizes, door: AnsweringSandbox, clients: _Clients, progress: Callable[[str], None]
) -> Iterator[Row]:
    progress("SCIM: how long the event loop is blocked")
    for operation, what in (
        ("list", f"a page of 100 of {sizes.people:,} users"),
        ("group get", f"GET of a group of {sizes.members:,}"),
        ("group patch", f"PATCH of a group of {sizes.members:,}, one member"),
        ("group put", f"PUT of a group of {sizes.members:,}, whole"),
    ):
        yield _blocked_row(f"{what}, without Teleport", door, clients, _ALONE, operation)


def _lookups(sizes: ScimSizes, clients: _Clients, progress: Callable[[str], None]) -> Row:
    progress(f"SCIM: lookups among {sizes.fewer:,} and among {sizes.people:,} people")
    found = {_ALONE_FEWER: _Cell(), _ALONE: _Cell()}
    for name in found:
        clients.load(name, "filter", 1, _WARM_UP)
    for _ in range(_LOOKUP_ROUNDS):
        for name, cell in found.items():
            cell.take(clients.load(name, "filter", 1, sizes.requests["filter"] // 4))
    few, many = (cell.percentile(0.5) for cell in found.values())
    return at_most(
        SECTION,
        f"userName eq: {sizes.people:,} users / {sizes.fewer:,} users",
        many / few,
        "of the time",
        LOOKUP_GROWTH,
        **{f"{sizes.fewer:,}, p50 ms": few, f"{sizes.people:,}, p50 ms": many},
    )


def _blocked_row(what: str, door: AnsweringSandbox, clients: _Clients, server: str, operation: str) -> Row:
    """Send single requests, and return for how long the loop was blocked: the median of the requests' longest times.

    Another process on the same processor blocks it too, so the longest time of all is shown and not judged.
    """
    clients.load(server, operation, 1, 2)
    longest, milliseconds = [], []
    for _ in range(_BLOCKED_ROUNDS):
        door.answering.ask("begin")
        milliseconds += clients.load(server, operation, 1, 1).milliseconds
        longest.append(float(door.answering.ask("end")))
    return at_most(
        SECTION,
        f"loop blocked by {what}",
        statistics.median(longest),
        "ms",
        LONGEST_BLOCKED,
        **{"longest": max(longest), "least": min(longest), "request ms": statistics.median(milliseconds)},
    )


def _installation(directory: Path, okta: Sandbox, cluster: Sandbox) -> Installation:
    """Return an installation whose people come from SCIM alone."""
    return Installation(
        directory,
        {
            "teleport": {
                "addr": cluster.line["auth"],
                "identity": cluster.line["identity"],
                "join_token": cluster.line["join_token"],
            },
            "okta": {"org_url": okta.line["url"]},
            "sync": {"source": "scim"},
            "scim": {"listen": "127.0.0.1:0", "public_url": "http://127.0.0.1/scim/v2"},
            "log": {"output": str(directory / "service.log")},
            "storage": {"data_dir": str(directory / "data")},
        },
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
