"""Two processes of one owner: one writes, the other stands by."""

from __future__ import annotations

import signal

import pytest
from processes import PATIENCE
from teleport_okta.teleport.lease import LIFE
from waiting import eventually


@pytest.fixture
def pair(installation):
    """Two installations on different data directories, and their services."""
    second = installation.changed()
    services = [installation.start()]
    eventually(lambda: installation.run("status", "--live").returncode == 0, "the first one runs")
    eventually(lambda: installation.json("status")["last_success"], "the first one has passed")
    services.append(second.start())
    eventually(lambda: second.run("status", "--live").returncode == 0, "the second one runs")
    yield installation, second, services
    for service in services:
        if service.poll() is None:
            service.kill()
        service.wait(PATIENCE)


def state(installation):
    return installation.json("status")["state"]


def test_the_second_process_stands_by_says_so_and_takes_over_within_seconds(pair, teleport):
    first, second, services = pair
    eventually(lambda: state(second) == "standby", "the second one stands by")
    assert "another process writes" in second.run("status").stdout
    assert f"process {services[0].pid}" in second.run("status").stdout
    refused = second.run("apply")
    assert refused.returncode == 1
    assert f"process {services[0].pid}" in refused.stderr
    assert second.json("plan")["changes"] == []

    services[0].send_signal(signal.SIGTERM)
    assert services[0].wait(PATIENCE) == 0
    eventually(lambda: state(second) != "standby", "the second one takes over", within=LIFE / 4)
    name = first.json("history", "--limit", "1")["entries"][0]["name"]
    teleport.control("DELETE", f"/users/{name}")
    eventually(lambda: second.json("history", "--limit", "1")["entries"], "the second one writes")


def test_a_command_beside_a_service_of_another_data_directory_does_not_write(installation):
    service = installation.start()
    eventually(lambda: installation.run("status", "--live").returncode == 0, "it runs")
    eventually(lambda: installation.json("status")["last_success"], "it has passed")

    refused = installation.changed().run("apply")

    assert refused.returncode == 1
    assert "another process writes" in refused.stderr
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0
    assert installation.changed().json("apply")["succeeded"]


def test_a_process_that_was_killed_is_succeeded_at_once_on_its_own_data_directory(pair):
    first, _, services = pair
    services[0].kill()
    services[0].wait(PATIENCE)

    services.append(first.start())

    eventually(lambda: first.run("status", "--live").returncode == 0, "it runs again")
    eventually(lambda: state(first) in {"idle", "running"}, "it writes again", within=LIFE / 4)


def test_a_service_that_waits_for_its_cluster_ends_when_it_is_told_to(installation, teleport):
    assert installation.json("apply")["succeeded"]
    teleport.stop()
    installation.hurry = 10
    service = installation.start()
    eventually(lambda: "waiting for Teleport" in installation.log, "it waits")

    service.send_signal(signal.SIGTERM)

    assert service.wait(PATIENCE) == 0
