"""Requests are counted, for `status` and for Prometheus."""

from __future__ import annotations

import pytest
from teleport_okta.listeners.bind import BoundAddress
from teleport_okta.observe.metrics import Metrics
from teleport_okta.scim.traffic import LATELY, Traffic
from unit.scim.scim_client import AUTHORISED, scim_world, settings

WRONG = {"Authorization": "Bearer " + "00" * 32}


@pytest.fixture
async def world(tmp_path):
    def observed_by(clock):
        return Traffic(Metrics(), clock=clock)

    async with scim_world(tmp_path, observed_by=observed_by) as world:
        yield world


async def door(world):
    return await world.observer.door(settings(), world.server, world.store.scim_users)


def value(world, name, **labels):
    return world.observer._metrics.registry.get_sample_value(name, labels)


async def test_a_request_with_a_good_token_is_the_last_request(world):
    assert (await door(world)).last_request is None
    await world.ask("GET", "/scim/v2/Users")
    await world.ask("GET", "/scim/v2/nothing")
    shown = await door(world)
    assert shown.address == str(world.bound)
    assert shown.last_request == world.clock.now()
    assert shown.answers == {"2xx": 1, "4xx": 1}
    assert value(world, "teleport_okta_scim_requests_total", verb="list", endpoint="Users", status="200") == 1
    assert value(world, "teleport_okta_scim_requests_total", verb="other", endpoint="other", status="404") == 1
    assert value(world, "teleport_okta_scim_request_seconds_count", verb="list", endpoint="Users") == 1


async def test_requests_without_a_good_token_are_failures_for_an_hour_and_never_the_last_request(world):
    for headers in (WRONG, {}):
        await world.ask("GET", "/scim/v2/Users", headers=headers)
    shown = await door(world)
    assert (shown.failures, shown.last_request) == (2, None)
    assert value(world, "teleport_okta_scim_auth_failures_total") == 2
    world.clock.advance(LATELY + 1)
    assert (await door(world)).failures == 0
    assert value(world, "teleport_okta_scim_auth_failures_total") == 2


async def test_a_blocked_address_goes_on_failing(world):
    for _ in range(12):
        await world.ask("GET", "/scim/v2/Users", headers=WRONG)
    await world.ask("GET", "/scim/v2/Users", headers=AUTHORISED)
    assert (await door(world)).failures == 12


async def test_an_endpoint_that_does_not_listen_has_a_reason(world):
    await world.revoke()
    await world.until(lambda: world.server.bound is None)
    shown = await door(world)
    assert shown.address == ""
    assert "scim-token new" in shown.reason


def test_an_address_is_shown_as_a_url():
    assert str(BoundAddress("::1", 8443, is_tls=True)) == "https://[::1]:8443"
