"""Plugins that an administrator installs, edits and deletes, as with `tctl` (`docs/reference/teleport.md` 6.6)."""

import bcrypt
import pytest
from teleport.plugins.v1.plugin_service_pb2 import GetPluginRequest, SetPluginStatusRequest
from teleport_okta.sandbox.teleport.refusal import Refusal

ORG = "https://org.okta.com"
HOSTED = {"teleport.dev/hosted-plugin": "true"}
FLAGS = {"org": ORG, "saml_connector": "okta", "api_token": "00abc", "owners": ["grace"]}
SCIM_ALONE = {"scim": True, "users_sync": False, "accesslist_sync": False, "appgroup_sync": False, "api_token": ""}


@pytest.fixture
async def plugins(sandbox, connector):
    message = connector()
    message.Metadata.Labels["teleport.internal/okta-app-id"] = "0oa1"
    sandbox.cluster.saml_connectors.create(message)
    return sandbox.administrator.plugins


async def test_a_client_reads_the_plugin_that_tctl_installs(plugins, bot):
    plugins.install_okta(**FLAGS, group_filters=["*Leads*"], app_filters=["^Wiki.*$"], system_logs_export=True)
    plugin = await bot.plugins.GetPlugin(GetPluginRequest(name="okta", with_secrets=True))
    assert (plugin.sub_kind, dict(plugin.metadata.Labels)) == ("access", HOSTED)
    assert plugin.spec.okta.org_url == ORG
    sync = plugin.spec.okta.sync_settings
    assert (sync.sync_users, sync.sync_access_lists, sync.disable_sync_app_groups) == (True, True, False)
    assert (sync.sso_connector_id, sync.app_id, sync.default_owners) == ("okta", "0oa1", ["grace"])
    assert (sync.group_filters, sync.app_filters) == (["*Leads*"], ["^Wiki.*$"])
    assert (sync.enable_system_log_export, sync.disable_assign_default_roles) == (True, False)
    assert dict(plugin.credentials.static_credentials_ref.Labels) == {"okta/org": ORG}


async def test_a_plugin_can_be_made_that_teleport_does_not_run(plugins):
    assert not plugins.install_okta(**FLAGS, hosted=False).plugin.metadata.Labels


@pytest.mark.parametrize(("appgroup_sync", "purpose"), [(True, "okta-auth"), (False, "okta-auth-scim-only")])
async def test_without_apps_and_groups_only_the_purpose_of_the_token_differs(plugins, appgroup_sync, purpose):
    flags = {**FLAGS, "accesslist_sync": False, "appgroup_sync": appgroup_sync}
    plugin = plugins.install_okta(**flags).plugin
    assert not plugin.spec.okta.sync_settings.disable_sync_app_groups
    (credentials,) = plugins.credentials()
    assert dict(credentials.Header.Metadata.Labels) == {"okta/purpose": purpose, "okta/org": ORG}
    assert credentials.Spec.APIToken == "00abc"


async def test_scim_has_a_token_that_is_shown_once_and_stored_as_a_hash(plugins):
    installed = plugins.install_okta("scim-only", **{**FLAGS, **SCIM_ALONE})
    (credentials,) = plugins.credentials("scim-only")
    assert (credentials.Header.Metadata.Name, len(installed.scim_token)) == ("scim-only-scim-token", 64)
    assert bcrypt.checkpw(installed.scim_token.encode(), credentials.Spec.APIToken.encode())
    assert credentials.Header.Metadata.Labels["okta/purpose"] == "scim-bearer-token"


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ({"api_token": ""}, "API token is required"),
        ({**SCIM_ALONE, "users_sync": True}, "User sync requires API token to be set"),
        ({**SCIM_ALONE, "accesslist_sync": True}, "AccessList sync requires API token to be set"),
        ({**SCIM_ALONE, "appgroup_sync": True}, "AppGroup sync requires API token to be set"),
        ({"owners": []}, "AccessList sync requires at least one default owner to be set"),
        ({"appgroup_sync": False}, "AppGroup sync is required for AccessList sync"),
        ({"users_sync": False}, "User sync is required for AccessList sync"),
    ],
)
async def test_tctl_refuses_flags_that_do_not_fit(plugins, flags, text):
    with pytest.raises(ValueError, match=text):
        plugins.install_okta(**{**FLAGS, **flags})


async def test_scim_with_users_needs_an_app(plugins, sandbox, connector):
    sandbox.cluster.saml_connectors.create(connector("plain"))
    with pytest.raises(ValueError, match="SCIM support requires app-id to be set"):
        plugins.install_okta(**{**FLAGS, "saml_connector": "plain"}, scim=True)
    installed = plugins.install_okta(**{**FLAGS, "saml_connector": "plain"}, scim=True, app_id="0oa2")
    assert installed.plugin.spec.okta.sync_settings.app_id == "0oa2"


