"""The service as systemd runs it: what it tells of itself, from its start to its end."""

import signal
import socket

import pytest
from processes import PATIENCE


@pytest.fixture
def systemd(tmp_path):
    """A notification socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE)
        yield listening


def told_until(systemd, last):
    """Return what is told, up to a state."""
    texts = [""]
    while texts[-1].split("\n")[0] != last:
        texts.append(systemd.recv(4096).decode())
    return texts[1:]


def test_a_service_is_ready_once_it_answers_and_tells_of_its_reloads_and_its_end(installation, systemd):
    service = installation.start_as_people_do(NOTIFY_SOCKET=systemd.getsockname(), WATCHDOG_USEC="600000000")
    try:
        before = told_until(systemd, "READY=1")
        assert before[0].startswith("STATUS=connecting to Teleport at 127.0.0.1:")
        assert "WATCHDOG=1" in before
        assert installation.run("status", "--live").returncode == 0

        service.send_signal(signal.SIGHUP)
        told_until(systemd, "RELOADING=1")
        told_until(systemd, "READY=1")

        service.send_signal(signal.SIGTERM)
        told_until(systemd, "STOPPING=1")
        assert service.wait(PATIENCE) == 0
    finally:
        service.kill()
        service.wait(PATIENCE)


def test_a_service_that_waits_for_the_cluster_is_not_ready(installation, systemd, monkeypatch):
    installation.run("plan", "--join")
    waiting = installation.changed(teleport={"addr": "127.0.0.1:1"}, storage=installation.sections["storage"])
    monkeypatch.setenv("NOTIFY_SOCKET", systemd.getsockname())
    service = waiting.start()
    try:
        assert told_until(systemd, "STATUS=connecting to Teleport at 127.0.0.1:1")
        service.send_signal(signal.SIGTERM)
        assert "READY=1" not in told_until(systemd, "STOPPING=1")
        assert service.wait(PATIENCE) == 0
    finally:
        service.kill()
        service.wait(PATIENCE)
