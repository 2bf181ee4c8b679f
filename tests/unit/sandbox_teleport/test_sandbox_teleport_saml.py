"""SAML connectors on an Enterprise cluster.

See `docs/reference/teleport.md` 4.5, `docs/reference/teleport-observed.md` 2 and 5.5.
"""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from teleport.legacy.client.proto.authservice_pb2 import (
    CreateSAMLConnectorRequest,
    DeleteRoleRequest,
    PingRequest,
    UpdateSAMLConnectorRequest,
    UpsertSAMLConnectorRequest,
)
from teleport.legacy.types.types_pb2 import (
    AsymmetricKeyPair,
    AttributeMapping,
    ResourceRequest,
    ResourcesWithSecretsRequest,
    ResourceWithSecretsRequest,
)
from teleport_okta.sandbox.teleport import Entitlement, ListingLag


async def created(client, message):
    return await client.auth.CreateSAMLConnector(CreateSAMLConnectorRequest(Connector=message))


async def updated(client, message):
    return await client.auth.UpdateSAMLConnector(UpdateSAMLConnectorRequest(Connector=message))


async def upserted(client, message):
    return await client.auth.UpsertSAMLConnectorV2(UpsertSAMLConnectorRequest(Connector=message))


async def upserted_as_before(client, message):
    return await client.auth.UpsertSAMLConnector(message)


async def got(client, name="okta", *, secrets=False):
    return await client.auth.GetSAMLConnector(ResourceWithSecretsRequest(Name=name, WithSecrets=secrets))


async def listed(client):
    return list((await client.auth.GetSAMLConnectors(ResourcesWithSecretsRequest())).SAMLConnectors)


WRITES = [created, updated, upserted, upserted_as_before]


async def test_issuer_and_sign_on_url_are_read_from_the_metadata(bot, connector):
    reply = await created(bot, connector(Issuer="mine", SSO="https://mine.example"))
    spec = (await got(bot)).Spec
    assert (spec.Issuer, spec.SSO) == ("http://www.okta.com/exk1", "https://org.okta.com/app/exk1/sso/saml")
    assert (reply.Spec.Issuer, reply.Kind, reply.Version) == (spec.Issuer, "saml", "v2")
    assert reply.Metadata.Namespace == "default"


async def test_issuer_and_audience_default_to_the_assertion_consumer_service(bot, connector):
    spec = (await created(bot, connector())).Spec
    assert spec.ServiceProviderIssuer == spec.Audience == spec.AssertionConsumerService
    spec = (await created(bot, connector("other", ServiceProviderIssuer="me", Audience="you"))).Spec
    assert (spec.ServiceProviderIssuer, spec.Audience) == ("me", "you")


async def test_issuer_and_sign_on_url_do_without_metadata(bot, connector):
    spec = (await created(bot, connector(EntityDescriptor="", Issuer="idp", SSO="https://idp.example/sso"))).Spec
    assert (spec.Issuer, spec.SSO) == ("idp", "https://idp.example/sso")


async def test_a_signing_key_is_made_and_only_the_reply_and_reads_with_secrets_show_it(bot, connector):
    reply = await created(bot, connector())
    pair = reply.Spec.SigningKeyPair
    certificate = x509.load_pem_x509_certificate(pair.Cert.encode())
    key = load_pem_private_key(pair.PrivateKey.encode(), None)
    assert certificate.public_key() == key.public_key()
    assert certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=3649)
    assert (await got(bot, secrets=True)).Spec.SigningKeyPair == pair
    shown = (await got(bot)).Spec.SigningKeyPair
    assert (shown.Cert, shown.PrivateKey) == (pair.Cert, "")
    assert (await listed(bot))[0].Spec.SigningKeyPair.PrivateKey == ""


async def test_a_name_that_is_taken_is_refused_in_the_words_of_the_backend(bot, connector, refusal):
    first = await created(bot, connector())
    assert await refusal(created(bot, first)) == ("ALREADY_EXISTS", "UNIQUE constraint failed: kv.key")


async def test_two_connectors_of_one_app_are_accepted(bot, connector):
    await created(bot, connector("a"))
    await created(bot, connector("b"))
    assert [found.Metadata.Name for found in await listed(bot)] == ["a", "b"]


async def test_an_update_needs_the_revision_and_gives_another(bot, connector, refusal):
    first = await created(bot, connector())
    changed = connector(Display="Okta")
    changed.Spec.SigningKeyPair.CopyFrom(first.Spec.SigningKeyPair)
    assert (await refusal(updated(bot, changed)))[0] == "FAILED_PRECONDITION"
    changed.Metadata.Revision = first.Metadata.Revision
    second = await updated(bot, changed)
    assert second.Metadata.Revision not in {"", first.Metadata.Revision}
    code, text = await refusal(updated(bot, changed))
    assert (code, text.startswith("resource revision does not match")) == ("FAILED_PRECONDITION", True)


