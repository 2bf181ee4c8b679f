"""The command line by itself: what it prints, and how it words errors. What verbs do is shown in tests/e2e."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest
from click.testing import CliRunner
from teleport_okta import __version__
from teleport_okta.cli.root import cli, main
from teleport_okta.cli.verbs import VERBS
from teleport_okta.config_example import example


def run(*arguments):
    return CliRunner().invoke(cli, arguments)


def test_configure_prints_the_example():
    result = run("configure")
    assert result.output == example()
    assert tomllib.loads(result.output)["okta"]


def test_version_names_product_and_python():
    assert re.fullmatch(rf"teleport-okta v{re.escape(__version__)} python3\.\d+\.\d+\n", run("version").output)


def test_every_verb_has_help():
    for verb in VERBS:
        result = run(verb, "--help")
        assert result.exit_code == 0, verb
        assert len(result.output.splitlines()) > 3, verb


@pytest.mark.parametrize("verb", ["plan", "apply", "status", "history", "start"])
def test_an_error_is_words_and_a_remedy_not_a_traceback(verb, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["teleport-okta", verb, "-c", str(tmp_path / "none.toml")])
    with pytest.raises(SystemExit) as exit_:
        main()
    printed = capsys.readouterr()
    assert exit_.value.code == 1
    assert printed.err.startswith("error: ")
    assert "  try: " in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""


def test_wrong_usage_is_exit_code_2(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["teleport-okta", "plan", "--nonsense"])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "--nonsense" in capsys.readouterr().err


@pytest.mark.parametrize("digest", ["", "nonsense", "0123456789abcdeX"])
def test_a_plan_that_is_no_digest_is_wrong_usage_and_applies_nothing(digest, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["teleport-okta", "apply", "--plan", digest])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "no digest" in capsys.readouterr().err
