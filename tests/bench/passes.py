"""Full passes, each in a fresh `teleport-okta apply` between two sandboxes that are processes of their own."""

# mypy: allow-untyped-calls

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.population import ATTRIBUTES, profile
from tests.bench.processes import Finished, control, okta_of, run, teleport
from tests.bench.results import BenchError
from tests.processes import COMMAND, installation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.processes import Sandbox

SAML_APP = "saml_app"
ORGANIZATION = "organization"
FIRST = "first"
UNCHANGED = "unchanged"

_WRITES = ("CreateUser", "UpdateUser", "UpsertUser", "DeleteUser", "UpsertLock", "DeleteLock")


@dataclass(frozen=True, slots=True)
class Pass:
    """One measured pass. `okta_calls` is what the Okta sandbox counted."""

    source: str
    people: int
    which: str
    okta_calls: int
    process: Finished


def measured(sizes: dict[str, tuple[int, ...]], directory: Path, progress: Callable[[str], None]) -> Iterator[Pass]:
    """Measure, for each source and size, the pass that creates everybody and the one after it that changes nothing.

    Raises BenchError for a pass that wrote anything else.
    """
    for people in sorted({people for of_source in sizes.values() for people in of_source}):
        with okta_of(people) as okta:
            for source in (source for source, of_source in sizes.items() if people in of_source):
                scratch = directory / f"{source}-{people}"
                scratch.mkdir()
                yield from _both(source, people, okta, scratch, progress)


def _both(source: str, people: int, okta: Sandbox, scratch: Path, progress: Callable[[str], None]) -> Iterator[Pass]:
    # An organisation always has its administrator, whom an empty app does not have.
    expected = max(people, 1) if source == ORGANIZATION else people
    with ExitStack() as stack:
        cluster = stack.enter_context(teleport(scratch / "teleport"))
        installation = installation_of(scratch, okta, cluster, source=source)
        installation.sections["okta"]["rate_limit_share"] = 1.0
        command = [*COMMAND, "apply", "--config", str(installation.config)]
        for which, writes in ((FIRST, expected), (UNCHANGED, 0)):
            progress(f"{which} pass of {people:,} people ({source})")
            for sandbox in (okta, cluster):
                control(sandbox, "POST", "/calls/reset")
            process = run(command, scratch)
            written = _writes(cluster)
            if written != ({"CreateUser": writes} if writes else {}):
                what = f"the {which} pass of {people} people ({source}) wrote {written or 'nothing'}"
                raise BenchError(what)
            yield Pass(source, people, which, control(okta, "GET", "/calls")["total"], process)
        if people:
            _check_attributes(cluster)


def _writes(cluster: Sandbox) -> dict[str, int]:
    calls = control(cluster, "GET", "/calls")["calls"]
    counted = {path.rpartition("/")[2]: count for path, count in calls.items()}
    return {name: counted[name] for name in _WRITES if counted.get(name)}


def _check_attributes(cluster: Sandbox) -> None:
    name = profile(0)["login"]
    traits = control(cluster, "GET", f"/users/{name}")["Spec"]["Traits"]["Values"]
    if len(traits) != ATTRIBUTES:
        what = f"user {name} has {len(traits)} traits, not {ATTRIBUTES}"
        raise BenchError(what)
