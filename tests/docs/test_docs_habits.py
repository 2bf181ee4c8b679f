"""What contributors are promised: hooks, the hosted workflow and the bug report keep up with what they speak of."""

from __future__ import annotations

import re
import tomllib

import click
import pytest
from docs.citations import ROOT
from teleport_okta.cli.root import cli

MAKEFILE = (ROOT / "Makefile").read_text()
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text()
WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text()
BUG_REPORT = (ROOT / ".github/ISSUE_TEMPLATE/bug_report.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def checks():
    """The programs of `make check`, each with the words up to its first path."""
    target = re.search(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    for line in target.splitlines():
        command = line.rpartition("&& ")[2].replace("$(SOURCES)", "").replace("$(BIN)", ".venv/bin")
        yield re.sub(r"^((\w+=\S+ )*)(.*?)( Dockerfile)?\s*$", r"\3", command)


def test_the_hooks_run_every_part_of_make_check():
    assert len(list(checks())) >= 8
    assert [check for check in checks() if check not in HOOKS] == []


def test_the_workflow_runs_everything_on_each_supported_python():
    supported = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    assert re.search(r"python: \[(.*)\]", WORKFLOW)[1] == ", ".join(f'"{version}"' for version in supported)
    assert re.search(r"^ +- run: \.ci/run$", WORKFLOW, re.MULTILINE)


def test_the_bug_report_asks_for_what_doctor_finds():
    verb, option, form = re.search(r"teleport-okta (\w+) (--format) (\w+)", BUG_REPORT).groups()
    (known,) = [parameter for parameter in cli.get_command(click.Context(cli), verb).params if option in parameter.opts]
    assert form in known.type.choices


def test_the_index_lists_every_page():
    index = (ROOT / "docs/README.md").read_text()
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")} - {"README.md"}
    assert pages - set(re.findall(r"\]\(([^)#]+)\)", index)) == set()


@pytest.mark.xdist_group("habits")
def test_tests_of_a_group_share_a_process_when_several_run_them(request):
    """pytest-xdist appends the group to a test's name. A pytest that ignores it builds the image in each process."""
    if request.config.getoption("loadgroup", default=False):
        assert request.node.nodeid.endswith("@habits")
