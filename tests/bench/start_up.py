"""What it costs to start a command: CPU time of whole processes, the interpreter's own start included."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.results import BenchError, Row, at_most

if TYPE_CHECKING:
    from collections.abc import Callable

_SECTION = "Start-up"
_MOST_SECONDS = 0.25
_ROUNDS = 7

_TELEPORT_OKTA = (str(Path(sys.executable).with_name("teleport-okta")),)
_COMMANDS = {
    "teleport-okta version": (*_TELEPORT_OKTA, "version"),
    "teleport-okta --help": (*_TELEPORT_OKTA, "--help"),
    "every module of `teleport-okta start`": (sys.executable, "-c", "import teleport_okta.cli.start"),
}


def measured(progress: Callable[[str], None]) -> list[Row]:
    """Return the CPU seconds of commands, each the median of some runs; only `version` has a limit."""
    progress("start-up")
    alone = _cpu_seconds((sys.executable, "-c", "pass"))
    rows = []
    for what, command in _COMMANDS.items():
        seconds = _cpu_seconds(command)
        if what.endswith("version"):
            rows.append(at_most(_SECTION, what, seconds, "s of CPU", _MOST_SECONDS, python_alone=alone))
        else:
            rows.append(Row(_SECTION, what, seconds, "s of CPU"))
    return rows


def _cpu_seconds(command: tuple[str, ...]) -> float:
    return statistics.median(_cpu_seconds_once(command) for _ in range(_ROUNDS))


def _cpu_seconds_once(command: tuple[str, ...]) -> float:
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    error = started.stderr.read().decode() if started.stderr else ""
    if started.returncode:
        raise BenchError(f"{' '.join(command)}: exit code {started.returncode}: {error}")
    return usage.ru_utime + usage.ru_stime
