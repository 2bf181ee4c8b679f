"""The ways to a cluster: calls through the forwarder against direct ones, coming back after a restart, the first pass.

The forwarder's calls and the direct ones end at the same port of the same sandbox, so that only the client's side is
compared. A cluster is away for a second; what is measured is how much later the first call succeeds.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import statistics
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from tests.bench.processes import answering, control, module, okta_of, teleport
from tests.bench.results import BenchError, Row, at_least
from tests.processes import Installation, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.processes import Availability

SECTION = "Ways"
RATIO = 0.85
"""The least part of the direct calls' speed that the forwarder must reach, at `FLIGHT` calls in flight."""

FLIGHT = 4
HOW = ("direct", "forwarder")

_WARM_UP = 500
_DOWN_FOR = 1.0
_PEOPLE = 40
_PATIENCE = 60.0


def measured(calls: int, rounds: int, directory: Path, progress: Callable[[str], None]) -> list[Row]:
    """Measure all three."""
    with teleport(directory / "teleport") as cluster, okta_of("people", _PEOPLE) as okta:
        rows = [
            _first_pass(how, directory / how, okta, cluster, address, progress)
            for how, address in (("direct", cluster.line["auth"]), ("through the proxy", cluster.line["proxy"]))
        ]
        config = _installation(directory / "direct", okta, cluster, cluster.line["auth"]).config
        with ExitStack() as stack:
            callers = {how: stack.enter_context(answering(module("caller", how, "--config", config))) for how in HOW}
            rows += _speeds(callers, calls, rounds, progress)
            rows += [_back_after(callers[how], how, cluster, progress) for how in HOW]
    return rows


def _speeds(callers: dict[str, Availability], calls: int, rounds: int, progress: Callable[[str], None]) -> list[Row]:
    """Let both take turns, one call at a time and `FLIGHT` at a time."""
    rows = []
    for flight in (1, FLIGHT):
        seconds: dict[str, list[float]] = {how: [] for how in HOW}
        for caller in callers.values():
            caller.ask(f"{_WARM_UP} {flight}")
        for number in range(rounds):
            progress(f"ways: {calls:,} calls each, {flight} in flight, round {number + 1} of {rounds}")
            for how, caller in callers.items():
                seconds[how].append(caller.ask(f"{calls} {flight}"))
        speeds = {how: calls / statistics.median(found) for how, found in seconds.items()}
        rows += [
            Row(SECTION, f"GetUser, {how}, {flight} in flight", speed, "a second") for how, speed in speeds.items()
        ]
        ratio, what = speeds["forwarder"] / speeds["direct"], f"GetUser, forwarder / direct, {flight} in flight"
        rows.append(at_least(SECTION, what, ratio, "", RATIO) if flight == FLIGHT else Row(SECTION, what, ratio, ""))
    return rows


def _back_after(caller: Availability, how: str, cluster: Sandbox, progress: Callable[[str], None]) -> Row:
    progress(f"ways: a restart of the cluster, {how}")
    ended: list[float] = []

    def call() -> None:
        caller.ask("1 1")
        ended.append(time.monotonic())

    restarting = threading.Thread(target=control, args=(cluster, "POST", "/restart", {"down_for": _DOWN_FOR}))
    restarting.start()
    time.sleep(_DOWN_FOR / 4)
    calling = threading.Thread(target=call)
    calling.start()
    restarting.join()
    back = time.monotonic()
    calling.join()
    if not ended:
        raise BenchError("no call succeeded after the restart")
    return Row(SECTION, f"back after a restart, {how}", max(0.0, ended[0] - back), "s")


def _first_pass(
    how: str, directory: Path, okta: Sandbox, cluster: Sandbox, address: str, progress: Callable[[str], None]
) -> Row:
    progress(f"ways: start to first completed pass, {how}")
    directory.mkdir()
    installation = _installation(directory, okta, cluster, address)
    started = time.monotonic()
    service = installation.start_as_people_do()
    try:
        while "pass (start) planned" not in installation.log:
            if service.poll() is not None or time.monotonic() > started + _PATIENCE:
                raise BenchError(f"the service did not finish its first pass: {installation.log[-2000:]}")
            time.sleep(0.01)
        return Row(SECTION, f"start to first completed pass, {how}", time.monotonic() - started, "s")
    finally:
        service.terminate()
        service.wait(_PATIENCE)


def _installation(directory: Path, okta: Sandbox, cluster: Sandbox, address: str) -> Installation:
    return Installation(
        directory,
        {
            "teleport": {
                "addr": address,
                "proxy_ca": cluster.line["proxy_ca"],
                "identity": cluster.line["identity"],
                "join_token": cluster.line["join_token"],
            },
            "okta": {
                "org_url": okta.line["url"],
                "api_token": okta.line["ssws_token"],
                "app_id": okta.line["app_id"],
            },
            "storage": {"data_dir": str(directory / "data")},
        },
    )
