"""The plugin resource is created, changed, deleted and created again; the service follows, and reports."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from contract.managed.conftest import CONNECTOR
from google.protobuf.json_format import MessageToDict
from teleport_okta import app
from teleport_okta.config import parse
from teleport_okta.errors import ConfigError
from teleport_okta.model import labels
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.service.service import NothingRunsError


async def state_of(world):
    return (await world.service.status()).state


async def test_created_changed_broken_corrected_deleted_and_created_again(managed):
    world = managed
    ada = world.hire("ada@x.io")
    await world.start()
    await world.until(lambda: world.service.decision.reason, "it waits")
    status = await world.service.status()
    assert status.state == "waiting"
    assert "there is no plugin 'okta'" in status.managed.reason
    assert world.users() == set()

    world.install(appgroup_sync=False)
    await world.until(lambda: world.users() == {"ada@x.io"}, "ada gets a user")
    await world.until(lambda: world.status().okta.users_sync_details.status_code == 1, "the status says so")
    assert reported(world) == {
        "code": "RUNNING",
        "okta": {
            "sso_details": {},
            "app_group_sync_details": {
                "enabled": True,
                "status_code": "SUCCESS",
                "num_apps_synced": len(list(world.teleport.cluster.app_servers.all_stored())),
                "num_groups_synced": len(list(world.teleport.cluster.user_groups.all_stored())),
            },
            "users_sync_details": {"enabled": True, "status_code": "SUCCESS", "num_users_synced": 1},
            "scim_details": {},
            "access_lists_sync_details": {},
            "system_log_export_details": {},
        },
    }

    world.edit(disable_sync_app_groups=True)
    await world.until(lambda: not world.status().okta.app_group_sync_details.enabled, "apps and groups are off")
    assert world.users() == {"ada@x.io"}

    world.okta.tokens.revoke(world.token_file.read_text())
    await world.until(lambda: world.status().code == 3, "the token is refused", step=10)
    failed = reported(world)
    assert failed["code"] == "UNAUTHORIZED"
    assert "E0000011" in failed["error_message"]
    assert failed["okta"]["users_sync_details"]["status_code"] == "ERROR"
    assert world.users() == {"ada@x.io"}

    world.token_file.write_text(world.okta.tokens.create_ssws(world.okta.admin, world.okta.role))
    world.hire("bob@x.io")
    await world.until(lambda: world.status().code == 1, "the new token is taken", step=10)
    await world.until(lambda: world.users() == {"ada@x.io", "bob@x.io"}, "bob gets a user")

    world.plugins.delete()
    await world.until(lambda: world.service.decision.settings is None, "it stops")
    world.okta.deactivate(ada.id)
    world.clock.advance(3600)
    assert await state_of(world) == "waiting"
    assert world.users() == {"ada@x.io", "bob@x.io"}

    world.install(appgroup_sync=False)
    await world.until(lambda: world.users() == {"bob@x.io"}, "what happened meanwhile is made up for")
    await world.until(lambda: world.status().okta.users_sync_details.num_users_synced == 1, "the status says so")


async def test_another_setting_is_in_force_with_the_next_look(managed):
    world = managed
    world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(lambda: world.users() == {"ada@x.io"}, "ada gets a user")
    assert roles_of(world, "ada@x.io") == ["okta-requester"]
    looks = world.teleport.calls.of("ListPlugins")
    world.edit(disable_assign_default_roles=True)
    await world.until(lambda: world.service.decision.settings.sync.default_roles == (), "it is decided")
    assert world.teleport.calls.of("ListPlugins") - looks <= 2
    await world.until(lambda: runs_by(world).sync.default_roles == (), "it is in force")
    world.hire("bob@x.io")
    await world.until(lambda: "bob@x.io" in world.users(), "bob gets a user")
    assert roles_of(world, "bob@x.io") == []


async def test_a_plugin_of_another_organisation_is_reported_as_misconfigured(managed):
    world = managed
    world.hire("ada@x.io")
    world.install(org="https://evil.example.com")
    await world.start()
    await world.until(lambda: world.status().code == 20, "it is reported")
    assert "https://evil.example.com" in world.status().error_message
    assert world.users() == set()


async def test_a_hosted_plugin_of_the_same_organisation_stops_it_until_it_is_deleted(managed):
    world = managed
    world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(lambda: world.status().okta.users_sync_details.status_code == 1, "it runs")
    world.install(name="vendor", hosted=True)
    await world.until(lambda: world.service.decision.settings is None, "it stops")
    status = await world.service.status()
    assert "plugin 'vendor' has the label of a hosted plugin" in status.managed.reason
    await world.until(lambda: world.status().code == 20, "our plugin says so")
    world.hire("bob@x.io")
    for _ in range(20):
        world.clock.advance(30)
        await asyncio.sleep(0.01)
    assert world.users() == {"ada@x.io"}
    assert world.teleport.cluster.plugins.stored("vendor").status.code == 0
    world.plugins.delete("vendor")
    await world.until(lambda: world.users() == {"ada@x.io", "bob@x.io"}, "it goes on")


@pytest.mark.parametrize("whose", ["hosted", "another type"])
async def test_no_status_is_written_into_a_plugin_of_others(managed, whose):
    world = managed
    world.hire("ada@x.io")
    world.install(hosted=whose == "hosted")
    if whose == "another type":
        world.teleport.cluster.plugins.stored("okta").spec.scim.saml_connector_name = "mine"
    await world.start()
    await world.until(lambda: world.service.decision.reason, "it waits")
    for _ in range(20):
        world.clock.advance(30)
        await asyncio.sleep(0.01)
    assert world.teleport.calls.of("SetPluginStatus") == 0
    assert world.users() == set()


async def test_a_plugin_that_cannot_be_read_changes_nothing_and_nor_does_a_restart_meanwhile(managed):
    world = managed
    world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(lambda: world.users() == {"ada@x.io"}, "ada gets a user")
    world.teleport.faults.add(Fault("*/ListPlugins", code=grpc.StatusCode.PERMISSION_DENIED))
    await world.until(lambda: world.service.decision.is_stale, "it cannot be read")
    bob = world.hire("bob@x.io")
    await world.until(lambda: world.users() == {"ada@x.io", "bob@x.io"}, "bob gets a user")
    await world.stop()
    world.okta.deactivate(bob.id)
    await world.start()
    await world.until(lambda: world.users() == {"ada@x.io"}, "bob is gone")
    status = await world.service.status()
    assert "the settings that were read before apply" in status.managed.reason
    world.teleport.faults.clear()
    await world.until(lambda: not world.service.decision.is_stale, "it can be read again")


async def test_a_plugin_that_the_listing_lacks_is_read_by_name_before_it_counts_as_deleted(managed, monkeypatch):
    world = managed
    world.hire("ada@x.io")
    world.install(appgroup_sync=False)

    async def nothing():
        return ()

    await world.start()
    await world.until(lambda: world.users() == {"ada@x.io"}, "ada gets a user")
    monkeypatch.setattr(world.service._base.teleport.plugins, "list", nothing)
    world.hire("bob@x.io")
    for _ in range(20):
        world.clock.advance(5)
        await asyncio.sleep(0.02)
    assert world.service.decision.settings is not None
    assert world.users() == {"ada@x.io", "bob@x.io"}
    world.plugins.delete()
    await world.until(lambda: world.service.decision.settings is None, "it stops")


@pytest.fixture
async def by_label(managed):
    """A plugin that names no app: the label of its connector does. Eve is in the organisation, and not in the app."""
    world = managed
    world.hire("ada@x.io")
    world.okta.create_user({"firstName": "E", "lastName": "V", "login": "eve@x.io", "email": "eve@x.io"})
    await world.teleport.administrator.connectors.create(
        CONNECTOR,
        acs=f"https://teleport.example.com/v1/webapi/saml/acs/{CONNECTOR}",
        labels={labels.APP_ID: world.okta_app.id},
        issuer="http://www.okta.com/exk",
        sso="https://acme.okta.com/sso",
        attributes_to_roles=[{"name": "groups", "value": "Everyone", "roles": ["okta-requester"]}],
    )
    world.install(appgroup_sync=False)
    world.edit(app_id="", user_sync_source="")
    await world.start()
    await world.until(lambda: world.users() == {"ada@x.io"}, "ada gets a user")
    return world


async def goes_on_with_the_app(world):
    """The sync goes on, and Eve gets no user."""
    world.hire("bob@x.io")
    await world.until(lambda: "bob@x.io" in world.users(), "bob gets a user", step=10)
    for _ in range(20):
        world.clock.advance(60)
        await asyncio.sleep(0.02)
    assert world.service.decision.settings.okta.app_id == world.okta_app.id
    assert world.users() == {"ada@x.io", "bob@x.io"}


async def test_while_the_connector_cannot_be_read_its_app_stays_the_source_of_people(by_label):
    world = by_label
    world.teleport.faults.add(Fault("*/GetSAMLConnector", code=grpc.StatusCode.UNAVAILABLE))
    await world.until(lambda: world.service.decision.is_stale, "the connector cannot be read", step=30)
    await goes_on_with_the_app(world)


@pytest.mark.parametrize("call", ["ListPlugins", "GetSAMLConnector"])
async def test_after_a_restart_meanwhile_too(by_label, call):
    world = by_label
    world.teleport.faults.add(Fault(f"*/{call}", code=grpc.StatusCode.PERMISSION_DENIED))
    await world.stop()
    await world.start()
    await world.until(lambda: world.service.decision.is_stale, "it cannot be read", step=30)
    await goes_on_with_the_app(world)


async def test_a_connector_that_is_deleted_does_not_make_the_sync_wider(by_label):
    world = by_label
    world.teleport.administrator.connectors.delete(CONNECTOR)
    await goes_on_with_the_app(world)


async def test_changes_are_in_the_audit_log(managed):
    world = managed
    ada = world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.start()
    await world.until(lambda: world.status().okta.users_sync_details.status_code == 1, "it runs")
    log = world.teleport.cluster.audit_log
    synced = await world.until(lambda: log.of("okta.user.sync"), "users are in the audit log")
    assert (synced[0].num_users_created, synced[0].num_users_total) == (1, 1)
    assert synced[0].Metadata.Code == "TOK007I"
    assert await world.until(lambda: log.of("okta.groups.update"), "groups are in the audit log")
    log.clear()
    world.okta.deactivate(ada.id)
    (deleted,) = await world.until(lambda: log.of("okta.user.sync"), "the leaver is in the audit log")
    assert (deleted.num_users_deleted, deleted.num_users_total) == (1, 0)
    world.okta.tokens.revoke(world.token_file.read_text())
    (failed,) = await world.until(lambda: log.of("okta.sync.failure"), "the failure is in the audit log", step=10)
    assert failed.Metadata.Code == "TOK003E"
    assert "E0000011" in failed.Status.Error


async def test_commands_get_the_reason_why_nothing_runs(managed):
    world = managed
    await world.start()
    await world.until(lambda: world.service.decision.reason, "it waits")
    with pytest.raises(NothingRunsError, match="there is no plugin 'okta'"):
        await world.service.apply("")


async def test_a_command_uses_the_settings_of_the_plugin_too(managed):
    world = managed
    world.hire("ada@x.io")
    with pytest.raises(ConfigError, match="there is no plugin 'okta'"):
        async with app.opened(parse(world.sections), clock=world.clock):
            pass
    world.install(appgroup_sync=False, assign_default_roles=False)
    async with app.opened(parse(world.sections), clock=world.clock) as parts:
        assert parts.full_pass.settings.sync.default_roles == ()
        assert parts.full_pass.settings.okta.app_id == world.okta_app.id


def runs_by(world):
    """The settings of what runs now, or of the file while nothing does."""
    engine = world.service._engine
    return parse(world.sections) if engine is None else engine._pass.settings


def roles_of(world, name):
    return list(world.teleport.cluster.users.stored(name).Spec.Roles)


def reported(world):
    """The plugin's status without moments and texts of other systems."""
    found = MessageToDict(world.status(), preserving_proto_field_name=True)
    found.pop("last_raw_error", None)
    found.pop("last_sync_time", None)
    for part in found["okta"].values():
        for moment in ("last_successful", "last_failed"):
            part.pop(moment, None)
        if "status_code" in part:
            part["status_code"] = part["status_code"].removeprefix("OKTA_PLUGIN_SYNC_STATUS_CODE_")
    return found


