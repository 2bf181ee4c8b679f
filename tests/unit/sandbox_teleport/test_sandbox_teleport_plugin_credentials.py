"""The credentials of plugins: stored with a new plugin, referred to by labels, hidden from clients
(`docs/reference/teleport.md` 4.14)."""

import pytest
from teleport.legacy.types.types_pb2 import PluginCredentialsV1, PluginStaticCredentialsV1, PluginStatusCode
from teleport.plugins.v1.plugin_service_pb2 import (
    CreatePluginRequest,
    DeletePluginRequest,
    GetPluginRequest,
    SearchPluginStaticCredentialsRequest,
    SetPluginCredentialsRequest,
    SetPluginStatusRequest,
)
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.sandbox.teleport.store import STALE_REVISION

UNKNOWN = "credentials are not set or have an unknown type <nil>"


async def created(client, message, **request):
    return await client.plugins.CreatePlugin(CreatePluginRequest(plugin=message, **request))


async def deleted(client, name="okta"):
    return await client.plugins.DeletePlugin(DeletePluginRequest(name=name))


async def got(client, name="okta"):
    return await client.plugins.GetPlugin(GetPluginRequest(name=name, with_secrets=True))


async def given(client, credentials, name="okta"):
    return await client.plugins.SetPluginCredentials(SetPluginCredentialsRequest(name=name, credentials=credentials))


def reference(**labels):
    credentials = PluginCredentialsV1()
    credentials.static_credentials_ref.Labels.update(labels)
    return credentials


def static(name, token="secret", **labels):
    credentials = PluginStaticCredentialsV1()
    credentials.Header.Metadata.Name = name
    credentials.Header.Metadata.Labels.update(labels)
    credentials.Spec.APIToken = token
    return credentials


def without_credentials(message):
    message.ClearField("credentials")
    return message


# Stored with the plugin


async def test_static_credentials_are_stored_under_the_labels_by_which_the_plugin_refers_to_them(bot, sandbox, plugin):
    org = {"okta/org": "https://org.okta.com"}
    purposes = [static("okta", **{"okta/purpose": "okta-auth"}), static("okta-scim-token")]
    await created(bot, without_credentials(plugin()), static_credentials_list=purposes, credential_labels=org)
    assert dict((await got(bot)).credentials.static_credentials_ref.Labels) == org
    stored = sandbox.cluster.plugin_credentials.stored("okta")
    assert dict(stored.Header.Metadata.Labels) == {"okta/purpose": "okta-auth", **org}
    assert (stored.Header.Kind, stored.Spec.APIToken) == ("plugin_static_credentials", "secret")
    assert sandbox.cluster.plugin_credentials.stored("okta-scim-token") is not None


async def test_credentials_without_labels_get_a_label_of_the_server(bot, sandbox, plugin):
    await created(bot, without_credentials(plugin()), static_credentials=static("okta"))
    labels = dict((await got(bot)).credentials.static_credentials_ref.Labels)
    assert labels
    assert dict(sandbox.cluster.plugin_credentials.stored("okta").Header.Metadata.Labels) == labels


@pytest.mark.parametrize(
    ("credentials", "text"),
    [
        (static("okta", token=""), "api token object is missing"),
        (static(""), "missing parameter Name"),
        (PluginStaticCredentialsV1(Header=static("okta").Header), UNKNOWN),
        (
            PluginStaticCredentialsV1(Header=static("okta").Header, Spec={"BasicAuth": {"Username": "u"}}),
            "password is empty",
        ),
        (
            PluginStaticCredentialsV1(Header=static("okta").Header, Spec={"OAuthClientSecret": {"ClientId": "c"}}),
            "client secret is empty",
        ),
        (PluginStaticCredentialsV1(Header=static("okta").Header, Spec={"private_key": b""}), "private key is empty"),
    ],
)  # fmt: skip
async def test_credentials_that_are_none_are_refused_and_nothing_is_stored(
    bot, sandbox, plugin, refusal, credentials, text
):
    call = created(bot, plugin(), static_credentials_list=[static("first"), credentials])
    assert await refusal(call) == ("INVALID_ARGUMENT", text)
    assert len(sandbox.cluster.plugins) == len(sandbox.cluster.plugin_credentials) == 0


async def test_credentials_whose_name_is_taken_are_refused_and_nothing_is_stored(bot, sandbox, plugin, refusal):
    await created(bot, plugin("first"), static_credentials=static("okta"))
    call = created(bot, plugin("second"), static_credentials=static("okta"))
    assert await refusal(call) == ("ALREADY_EXISTS", "UNIQUE constraint failed: kv.key")
    assert sandbox.cluster.plugins.stored("second") is None


async def test_bootstrap_credentials_are_not_played(bot, plugin, refusal):
    call = created(bot, plugin(), bootstrap_credentials={"bearer_token": {"token": "t"}})
    assert (await refusal(call))[0] == "UNIMPLEMENTED"


async def test_no_client_can_read_static_credentials(bot, host, refusal):
    request = SearchPluginStaticCredentialsRequest(labels={"okta/org": "https://org.okta.com"})
    for client in (bot, host):
        call = client.plugins.SearchPluginStaticCredentials(request)
        assert await refusal(call) == ("PERMISSION_DENIED", "access denied")


async def test_credentials_go_with_their_plugin(bot, sandbox, plugin):
    await created(bot, plugin(), static_credentials=static("okta"))
    await deleted(bot)
    assert len(sandbox.cluster.plugin_credentials) == 0


async def test_credentials_that_another_plugin_refers_to_stay(bot, sandbox, plugin):
    labels = {"okta/org": "https://org.okta.com"}
    await created(bot, plugin(), static_credentials=static("okta"), credential_labels=labels)
    await created(bot, plugin("other"))
    await deleted(bot)
    assert sandbox.cluster.plugin_credentials.stored("okta") is not None


# Replaced


async def test_credentials_are_replaced_and_the_rest_stays(bot, plugin):
    await created(bot, plugin())
    status = {"code": PluginStatusCode.RUNNING}
    await bot.plugins.SetPluginStatus(SetPluginStatusRequest(name="okta", status=status))
    await given(bot, reference(other="label"))
    stored = await got(bot)
    assert dict(stored.credentials.static_credentials_ref.Labels) == {"other": "label"}
    assert stored.status.code == PluginStatusCode.RUNNING


async def test_an_okta_plugin_keeps_credentials(bot, plugin, refusal):
    await created(bot, plugin())
    assert await refusal(given(bot, None)) == ("INVALID_ARGUMENT", "credentials must be set")
    assert (await got(bot)).HasField("credentials")


async def test_credentials_can_lose_a_race_as_well(bot, sandbox, plugin, refusal):
    await created(bot, plugin())
    sandbox.faults.add(Fault("*/SetPluginCredentials", raced=True, count=1))
    assert await refusal(given(bot, reference(other="label"))) == ("FAILED_PRECONDITION", STALE_REVISION)
    await given(bot, reference(other="label"))
