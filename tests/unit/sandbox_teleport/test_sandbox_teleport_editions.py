"""The features of each edition, and the calls by which a client finds them (`docs/reference/teleport.md` 7)."""

import pytest
from teleport.accesslist.v1.accesslist_service_pb2 import GetAccessListRequest, ListAccessListsRequest
from teleport.legacy.client.proto.authservice_pb2 import (
    CreateSAMLConnectorRequest,
    GetUserRequest,
    PingRequest,
    UpsertSAMLConnectorRequest,
)
from teleport.legacy.types.types_pb2 import ResourcesWithSecretsRequest, ResourceWithSecretsRequest
from teleport.okta.v1.okta_service_pb2 import ListOktaImportRulesRequest
from teleport.plugins.v1.plugin_service_pb2 import GetPluginRequest

PROBES = {
    "AccessListService": lambda client: client.access_lists.ListAccessLists(ListAccessListsRequest(page_size=1)),
    "PluginService": lambda client: client.plugins.GetPlugin(GetPluginRequest(name="okta")),
    "OktaService": lambda client: client.okta.ListOktaImportRules(ListOktaImportRulesRequest(page_size=1)),
}


@pytest.fixture
async def community(start, connect):
    async with start(edition="oss") as running:
        yield connect(running, running.identity_path.read_bytes())


async def test_ping_lists_every_entitlement_in_both_editions(bot, community):
    enterprise_features = (await bot.auth.Ping(PingRequest())).ServerFeatures
    community_features = (await community.auth.Ping(PingRequest())).ServerFeatures
    assert set(enterprise_features.entitlements) == set(community_features.entitlements)
    enabled = {name for name, info in community_features.entitlements.items() if info.enabled}
    assert enabled == {"App", "DB", "Desktop", "JoinActiveSessions", "K8s"}
    assert enterprise_features.entitlements["OktaUserSync"].enabled
    assert (enterprise_features.SAML, community_features.SAML) == (True, False)


@pytest.mark.parametrize("service", PROBES)
async def test_enterprise_services_are_unknown_to_a_community_server(community, refusal, service):
    code, text = await refusal(PROBES[service](community))
    assert code == "UNIMPLEMENTED"
    assert text.startswith("unknown service teleport.")
    assert text.endswith(service)


async def test_an_unknown_service_is_refused_before_anybody_is_authenticated(start, connect, refusal):
    async with start(edition="oss") as sandbox:
        sandbox.administrator.create_lock("l", "bot-teleport-okta")
        client = connect(sandbox, sandbox.identity_path.read_bytes())
        assert (await refusal(PROBES["PluginService"](client)))[0] == "UNIMPLEMENTED"


async def test_enterprise_collections_are_there_and_empty(bot, refusal):
    assert not (await PROBES["AccessListService"](bot)).access_lists
    assert not (await PROBES["OktaService"](bot)).import_rules
    assert await refusal(PROBES["PluginService"](bot)) == ("NOT_FOUND", 'plugin "okta" doesn\'t exist')
    call = bot.access_lists.GetAccessList(GetAccessListRequest(name="00g1"))
    assert await refusal(call) == ("NOT_FOUND", 'access_list "00g1" doesn\'t exist')


async def test_user_calls_of_the_old_service_are_not_implemented(bot, refusal):
    call = bot.auth.GetUser(GetUserRequest(Name="ada"))
    assert await refusal(call) == ("UNIMPLEMENTED", "method GetUser not implemented")


async def test_saml_writes_are_refused_in_the_community_edition_before_permissions(start, connect, refusal):
    expected = ("PERMISSION_DENIED", "SAML is only available in Teleport Enterprise")
    async with start(edition="oss") as sandbox:
        client = connect(sandbox, sandbox.issue_identity("bot-teleport-okta", ["auditor"]).text())
        assert await refusal(client.auth.CreateSAMLConnector(CreateSAMLConnectorRequest())) == expected
        assert await refusal(client.auth.UpsertSAMLConnectorV2(UpsertSAMLConnectorRequest())) == expected


async def test_saml_connectors_can_be_read_in_both_editions(bot, community, refusal):
    for client in (bot, community):
        assert not (await client.auth.GetSAMLConnectors(ResourcesWithSecretsRequest())).SAMLConnectors
        call = client.auth.GetSAMLConnector(ResourceWithSecretsRequest(Name="okta"))
        assert await refusal(call) == ("NOT_FOUND", 'SAML connector "okta" is not configured')


async def test_the_version_is_the_one_that_was_chosen(start, connect, refusal):
    async with start(version="17.7.0") as sandbox:
        client = connect(sandbox)
        assert (await client.auth.Ping(PingRequest())).ServerVersion == "17.7.0"
        await client.auth.Ping(PingRequest(), metadata=[("version", "16.0.0")])
