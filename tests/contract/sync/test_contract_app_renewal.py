"""App servers expire after an hour and are renewed before: when they are, and when they must not be."""

from __future__ import annotations

import logging

import grpc
import pytest
from contract.sync.office import TEN_MINUTES
from teleport_okta import app as process
from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name
from teleport_okta.sandbox.teleport.faults import Fault

MINUTE = 60
RENEWAL = "UpsertApplicationServer"


@pytest.fixture
async def apps(office):
    """A settled office with three apps."""
    for label in ("Figma", "Wiki", "Mail"):
        office.app(label)
    await office.settled()
    await office.live(TEN_MINUTES)
    return office


def lives(office):
    """The seconds until each app server expires."""
    now = office.world.clock.now().timestamp()
    return {name: server.Metadata.Expires.seconds - now for name, server in office.app_servers().items()}


async def test_an_app_server_lasts_an_hour_and_is_renewed_about_every_20_minutes(office):
    app = office.app("Figma")
    await office.world.run()
    made = lives(office)[app_server_name(app.id)]
    assert 3599 <= made <= 3600
    office.teleport.calls.reset()
    await office.live(16 * MINUTE)
    assert office.teleport.calls.of(RENEWAL) == 0
    await office.live(4 * MINUTE)
    assert office.teleport.calls.of(RENEWAL) == len(office.app_servers())
    assert min(lives(office).values()) > 40 * MINUTE


async def test_the_apps_of_a_sidecar_that_died_vanish_within_the_hour(apps):
    apps.world.clock.advance(60 * MINUTE)
    assert apps.app_servers() == {}


@pytest.mark.parametrize("minutes_before", [0, 18])
async def test_an_outage_of_39_minutes_loses_none_whenever_it_begins(apps, minutes_before):
    await apps.live(minutes_before * MINUTE)
    before = set(apps.app_servers())
    apps.teleport.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE))
    await apps.live(39 * MINUTE)
    apps.teleport.faults.clear()
    await apps.live(2 * MINUTE)
    assert set(apps.app_servers()) == before
    assert min(lives(apps).values()) > 40 * MINUTE


async def test_a_failed_renewal_is_logged_and_tried_again(apps, caplog):
    await apps.live(TEN_MINUTES)
    apps.teleport.faults.add(Fault(f"*/{RENEWAL}", grpc.StatusCode.PERMISSION_DENIED, count=1))
    with caplog.at_level(logging.WARNING):
        await apps.live(TEN_MINUTES)
    assert "the app servers could not be renewed" in caplog.text
    assert min(lives(apps).values()) > 40 * MINUTE


async def test_renewals_go_on_while_a_pass_reads_longer_than_an_app_server_lasts(apps):
    reads = apps.world.parts.okta.directory
    listing = reads.groups

    async def listed_slowly():
        await apps.live(150 * MINUTE)
        return await listing()

    reads.groups = listed_slowly
    before = set(apps.app_servers())
    report = await apps.world.run()
    assert report.succeeded
    assert not report.plan.changes
    assert set(apps.app_servers()) == before


async def test_one_that_a_pass_deleted_is_not_brought_back_by_a_renewal(apps):
    gone = apps.okta.app_labelled("Figma")
    apps.world.clock.advance(25 * MINUTE)
    servers = apps.world.parts.teleport.app_servers
    listing = servers.list

    async def listed_before_a_pass():
        servers.list = listing
        found = await listing()
        apps.world.clock.advance(1)
        apps.okta.deactivate_app(gone.id)
        assert (await apps.world.run()).succeeded
        return found

    servers.list = listed_before_a_pass
    await apps.live(30 * MINUTE)
    assert apps.server(gone) is None
    assert len(apps.app_servers()) == 3


async def test_a_standby_renews_nothing(apps, tmp_path):
    settings = apps.world.settings
    storage = settings.storage.model_copy(update={"data_dir": tmp_path / "other"})
    apps.world.clock.advance(25 * MINUTE)
    async with process.opened(settings.model_copy(update={"storage": storage}), clock=apps.world.clock) as other:
        assert (await other.full_pass.run(trigger="test")).succeeded
        before = lives(apps)
        apps.teleport.calls.reset()
        await apps.world.parts.background_tasks[-1].__self__.look()
        assert apps.teleport.calls.of(RENEWAL) == 0
        assert lives(apps) == before


async def test_nothing_of_other_hosts_or_of_nobody_is_renewed(apps, caplog):
    clock = apps.world.clock
    end = clock.now().timestamp() + 30 * MINUTE
    own = apps.world.parts.teleport.app_servers.host_id
    ours = {labels.OWNER: apps.okta.id, labels.ORIGIN: labels.ORIGIN_OKTA}
    apps.administrator.create_app_server("theirs", host_id="another", uri="http://x", labels=ours, expires=end)
    apps.administrator.create_app_server("by-hand", host_id=own, uri="http://x", expires=end)
    before = {
        server.Metadata.Name: server.SerializeToString() for server in apps.teleport.cluster.app_servers.all_stored()
    }
    await apps.live(29 * MINUTE)
    after = {
        server.Metadata.Name: server.SerializeToString() for server in apps.teleport.cluster.app_servers.all_stored()
    }
    assert {name for name in before if before[name] == after[name]} == {"theirs", "by-hand"}
    assert "not renewed" not in caplog.text
    assert (await apps.next_pass()).succeeded


async def test_a_renewal_plans_nothing_and_leaves_no_record(apps):
    entries = len(await apps.world.parts.store.journal.history(limit=1000))
    for _ in range(6):
        assert not (await apps.next_pass()).plan.changes
    assert len(await apps.world.parts.store.journal.history(limit=1000)) == entries


async def test_renewals_do_not_come_all_at_once(office):
    for number in range(20):
        office.app(f"App {number}")
    await office.world.run()
    await office.live(25 * MINUTE)
    assert len({server.Metadata.Expires.seconds for server in office.app_servers().values()}) > 2


async def test_what_is_switched_off_runs_out(apps):
    await apps.reconfigure(sync={"apps_and_groups": False})
    await apps.world.run()
    await apps.live(60 * MINUTE)
    assert apps.app_servers() == {}


async def test_where_the_cluster_lets_us_have_no_app_servers_none_are_looked_for(office, caplog):
    office.teleport.faults.add(Fault("*/ListResources", grpc.StatusCode.PERMISSION_DENIED))
    assert "app_servers: the host identity may not use it" in (await office.world.run()).error
    asked = office.teleport.calls.of("ListResources")
    await office.live(TEN_MINUTES)
    assert office.teleport.calls.of("ListResources") == asked
    assert "not renewed" not in caplog.text


async def test_the_right_to_write_that_an_outage_ended_is_asked_for_without_waiting_for_a_pass(apps):
    apps.world.clock.advance(20 * MINUTE)
    assert not apps.world.parts.teleport.is_writer
    await apps.live(1)
    assert apps.world.parts.teleport.is_writer
    assert min(lives(apps).values()) > 40 * MINUTE
