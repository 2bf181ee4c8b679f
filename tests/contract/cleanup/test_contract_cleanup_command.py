"""`teleport-okta cleanup` as people run it: real processes, files and sockets."""

from __future__ import annotations

import json
import signal

import pytest
from processes import PATIENCE, Command, Sandbox, installation_of
from waiting import eventually

OWNER = "teleport-okta/owner"


@pytest.fixture
def okta(tmp_path):
    sandbox = Sandbox.started("okta", "--users", 30, "--dir", tmp_path / "okta")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def teleport(tmp_path):
    sandbox = Sandbox.started("teleport", "--no-lag", "--dir", tmp_path / "teleport")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def installation(tmp_path, okta, teleport):
    """An installation that has synced once."""
    installed = installation_of(tmp_path, okta, teleport, apps_and_groups=True, interval="30s")
    installed.hurry = 10  # a cleanup waits until a cluster shows what was written last
    assert installed.json("apply")["succeeded"]
    return installed


def owned(teleport):
    return [user for user in teleport.control("GET", "/users") if OWNER in user["Metadata"].get("Labels", {})]


def test_look_then_do_exactly_that(installation, teleport):
    looked = installation.run("cleanup")
    assert looked.returncode == 0, looked.stderr
    assert "30 users" in looked.stdout.splitlines()[0]
    assert "and 10 more users to delete; --all lists them" in looked.stdout
    assert "warning: 30 people lose access" in looked.stdout
    every = installation.run("cleanup", "--all").stdout
    assert every.count('- delete user "') == 30
    assert " more users" not in every
    refused = installation.run("cleanup", "--no-dry-run", "--plan", "0123456789abcdef")
    assert refused.returncode == 1
    assert "no preview of a cleanup with the digest 0123456789abcdef" in refused.stderr
    assert len(owned(teleport)) == 30
    command = looked.stdout.splitlines()[-1].partition(": teleport-okta cleanup ")[2].split()
    assert command[:2] == ["--config", str(installation.config)]
    done = installation.run("cleanup", *command[2:])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the locks of the removed users end at" in done.stdout
    assert not owned(teleport)
    again = installation.json("cleanup")
    assert (again["items"], again["blockers"], again["applied"]) == ([], [], False)
    assert {row["kind"] for row in again["kept"]} == {"role", "lock"}
    history = installation.json("history", "--limit", "1000")["entries"]
    assert {entry["who"] != "" for entry in history if entry["trigger"] == "cleanup"} == {True}


def test_refused_while_a_service_runs(installation, teleport):
    digest = installation.json("cleanup")["digest"]
    service = installation.start()
    try:
        eventually((installation.directory / "data" / "admin.sock").is_socket, "it runs")
        for arguments in ([], ["--no-dry-run", "--plan", digest]):
            refused = installation.run("cleanup", *arguments)
            assert refused.returncode == 1
            assert "the sync is active: a service runs on" in refused.stderr
            assert "try: stop it" in refused.stderr
        elsewhere = installation.changed()
        look = elsewhere.run("cleanup", "--join")
        assert look.returncode == 1
        assert f"process {service.pid}" in look.stdout
        assert "blocked: the sync is active: another process writes" in look.stdout
        assert len(owned(teleport)) == 30
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(PATIENCE)


def test_a_signal_ends_it_cleanly_and_the_same_command_continues(tmp_path, teleport):
    crowd = Sandbox.started("okta", "--users", 100, "--dir", tmp_path / "crowd")
    try:
        installation = installation_of(tmp_path, crowd, teleport)
        installation.hurry = 10
        assert installation.json("apply")["succeeded"]
        digest = installation.json("cleanup")["digest"]
        words = ("cleanup", "--config", installation.config, "--no-dry-run", "--plan", digest, "--format", "json")
        # So that a cleanup has a middle.
        teleport.control("POST", "/faults", {"method": "*/DeleteUser", "latency": 0.2})
        running = Command(*words, hurry=10)
        eventually(lambda: len(owned(teleport)) < 100, "somebody is gone")
        running.send_signal(signal.SIGINT)
        report = json.loads(running.output())
        assert running.returncode == 1
        results = [outcome["result"] for outcome in report["outcomes"]]
        assert set(results) == {"done", "skipped"}
        assert len(owned(teleport)) == sum(
            (one["kind"], one["result"]) == ("user", "skipped") for one in report["outcomes"]
        )
        teleport.control("DELETE", "/faults")
        assert installation.json("cleanup", "--no-dry-run", "--plan", digest)["left_nothing"]
        assert not owned(teleport)
    finally:
        crowd.stop()
