"""Running what is measured: sandboxes in the background, and children whose peak memory is wanted (Linux)."""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tests.bench.results import BenchError
from tests.processes import ENVIRONMENT, ROOT, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

S = TypeVar("S", bound=Sandbox)

DEADLINE = 600.0
"""Seconds that one child may take."""

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Finished:
    """A child that succeeded: what it printed, and what it took. `peak` is bytes of resident memory."""

    output: str
    seconds: float
    cpu_seconds: float
    peak: int


def run(command: Sequence[str], scratch: Path) -> Finished:
    """Run a command to its end; raises BenchError when it fails. Its output goes through a file in `scratch`.

    A child starts with the peak of the process that forked it, so whoever calls this stays small.
    """
    with (scratch / "out").open("w+") as out, (scratch / "err").open("w+") as err:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=out, stderr=err)
        overdue = threading.Timer(DEADLINE, os.kill, (process.pid, 9))
        overdue.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            overdue.cancel()
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        for file in (out, err):
            file.seek(0)
        if process.returncode != 0:
            what = f"{' '.join(command[1:])}: exit status {process.returncode} after {seconds:.0f} s\n"
            raise BenchError(what + err.read() + out.read()[-2000:])
        return Finished(out.read(), seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class Availability:
    """A child that answers each line with a line of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, line: str) -> Any:
        """Send a line and return the answer; raises BenchError when the child has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            what = f"{line}: no answer, exit status {self._process.wait()}"
            raise BenchError(what)
        return json.loads(answer)


@contextmanager
def answering(command: Sequence[str], *, deadline: float = DEADLINE) -> Iterator[Availability]:
    """Run such a child; its errors go where ours go. It ends with its input, or is killed after `deadline` seconds."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, text=True, stdin=pipe, stdout=pipe) as process:
        overdue = threading.Timer(deadline, process.kill)
        overdue.start()
        try:
            yield Availability(process)
        finally:
            overdue.cancel()


def module(name: str, *arguments: object) -> list[str]:
    """Return the command that runs a module of the benchmarks."""
    return [sys.executable, "-m", f"tests.bench.{name}", *map(str, arguments)]


@contextmanager
def okta_of(kind: str, *numbers: int) -> Iterator[Sandbox]:
    """Run an Okta organisation of a kind and size (`organization`)."""
    process = subprocess.Popen(
        module("organization", kind, *numbers), cwd=ROOT, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE
    )
    with _stopped_at_the_end(_ready(process, f"the organisation of {kind} {numbers}")) as sandbox:
        yield sandbox


@contextmanager
def served(name: str, *arguments: object) -> Iterator[Sandbox]:
    """Run a module of the benchmarks that serves until it is stopped, and prints one line of JSON when it is ready."""
    with _stopped_at_the_end(_ready(_piped(name, *arguments), name)) as sandbox:
        yield sandbox


@dataclass
class AnsweringSandbox(Sandbox):
    """A sandbox that answers lines of its standard input, too."""

    answering: Availability


@contextmanager
def served_and_answering(name: str, *arguments: object) -> Iterator[AnsweringSandbox]:
    """Run such a module that answers each line with a line of JSON, too."""
    process = _piped(name, *arguments)
    started = _ready(process, name)
    with _stopped_at_the_end(AnsweringSandbox(started.line, process, Availability(process))) as sandbox:
        yield sandbox


@contextmanager
def teleport(directory: Path) -> Iterator[Sandbox]:
    """Run an empty cluster, as `teleport-okta sandbox teleport` does."""
    with _stopped_at_the_end(Sandbox.started("teleport", "--dir", directory)) as sandbox:
        yield sandbox


@dataclass
class FillableCluster(Sandbox):
    """A cluster that can be filled with what the next pass would make (`cluster`)."""

    answering: Availability

    def fill(self, config: Path, *, users_alone: bool = False) -> dict[str, int]:
        """Fill it by the plan of an installation; return how many objects of each kind were made."""
        made: dict[str, int] = self.answering.ask(f"{'users' if users_alone else 'fill'} {config}")
        return made

    def largest_list_write(self) -> int:
        """Return the bytes of the largest request about an access list since the last time."""
        size: int = self.answering.ask("largest")
        return size


@contextmanager
def fillable_teleport(directory: Path) -> Iterator[FillableCluster]:
    """Run an empty cluster that can be filled."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        module("cluster", directory), cwd=ROOT, env=ENVIRONMENT, text=True, stdin=pipe, stdout=pipe
    )
    started = _ready(process, "the cluster")
    with _stopped_at_the_end(FillableCluster(started.line, process, Availability(process))) as sandbox:
        yield sandbox


def control(sandbox: Sandbox, method: str, path: str, body: Any = None) -> Any:
    """Ask a sandbox's control address."""
    return sandbox.control(method, path, body)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far (`man 5 proc`: utime and stime, in ticks)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS_A_SECOND


def _piped(name: str, *arguments: object) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(module(name, *arguments), cwd=ROOT, env=ENVIRONMENT, text=True, stdin=pipe, stdout=pipe)


def _ready(process: subprocess.Popen[str], what: str) -> Sandbox:
    """Return the sandbox that a child is, once it has printed its line."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"{what} did not start: exit status {process.wait()}")
    return Sandbox(json.loads(line), process)


@contextmanager
def _stopped_at_the_end(sandbox: S) -> Iterator[S]:
    try:
        yield sandbox
    finally:
        sandbox.stop()
