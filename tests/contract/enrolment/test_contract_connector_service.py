"""The running service keeps the connector of its app right, by a clock that the test moves."""

from __future__ import annotations

import asyncio
import copy
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from contract.enrolment.enrolment_world import CONNECTOR, built_enrolment_world, but_metadata, holds_present_key
from stepping_clock import SteppingClock
from teleport_okta import app
from teleport_okta.background_tasks import in_background
from teleport_okta.config import parse
from teleport_okta.sandbox.okta.faults import FaultKind
from teleport_okta.service.service import Service

DAY = 86_400


class Running:
    """A service in a process of its own."""

    def __init__(self, world, directory):
        sections = copy.deepcopy(world.sections)
        del sections["sync"]
        sections |= {"plugin": {"name": "okta"}, "storage": {"data_dir": str(directory)}}
        self._settings = parse(sections)
        self._clock = world.clock
        self._process = AsyncExitStack()

    async def start(self):
        base = await self._process.enter_async_context(
            app.opened_base(self._settings, clock=self._clock, persistent=True)
        )
        self.service = Service(self._settings, base)
        await self._process.enter_async_context(in_background(self._clock, *base.background_tasks, self.service.report))
        self._running = asyncio.ensure_future(self.service.run())

    async def stop(self):
        self.service.stop()
        await self._clock.until(self._running.done, "the service stops")
        await self._running
        await self._process.aclose()

    async def warnings(self):
        return (await self.service.status()).managed.warnings

    async def passed(self):
        """Whether a full pass is through."""
        return (await self.service.status()).last_pass is not None


@pytest.fixture
async def enrolled(tmp_path):
    clock = SteppingClock(datetime.now(UTC))
    async with built_enrolment_world(tmp_path, clock=clock) as world:
        enrolling = asyncio.ensure_future(world.enrol(sync_apps_and_groups=False))
        await clock.until(enrolling.done, "the enrolment")
        await enrolling
        await world.process.aclose()
        mappings = [{"name": "groups", "value": "Engineers", "roles": ["access"]}]
        await world.teleport.administrator.connectors.edit(CONNECTOR, attributes_to_roles=mappings)
        world.mark()
        yield world


@pytest.fixture
async def service(enrolled, tmp_path):
    running = Running(enrolled, tmp_path / "service")
    await running.start()
    await enrolled.clock.until(running.passed, "the first pass")
    yield running
    await running.stop()


async def test_a_rotated_key_is_in_the_connector_within_seconds(enrolled, service):
    world, before = enrolled, but_metadata(enrolled.connectors[CONNECTOR])
    assert world.teleport.calls.of("UpdateSAMLConnector") == 0
    mark, began = world.okta.log.mark(), world.clock.monotonic()
    world.okta.rotate_signing_key(world.app.id)
    await world.clock.until(lambda: holds_present_key(world), "the connector has the new key")
    assert "app.keys.rotate" in {event["eventType"] for event in world.okta.log.since(mark)}
    assert world.clock.monotonic() - began < 30
    assert but_metadata(world.connectors[CONNECTOR]) == before
    assert world.teleport.calls.of("UpdateSAMLConnector") == 1
    assert await service.warnings() == ()
    assert not world.okta.calls.unknown


async def test_a_rotation_while_the_metadata_is_unavailable_is_reported_and_taken_over_within_minutes(
    enrolled, service
):
    world = enrolled
    world.okta.fail(FaultKind.UNAVAILABLE, path="*/sso/saml/metadata")
    world.okta.rotate_signing_key(world.app.id)
    [warning] = await world.clock.until(service.warnings, "it is told")
    assert "could not be compared with its app" in warning
    assert not holds_present_key(world)
    world.okta.recover()
    began = world.clock.monotonic()
    await world.clock.until(lambda: holds_present_key(world), "the connector has the new key")
    assert world.clock.monotonic() - began < 600

    async def is_quiet():
        return await service.warnings() == ()

    await world.clock.until(is_quiet, "the warning goes")


@pytest.mark.parametrize(("expires_in", "says"), [(-DAY, "expired on"), (3 * DAY, "expires on")])
async def test_a_certificate_that_ends_is_in_the_status(enrolled, tmp_path, expires_in, says):
    enrolled.okta.set_certificate_dates(enrolled.app.id, expires_in=expires_in)
    running = Running(enrolled, tmp_path / "service")
    await running.start()
    began = enrolled.clock.monotonic()
    [warning] = await enrolled.clock.until(running.warnings, "it is told")
    assert f"SAML connector 'okta-integration' {says}" in warning
    assert enrolled.clock.monotonic() - began < 60
    await running.stop()


async def test_a_key_that_was_rotated_while_nothing_ran_is_taken_over_at_the_start(enrolled, tmp_path):
    enrolled.okta.rotate_signing_key(enrolled.app.id)
    running = Running(enrolled, tmp_path / "service")
    await running.start()
    await enrolled.clock.until(lambda: holds_present_key(enrolled), "the connector has the new key")
    await running.stop()


async def test_a_standby_does_nothing_until_it_takes_over(enrolled, service, tmp_path):
    world = enrolled
    standby = Running(world, tmp_path / "standby")
    await standby.start()
    world.okta.rotate_signing_key(world.app.id)
    await world.clock.until(lambda: holds_present_key(world), "the connector has the new key")
    for _ in range(60):
        world.clock.advance(2)
        await asyncio.sleep(0.01)
    assert world.teleport.calls.of("UpdateSAMLConnector") == 1
    assert await standby.warnings() == ()

    world.okta.set_certificate_dates(world.app.id, expires_in=-DAY)
    await service.stop()
    service.stop = _nothing
    [warning] = await world.clock.until(standby.warnings, "the other one takes over")
    assert "expired on" in warning
    await standby.stop()


async def _nothing():
    """Stopped already."""
