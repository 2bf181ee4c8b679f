"""What a large access list costs: one member more or less of 20,000, and making and keeping one of 50,000."""

# mypy: allow-untyped-calls

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.directory_passes import calls, directory_installation, writes
from tests.bench.population import GROUP
from tests.bench.processes import FillableCluster, Finished, control, fillable_teleport, okta_of, run
from tests.bench.results import BenchError, Row, at_most, exactly
from tests.processes import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.processes import Sandbox

SECTION = "Large access lists"

CALLS = 3
"""How many calls about its list one member more or less may cost."""

LARGEST_REQUEST_MIB = 4
"""What a server takes in one request (`docs/reference/teleport-observed.md` 1.10)."""

_OF_ALL_LISTS = ("ListAccessLists", "ListAllAccessListMembers")
_WHOLE_LIST = "UpsertAccessListWithMembers"


@dataclass(frozen=True, slots=True)
class _World:
    """An organisation with one group, and a cluster in which its list is the only one."""

    okta: Sandbox
    cluster: FillableCluster
    config: Path
    scratch: Path

    def fill(self, *, users_alone: bool) -> None:
        self.cluster.fill(self.config, users_alone=users_alone)

    def a_pass(self) -> tuple[Finished, dict[str, int]]:
        """Run a pass; return also what it called of the cluster."""
        control(self.cluster, "POST", "/calls/reset")
        process = run([*COMMAND, "apply", "--config", str(self.config)], self.scratch)
        return process, calls(self.cluster)

    def unchanged_pass(self) -> tuple[Finished, dict[str, int]]:
        """Run a pass that must write nothing."""
        process, called = self.a_pass()
        if writes(called):
            raise BenchError(f"a pass that should change nothing wrote {writes(called)}")
        return process, called

    @property
    def members(self) -> int:
        """How many members of lists there are."""
        count: int = control(self.cluster, "GET", "/")["objects"]["access_list_member"]
        return count


def measured(some: int, many: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Change a list of `some` members by one; make and keep one of `many`."""
    return [*_one_more_and_less(some, directory, progress), *_made_and_kept(many, directory, progress)]


def _one_more_and_less(members: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    with _world(members, 1, directory) as world:
        progress(f"one member more and one less of {members:,}")
        world.fill(users_alone=False)
        world.unchanged_pass()
        group, other = world.okta.line["group_id"], control(world.okta, "GET", "/")["admin"]
        rows = []
        for what, after, method, path, body in (
            ("added to", members + 1, "POST", f"/groups/{group}/members", {"user": other}),
            ("removed from", members, "DELETE", f"/groups/{group}/members/{other}", None),
        ):
            control(world.okta, method, path, body)
            _, called = world.a_pass()
            if world.members != after or len(writes(called)) != 1:
                raise BenchError(f"a member {what} the group: {world.members} members, written {writes(called)}")
            rows.append(_about(f"one member {what} a list of {members:,}", called))
        world.unchanged_pass()
    return rows


def _about(what: str, called: dict[str, int]) -> Row:
    of_lists = {name: count for name, count in called.items() if "AccessList" in name}
    about = {name: count for name, count in of_lists.items() if name not in _OF_ALL_LISTS}
    row = at_most(SECTION, what, sum(about.values()), "calls about it", CALLS, **of_lists)
    if _WHOLE_LIST in about:
        raise BenchError(f"{what}: the whole list was set anew")
    return row


def _made_and_kept(members: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    with _world(members, 0, directory) as world:
        progress(f"filling a cluster with {members:,} users")
        world.fill(users_alone=True)
        world.cluster.largest_list_write()
        progress(f"making a list of {members:,} members")
        made, called = world.a_pass()
        there, largest = world.members, world.cluster.largest_list_write()
        progress(f"keeping a list of {members:,} members")
        kept, kept_called = world.unchanged_pass()
    of_lists = {name: count for name, count in called.items() if "AccessList" in name}
    whole = f"a list of {members:,}"
    return [
        exactly(SECTION, f"{whole} made: members there", there, "", members, seconds=made.seconds, **of_lists),
        at_most(SECTION, f"{whole} made: largest request", largest / 2**20, "MiB", LARGEST_REQUEST_MIB),
        Row(
            SECTION,
            f"{whole} kept: an unchanged pass",
            kept.seconds,
            "s",
            detail={"peak MB": kept.peak / 1e6, "Teleport calls": sum(kept_called.values())},
        ),
    ]


@contextmanager
def _world(members: int, others: int, directory: Path) -> Iterator[_World]:
    scratch = directory / f"list-of-{members}"
    scratch.mkdir()
    with okta_of("one-group", members, others) as okta, fillable_teleport(scratch / "teleport") as cluster:
        installation = directory_installation(
            scratch, okta, cluster, group_filters=[GROUP], app_filters=["no app is called so"]
        )
        yield _World(okta, cluster, installation.config, scratch)
