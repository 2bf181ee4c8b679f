"""Where the log of a command goes that writes lines of its own."""

from __future__ import annotations

import logging

import pytest
from teleport_okta.service.process import set_up_logs
from teleport_okta.settings import Settings


@pytest.fixture(autouse=True)
def logging_as_before():
    root, ours = logging.getLogger(), logging.getLogger("teleport_okta")
    before = list(root.handlers), root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def severity_of(**log):
    settings = Settings.model_validate(
        {
            "teleport": {"addr": "teleport.example.com:443", "join_token": "secret"},
            "okta": {"org_url": "https://example.okta.com", "api_token": "secret", "app_id": "0oaAPP"},
            "log": log,
        }
    )
    set_up_logs(settings, among_output=True)
    return logging.getLogger("teleport_okta").level


@pytest.mark.parametrize(
    ("log", "level"),
    [
        ({"output": "stderr"}, logging.WARNING),
        ({"output": "stdout", "severity": "debug"}, logging.WARNING),
        ({"output": "stderr", "severity": "error"}, logging.ERROR),
    ],
)
def test_among_the_lines_of_a_command_only_warnings_and_errors_are_logged(log, level):
    assert severity_of(**log) == level


def test_a_log_file_gets_everything(tmp_path):
    assert severity_of(output=str(tmp_path / "log"), severity="info") == logging.INFO
