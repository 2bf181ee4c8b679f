"""`make bench`: measures, prints a table and a line of JSON, and exits 0 if every limit holds, else 1.

Everything runs on loopback, in processes of its own, and is gone afterwards. It takes well over ten minutes on two
processors that have nothing else to do, and needs Linux (`/proc`, kilobytes in `ru_maxrss`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from tests.bench import (
    directory_calls,
    directory_memory,
    directory_passes,
    following,
    large_lists,
    leavers_first,
    members_planning,
    memory,
    okta_calls,
    planning,
    records,
    scim,
    settling,
    start_up,
    throughput,
    ways,
)
from tests.bench.passes import ORGANIZATION, SAML_APP, Pass
from tests.bench.passes import measured as measured_passes
from tests.bench.results import BenchError, Row, all_hold, as_json, table
from tests.bench.size import Size

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.bench.directory_passes import DirectoryPass
    from tests.bench.scim import ScimSizes

PARTS = (
    "start-up",
    "calls",
    "upserts",
    "memory",
    "planning",
    "records",
    "ways",
    "directory-calls",
    "directory-memory",
    "settling",
    "leavers-first",
    "following",
    "directory-planning",
    "large-lists",
    "scim",
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    `directories` are what the parts about groups, apps and access lists look at, `largest` what is planned of it;
    `list_changed` and `list_made` are members of lists.
    """

    calls: tuple[int, ...]
    memory: tuple[int, ...]
    users: int
    rounds: int
    planned: int
    harms: int
    calls_each: int
    directories: tuple[Size, ...]
    settled_group: int
    list_changed: int
    list_made: int
    scim: ScimSizes


FULL = Sizes(
    calls=(0, 40, 1_200, 5_000),
    memory=(5_000, 20_000, 50_000),
    users=400,
    rounds=15,
    planned=50_000,
    harms=1_000,
    calls_each=1_000,
    directories=(Size(500, 50, 30, 5_000), Size(5_000, 500, 200, 50_000), Size(50_000, 5_000, 1_000, 500_000)),
    settled_group=5_000,
    list_changed=20_000,
    list_made=50_000,
    scim=scim.FULL,
)
QUICK = Sizes(
    calls=(0, 40, 1_200),
    memory=(1_200, 2_400, 5_000),
    users=250,
    rounds=2,
    planned=5_000,
    harms=100,
    calls_each=300,
    directories=(Size(500, 50, 30, 5_000), Size(5_000, 500, 200, 50_000)),
    settled_group=500,
    list_changed=1_000,
    list_made=6_000,
    scim=scim.QUICK,
)


def main() -> int:
    """Run the benchmarks that were asked for and return the exit status."""
    given = _arguments()
    started = time.monotonic()
    status = Console(stderr=True, highlight=False)

    def progress(what: str) -> None:
        status.print(f"{time.monotonic() - started:4.0f} s  {what}", style="dim", markup=False)

    rows: list[Row] = []
    failure = ""
    try:
        with tempfile.TemporaryDirectory(prefix="teleport-okta-bench-", dir=given.directory) as directory:
            _measure(rows, given.only or PARTS, QUICK if given.quick else FULL, Path(directory), progress)
    except BenchError as error:
        # What was measured before is shown all the same: it may have taken half an hour.
        failure = f"bench: {error}"
    seconds = time.monotonic() - started
    out = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    out.print(table(rows))
    limits = [row.holds for row in rows if row.holds is not None]
    out.print(f"{sum(limits)} of {len(limits)} limits hold; {seconds:.0f} s")
    report = json.dumps(as_json(rows, seconds=seconds)) + "\n"
    if given.json is None:
        sys.stdout.write(report)
    else:
        given.json.write_text(report)
    if failure:
        status.print(failure, style="red", markup=False)
    return 0 if all_hold(rows) and not failure else 1


def _measure(
    rows: list[Row], parts: Sequence[str], sizes: Sizes, directory: Path, progress: Callable[[str], None]
) -> None:
    """Add the rows of these parts; a pass that two of them look at is run once. Raises BenchError."""
    counted = sizes.calls if "calls" in parts else ()
    weighed = sizes.memory if "memory" in parts else ()
    of_source = {SAML_APP: (*counted, *weighed), ORGANIZATION: counted}
    passes: list[Pass] = list(measured_passes(of_source, directory, progress))
    if "start-up" in parts:
        rows += start_up.measured(progress)
    if "calls" in parts:
        rows += okta_calls.rows(passes)
    if "upserts" in parts:
        rows += throughput.measured(sizes.users, sizes.rounds, _below(directory, "upserts"), progress)
    if "memory" in parts:
        rows += memory.rows(passes, weighed)
    if "planning" in parts:
        rows += planning.measured(sizes.planned, directory, progress)
    if "records" in parts:
        rows += records.measured(sizes.harms, _below(directory, "records"), progress)
    if "ways" in parts:
        rows += ways.measured(sizes.calls_each, sizes.rounds, _below(directory, "ways"), progress)
    _measure_with_directory(rows, parts, sizes, directory, progress)


def _measure_with_directory(
    rows: list[Row], parts: Sequence[str], sizes: Sizes, directory: Path, progress: Callable[[str], None]
) -> None:
    """Add the rows of those of these parts that are about groups, apps and access lists. Raises BenchError."""
    if "directory-calls" in parts:
        rows += directory_calls.measured(sizes.directories, _below(directory, "directory-calls"), progress)
    if not {"directory-memory", "settling"}.isdisjoint(parts):
        rows += _measured_in_worlds(parts, sizes, _below(directory, "worlds"), progress)
    if "leavers-first" in parts:
        rows += leavers_first.measured(sizes.directories, _below(directory, "leavers-first"), progress)
    if "following" in parts:
        rows += following.measured(sizes.directories[:2], _below(directory, "following"), progress)
    if "directory-planning" in parts:
        rows += members_planning.measured(sizes.directories[-1], directory, progress)
    if "large-lists" in parts:
        below = _below(directory, "large-lists")
        rows += large_lists.measured(sizes.list_changed, sizes.list_made, below, progress)
    if "scim" in parts:
        rows += scim.measured(sizes.scim, _below(directory, "scim"), progress)


def _measured_in_worlds(
    parts: Sequence[str], sizes: Sizes, directory: Path, progress: Callable[[str], None]
) -> list[Row]:
    """Measure those of these parts that need an organisation and a cluster that agree; making one takes long."""
    passes: list[DirectoryPass] = []
    settled = settling.Settling(sizes.settled_group)
    for size in sizes.directories:
        with directory_passes.world(size, directory, progress) as world:
            if "directory-memory" in parts:
                passes += world.passes()
            else:
                world.fill()
            if "settling" in parts and size.users >= sizes.settled_group:
                settled.measure(world)
    return [*(directory_memory.rows(passes) if passes else ()), *settled.rows()]


def _below(directory: Path, part: str) -> Path:
    below = directory / part
    below.mkdir()
    return below


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Run the benchmarks.")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast")
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be given again")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the JSON there instead of as the last line")
    parser.add_argument(
        "--directory", type=Path, default=Path("/var/tmp"), help="on a disk: the journal is written below it"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
