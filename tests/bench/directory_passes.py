"""Full passes over people, groups and apps, each in a fresh process between two sandboxes of their own."""

# mypy: allow-untyped-calls

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import FillableCluster, Finished, control, fillable_teleport, okta_of, run
from tests.bench.results import BenchError
from tests.processes import COMMAND, installation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.size import Size
    from tests.processes import Installation, Sandbox

FIRST = "first pass"
FIRST_PLAN = "plan of a first pass"
UNCHANGED = "unchanged pass"

APPLIED_AT_MOST = 100_000
"""Memberships up to which a first pass is applied. For more it is planned alone, and the cluster is filled at once."""

_READS = ("Get", "List", "Ping", "Watch", "Resolve")
_OF_OURSELVES = ("AcquireSemaphore", "CancelSemaphoreLease", "KeepAliveSemaphoreLease", "RegisterUsingToken")


@dataclass(frozen=True, slots=True)
class DirectoryPass:
    """One measured pass, and how often what was called of Teleport."""

    size: Size
    which: str
    process: Finished
    teleport_calls: dict[str, int]


@dataclass
class World:
    """An organisation of a size, and a cluster that is `settled` once it holds what the organisation says."""

    size: Size
    okta: Sandbox
    cluster: FillableCluster
    config: Path
    scratch: Path
    progress: Callable[[str], None]
    settled: bool = False

    def fill(self) -> None:
        """Put into the cluster what a first pass would make."""
        self.progress(f"filling a cluster for {self.size}")
        self.cluster.fill(self.config)
        self.settled = True

    def passes(self) -> Iterator[DirectoryPass]:
        """Measure a first pass, and one after it that changes nothing.

        Raises BenchError for a pass that wrote anything else.
        """
        if self.size.memberships > APPLIED_AT_MOST:
            yield self._measured(FIRST_PLAN, "plan", "--join")
            self.fill()
        else:
            yield self._measured(FIRST, "apply")
            self.settled = True
        yield self._measured(UNCHANGED, "apply")

    def _measured(self, which: str, *verb: str) -> DirectoryPass:
        self.progress(f"{which} of {self.size}")
        control(self.cluster, "POST", "/calls/reset")
        process = run([*COMMAND, *verb, "--config", str(self.config)], self.scratch)
        called = calls(self.cluster)
        _check(self.size, which, writes(called))
        return DirectoryPass(self.size, which, process, called)


@contextmanager
def world(size: Size, directory: Path, progress: Callable[[str], None]) -> Iterator[World]:
    """Run an organisation of a size beside an empty cluster."""
    scratch = directory / f"directory-{size.users}"
    scratch.mkdir()
    with okta_of("size", *size.arguments) as okta, fillable_teleport(scratch / "teleport") as cluster:
        yield World(size, okta, cluster, directory_installation(scratch, okta, cluster).config, scratch, progress)


def directory_installation(directory: Path, okta: Sandbox, cluster: Sandbox, **access_lists: object) -> Installation:
    """Return an installation that imports people, groups and apps, and keeps their access lists."""
    installation: Installation = installation_of(directory, okta, cluster, source="saml_app", apps_and_groups=True)
    installation.sections["okta"]["rate_limit_share"] = 1.0
    installation.sections["access_lists"] = {"default_owners": ["owner@example.com"], **access_lists}
    return installation


def calls(cluster: Sandbox) -> dict[str, int]:
    """Return what was called of a cluster since the mark, by bare name."""
    counted = control(cluster, "GET", "/calls")["calls"]
    return {path.rpartition("/")[2]: count for path, count in counted.items()}


def writes(called: dict[str, int]) -> dict[str, int]:
    """Return those of the calls that change something for others."""
    return {name: count for name, count in called.items() if name not in _OF_OURSELVES and not name.startswith(_READS)}


def _check(size: Size, which: str, written: dict[str, int]) -> None:
    right = not written
    if which == FIRST:
        right = written.get("CreateUser") == size.users and written.get("CreateUserGroup", 0) >= size.groups
    if not right:
        raise BenchError(f"the {which} of {size} wrote {written or 'nothing'}")
