"""A process that keeps running between passes: what it holds, and what it costs to settle one key.

Costs are calls of both systems, counted by the sandboxes, and processor time of the process alone. A key costs the same
in a small organisation and in a large one.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.directory_passes import calls
from tests.bench.passes import some_ids
from tests.bench.processes import answering, control, module
from tests.bench.results import BenchError, Row, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.bench.directory_passes import World
    from tests.bench.processes import Availability

SECTION = "Between passes"

HELD_KB = 6.0
"""Kilobytes (1,000 bytes) that a process may hold of a person with ten memberships, the registry included."""

_OKTA_PAGE, _TELEPORT_PAGE = 1_000, 200
"""Members in one page of either system."""

_IN_FIRST_REQUEST = 4_000
"""At least so many members of a new list fit into the request that makes it."""

_ROUNDS = 5
_SMALL = 20
_DEADLINE = 1800.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a pass left behind: bytes of objects, those of the registry among them, and growth of resident memory."""

    total: int
    registry: int
    resident: int


@dataclass(frozen=True, slots=True)
class Cost:
    """One key that was settled: the changes of its plan, seconds of the processor and on the wall."""

    changes: int
    cpu_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Settled:
    """One key that was settled, and how often what was called of both systems."""

    cost: Cost
    okta: Mapping[str, int]
    teleport: Mapping[str, int]

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return sum(self.okta.values()) + sum(self.teleport.values())


class Settling:
    """Measures one world after the other, and compares them at the end. `group` is the size of a large group."""

    def __init__(self, group: int) -> None:
        self.group = group
        self._rows: list[Row] = []
        self._keys: list[_Key] = []

    def measure(self, world: World) -> None:
        """Run a pass in a settled world, weigh what is held after it, and settle single keys."""
        world.progress(f"what is held after a pass of {world.size}")
        with _settler(world) as settler:
            self._rows.append(_weighed(world, settler.held()))
            world.progress(f"settling single keys of {world.size}")
            keys = [*_of_a_person(settler), *_of_a_group(settler, _SMALL)]
            world.progress(f"settling a group of {self.group:,} of {world.size}")
            keys += [*_of_a_group(settler, self.group), *_of_a_leaver(settler)]
        self._rows += [key.row() for key in keys]
        self._keys += keys

    def rows(self) -> list[Row]:
        """Return what every key costs, and how much more it does where there is more of everything else."""
        by_kind: defaultdict[str, list[_Key]] = defaultdict(list)
        for key in self._keys:
            by_kind[key.kind or key.what].append(key)
        return [*self._rows, *(_growth(kind, keys) for kind, keys in by_kind.items() if len(keys) > 1)]


def _growth(what: str, keys: Sequence[_Key]) -> Row:
    least, most = keys[0], keys[-1]
    return Row(
        SECTION,
        f"{what}: {most.world.size.users:,} users / {least.world.size.users:,}",
        most.cpu_ms / least.cpu_ms,
        "of the CPU time",
        detail={f"{key.world.size.users:,}, CPU ms": key.cpu_ms for key in keys},
    )


@dataclass(frozen=True, slots=True)
class _Settler:
    """The process that settles, between its two sandboxes."""

    child: Availability
    world: World
    people: Sequence[str]
    """The ids of some people, none of them the administrator."""

    def held(self) -> Held:
        """Let it run a pass."""
        return Held(**self.child.ask("pass"))

    def administer(self, method: str, path: str, body: object = None) -> None:
        """Play the administrator of the organisation."""
        control(self.world.okta, method, path, body)

    def settle(self, what: str, okta_id: str) -> _Settled:
        """Let it settle one key, and count the calls."""
        for sandbox in (self.world.okta, self.world.cluster):
            control(sandbox, "POST", "/calls/reset")
        cost = Cost(**self.child.ask(f"{what} {okta_id}"))
        return _Settled(cost, control(self.world.okta, "GET", "/calls")["endpoints"], calls(self.world.cluster))


