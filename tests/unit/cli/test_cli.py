"""The command line without a service: output and errors. tests/e2e shows what verbs do."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest
from click.testing import CliRunner
from teleport_okta import __version__
from teleport_okta.cli.root import cli, main, sudo_command
from teleport_okta.cli.verbs import VERBS
from teleport_okta.config_example import example


def run(*arguments):
    return CliRunner().invoke(cli, arguments)


def test_configure_prints_the_example():
    result = run("configure")
    assert result.output == example()
    assert tomllib.loads(result.output)["okta"]


def test_version_names_product_and_python():
    line = rf"teleport-okta v{re.escape(__version__)} git:([0-9a-f]{{7,12}}|unknown) python3\.\d+\.\d+\n"
    assert re.fullmatch(line, run("version").output)
    assert run("--version").output == run("version").output


def test_every_verb_has_help():
    for verb in VERBS:
        result = run(verb, "--help")
        assert result.exit_code == 0, verb
        assert len(result.output.splitlines()) > 3, verb


@pytest.mark.parametrize("verb", ["plan", "apply", "status", "history", "start"])
def test_an_error_is_shown_with_a_remedy_and_without_a_traceback(verb, tmp_path, capsys, monkeypatch):
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
def test_an_invalid_digest_is_wrong_usage_and_applies_nothing(digest, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["teleport-okta", "apply", "--plan", digest])
    with pytest.raises(SystemExit) as exit_:
        main()
    assert exit_.value.code == 2
    assert "not a digest" in capsys.readouterr().err


def file_asked_for(*words, **environment):
    """The configuration file that `plan` looks for, as its error names it."""
    result = CliRunner(env=environment).invoke(cli, words)
    return str(result.exception).partition(":")[0]


def test_the_configuration_file_is_named_after_the_verb_before_it_or_by_the_environment(tmp_path, monkeypatch):
    one, other, third = (str(tmp_path / name) for name in ("one", "other", "third"))
    assert file_asked_for("plan", "--config", one) == one
    assert file_asked_for("--config", one, "plan") == one
    assert file_asked_for("-c", one, "plan", "-c", other) == other
    assert file_asked_for("plan", TELEPORT_OKTA_CONFIG=third) == third
    assert file_asked_for("-c", one, "plan", TELEPORT_OKTA_CONFIG=third) == one
    assert file_asked_for("plan", "-c", one, TELEPORT_OKTA_CONFIG=third) == one
    assert file_asked_for("-c", one, "scim-token", "list") == one
    monkeypatch.setattr("teleport_okta.cli.options.DEFAULT_PATH", tmp_path / "default")
    assert file_asked_for("history") == str(tmp_path / "default")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_a_completion(shell, capsys, monkeypatch):
    monkeypatch.setenv("_TELEPORT_OKTA_COMPLETE", f"{shell}_source")
    monkeypatch.setattr(sys, "argv", ["teleport-okta"])
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)
    with pytest.raises(SystemExit):
        main()
    assert "teleport-okta" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied", "/x/y"), ("/x/y: Permission denied", "service's user")),
        (OSError(28, "No space left on device", "/x/y"), ("/x/y: No space left", "free some space")),
        (OSError(5, "Input/output error"), ("Input/output error", "doctor")),
    ],
)
def test_an_error_of_the_operating_system_ends_in_words(error, words, tmp_path, capsys, monkeypatch):
    def refuse(*_):
        raise error

    monkeypatch.setattr("teleport_okta.cli.status.load", refuse)
    monkeypatch.setattr(sys, "argv", ["teleport-okta", "status"])
    with pytest.raises(SystemExit) as exit_:
        main()
    printed = capsys.readouterr().err
    assert exit_.value.code == 1
    assert "Traceback" not in printed
    assert all(word in printed for word in words)


def test_the_command_for_another_user_keeps_the_environment_that_chooses_the_configuration():
    environment = {"HOME": "/root", "TELEPORT_OKTA_CONFIG": "/x.toml", "TELEPORT_OKTA__OKTA__API_TOKEN": "00secret"}
    assert sudo_command("okta", ["release", "a b"], {"HOME": "/root"}) == "sudo -u okta teleport-okta release 'a b'"
    assert sudo_command("okta", ["apply"], environment) == (
        "sudo -u okta --preserve-env=TELEPORT_OKTA_CONFIG,TELEPORT_OKTA__OKTA__API_TOKEN teleport-okta apply"
    )
