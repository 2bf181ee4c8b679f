"""Plugins on an Enterprise cluster.

See `docs/reference/teleport.md` 4.14, `docs/reference/teleport-observed.md` 1.5, 1.6 and 5.6.
"""

import pytest
from teleport.legacy.types.types_pb2 import (
    PluginCredentialsV1,
    PluginStatusCode,
    PluginStatusV1,
    PluginV1,
)
from teleport.plugins.v1.plugin_service_pb2 import (
    CreatePluginRequest,
    DeletePluginRequest,
    GetAvailablePluginTypesRequest,
    GetPluginRequest,
    ListPluginsRequest,
    SetPluginCredentialsRequest,
    SetPluginStatusRequest,
    UpdatePluginRequest,
)
from teleport_okta.sandbox.teleport import ListingLag
from teleport_okta.sandbox.teleport.metadata import YEAR_ONE
from teleport_okta.sandbox.teleport.store import STALE_REVISION

MISSING = ("NOT_FOUND", 'plugin "okta" doesn\'t exist')
RUNNING = PluginStatusV1(code=PluginStatusCode.RUNNING)


async def created(client, message, **request):
    return await client.plugins.CreatePlugin(CreatePluginRequest(plugin=message, **request))


async def updated(client, message):
    return await client.plugins.UpdatePlugin(UpdatePluginRequest(plugin=message))


async def deleted(client, name="okta"):
    return await client.plugins.DeletePlugin(DeletePluginRequest(name=name))


async def got(client, name="okta", *, secrets=True):
    return await client.plugins.GetPlugin(GetPluginRequest(name=name, with_secrets=secrets))


async def reported(client, status=RUNNING, name="okta"):
    return await client.plugins.SetPluginStatus(SetPluginStatusRequest(name=name, status=status))


async def given(client, credentials, name="okta"):
    return await client.plugins.SetPluginCredentials(SetPluginCredentialsRequest(name=name, credentials=credentials))


def reference(**labels):
    credentials = PluginCredentialsV1()
    credentials.static_credentials_ref.Labels.update(labels)
    return credentials


# Creation


async def test_a_plugin_is_stored_with_kind_version_and_defaults(bot, plugin):
    await created(bot, plugin(group_filters=["*Leads*"]))
    stored = await got(bot)
    assert (stored.kind, stored.version, stored.metadata.Namespace) == ("plugin", "v1", "default")
    assert stored.spec.okta.sync_settings.user_sync_source == "unknown"
    assert stored.spec.okta.sync_settings.group_filters == ["*Leads*"]
    assert stored.spec.generation == ""
    assert stored.status.last_sync_time.seconds == YEAR_ONE
    assert stored.metadata.Revision


async def test_old_settings_become_the_new_ones(bot, plugin):
    message = plugin()
    message.spec.okta.ClearField("sync_settings")
    message.spec.okta.enable_user_sync, message.spec.okta.sso_connector_id = True, "okta-integration"
    await created(bot, message)
    sync = (await got(bot)).spec.okta.sync_settings
    assert (sync.sync_users, sync.sso_connector_id) == (True, "okta-integration")


async def test_a_name_that_is_taken_is_refused_in_the_words_of_the_backend(bot, plugin, refusal):
    await created(bot, plugin())
    assert await refusal(created(bot, plugin())) == ("ALREADY_EXISTS", "UNIQUE constraint failed: kv.key")


def without_credentials(message):
    message.ClearField("credentials")
    return message


def with_credentials(message, credentials):
    message.credentials.CopyFrom(credentials)
    return message


def without_org(message):
    message.spec.okta.org_url = ""
    return message


WRONG = {
    "no name": (lambda build: build(""), "missing parameter Name"),
    "no organisation": (lambda build: without_org(build()), "org_url must be set"),
    "users without a connector": (
        lambda build: build(sso_connector_id=""),
        "sso_connector_id must be set when user sync enabled",
    ),
    "lists without owners": (
        lambda build: build(sync_access_lists=True),
        "default owners must be set when access list import is enabled",
    ),
    "no credentials": (lambda build: without_credentials(build()), "credentials must be set"),
    "a bearer token": (
        lambda build: with_credentials(build(), PluginCredentialsV1(bearer_token={"token": "t"})),
        "okta plugin must be used with the static credentials ref type",
    ),
    "a reference without labels": (
        lambda build: with_credentials(build(), PluginCredentialsV1(static_credentials_ref={})),
        "labels must be specified",
    ),
}


@pytest.mark.parametrize(("message", "text"), WRONG.values(), ids=WRONG)
async def test_invalid_values_are_refused_by_creation_and_update(bot, plugin, refusal, message, text):
    assert await refusal(created(bot, message(plugin))) == ("INVALID_ARGUMENT", text)
    assert await refusal(updated(bot, message(plugin))) == ("INVALID_ARGUMENT", text)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"saml_connector_name": "okta"}, "default_role must be set"),
        ({"default_role": "requester"}, "saml_connector_name must be set"),
        ({"default_role": "requester", "saml_connector_name": "okta"}, None),
    ],
)
async def test_a_scim_plugin_needs_a_role_and_a_connector_and_no_credentials(bot, refusal, settings, text):
    message = PluginV1()
    message.metadata.Name = "scim"
    message.spec.scim.SetInParent()
    for field, value in settings.items():
        setattr(message.spec.scim, field, value)
    if text is None:
        await created(bot, message)
        assert (await got(bot, "scim")).spec.scim.default_role == "requester"
    else:
        assert await refusal(created(bot, message)) == ("INVALID_ARGUMENT", text)


