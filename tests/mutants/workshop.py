"""A copy of the tree in which a fault is put, and the tests that must find it are run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]
PRODUCT = Path("plugin/teleport_okta")
_PARTS = ("plugin", "gen", "tests", "pyproject.toml", "README.md")
_DEADLINE = 600
_ALL_PASSED, _SOME_FAILED = 0, 1
_FAILED = re.compile(r"^(?:FAILED|ERROR) tests/(\S+?::\w+)", re.MULTILINE)


class AnchorError(Exception):
    """A snippet is not in its file exactly once: look at what became of the line, and correct the catalogue."""


def applied(mutant: Mutant, root: Path = ROOT) -> str:
    """Return the content of the mutant's file with the fault in it. Raises AnchorError."""
    path = root / PRODUCT / mutant.file
    content = path.read_text() if path.is_file() else ""
    found = content.count(mutant.snippet)
    if found != 1:
        msg = f"{mutant.name}: the snippet is {found} times in {PRODUCT / mutant.file}:\n{mutant.snippet}"
        raise AnchorError(msg)
    return content.replace(mutant.snippet, mutant.replacement)


@dataclass(frozen=True)
class Verdict:
    """What a run of tests said: which failed, or, in `problem`, why it says nothing."""

    failed: frozenset[str] = frozenset()
    problem: str = ""


class Workshop:
    """A copy of the tree at `directory`, to which one fault at a time is done."""

    def __init__(self, directory: Path) -> None:
        self._root = directory
        self._moment = 1_000_000_000
        ignored = shutil.ignore_patterns("__pycache__", ".*")
        for part in _PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, directory / part, ignore=ignored)
            else:
                shutil.copy2(source, directory / part)

    def run(self, tests: Collection[str]) -> Verdict:
        """Run tests, given as in `Mutant.tests`."""
        command = [sys.executable, "-m", "pytest", "-q", "--tb=no", "-rfE", "-p", "no:cacheprovider"]
        finished = subprocess.run(
            [*command, *(f"tests/{test}" for test in tests)],
            cwd=self._root,
            env={
                "HISTORIES": "400",  # more than by default: a hundred do not meet every fault
                **os.environ,
                "PYTHONPATH": f"{self._root / 'plugin'}:{self._root / 'gen'}",
            },
            text=True,
            capture_output=True,
            timeout=_DEADLINE,
            check=False,
        )
        if finished.returncode not in {_ALL_PASSED, _SOME_FAILED}:
            return Verdict(problem=finished.stdout + finished.stderr)
        return Verdict(frozenset(_FAILED.findall(finished.stdout)))

    def run_with(self, mutant: Mutant) -> Verdict:
        """Run the tests of a mutant with its fault in the tree, and mend the tree. Raises AnchorError."""
        path = self._root / PRODUCT / mutant.file
        whole = path.read_text()
        try:
            self._write(path, applied(mutant, self._root))
            return self.run(mutant.tests)
        finally:
            self._write(path, whole)

    def _write(self, path: Path, content: str) -> None:
        """Write a source file. Each content gets another time, so that no compiled file of an earlier one is used."""
        path.write_text(content)
        self._moment += 1
        os.utime(path, (self._moment, self._moment))
