"""Writes a second of `apply`, journaled, against a bare gRPC loop at the same concurrency to the same sandbox.

Creating users and updating them are measured apart, and the limit holds for each.
"""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import answering, module, teleport
from tests.bench.results import Row, at_least
from tests.processes import Installation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECTION = "Upserts"
RATIO = 0.8
"""The least part of the bare loop's speed that `apply` must reach."""

_METHODS = ("CreateUser", "UpdateUser")
_WARM_UP = 200


@dataclass(frozen=True, slots=True)
class Timed:
    """One run of a writer: seconds on the wall, and of processor time in its process and in the cluster's."""

    users: int
    seconds: float
    cpu_seconds: float
    cluster_cpu_seconds: float


def measured(users: int, rounds: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Let both ways take turns at writing so many users, never the same; one process each, which lives throughout.

    Turns are short and many, so that whatever else the machine does slows both alike.
    """
    runs: dict[str, list[list[Timed]]] = {"apply": [], "bare": []}
    with teleport(directory / "teleport") as cluster, ExitStack() as stack:
        config = installation(directory, cluster.line).config
        writers = {}
        progress("upserts: warming up")
        for how in runs:
            command = module("writer", how, "--config", config, "--cluster", cluster.process.pid)
            writers[how] = stack.enter_context(answering(command))
            writers[how].ask(f"{how}-warm {_WARM_UP}")
        for number in range(rounds):
            progress(f"upserts: {users:,} users each, round {number + 1} of {rounds}")
            for how, found in runs.items():
                found.append([Timed(**one) for one in writers[how].ask(f"{how}-{number} {users}")])
    return [row for index, method in enumerate(_METHODS) for row in _rows(method, index, runs)]


def _rows(method: str, index: int, runs: dict[str, list[list[Timed]]]) -> list[Row]:
    apply, bare = ([one[index] for one in runs[how]] for how in ("apply", "bare"))
    ratio = statistics.median(map(_speed, apply)) / statistics.median(map(_speed, bare))
    return [
        _speed_row(f"{method}, apply, journaled", apply),
        _speed_row(f"{method}, bare gRPC loop", bare),
        at_least(SECTION, f"{method}, apply / bare", ratio, "", RATIO),
    ]


def _speed_row(what: str, timed: list[Timed]) -> Row:
    """Return the median speed, and how busy both ends were: who is near a whole core is what limits the speed."""
    speeds = sorted(map(_speed, timed))
    return Row(
        SECTION,
        what,
        statistics.median(speeds),
        "a second",
        detail={
            "runs": len(speeds),
            "slowest": speeds[0],
            "fastest": speeds[-1],
            "CPU ms a write": statistics.median(one.cpu_seconds / one.users * 1e3 for one in timed),
            "cores busy here": statistics.median(one.cpu_seconds / one.seconds for one in timed),
            "in the sandbox": statistics.median(one.cluster_cpu_seconds / one.seconds for one in timed),
        },
    )


def _speed(timed: Timed) -> float:
    return timed.users / timed.seconds


def installation(directory: Path, cluster: dict[str, str]) -> Installation:
    """Return an installation of which only the Teleport side is used; nobody listens at the Okta address."""
    return Installation(
        directory,
        {
            "teleport": {
                "addr": cluster["auth"],
                "identity": cluster["identity"],
                "join_token": cluster["join_token"],
            },
            "okta": {"org_url": "http://127.0.0.1:9", "api_token": "none", "app_id": "0oaBenchmark0000001"},
            "storage": {"data_dir": str(directory / "data")},
        },
    )
