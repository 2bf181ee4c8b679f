"""The notifications to systemd, on real sockets."""

import asyncio
import os
import socket
import uuid
from contextlib import suppress

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.observe.systemd import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path):
    """A socket as systemd has it, and how it is named in the environment."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@teleport-okta-{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        listening.setblocking(False)
        yield listening, name


def told(listening):
    """Return everything that has been told since, one text a datagram."""
    texts = []
    while True:
        try:
            texts.append(listening.recv(4096).decode())
        except BlockingIOError:
            return texts


def test_a_service_reports_its_state(systemd):
    listening, name = systemd
    manager = ServiceManager({"NOTIFY_SOCKET": name})
    manager.status("waits for\nthe cluster")
    manager.ready()
    manager.stopping()
    assert told(listening) == ["STATUS=waits for the cluster", "READY=1", "STOPPING=1"]


def test_a_reload_reports_its_start_and_its_end(systemd):
    listening, name = systemd
    manager = ServiceManager({"NOTIFY_SOCKET": name})
    manager.ready()
    told(listening)
    with suppress(ValueError), manager.reload():
        raise ValueError("the settings cannot be used")
    begun, over = told(listening)
    state, began = begun.split("\n")
    assert (state, over) == ("RELOADING=1", "READY=1")
    assert began.removeprefix("MONOTONIC_USEC=").isdecimal()


def test_a_reload_before_the_service_is_ready_does_not_report_ready(systemd):
    listening, name = systemd
    with ServiceManager({"NOTIFY_SOCKET": name}).reload():
        pass
    assert told(listening) == []


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_systemd_nothing_is_sent(environment):
    manager = ServiceManager({**environment, "WATCHDOG_USEC": "1000000"})
    manager.ready()
    assert manager.watchdog_interval is None


def test_a_missing_socket_raises_nothing(tmp_path):
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()


async def signs_of_life(environment, seconds):
    """Return at which moments signs of life are given, in virtual seconds."""
    clock, moments = VirtualClock(), []
    manager = ServiceManager(environment)
    manager.alive = lambda: moments.append(clock.monotonic())
    keeping = asyncio.ensure_future(manager.keep_alive(clock))
    while clock.monotonic() < seconds and not keeping.done():
        await asyncio.sleep(0)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    return moments


async def test_the_watchdog_is_notified_twice_per_interval(systemd):
    environment = {"NOTIFY_SOCKET": systemd[1], "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}
    assert (await signs_of_life(environment, 90))[:4] == [0, 30, 60, 90]


@pytest.mark.parametrize("more", [{"WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}])
async def test_without_a_watchdog_of_this_process_nothing_is_sent(systemd, more):
    environment = {"NOTIFY_SOCKET": systemd[1], "WATCHDOG_USEC": "60000000", **more}
    assert await signs_of_life(environment, 90) == []


async def test_the_notification_of_the_watchdog_reaches_systemd(systemd):
    listening, name = systemd
    keeping = asyncio.ensure_future(
        ServiceManager({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "60000000"}).keep_alive(VirtualClock())
    )
    await asyncio.sleep(0)
    keeping.cancel()
    assert told(listening)[0] == "WATCHDOG=1"
