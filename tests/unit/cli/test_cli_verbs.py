"""Verbs are imported when they are run: `version` costs little, and the service imports no sandbox."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from teleport_okta.cli.root import cli
from teleport_okta.cli.verbs import VERBS

_HEAVY = ("grpc", "aiohttp", "scim2_models", "pydantic", "lxml")


@pytest.mark.parametrize("verb", VERBS)
def test_the_summary_in_the_table_is_the_verbs_own(verb):
    command = cli.get_command(click.Context(cli), verb)
    assert command.name == verb
    assert command.get_short_help_str(limit=200) == VERBS[verb]


def test_the_help_names_every_verb_with_its_summary():
    text = CliRunner().invoke(cli, ["--help"], terminal_width=200, max_content_width=200).output
    rows = [line.split(maxsplit=1) for line in text.partition("Commands:")[2].strip().splitlines()]
    assert dict(rows) == dict(VERBS)


def test_an_unknown_verb_is_an_error_that_names_it():
    result = CliRunner().invoke(cli, ["aply"])
    assert result.exit_code == 2
    assert "aply" in result.output


def imported_by(code):
    script = f"import sys\n{code}\nprint(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_naming_the_version_imports_nothing_heavy():
    modules = imported_by("from teleport_okta.cli.root import cli\ncli.main(['version'], standalone_mode=False)")
    assert "teleport_okta.cli.version" in modules
    assert modules.isdisjoint(_HEAVY)


def test_the_service_imports_neither_the_sandboxes_nor_the_demo():
    modules = imported_by("import teleport_okta.cli.start")
    assert "teleport_okta.service" in modules
    assert [one for one in modules if one.startswith(("teleport_okta.sandbox", "teleport_okta.demo"))] == []


def test_a_reload_while_the_service_is_imported_does_not_end_it(tmp_path):
    script = (
        "import os, signal, sys\n"
        "from teleport_okta.cli import root, verbs\n"
        "load = verbs.import_module\n"
        "verbs.import_module = lambda name: (os.kill(os.getpid(), signal.SIGHUP), load(name))[1]\n"
        "root.main()"
    )
    words = ("start", "--config", tmp_path / "none.toml")
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, "no such configuration file" in done.stderr) == (1, True)
