"""The image's two locks are parts of the one that everything is tested with, and whole."""

from __future__ import annotations

import re
import tomllib

import pytest
from image.dockerfile import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DIRECT = {
    "runtime": PROJECT["project"]["dependencies"],
    "build": PROJECT["dependency-groups"]["build"],
}


@pytest.fixture(params=DIRECT)
def part(request):
    return request.param


def packages(part):
    """A lock's entries by package: the version, hashes and, as comments, who needs it."""
    lock = ROOT / ("requirements.lock" if part == "everything" else f"requirements-{part}.lock")
    return dict(entry.split("==", 1) for entry in re.split(r"\n(?=\w)", lock.read_text()))


def pin(entry):
    """An entry's version and hashes; markers may differ, as they say for whom a package is needed."""
    return entry.split()[0], *re.findall(r"--hash=\S+", entry)


def test_every_package_has_the_version_and_the_hashes_that_the_tests_run_with(part):
    everything = packages("everything")
    for name, entry in packages(part).items():
        assert pin(entry) == pin(everything[name]), name


def test_every_direct_dependency_is_locked_and_no_former_one_is_left(part):
    locked = {name for name, entry in packages(part).items() if "teleport-okta (pyproject.toml" in entry}
    assert locked == {re.split(r"[=<>\[]", requirement)[0] for requirement in DIRECT[part]}