@dataclass(frozen=True, slots=True)
class _Key:
    """One kind of key in one world, settled a few times, and how many calls it may cost."""

    what: str
    world: World
    found: Sequence[_Settled]
    changes: int
    most_calls: int
    kind: str = ""

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of a processor that it took, in the median."""
        return statistics.median(one.cost.cpu_seconds for one in self.found) * 1e3

    def row(self) -> Row:
        """Return what it costs. Raises BenchError when other changes were planned than those that were made."""
        other = next((one.cost.changes for one in self.found if one.cost.changes != self.changes), None)
        if other is not None:
            raise BenchError(f"{self.what}: {other} changes were planned, not {self.changes}")
        most = max(self.found, key=lambda one: one.calls)
        milliseconds = statistics.median(one.cost.seconds for one in self.found) * 1e3
        return at_most(
            SECTION,
            f"{self.world.size}: {self.what}",
            most.calls,
            "calls",
            self.most_calls,
            **{"CPU ms": self.cpu_ms, "ms": milliseconds},
            **most.okta,
            **most.teleport,
        )


@contextmanager
def _settler(world: World) -> Iterator[_Settler]:
    command = module("settler", "--config", world.config)
    with answering(command, deadline=_DEADLINE) as child:
        administrator = control(world.okta, "GET", "/")["admin"]
        people = [okta_id for okta_id in some_ids(world.okta, world.size.users) if okta_id != administrator]
        yield _Settler(child, world, people)


def _weighed(world: World, held: Held) -> Row:
    users = world.size.users
    return at_most(
        SECTION,
        f"{world.size}: memory held after a pass",
        held.total / users / 1e3,
        "KB a person",
        HELD_KB,
        **{
            "of the registry, KB a person": held.registry / users / 1e3,
            "MB": held.total / 1e6,
            "resident memory grew by, MB": held.resident / 1e6,
        },
    )


def _of_a_person(settler: _Settler) -> list[_Key]:
    """Settle somebody whose department changed: read the person, the user and the locks, and write the user."""
    found = []
    for number in range(_ROUNDS):
        okta_id = settler.people[number]
        settler.administer("PATCH", f"/users/{okta_id}", {"profile": {"department": f"Looms {number}"}})
        found.append(settler.settle("users", okta_id))
    return [_Key("one user, an attribute changed", settler.world, found, changes=1, most_calls=4)]


def _of_a_group(settler: _Settler, members: int) -> list[_Key]:
    """Settle a group when it is new, and when it has one member less, or more again.

    What is new takes two calls for each member that does not fit into the first request.
    """
    group = control(settler.world.okta, "POST", "/groups", {"name": f"Bench {members}"})["id"]
    settler.administer("POST", f"/groups/{group}/enrol", {"users": list(settler.people[:members])})
    new = settler.settle("groups", group)
    person = settler.people[0]
    found = []
    for number in range(_ROUNDS):
        if number % 2:
            settler.administer("POST", f"/groups/{group}/members", {"user": person})
        else:
            settler.administer("DELETE", f"/groups/{group}/members/{person}")
        found.append(settler.settle("groups", group))
    of_okta = 2 + math.ceil(members / _OKTA_PAGE)
    beyond = max(0, members - _IN_FIRST_REQUEST)
    return [
        _Key(f"one new group of {members:,}", settler.world, [new], changes=4, most_calls=of_okta + 8 + 2 * beyond),
        _Key(
            f"one membership of a group of {members:,}",
            settler.world,
            found,
            changes=1,
            most_calls=of_okta + 5 + math.ceil(members / _TELEPORT_PAGE),
        ),
    ]


def _of_a_leaver(settler: _Settler) -> list[_Key]:
    """Settle somebody who is deactivated: two calls for each membership, beside the lock and the deletion."""
    okta_id = settler.people[-1]
    settler.administer("POST", f"/users/{okta_id}/deactivate")
    found = settler.settle("users", okta_id)
    memberships = found.teleport.get("DeleteAccessListMember", 0)
    what = f"one leaver of {memberships} memberships"
    return [
        _Key(what, settler.world, [found], changes=memberships + 2, most_calls=9 + 2 * memberships, kind="one leaver")
    ]
