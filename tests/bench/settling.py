"""A process that keeps running between passes: what it holds, and what it costs to settle one key.

Costs are calls of both systems, counted by the sandboxes, and processor time of the process alone. A key costs the same
in a small organisation and in a large one.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import statistics
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
    from tests.bench.processes import Answering

SECTION = "Between passes"

HELD_KB = 6.0
"""Kilobytes (1,000 bytes) that a process may hold of a person with ten memberships, the registry included."""

CPU_MS = 50.0
"""Milliseconds of a processor that settling a person or a membership may take, in an organisation of any size."""

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


def measured(world: World, group: int) -> list[Row]:
    """Run a pass in a settled world, weigh what is held after it, and settle single keys; `group` is a large one.

    Raises BenchError when a key comes to other changes than those that were made.
    """
    world.progress(f"what is held after a pass of {world.size}")
    with _settler(world) as settler:
        held = settler.held()
        world.progress(f"settling single keys of {world.size}")
        rows = [_weighed(world, held), *_of_a_person(settler), *_of_a_group(settler, _SMALL)]
        world.progress(f"settling a group of {group:,} of {world.size}")
        return [*rows, *_of_a_group(settler, group), _of_a_leaver(settler)]


@dataclass(frozen=True, slots=True)
class _Settler:
    """The process that settles, between its two sandboxes."""

    child: Answering
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


def _of_a_person(settler: _Settler) -> list[Row]:
    """Settle somebody whose department changed."""
    found = []
    for number in range(_ROUNDS):
        okta_id = settler.people[number]
        settler.administer("PATCH", f"/users/{okta_id}", {"profile": {"department": f"Looms {number}"}})
        found.append(settler.settle("users", okta_id))
    return _rows(settler, "one user, an attribute changed", found, changes=1)


def _of_a_group(settler: _Settler, members: int) -> list[Row]:
    """Settle a group when it is new, and when it has one member less, or more again."""
    name = f"Bench {members}"
    group = control(settler.world.okta, "POST", "/groups", {"name": name})["id"]
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
    return [
        *_rows(settler, f"one new group of {members:,}", [new], changes=None),
        *_rows(settler, f"one membership of a group of {members:,}", found, changes=1),
    ]


def _of_a_leaver(settler: _Settler) -> Row:
    """Settle somebody who is deactivated, with their memberships."""
    okta_id = settler.people[-1]
    settler.administer("POST", f"/users/{okta_id}/deactivate")
    return _rows(settler, "one leaver", [settler.settle("users", okta_id)], changes=None)[0]


def _rows(settler: _Settler, what: str, found: Sequence[_Settled], *, changes: int | None) -> list[Row]:
    other = next((one.cost.changes for one in found if one.cost.changes != (changes or one.cost.changes)), None)
    if other is not None:
        raise BenchError(f"{what}: {other} changes were planned, not {changes}")
    most = max(found, key=lambda one: sum(one.okta.values()) + sum(one.teleport.values()))
    return [
        Row(
            SECTION,
            f"{settler.world.size}: {what}",
            statistics.median(one.cost.cpu_seconds for one in found) * 1e3,
            "CPU ms",
            detail={
                "changes": most.cost.changes,
                "ms": statistics.median(one.cost.seconds for one in found) * 1e3,
                "calls": sum(most.okta.values()) + sum(most.teleport.values()),
                **most.okta,
                **most.teleport,
            },
        )
    ]
