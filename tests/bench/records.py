"""What the durable records of harm cost: leavers a second with them and without, and commits for each leaver.

The records go to SQLite on the disk of the benchmarks' directory, with the product's own settings. A file system in
memory is refused: nothing waits for a disk there.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from teleport_okta.apply.applier import WRITES_IN_FLIGHT

from tests.bench.processes import answering, module, teleport
from tests.bench.results import BenchError, Row, at_least, at_most
from tests.bench.throughput import installation

if TYPE_CHECKING:
    from collections.abc import Callable

SECTION = "Durable records"

_RECORDS = 4
"""Of each leaver: one before and one after each of two calls."""

COMMITS = 3.75
"""Commits that a leaver may cost: fewer than it has records. Those that wait while the disk is busy share the next one,
so a faster disk means more commits: about 3.4 where a commit waits for nothing, and 4 only if none are shared."""

RATIO = 0.5
"""The least part of the bare calls' speed: the records may at most double the time that a leaver takes."""

_ROUNDS = 5
_WARM_UP = 40
_IN_MEMORY = ("tmpfs", "ramfs")


@dataclass(frozen=True, slots=True)
class Removed:
    """One removal of so many users: seconds, processor time here and in the cluster, and commits to the journal."""

    users: int
    seconds: float
    cpu_seconds: float
    cluster_cpu_seconds: float
    commits: int


def measured(harms: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Let both ways take turns at removing so many users in all, never the same, from one process."""
    disk = file_system(directory)
    if disk in _IN_MEMORY:
        what = f"{directory} is on {disk}, where a durable record costs nothing: give --directory on a disk"
        raise BenchError(what)
    runs: dict[str, list[Removed]] = {"apply": [], "bare": []}
    with teleport(directory / "teleport") as cluster:
        config = installation(directory, cluster.line).config
        command = module("remover", "--config", config, "--cluster", cluster.process.pid)
        with answering(command) as remover:
            progress("durable records: warming up")
            for how in runs:
                remover.ask(f"{how} {how}-warm {_WARM_UP}")
            for number in range(_ROUNDS):
                count = harms // _ROUNDS
                progress(f"durable records: {count:,} leavers each, round {number + 1} of {_ROUNDS}")
                for how, found in runs.items():
                    found.append(Removed(**remover.ask(f"{how} {how}-{number} {count}")))
    return _rows(runs["apply"], runs["bare"], disk)


def _rows(apply: list[Removed], bare: list[Removed], disk: str) -> list[Row]:
    users, commits = (sum(getattr(one, what) for one in apply) for what in ("users", "commits"))
    fewest = users * _RECORDS / WRITES_IN_FLIGHT
    if commits < fewest or any(one.commits for one in bare):
        what = f"{commits} commits for {users} leavers, and {sum(one.commits for one in bare)} without records"
        raise BenchError(what)
    ratio = statistics.median(map(_speed, apply)) / statistics.median(map(_speed, bare))
    return [
        _speed_row(f"leavers, apply, recorded on {disk}", apply),
        _speed_row("leavers, the same calls without records", bare),
        at_least(SECTION, "leavers, apply / without records", ratio, "", RATIO),
        at_most(
            SECTION,
            f"commits for each of {users:,} leavers, {WRITES_IN_FLIGHT} in flight",
            commits / users,
            "commits",
            COMMITS,
            records=_RECORDS,
            **{"fewest possible": fewest / users},
        ),
    ]


def _speed_row(what: str, removed: list[Removed]) -> Row:
    speeds = sorted(map(_speed, removed))
    return Row(
        SECTION,
        what,
        statistics.median(speeds),
        "a second",
        detail={
            "runs": len(speeds),
            "slowest": speeds[0],
            "fastest": speeds[-1],
            "ms a leaver": statistics.median(one.seconds / one.users * 1e3 for one in removed),
            "CPU ms a leaver": statistics.median(one.cpu_seconds / one.users * 1e3 for one in removed),
            "cores busy here": statistics.median(one.cpu_seconds / one.seconds for one in removed),
            "in the sandbox": statistics.median(one.cluster_cpu_seconds / one.seconds for one in removed),
        },
    )


def _speed(removed: Removed) -> float:
    return removed.users / removed.seconds


def file_system(directory: Path) -> str:
    """Return the type of the file system that a directory is on (`man 5 proc_pid_mountinfo`)."""
    where = directory.resolve()
    mounts = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, source = line.partition(" - ")
        mounts.append((Path(mount.split()[4]), source.split()[0]))
    above = [(len(point.parts), index) for index, (point, _) in enumerate(mounts) if where.is_relative_to(point)]
    return mounts[max(above)[1]][1]
