"""How findings are shown, and the exit code that they make."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from teleport_okta.cli import doctor as verb
from teleport_okta.cli.root import cli
from teleport_okta.doctor.findings import Section

OK = Section.CONFIGURATION.ok("file", "every key is valid")
NOTE = Section.OKTA.note("credential", "an API token", "use a service app")
WARNING = Section.OKTA.warning("clock", "60 s behind\x1b[31m", "set it right")
ERROR = Section.TELEPORT.error("reachability", "nobody is there", "check teleport.addr")


@pytest.fixture(autouse=True)
def the_log_of_this_process_stays(monkeypatch):
    monkeypatch.setattr(verb.logs, "set_up", lambda **_: None)


@pytest.fixture
def run(monkeypatch):
    def invoke(findings, *arguments):
        async def examined(*_, **__):
            return tuple(findings)

        monkeypatch.setattr(verb, "examine", examined)
        return CliRunner().invoke(cli, ["doctor", *arguments], standalone_mode=False)

    return invoke


@pytest.mark.parametrize(
    ("findings", "code"), [([OK], 0), ([OK, NOTE], 0), ([NOTE, WARNING], 1), ([ERROR, WARNING], 2)]
)
def test_the_exit_code_is_that_of_the_worst(run, findings, code):
    assert run(findings).return_value == code


def test_text_is_grouped_aligned_and_safe(run):
    assert run([OK, NOTE, WARNING, ERROR]).output.splitlines() == [
        "configuration",
        "ok       file  every key is valid",
        "",
        "Okta",
        "note     credential  an API token",
        "  try: use a service app",
        "warning  clock       60 s behind\\x1b[31m",
        "  try: set it right",
        "",
        "Teleport",
        "ERROR    reachability  nobody is there",
        "  try: check teleport.addr",
        "",
        "4 findings: 1 error, 1 warning, 1 note; something is broken",
    ]


def test_problems_are_shown_without_ok_and_notes(run):
    assert run([OK, NOTE, WARNING, ERROR], "--problems").output.splitlines() == [
        "Okta",
        "warning  clock  60 s behind\\x1b[31m",
        "  try: set it right",
        "",
        "Teleport",
        "ERROR    reachability  nobody is there",
        "  try: check teleport.addr",
        "",
        "4 findings: 1 error, 1 warning, 1 note; something is broken",
    ]
    assert run([OK, NOTE], "--problems").output.startswith("2 findings: 0 errors")
    found = json.loads(run([OK, ERROR], "--problems", "--format", "json").output)
    assert ([one["check"] for one in found["findings"]], found["worst"]) == (["reachability"], "error")


def test_json_has_every_finding_and_the_worst(run):
    shown = json.loads(run([OK, WARNING], "--format", "json").output)
    assert shown["worst"] == "warning"
    assert shown["findings"][1] == {
        "section": "Okta",
        "check": "clock",
        "severity": "warning",
        "what": "60 s behind\x1b[31m",
        "remedy": "set it right",
    }


def test_a_missing_configuration_is_a_finding_and_no_traceback(tmp_path):
    result = CliRunner().invoke(cli, ["doctor", "-c", str(tmp_path / "none.toml")], standalone_mode=False)
    assert result.return_value == 2
    assert "ERROR    file" in result.output
    assert "teleport-okta configure" in result.output
    assert "not checked, because the configuration cannot be read" in result.output