async def test_an_app_that_is_not_there_shows_in_the_status_and_so_does_its_correction(managed):
    """What other settings change in the status is shown in test_contract_managed_whole_status."""
    world = managed
    world.hire("ada@x.io")
    world.teleport.administrator.create_user("teresa")
    world.install(accesslist_sync=True, owners=["teresa"])
    await world.start()
    await world.until(lambda: world.status().okta.access_lists_sync_details.status_code == 1, "it runs")
    whole = reported(world)
    world.edit(app_id="0oaNOBODY")
    await world.until(lambda: world.status().code == 20, "the status shows it", step=5)
    world.edit(app_id=world.okta_app.id)
    await world.until(lambda: reported(world) == whole, "the status is as before", step=5)


async def test_metrics_show_the_same(managed):
    world = managed

    def value(name, **labels):
        return world.service._base.metrics.registry.get_sample_value(f"teleport_okta_{name}", labels)

    await world.start()
    await world.until(lambda: value("syncing") == 0, "nothing is synced")
    world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.until(lambda: value("objects", kind="users") == 1, "ada is counted")
    assert value("syncing") == 1
    await world.until(lambda: value("part_failed", part="users") == 0, "a pass went well")
    world.okta.tokens.revoke(world.token_file.read_text())
    await world.until(lambda: value("part_failed", part="users") == 1, "the part fails", step=10)


