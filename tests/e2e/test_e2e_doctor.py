"""The command `doctor` as people run it: beside a running service, which does not notice, on good days and bad."""

from __future__ import annotations

import json
import signal

import pytest
from processes import PATIENCE
from waiting import eventually


@pytest.fixture
def service(installation):
    process = installation.start()
    eventually(lambda: installation.run("status", "--live").returncode == 0, "the service runs")
    eventually(lambda: installation.json("status")["last_success"], "it has passed")
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def examined(installation, *, mode=0o600):
    """The exit code, the worst severity, and the checks that are worse than a note."""
    installation.config.chmod(mode)
    result = installation.run("doctor", "--format", "json")
    assert result.stderr == ""
    shown = json.loads(result.stdout)
    bad = {row["check"] for row in shown["findings"] if row["severity"] in {"warning", "error"}}
    return result.returncode, shown["worst"], bad


def test_before_the_first_start_it_says_so_and_leaves_no_trace(installation):
    assert examined(installation) == (0, "note", set())
    assert "not joined yet: the first start joins" in installation.run("doctor").stdout
    assert not (installation.directory / "data").exists()


def test_beside_a_service_the_exit_code_is_that_of_the_worst(installation, okta, service):
    assert examined(installation) == (0, "note", set())
    assert "a service runs: " in installation.run("doctor").stdout

    assert examined(installation, mode=0o644) == (1, "warning", {"okta.api_token", "teleport.join_token"})

    okta.control("POST", "/tokens/revoke", {})
    text = installation.run("doctor")
    assert text.returncode == 2
    assert "ERROR    credential" in text.stdout
    assert "  try: it was revoked" in text.stdout
    assert okta.line["ssws_token"] not in text.stdout
    assert service.poll() is None