async def test_names_are_checked_as_keys(bot, plugin, refusal):
    code, text = await refusal(created(bot, plugin("a b")))
    assert (code, text.rpartition(": ")[2]) == ("INVALID_ARGUMENT", '"/plugins/a b"')


# Reads


async def test_a_plugin_is_shown_without_its_credentials_unless_secrets_are_asked_for(bot, plugin):
    await created(bot, plugin())
    assert (await got(bot)).HasField("credentials")
    assert not (await got(bot, secrets=False)).HasField("credentials")
    for secrets in (True, False):
        page = await bot.plugins.ListPlugins(ListPluginsRequest(with_secrets=secrets))
        assert page.plugins[0].HasField("credentials") is secrets


async def test_pages_hold_200_plugins_and_their_key_is_where_the_next_one_starts(bot, sandbox, plugin):
    sandbox.cluster.plugins.seed(plugin(f"p{number:03}") for number in range(201))
    page = await bot.plugins.ListPlugins(ListPluginsRequest(page_size=1000))
    assert (len(page.plugins), page.next_key) == (200, "p200")
    page = await bot.plugins.ListPlugins(ListPluginsRequest(start_key=page.next_key))
    assert ([found.metadata.Name for found in page.plugins], page.next_key) == (["p200"], "")


async def test_writes_show_at_once_because_the_cache_has_no_plugins(start, connect, plugin):
    async with start(lag=ListingLag.observed()) as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await created(bot, plugin())
        await reported(bot)
        assert (await got(bot)).status.code == PluginStatusCode.RUNNING
        await deleted(bot)
        assert not (await bot.plugins.ListPlugins(ListPluginsRequest())).plugins


async def test_the_types_that_can_be_had(bot):
    reply = await bot.plugins.GetAvailablePluginTypes(GetAvailablePluginTypesRequest())
    assert [found.type for found in reply.plugin_types] == ["okta", "scim"]


# Changes


async def test_an_update_needs_the_revision_and_stores_status_and_generation_of_the_message(bot, plugin, refusal):
    await created(bot, plugin())
    message = await got(bot)
    message.spec.generation = "7"
    message.status.code, message.status.error_message = PluginStatusCode.UNAUTHORIZED, "no"
    reply = await updated(bot, message)
    stored = await got(bot)
    assert stored == reply
    assert (stored.spec.generation, stored.status.error_message) == ("7", "no")
    assert stored.metadata.Revision != message.metadata.Revision
    assert await refusal(updated(bot, message)) == ("FAILED_PRECONDITION", STALE_REVISION)
    message.metadata.Revision = ""
    assert (await refusal(updated(bot, message)))[0] == "FAILED_PRECONDITION"


async def test_an_update_of_a_connector_read_without_secrets_is_refused(bot, plugin, refusal):
    await created(bot, plugin())
    message = await got(bot, secrets=False)
    assert await refusal(updated(bot, message)) == ("INVALID_ARGUMENT", "credentials must be set")


async def test_an_update_of_a_missing_plugin_is_refused_for_its_revision(bot, plugin, refusal):
    assert (await refusal(updated(bot, plugin())))[0] == "FAILED_PRECONDITION"


async def test_an_update_may_change_the_type(bot, plugin):
    await created(bot, plugin())
    message = await got(bot)
    message.spec.scim.saml_connector_name, message.spec.scim.default_role = "okta", "requester"
    await updated(bot, message)
    assert (await got(bot)).spec.WhichOneof("settings") == "scim"


async def test_an_update_keeps_fields_that_the_sandbox_does_not_know(bot, plugin):
    message = plugin()
    message.spec.MergeFromString(b"\xaa\x06\x03new")
    await created(bot, message)
    assert b"\xaa\x06\x03new" in (await updated(bot, await got(bot))).spec.SerializeToString()


# The end


async def test_a_deleted_plugin_is_gone(bot, plugin, refusal):
    await created(bot, plugin())
    await deleted(bot)
    assert await refusal(got(bot)) == MISSING


@pytest.mark.parametrize("call", [got, deleted, reported, lambda client: given(client, reference(a="b"))])
async def test_a_missing_plugin_is_not_found(bot, refusal, call):
    assert await refusal(call(bot)) == MISSING


# Who may


VERBS = {
    "create": created,
    "update": updated,
    "delete": lambda client, _: deleted(client),
    "read": lambda client, _: got(client),
    "list": lambda client, _: client.plugins.ListPlugins(ListPluginsRequest()),
    "status": lambda client, _: reported(client),
    "credentials": lambda client, _: given(client, reference(a="b")),
    "types": lambda client, _: client.plugins.GetAvailablePluginTypes(GetAvailablePluginTypesRequest()),
}
NEEDED = {"status": "update", "credentials": "update", "types": "read"}


@pytest.mark.parametrize("name", VERBS)
async def test_the_okta_service_may_do_nothing_with_plugins(host, plugin, refusal, name):
    code, text = await refusal(VERBS[name](host, plugin()))
    verb = NEEDED.get(name, name)
    assert code == "PERMISSION_DENIED"
    assert text.startswith(f'access denied to perform action "{verb}" on "plugin"')


@pytest.mark.parametrize("name", VERBS)
async def test_a_community_server_does_not_know_plugins(start, connect, plugin, refusal, name):
    async with start(edition="oss") as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        code, text = await refusal(VERBS[name](bot, plugin()))
    assert (code, text) == ("UNIMPLEMENTED", "unknown service teleport.plugins.v1.PluginService")
