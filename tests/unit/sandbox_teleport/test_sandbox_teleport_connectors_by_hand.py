"""SAML connectors that an administrator makes, edits and deletes, and audit events, over the control interface."""

import pytest
from teleport.legacy.client.proto.authservice_pb2 import CreateSAMLConnectorRequest
from teleport.legacy.types.events.events_pb2 import OktaUserSync, OneOf
from teleport.legacy.types.types_pb2 import ResourceWithSecretsRequest

MAPPING = {"name": "groups", "value": "*", "roles": ["access"]}


def body(**fields):
    return {"name": "okta", "acs": "https://proxy/acs/okta", "attributes_to_roles": [MAPPING], **fields}


async def test_a_connector_is_made_edited_read_and_deleted_by_hand(control, sandbox, bot, metadata):
    async with control.post("/saml_connectors", json=body(entity_descriptor=metadata(), labels={"a": "b"})) as reply:
        assert reply.status == 201
        made = await reply.json()
    assert made["Spec"]["Issuer"] == "http://www.okta.com/exk1"
    edit = {"display": "Okta", "labels": {"c": "d"}, "attributes_to_roles": [{**MAPPING, "roles": ["auditor"]}]}
    await control.patch("/saml_connectors/okta", json=edit)
    found = await bot.auth.GetSAMLConnector(ResourceWithSecretsRequest(Name="okta", WithSecrets=True))
    assert (found.Spec.Display, dict(found.Metadata.Labels)) == ("Okta", {"c": "d"})
    assert [list(mapping.Roles) for mapping in found.Spec.AttributesToRoles] == [["auditor"]]
    assert found.Spec.SigningKeyPair.PrivateKey == made["Spec"]["SigningKeyPair"]["PrivateKey"]
    async with control.get("/saml_connectors/okta") as reply:
        assert (await reply.json())["Metadata"]["Revision"] == found.Metadata.Revision
    await control.delete("/saml_connectors/okta")
    async with control.get("/saml_connectors") as reply:
        assert await reply.json() == []


async def test_connectors_of_a_client_are_listed(control, bot, connector):
    await bot.auth.CreateSAMLConnector(CreateSAMLConnectorRequest(Connector=connector()))
    async with control.get("/saml_connectors") as reply:
        assert [each["Metadata"]["Name"] for each in await reply.json()] == ["okta"]


async def test_a_person_may_name_issuer_and_sign_on_url_instead(sandbox):
    made = await sandbox.administrator.connectors.create(
        "okta", acs="https://proxy/acs", attributes_to_roles=[MAPPING], issuer="idp", sso="https://idp.example"
    )
    assert (made.Spec.Issuer, made.Spec.SSO) == ("idp", "https://idp.example")


async def test_a_person_may_move_a_connector_to_another_address_and_app(start, web, metadata):
    web.pages["https://idp.example"] = (200, metadata("other"))
    async with start(fetch_metadata=web) as sandbox:
        connectors = sandbox.administrator.connectors
        fields = {"attributes_to_roles": [MAPPING], "entity_descriptor": metadata()}
        await connectors.create("okta", acs="https://proxy/acs", **fields)
        moved = await connectors.edit("okta", acs="https://other/acs", entity_descriptor_url="https://idp.example")
    assert (moved.Spec.AssertionConsumerService, moved.Spec.Issuer) == ("https://other/acs", "other")


@pytest.mark.parametrize(
    ("method", "path", "fields", "status"),
    [
        ("POST", "/saml_connectors", body(), 409),
        ("POST", "/saml_connectors", body(issuer="i", sso="https://s", attributes_to_roles=[]), 409),
        ("POST", "/saml_connectors", body(colour="red"), 400),
        ("POST", "/saml_connectors", {}, 404),
        ("GET", "/saml_connectors/none", None, 404),
        ("PATCH", "/saml_connectors/none", {}, 404),
        ("DELETE", "/saml_connectors/none", None, 404),
    ],
)
async def test_an_invalid_request_is_answered_with_the_error(control, method, path, fields, status):
    async with control.request(method, path, json=fields) as reply:
        assert (reply.status, bool((await reply.json())["error"])) == (status, True)


async def test_the_administrator_of_a_community_cluster_has_no_saml(start, metadata):
    async with start(edition="oss") as sandbox:
        create = sandbox.administrator.connectors.create(
            "okta", acs="https://proxy/acs", attributes_to_roles=[MAPPING], entity_descriptor=metadata()
        )
        with pytest.raises(Exception, match="SAML is only available in Teleport Enterprise"):
            await create


async def test_audit_events_are_shown_by_type_and_forgotten(control, host):
    for type_, code in (("okta.user.sync", "TOK007I"), ("okta.user.other", "TOK007E")):
        event = OktaUserSync(num_users_total=40)
        event.Metadata.Type, event.Metadata.Code = type_, code
        await host.auth.EmitAuditEvent(OneOf(OktaUserSync=event))
    async with control.get("/audit_events") as reply:
        assert [each["Metadata"]["Code"] for each in await reply.json()] == ["TOK007I", "TOK007E"]
    async with control.get("/audit_events?type=okta.user.sync") as reply:
        (shown,) = await reply.json()
    assert (shown["num_users_total"], shown["Metadata"]["ClusterName"]) == (40, "sandbox.teleport.test")
    await control.delete("/audit_events")
    async with control.get("/audit_events") as reply:
        assert await reply.json() == []