async def test_probes_get_the_same_reason(managed):
    world = managed

    def found():
        return {one.name: (one.is_ready, one.reason) for one in world.service._base.health.components()}

    def value(name, **labels):
        return world.service._base.metrics.registry.get_sample_value(f"teleport_okta_{name}", labels)

    await world.start()
    await world.until(lambda: world.service.decision.reason and value("state", state="waiting") == 1, "it waits")
    assert found()["passes"][0]
    assert found()["passes"][1].startswith("nothing is synced: there is no plugin 'okta' in the cluster")
    world.hire("ada@x.io")
    world.install(appgroup_sync=False)
    await world.until(lambda: value("last_success_timestamp_seconds"), "a pass succeeds")
    assert (found()["teleport"], found()["passes"], found()["log"][0]) == ((True, ""), (True, "idle"), True)
    assert value("passes_total", trigger="start", result="succeeded") == 1
    assert value("pass_seconds_count", result="succeeded") == 1
    assert value("last_pass_timestamp_seconds", result="succeeded")
    assert value("changes_total", kind="user", action="create", outcome="done") == 1
    assert value("okta_calls_total", bucket="/api/v1/apps") >= 1
    assert value("state", state="idle") == 1

    world.okta.tokens.revoke(world.token_file.read_text())
    await world.until(lambda: value("passes_total", trigger="interval", result="failed"), "a pass fails", step=10)
    assert not found()["passes"][0]
    assert "E0000011" in found()["passes"][1]
    world.teleport.faults.add(Fault("*", code=grpc.StatusCode.UNAVAILABLE))
    await world.until(lambda: not found()["teleport"][0], "the auth server is away")
    world.teleport.faults.clear()
    await world.until(lambda: found()["teleport"][0], "it is back")
    world.service.stop()
    assert found()["passes"] == (False, "the service is stopping")
