"""Full passes over people alone, each in a fresh `teleport-okta apply` between sandboxes in processes of their own."""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
import re
import urllib.request
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
LEAVING = "leaving"
"""A pass in which a tenth of the people have left: as many as the brake lets through in one."""

_FEWEST_FOR_LEAVING = 1_000

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
        with okta_of("people", people) as okta:
            for source in (source for source, of_source in sizes.items() if people in of_source):
                scratch = directory / f"{source}-{people}"
                scratch.mkdir()
                yield from _both(source, people, okta, scratch, progress)


def _both(source: str, people: int, okta: Sandbox, scratch: Path, progress: Callable[[str], None]) -> Iterator[Pass]:
    # An organisation always has its administrator, whom an empty app does not have.
    expected = max(people, 1) if source == ORGANIZATION else people
    with ExitStack() as stack:
        cluster = stack.enter_context(teleport(scratch / "teleport"))
        installation = installation_of(scratch, okta, cluster, source=source, apps_and_groups=False)
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
        if source == SAML_APP and people >= _FEWEST_FOR_LEAVING:
            yield _leaving(people, okta, cluster, command, scratch, progress)
        if people:
            _check_attributes(cluster)


def _leaving(
    people: int, okta: Sandbox, cluster: Sandbox, command: list[str], scratch: Path, progress: Callable[[str], None]
) -> Pass:
    """Hide a tenth of the people, and measure the pass that locks and deletes them."""
    leavers = people // 10
    okta.control("POST", "/role", {"hide": some_ids(okta, leavers)})
    progress(f"pass in which {leavers:,} of {people:,} people leave")
    for sandbox in (okta, cluster):
        control(sandbox, "POST", "/calls/reset")
    process = run(command, scratch)
    calls = control(okta, "GET", "/calls")["total"]
    control(okta, "DELETE", "/role")
    written = _writes(cluster)
    if written != {"UpsertLock": leavers, "DeleteUser": leavers}:
        what = f"the pass in which {leavers} of {people} people leave wrote {written or 'nothing'}"
        raise BenchError(what)
    return Pass(SAML_APP, people, LEAVING, calls, process)


def some_ids(okta: Sandbox, count: int) -> list[str]:
    """Return the ids of so many of the app's people but the first, who is the administrator."""
    ids: list[str] = []
    url = f"{okta.line['url']}/api/v1/apps/{okta.line['app_id']}/users?limit=500"
    while len(ids) <= count:
        request = urllib.request.Request(url, headers={"Authorization": f"SSWS {okta.line['ssws_token']}"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            ids += [row["id"] for row in json.load(answer)]
            links = ", ".join(answer.headers.get_all("link") or ())
        following = re.search(r'<([^>]+)>; rel="next"', links)
        if following is None:
            break
        url = following.group(1)
    return ids[1 : count + 1]


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
