"""The file that a command is given counts, also beside a service that works by other settings; SIGHUP takes it over."""

from __future__ import annotations

import json
import signal

import pytest
from processes import PATIENCE
from waiting import eventually


@pytest.fixture
def running(installation):
    """A service that has passed, whose log is a file."""
    installation.hurry = 10
    installation.sections["sync"]["interval"] = "1h"
    installation.sections["log"] = {"output": str(installation.directory / "log"), "format": "json"}
    service = installation.start()
    eventually((installation.directory / "data" / "admin.sock").is_socket, "the admin socket")
    eventually(lambda: installation.json("status")["last_success"], "a first pass")
    yield installation, service
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0


def log_of(installation, name="log"):
    path = installation.directory / name
    return [json.loads(line)["message"] for line in path.read_text().splitlines()] if path.exists() else []


def said(installation, words):
    return lambda: any(words in message for message in log_of(installation))


def test_a_plan_is_of_the_file_and_apply_asks_whose_settings_count(running):
    installation, _ = running
    installation.sections["log"]["severity"] = "debug"
    assert installation.run("plan").stderr == ""
    installation.sections["sync"]["default_roles"] = ["access"]
    planned = installation.run("plan", "--format", "json")
    assert "other settings: sync.default_roles; the file's are used" in planned.stderr
    assert {change["action"] for change in json.loads(planned.stdout)["changes"]} == {"update"}
    assert len(json.loads(planned.stdout)["changes"]) == 30
    by_service = installation.run("plan", "--settings", "service", "--format", "json")
    assert "the service's are used" in by_service.stderr
    assert json.loads(by_service.stdout)["changes"] == []

    refused = installation.run("apply", "--yes")
    assert refused.returncode == 1
    assert "sync.default_roles" in refused.stderr
    assert "--settings file" in refused.stderr
    assert installation.json("apply", "--settings", "service")["outcomes"] == []
    applied = installation.json("apply", "--settings", "file")
    assert len(applied["outcomes"]) == 30
    assert installation.run("plan").stderr == ""

    installation.sections["plugin"] = {"interval": "20s"}
    refused = installation.run("apply", "--settings", "file")
    assert (refused.returncode, "plugin.interval" in refused.stderr, "restart" in refused.stderr) == (1, True, True)


def test_filters_are_of_the_file(running):
    installation, _ = running
    installation.sections["sync"]["apps_and_groups"] = True
    found = installation.run("filters", "--live")
    assert found.returncode == 0, found.stderr
    assert "other settings: sync.apps_and_groups" in found.stderr
    refused = installation.run("filters", "--live", "--settings", "service")
    assert (refused.returncode, "apps_and_groups is false" in refused.stderr) == (1, True)


def test_sighup_takes_over_what_can_be_and_opens_the_log_anew_and_never_kills(running):
    installation, service = running
    log = installation.directory / "log"
    log.rename(log.with_name("log.1"))
    installation.sections["sync"]["default_roles"] = ["access"]
    installation.sections["metrics"] = {"listen": "127.0.0.1:9999"}
    assert installation.config
    service.send_signal(signal.SIGHUP)
    eventually(said(installation, "changed: sync.default_roles"), "the settings are taken over")
    eventually(said(installation, "need a restart of the service: metrics.listen"), "the rest is named")
    eventually(lambda: len(installation.json("history", "--limit", "100")["entries"]) == 60, "users have the role")
    entries = installation.json("history", "--limit", "100")["entries"]
    assert {entry["action"]: entry["trigger"] for entry in entries} == {"create": "start", "update": "settings"}

    installation.config.write_text("[okta\n")
    service.send_signal(signal.SIGHUP)
    eventually(said(installation, "the settings stay as they are"), "the broken file is refused")
    installation.sections["okta"]["api_token"] = "/nowhere/token"
    assert installation.config
    service.send_signal(signal.SIGHUP)
    eventually(said(installation, "/nowhere/token"), "a secret that cannot be read is refused")
    assert service.poll() is None
    assert installation.run("status", "--live").returncode in {0, 1}


def test_sighup_before_it_is_connected_does_not_end_it(installation, teleport):
    assert installation.json("apply")["succeeded"]
    teleport.stop()
    installation.hurry = 10
    service = installation.start()
    eventually(lambda: "waiting for Teleport" in installation.log, "it waits")
    for _ in range(3):
        service.send_signal(signal.SIGHUP)
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0
    assert "stopped" in installation.log


@pytest.mark.parametrize("output", ["stderr", "file"])
def test_an_error_that_ends_the_service_is_in_the_log_in_its_format(installation, output):
    log = installation.directory / "log"
    installation.sections["log"] = {"output": str(log) if output == "file" else "stderr", "format": "json"}
    installation.sections["teleport"]["join_token"] = "wrong"
    result = installation.run("start")
    assert result.returncode == 1
    lines = (log.read_text() if output == "file" else result.stderr).splitlines()
    last = json.loads(lines[-1])
    assert (last["severity"], "the token is wrong" in last["message"]) == ("CRITICAL", True)
    assert ("error: " in result.stderr) is (output == "file")