async def test_an_update_of_a_missing_connector_is_refused_for_its_key_first(bot, connector, refusal):
    code, text = await refusal(updated(bot, connector()))
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("failed to create SAML connector, the SAML connector has no signing key set.")
    whole = connector()
    whole.Spec.SigningKeyPair.CopyFrom(AsymmetricKeyPair(PrivateKey="key", Cert="cert"))
    assert (await refusal(updated(bot, whole)))[0] == "FAILED_PRECONDITION"


async def test_an_update_without_the_signing_key_pair_is_refused(bot, connector, refusal):
    message = await created(bot, connector())
    message.Spec.ClearField("SigningKeyPair")
    code, text = await refusal(updated(bot, message))
    assert code == "INVALID_ARGUMENT"
    assert "its signing certificate does not match the existing one" in text


async def test_a_connector_read_without_secrets_keeps_its_key_when_written_back(bot, connector):
    first = await created(bot, connector())
    await updated(bot, await got(bot))
    await upserted(bot, await got(bot))
    assert (await got(bot, secrets=True)).Spec.SigningKeyPair == first.Spec.SigningKeyPair


async def test_another_certificate_without_its_key_is_refused(bot, connector, refusal):
    message = await created(bot, connector())
    message.Spec.SigningKeyPair.CopyFrom(AsymmetricKeyPair(Cert="another"))
    for write in (updated, upserted):
        assert (await refusal(write(bot, message)))[0] == "INVALID_ARGUMENT"


async def test_a_new_connector_with_a_certificate_and_no_key_is_refused(bot, connector, refusal):
    message = connector()
    message.Spec.SigningKeyPair.Cert = "cert"
    code, text = await refusal(created(bot, message))
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("Missing private key for signing connector. You must either specify")
    code, text = await refusal(upserted(bot, message))
    assert (code, text.startswith("failed to create SAML connector")) == ("INVALID_ARGUMENT", True)


@pytest.mark.parametrize("write", [upserted, upserted_as_before])
async def test_an_upsert_without_the_signing_key_pair_makes_a_new_one(bot, connector, write):
    first = await created(bot, connector())
    await write(bot, connector(Display="Okta"))
    second = await got(bot, secrets=True)
    assert second.Spec.Display == "Okta"
    assert second.Spec.SigningKeyPair.Cert not in {"", first.Spec.SigningKeyPair.Cert}
    assert second.Metadata.Revision != first.Metadata.Revision


async def test_an_upsert_creates_a_missing_object(bot, connector):
    assert (await upserted(bot, connector())).Spec.SigningKeyPair.PrivateKey


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ({"AssertionConsumerService": ""}, "missing acs - assertion consumer service parameter, set service URL that"),
        (
            {"AllowIDPInitiated": True, "AssertionConsumerService": "https://p/acs/x"},
            "acs - assertion consumer service",
        ),
        (
            {"EntityDescriptor": ""},
            "no entity_descriptor set, either provide entity_descriptor or entity_descriptor_url in spec",
        ),
        ({"EntityDescriptor": "", "Issuer": "idp"}, "no entity_descriptor set"),
        ({"EntityDescriptor": "", "Issuer": "idp", "SSO": "http://idp"}, 'invalid scheme "http" in acs location'),
        ({"EntityDescriptor": "", "Issuer": "idp", "SSO": "https://[::1"}, "acs location endpoint"),
        ({"EntityDescriptor": "", "Issuer": "idp", "SSO": "https://i;d"}, "acs location endpoint contains an unsupp"),
        ({"PreferredRequestBinding": "soap"}, "invalid preferred_request_binding value. It can be one of ["),
    ],
)
async def test_invalid_values_are_refused_by_every_write(bot, connector, refusal, write, spec, text):
    code, told = await refusal(write(bot, connector(**spec)))
    assert (code, told[: len(text)]) == ("INVALID_ARGUMENT", text)


@pytest.mark.parametrize("name", ["local", "passwordless", "headless"])
async def test_reserved_names_are_refused(bot, connector, refusal, name):
    expected = f"ID: invalid connector name, {name} is a reserved name"
    assert await refusal(created(bot, connector(name))) == ("INVALID_ARGUMENT", expected)


async def test_names_are_checked_as_keys(bot, connector, refusal):
    assert await refusal(created(bot, connector(""))) == ("INVALID_ARGUMENT", "missing parameter Name")
    code, text = await refusal(created(bot, connector("a/b")))
    assert (code, text.rpartition(": ")[2]) == ("INVALID_ARGUMENT", '"/web/connectors/saml/connectors/a/b"')


@pytest.mark.parametrize("binding", ["", "http-post", "http-redirect"])
async def test_known_bindings_are_accepted(bot, connector, binding):
    await created(bot, connector(PreferredRequestBinding=binding, AllowIDPInitiated=True))


