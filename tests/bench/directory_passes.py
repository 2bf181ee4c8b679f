"""Full passes over people, groups and apps, each in a fresh process between two sandboxes of their own."""

# mypy: allow-untyped-calls

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.processes import Finished, control, fillable_teleport, okta_of, run
from tests.bench.results import BenchError
from tests.processes import COMMAND, installation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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


def measured(sizes: Sequence[Size], directory: Path, progress: Callable[[str], None]) -> Iterator[DirectoryPass]:
    """Measure, for each size, a first pass and one after it that changes nothing.

    Raises BenchError for a pass that wrote anything else.
    """
    for size in sizes:
        scratch = directory / f"directory-{size.users}"
        scratch.mkdir()
        with okta_of("size", *size.arguments) as okta, fillable_teleport(scratch / "teleport") as cluster:
            installation = directory_installation(scratch, okta, cluster)
            verbs = {FIRST: "apply", UNCHANGED: "apply"}
            if size.memberships > APPLIED_AT_MOST:
                verbs = {FIRST_PLAN: "plan", UNCHANGED: "apply"}
            for which, verb in verbs.items():
                if which == UNCHANGED and FIRST_PLAN in verbs:
                    progress(f"filling a cluster for {size}")
                    cluster.fill(installation.config)
                progress(f"{which} of {size}")
                control(cluster, "POST", "/calls/reset")
                process = run([*COMMAND, verb, "--config", str(installation.config)], scratch)
                called = calls(cluster)
                _check(size, which, writes(called))
                yield DirectoryPass(size, which, process, called)


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
