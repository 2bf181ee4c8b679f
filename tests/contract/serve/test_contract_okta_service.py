"""OktaService on a running service: an integration is checked, made, changed, and looked into."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import grpc
import grpc.aio
import pytest
from cluster_world import WayIn, built_sandboxes
from stepping_clock import SteppingClock
from teleport.okta.v1 import okta_service_pb2 as pb
from teleport.okta.v1 import okta_service_pb2_grpc as pb_grpc
from teleport_okta import app
from teleport_okta.background_tasks import in_background
from teleport_okta.config import parse
from teleport_okta.model import labels
from teleport_okta.sandbox.okta.roles import AdminRole
from teleport_okta.serve.admin import SOCKET_NAME
from teleport_okta.service.process import offered

CODES = grpc.StatusCode


@asynccontextmanager
async def running(directory):
    """A service that waits for its plugin, and a client at its socket."""
    clock = SteppingClock(datetime.now(UTC))
    way = WayIn(okta_by="https")
    settings = {"plugin": {"name": "okta", "interval": "5s"}}
    async with built_sandboxes(directory, clock, edition="ent", version="18.1.3", settings=settings, way=way) as (
        okta,
        okta_app,
        teleport,
        sections,
    ):
        del sections["okta"]["app_id"], sections["sync"]
        configured = parse(sections)
        async with (
            app.opened_base(configured, clock=clock, persistent=True) as base,
            in_background(clock, *base.background_tasks),
            offered(configured, base) as service,
            grpc.aio.insecure_channel(f"unix:{directory / 'data' / SOCKET_NAME}") as channel,
        ):
            task, ticking = asyncio.ensure_future(service.run()), asyncio.ensure_future(clock.tick())
            yield SimpleNamespace(
                okta=okta,
                okta_app=okta_app,
                teleport=teleport,
                clock=clock,
                service=service,
                base=base,
                url=sections["okta"]["org_url"],
                client=pb_grpc.OktaServiceStub(channel),
            )
            ticking.cancel()
            service.stop()
            await clock.until(task.done, "the service stops")
            await task


@pytest.fixture
async def world(tmp_path):
    async with running(tmp_path) as built:
        yield built


def creating(world, **fields):
    return pb.CreateIntegrationRequest(
        okta_organization_url=world.url, **{"enable_user_sync": True, "enable_app_group_sync": True, **fields}
    )


async def refused(call):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), caught.value.details()


async def test_an_integration_is_made_and_the_service_runs_by_it(world):
    ada = world.okta.create_user({"firstName": "A", "lastName": "B", "login": "ada@x.io", "email": "ada@x.io"})
    lists = pb.AccessListSettings(default_owner=["teresa"], group_filters=["eng-*"])
    made = await world.client.CreateIntegration(
        creating(world, enable_access_list_sync=True, access_list_settings=lists, scim_token="a-token-of-okta")
    )
    plugin = world.teleport.cluster.plugins.stored("okta")
    assert made.plugin.spec.okta.sync_settings == plugin.spec.okta.sync_settings
    assert plugin.spec.okta.sync_settings.disable_bidirectional_sync
    assert list(plugin.spec.okta.sync_settings.group_filters) == ["eng-*"]
    info = made.connector_info
    assert (info.okta_app_labels, info.teleport_connector_name) == (
        f"Teleport {world.teleport.cluster.name}", "okta-integration",
    )  # fmt: skip
    connector = world.teleport.cluster.saml_connectors.stored("okta-integration")
    assert connector.Metadata.Labels[labels.APP_ID] == info.okta_app_id
    assert len(await world.base.store.scim_tokens.tokens()) == 1
    users = world.teleport.cluster.users
    await world.clock.until(lambda: users.stored("ada@x.io") is not None, "ada is a user")
    assert users.stored("ada@x.io").Metadata.Labels[labels.OKTA_ID] == ada.id


async def test_it_is_changed_and_other_settings_stay(world):
    lists = pb.AccessListSettings(default_owner=["teresa"])
    await world.client.CreateIntegration(creating(world, enable_access_list_sync=True, access_list_settings=lists))
    changed = await world.client.UpdateIntegration(
        pb.UpdateIntegrationRequest(enable_user_sync=True, disable_assign_default_roles=True)
    )
    settings = world.teleport.cluster.plugins.stored("okta").spec.okta.sync_settings
    assert changed.plugin.spec.okta.sync_settings == settings
    assert (settings.disable_sync_app_groups, settings.disable_assign_default_roles) == (True, True)
    assert list(settings.default_owners) == ["teresa"]
    assert settings.app_id == changed.connector_info.okta_app_id


async def test_without_user_sync_no_user_is_ever_made(world):
    world.okta.create_user({"firstName": "A", "lastName": "B", "login": "ada@x.io", "email": "ada@x.io"})
    calls = world.teleport.calls
    await world.client.CreateIntegration(creating(world, enable_user_sync=False, enable_app_group_sync=False))
    assert not world.teleport.cluster.plugins.stored("okta").spec.okta.sync_settings.sync_users
    assert (calls.of("CreatePlugin"), calls.of("UpdatePlugin")) == (1, 0)
    await world.clock.until(lambda: "user sync off" in world.service.decision.reason, "the service follows it")
    assert world.teleport.cluster.users.stored("ada@x.io") is None


async def test_a_change_switches_write_back_off_because_nothing_carries_it_out(world):
    await world.client.CreateIntegration(creating(world))
    on = {"sync_settings": {"disable_bidirectional_sync": False}}
    world.teleport.administrator.plugins.edit("okta", settings=on)
    await world.client.UpdateIntegration(pb.UpdateIntegrationRequest(enable_user_sync=True, enable_app_group_sync=True))
    assert world.teleport.cluster.plugins.stored("okta").spec.okta.sync_settings.disable_bidirectional_sync


async def test_a_plugin_that_teleport_runs_is_not_changed(world):
    await world.client.CreateIntegration(creating(world))
    before = world.teleport.administrator.plugins.edit("okta", hosted=True).spec.SerializeToString()
    code, details = await refused(world.client.UpdateIntegration(pb.UpdateIntegrationRequest()))
    assert (code, details) == (CODES.FAILED_PRECONDITION, "plugin 'okta' is run by Teleport itself")
    assert world.teleport.cluster.plugins.stored("okta").spec.SerializeToString() == before


async def test_the_journal_names_the_caller(world):
    await world.client.CreateIntegration(creating(world, scim_token="a-token-of-okta"))
    await world.client.UpdateIntegration(
        pb.UpdateIntegrationRequest(enable_user_sync=True, disable_assign_default_roles=True)
    )
    entries = await world.base.store.journal.history(limit=50)
    ours = [(entry.kind, entry.action, entry.name) for entry in entries if entry.who.startswith("OktaService: ")]
    assert {("plugin", "create", "okta"), ("plugin", "update", "okta")} <= set(ours)
    assert any(kind == "scim_token" for kind, _, _ in ours)
    assert all(f"(uid {os.getuid()}, pid {os.getpid()}" in entry.who for entry in entries if entry.who)


async def test_a_credential_is_checked_and_not_kept(world):
    good = pb.OktaAPICredentials(ssws_bearer_token=world.okta.tokens.create_ssws(world.okta.admin, world.okta.role))
    bad = pb.OktaAPICredentials(ssws_bearer_token="00nonsense")
    narrow = AdminRole()
    narrow.deny({"okta.groups.read"})
    weak = pb.OktaAPICredentials(ssws_bearer_token=world.okta.tokens.create_ssws(world.okta.admin, narrow))
    request = pb.ValidateClientCredentialsRequest
    await world.client.ValidateClientCredentials(request(okta_organization_url=world.url, api_credentials=good))
    for credential in (bad, weak):
        call = world.client.ValidateClientCredentials(
            request(okta_organization_url=world.url, api_credentials=credential)
        )
        code, _ = await refused(call)
        assert code is CODES.PERMISSION_DENIED


async def test_our_key_is_not_used_for_another_service_app(world):
    other = pb.OktaAPICredentials(oauth_id="0oaOther")
    request = pb.ValidateClientCredentialsRequest(okta_organization_url=world.url, api_credentials=other)
    code, details = await refused(world.client.ValidateClientCredentials(request))
    assert code is CODES.INVALID_ARGUMENT
    assert "this service has the key of another service app" in details


async def test_no_credential_goes_to_another_organisation(world):
    credential = pb.OktaAPICredentials(ssws_bearer_token="00secret")
    for call in (
        world.client.ValidateClientCredentials(
            pb.ValidateClientCredentialsRequest(
                okta_organization_url="https://evil.example.com", api_credentials=credential
            )
        ),
        world.client.CreateIntegration(pb.CreateIntegrationRequest(okta_organization_url="https://evil.example.com")),
        world.client.GetGroups(pb.GetGroupsRequest(okta_organization_url="https://evil.example.com")),
    ):
        code, details = await refused(call)
        assert code is CODES.INVALID_ARGUMENT
        assert "https://evil.example.com is not this service's organisation" in details
    assert not world.okta.calls.unknown


@pytest.mark.parametrize("field", ["enable_bidirectional_sync", "enable_system_log_export"])
async def test_unsupported_settings_are_refused_and_nothing_is_written(world, field):
    code, details = await refused(world.client.CreateIntegration(creating(world, **{field: True})))
    assert code is CODES.INVALID_ARGUMENT
    assert field in details
    assert world.teleport.cluster.plugins.stored("okta") is None


async def test_a_connector_made_by_hand_is_refused(world):
    await world.teleport.administrator.connectors.create(
        "mine",
        acs="https://x/v1/webapi/saml/acs/mine",
        issuer="x",
        sso="https://x.example.com/sso",
        attributes_to_roles=[{"name": "groups", "value": "*", "roles": ["access"]}],
    )
    code, details = await refused(world.client.CreateIntegration(creating(world, reuse_connector="mine")))
    assert code is CODES.FAILED_PRECONDITION
    assert "no label of it names an Okta app" in details


async def test_filters_are_tried(world):
    world.okta.create_group("eng-core")
    world.okta.create_group("sales")
    request = pb.GetGroupsRequest(okta_organization_url=world.url, filters=["eng-*"])
    assert [group.name for group in (await world.client.GetGroups(request)).groups] == ["eng-core"]
    apps = (await world.client.GetApps(pb.GetAppsRequest(okta_organization_url=world.url))).apps
    assert world.okta_app.label in [found.name for found in apps]
    code, _ = await refused(world.client.GetApps(pb.GetAppsRequest(okta_organization_url=world.url, filters=["^[$"])))
    assert code is CODES.INVALID_ARGUMENT


@pytest.mark.parametrize(("what", "path"), [("Groups", "/api/v1/groups"), ("Apps", "/api/v1/apps")])
async def test_filters_are_not_tried_on_a_part_of_a_listing(world, monkeypatch, what, path):
    monkeypatch.setattr(f"teleport_okta.okta.groups_and_apps.{what.upper()}_A_PAGE", 1)
    world.okta.fail("internal_error", method="GET", path=path, after=1)
    request = getattr(pb, f"Get{what}Request")(okta_organization_url=world.url)
    code, details = await refused(getattr(world.client, f"Get{what}")(request))
    assert code is CODES.FAILED_PRECONDITION
    assert f"the listing of {what.lower()} is incomplete" in details


async def test_methods_of_the_auth_server_are_not_answered(world):
    code, _ = await refused(world.client.ListOktaImportRules(pb.ListOktaImportRulesRequest()))
    assert code is CODES.UNIMPLEMENTED