@pytest.mark.parametrize(
    ("mappings", "text"),
    [
        ([], "attributes_to_roles is empty, authorization with connector would never assign any roles"),
        ([AttributeMapping(Name="groups", Value="*")], "need roles field in attributes_to_roles"),
        (
            [AttributeMapping(Name="groups", Value="*", Roles=["access", "ghost"])],
            'role "ghost" specified in attributes_to_roles not found',
        ),
    ],
)
async def test_mappings_must_give_roles_that_exist(bot, connector, refusal, mappings, text):
    message = connector()
    message.Spec.ClearField("AttributesToRoles")
    message.Spec.AttributesToRoles.extend(mappings)
    assert await refusal(created(bot, message)) == ("INVALID_ARGUMENT", text)


@pytest.mark.parametrize("role", ["okta-$1", "${2}", "{{external.groups}}"])
async def test_a_template_of_a_role_is_accepted_and_a_value_that_is_no_expression_too(bot, connector, role):
    message = connector()
    message.Spec.AttributesToRoles.add(Name="groups", Value="^(", Roles=[role])
    await created(bot, message)


async def test_a_mapped_role_may_be_deleted_and_then_every_update_fails_until_the_mapping_is_mended(
    bot, connector, refusal
):
    message = await created(bot, connector())
    await bot.auth.DeleteRole(DeleteRoleRequest(Name="access"))
    assert (await refusal(updated(bot, message)))[1] == 'role "access" specified in attributes_to_roles not found'
    assert (await got(bot)).Spec.AttributesToRoles[0].Roles == ["access"]
    message.Spec.AttributesToRoles[0].Roles[:] = ["auditor"]
    await updated(bot, message)


async def test_writes_show_at_once_because_the_cache_has_no_connectors(start, connect, connector):
    async with start(lag=ListingLag.observed()) as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await created(bot, connector())
        assert len(await listed(bot)) == 1
        await bot.auth.DeleteSAMLConnector(ResourceRequest(Name="okta"))
        assert await listed(bot) == []


async def test_a_deleted_connector_leaves_its_users(bot, sandbox, connector, refusal):
    await created(bot, connector())
    sandbox.administrator.sso_login("ada")
    await bot.auth.DeleteSAMLConnector(ResourceRequest(Name="okta"))
    assert sandbox.cluster.users.stored("ada") is not None
    expected = ("NOT_FOUND", 'key "/web/connectors/saml/connectors/okta" is not found')
    assert await refusal(bot.auth.DeleteSAMLConnector(ResourceRequest(Name="okta"))) == expected
    assert (await refusal(bot.auth.DeleteSAMLConnector(ResourceRequest())))[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("call", "verb"),
    [
        (created, "create"),
        (updated, "update"),
        (upserted, "create"),
        (upserted_as_before, "create"),
        (lambda client, _: client.auth.DeleteSAMLConnector(ResourceRequest(Name="okta")), "delete"),
        (lambda client, _: got(client, secrets=True), "read"),
    ],
)
async def test_the_okta_service_may_read_connectors_without_secrets_and_no_more(
    bot, host, connector, refusal, call, verb
):
    await created(bot, connector())
    assert (await got(host)).Metadata.Name == "okta"
    expected = f'access denied to perform action "{verb}" on "auth_connector"'
    assert await refusal(call(host, connector())) == ("PERMISSION_DENIED", expected)


async def test_a_rule_on_auth_connector_grants_the_same(sandbox, connect, connector):
    sandbox.administrator.create_user("eve", roles=["editor"])
    eve = connect(sandbox, sandbox.issue_identity("eve", ["editor"]).text())
    await created(eve, connector())


async def test_without_the_entitlement_writes_are_refused_and_reads_are_not(bot, sandbox, connector, refusal):
    await created(bot, connector())
    sandbox.cluster.license({"SAML": Entitlement(False)})
    for write in WRITES:
        expected = ("PERMISSION_DENIED", "SAML is only available in Teleport Enterprise")
        assert await refusal(write(bot, connector())) == expected
    await got(bot)
    assert not (await bot.auth.Ping(PingRequest())).ServerFeatures.SAML


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.auth.CreateSAMLConnector(CreateSAMLConnectorRequest()),
        lambda client: client.auth.UpdateSAMLConnector(UpdateSAMLConnectorRequest()),
        lambda client: client.auth.UpsertSAMLConnectorV2(UpsertSAMLConnectorRequest()),
    ],
)
async def test_a_write_without_the_connector_ends_the_server(bot, sandbox, refusal, call):
    assert (await refusal(call(bot)))[0] == "UNAVAILABLE"
    assert sandbox.crashes == ["a write of a SAML connector without the connector"]
