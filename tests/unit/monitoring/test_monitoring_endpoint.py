"""The monitoring endpoint, over real connections."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from teleport_okta.clock import SystemClock, VirtualClock
from teleport_okta.errors import ConfigError
from teleport_okta.listeners.limits import ConnectionLimits
from teleport_okta.monitoring.endpoint import serving_monitoring
from teleport_okta.observe.health import Component, Health
from teleport_okta.observe.metrics import Metrics

PART = b"GET /livez HTTP/1.1\r\nHost: x\r\nA: "

READY = Component("teleport", is_ready=True)


class World:
    """The endpoint of a process, and a client of it."""

    def __init__(self, bound, metrics, health, http, clock):
        self.bound, self.metrics, self.health, self.http, self.clock = bound, metrics, health, http, clock

    async def ask(self, path, method="GET", **options):
        async with self.http.request(method, f"{self.bound}{path}", **options) as response:
            return response.status, response.headers, await response.text()

    async def connect(self):
        return await asyncio.open_connection(self.bound.host, self.bound.port)


@asynccontextmanager
async def monitored(**limits):
    metrics, health, clock = Metrics(), Health(), VirtualClock()
    metrics.follow_health(health.components)
    serving = serving_monitoring(
        "127.0.0.1:0",
        metrics.registry,
        health,
        clock=clock,
        limits=ConnectionLimits(**{"linger": 0.05, "drain": 0.2, **limits}),
    )
    async with serving as bound, aiohttp.ClientSession() as http:
        yield World(bound, metrics, health, http, clock)


async def test_a_process_that_has_not_reached_the_cluster_is_alive_and_not_ready():
    async with monitored() as world:
        assert (await world.ask("/livez"))[::2] == (200, "alive\n")
        status, headers, text = await world.ask("/readyz")
        assert (status, headers["Content-Type"]) == (503, "application/json; charset=utf-8")
        assert json.loads(text) == {
            "ready": False,
            "components": {"teleport": {"ready": False, "reason": "the cluster was not reached yet"}},
        }
        assert 'teleport_okta_ready{component="teleport"} 0.0' in (await world.ask("/metrics"))[2]


async def test_it_is_ready_while_each_component_is():
    async with monitored() as world:
        world.health.follow(lambda: (READY, Component("passes", is_ready=True, reason="idle")))
        assert (await world.ask("/readyz"))[0] == 200
        world.health.follow(lambda: (READY, Component("passes", is_ready=False, reason="Okta is down")))
        status, _, text = await world.ask("/readyz")
        assert (status, json.loads(text)["components"]["passes"]["reason"]) == (503, "Okta is down")
        assert (await world.ask("/livez"))[0] == 200


async def test_metrics_have_the_format_that_the_client_accepts():
    async with monitored() as world:
        _, headers, text = await world.ask("/metrics")
        assert headers["Content-Type"].startswith("text/plain; version=")
        assert "\nteleport_okta_build_info{" in text
        openmetrics = {"Accept": "application/openmetrics-text; version=1.0.0"}
        _, headers, text = await world.ask("/metrics", headers=openmetrics)
        assert headers["Content-Type"].startswith("application/openmetrics-text")
        assert text.endswith("# EOF\n")


async def test_metrics_are_rendered_once_a_second_however_often_they_are_scraped():
    looks = []

    def look():
        looks.append(READY)
        return (READY,)

    async with monitored() as world:
        world.health.follow(look)
        for _ in range(20):
            assert 'teleport_okta_ready{component="teleport"} 1.0' in (await world.ask("/metrics"))[2]
        assert len(looks) == 1
        world.clock.advance(1)
        await world.ask("/metrics")
        assert len(looks) == 2


@pytest.mark.parametrize(
    "accept", ["text/plain; version=x", "application/openmetrics-text; version=y; escaping=z", ";;,=", "x" * 4000]
)
async def test_every_accept_header_gets_an_answer(accept, caplog):
    async with monitored() as world:
        assert (await world.ask("/metrics", headers={"Accept": accept}))[0] == 200
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


@pytest.mark.parametrize("path", ["/", "/metrics/", "/livez/x", "/admin", "/..%2fmetrics"])
async def test_other_addresses_answer_404(path):
    async with monitored() as world:
        assert (await world.ask(path))[0] == 404


async def test_other_methods_are_refused():
    async with monitored() as world:
        assert (await world.ask("/readyz", "HEAD"))[::2] == (503, "")
        status, headers, _ = await world.ask("/metrics", "POST", data=b"x" * 5_000_000)
        assert (status, headers["Allow"]) == (405, "GET, HEAD")


async def test_a_collector_that_fails_is_500_and_in_the_log(caplog):
    async with monitored() as world:
        world.health.follow(lambda: 1 / 0)
        for path in ("/readyz", "/metrics"):
            status, _, text = await world.ask(path)
            assert (status, "division" in text) == (500, False)
        assert (await world.ask("/livez"))[0] == 200
    assert caplog.text.count("ZeroDivisionError") == 2


@pytest.mark.parametrize("sent", [b"", PART[:20], PART + b"b" * 999])
async def test_a_hundred_clients_without_a_whole_request_do_not_block_a_probe(sent):
    async with monitored(connections=8) as world:
        silent = []
        for _ in range(100):
            silent.append(await world.connect())
            silent[-1][1].write(sent)
        async with asyncio.timeout(10):
            for path in ("/livez", "/metrics", "/livez"):
                assert (await world.ask(path, headers={"Connection": "close"}))[0] == 200
            closed = [await reader.read() for reader, _ in silent[:50]]
        assert set(closed) == {b""}
        for _, writer in silent:
            writer.close()


async def test_a_header_that_arrives_slowly_ends_with_the_time_limit():
    async with monitored(idle=0.2) as world:
        reader, writer = await world.connect()

        async def drip():
            writer.write(PART)
            while True:
                writer.write(b"b")
                await asyncio.sleep(0.02)

        dripping = asyncio.ensure_future(drip())
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        dripping.cancel()
        writer.close()


async def test_malformed_http_is_refused(caplog):
    async with monitored() as world:
        for raw, status in (
            (b"\x16\x03\x01 TLS\r\n\r\n", b"400"),
            (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b"431"),
        ):
            reader, writer = await world.connect()
            writer.write(raw)
            assert (await reader.read()).split()[1] == status
            writer.close()
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


async def test_an_address_that_is_taken_is_named():
    async with monitored() as world:
        taken = f"127.0.0.1:{world.bound.port}"
        with pytest.raises(ConfigError) as refused:
            async with serving_monitoring(taken, Metrics().registry, Health(), clock=SystemClock()):
                pass
    assert refused.value.what == f"metrics.listen: cannot listen at {taken}: Address already in use"
    assert "a second service" in refused.value.remedy


async def test_an_address_of_another_machine_is_refused_with_the_reason():
    with pytest.raises(ConfigError, match=r"cannot listen at .*: Cannot assign requested address") as refused:
        async with serving_monitoring("192.0.2.1:0", Metrics().registry, Health(), clock=SystemClock()):
            pass
    assert refused.value.remedy == "choose another address or port"


async def test_without_an_address_there_is_no_listener():
    async with serving_monitoring(None, Metrics().registry, Health(), clock=SystemClock()) as bound:
        assert bound is None