async def test_the_connector_must_exist_and_the_name_be_free(plugins):
    with pytest.raises(Refusal, match='SAML connector "none" is not configured'):
        plugins.install_okta(**{**FLAGS, "saml_connector": "none"})
    plugins.install_okta(**FLAGS)
    with pytest.raises(Refusal, match="UNIQUE constraint failed"):
        plugins.install_okta(**FLAGS)


async def test_an_edit_changes_only_the_named_fields(plugins):
    before = plugins.install_okta(**FLAGS, group_filters=["a", "b"]).plugin
    settings = {"sync_settings": {"disable_bidirectional_sync": True, "group_filters": ["c"]}}
    after = plugins.edit(settings=settings, labels={"team": "red"}, generation="2")
    sync = after.spec.okta.sync_settings
    assert (sync.disable_bidirectional_sync, sync.group_filters, sync.default_owners) == (True, ["c"], ["grace"])
    assert (dict(after.metadata.Labels), after.spec.generation) == ({"team": "red"}, "2")
    assert after.metadata.Revision != before.metadata.Revision
    assert after.credentials == before.credentials


async def test_an_edit_can_turn_hosting_on_and_off(plugins):
    plugins.install_okta(**FLAGS, hosted=False)
    assert dict(plugins.edit(hosted=True).metadata.Labels) == HOSTED
    assert not plugins.edit(hosted=False).metadata.Labels


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"org_url": ""}, Refusal, "org_url must be set"),
        ({"sync_settings": {"default_owners": []}}, Refusal, "default owners must be set"),
        ({"sync_settings": {"sync_everything": True}}, ValueError, "invalid settings of a plugin of type okta"),
    ],
)
async def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(plugins, sandbox, settings, error, text):
    before = plugins.install_okta(**FLAGS).plugin
    with pytest.raises(error, match=text):
        plugins.edit(settings=settings)
    assert sandbox.cluster.plugins.stored("okta") == before


async def test_a_community_cluster_has_no_plugins_to_install(start):
    async with start(edition="oss") as sandbox:
        with pytest.raises(Refusal, match="unknown service"):
            sandbox.administrator.plugins.install_okta(**FLAGS)


# Over the control interface


async def test_a_plugin_is_installed_edited_read_and_deleted_from_outside(plugins, control, bot):
    async with control.post("/plugins", json={**FLAGS, "scim": True, "hosted": False}) as reply:
        assert reply.status == 201
        assert len((await reply.json())["scim_token"]) == 64
    async with control.patch(
        "/plugins/okta", json={"settings": {"sync_settings": {"sync_access_lists": False}}}
    ) as reply:
        assert reply.status == 200
    await bot.plugins.SetPluginStatus(SetPluginStatusRequest(name="okta", status={"code": "RUNNING"}))
    async with control.get("/plugins/okta") as reply:
        shown = await reply.json()
    assert (shown["status"]["code"], shown["metadata"]["Name"]) == ("RUNNING", "okta")
    assert "sync_access_lists" not in shown["spec"]["okta"]["sync_settings"]
    assert [each["Header"]["Metadata"]["Name"] for each in shown["static_credentials"]] == ["okta", "okta-scim-token"]
    async with control.get("/plugins") as reply:
        assert [each["metadata"]["Name"] for each in await reply.json()] == ["okta"]
    await control.delete("/plugins/okta")
    async with control.get("/plugins") as reply:
        assert await reply.json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/plugins", {**FLAGS, "api_token": ""}, 400),
        ("POST", "/plugins", {**FLAGS, "colour": "red"}, 400),
        ("POST", "/plugins", {**FLAGS, "saml_connector": "none"}, 409),
        ("GET", "/plugins/none", None, 404),
        ("PATCH", "/plugins/none", {}, 404),
        ("DELETE", "/plugins/none", None, 404),
    ],
)
async def test_an_invalid_request_is_answered_with_the_error(plugins, control, method, path, body, status):
    async with control.request(method, path, json=body) as reply:
        assert (reply.status, bool((await reply.json())["error"])) == (status, True)


async def test_a_race_can_be_asked_for_from_outside(plugins, control, bot, refusal):
    plugins.install_okta(**FLAGS)
    async with control.post("/faults", json={"method": "*/SetPluginStatus", "raced": True, "count": 1}) as reply:
        assert (await reply.json())["raced"] is True
    call = bot.plugins.SetPluginStatus(SetPluginStatusRequest(name="okta", status={"code": "RUNNING"}))
    assert (await refusal(call))[0] == "FAILED_PRECONDITION"
