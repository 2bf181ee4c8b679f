"""`make setup` and the interpreter that it is given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make_setup(directory, *arguments):
    """Run `make setup` where nothing is built yet."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (directory / name).write_bytes((ROOT / name).read_bytes())
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "PYTHON"}}
    return subprocess.run(
        ["make", "setup", *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def interpreter_of(tmp_path):
    """This interpreter, which takes itself for another version."""

    def write(*version):
        body = (
            f"import sys; sys.version_info = {(*version, 'final', 0)}; code = sys.argv[1]; del sys.argv[1]; exec(code)"
        )
        path = tmp_path / "python"
        path.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} -c "{body}" "$@"\n')
        path.chmod(0o755)
        return path

    return write


def test_a_python_older_than_the_oldest_is_refused_in_words(tmp_path, interpreter_of):
    old = interpreter_of(3, 10, 13)
    result = make_setup(tmp_path, f"PYTHON={old}")
    assert result.returncode == 2
    assert f"setup: {old} is Python 3.10.13, and 3.11 is the oldest that will do" in result.stdout
    assert "make setup PYTHON=python3.12" in result.stdout
    assert "building" not in result.stdout


def test_a_python_that_cannot_be_run_is_said_so(tmp_path):
    result = make_setup(tmp_path, f"PYTHON={tmp_path}/nothing")
    assert result.returncode == 2
    assert f"setup: {tmp_path}/nothing cannot be run: name a Python 3.11 or later" in result.stdout


def test_another_interpreter_gets_an_environment_of_its_own(tmp_path):
    """So `make test PYTHON=…` never runs with the one that was there before."""
    version = sys.version.split()[0]
    result = make_setup(tmp_path, f"PYTHON={sys.executable}", "--dry-run")
    assert f"'{sys.executable}' -m venv .venv-{version}" in result.stdout
