"""The metadata of SAML connectors: how it is read, and when it is downloaded (`docs/reference/teleport.md` 4.5)."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web as http
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from teleport.legacy.client.proto.authservice_pb2 import (
    CreateSAMLConnectorRequest,
    UpdateSAMLConnectorRequest,
    UpsertSAMLConnectorRequest,
)
from teleport.legacy.types.types_pb2 import ResourcesWithSecretsRequest, ResourceWithSecretsRequest
from teleport_okta.sandbox.teleport.refusal import Refusal
from teleport_okta.sandbox.teleport.saml.download import SIZE_LIMIT, download, http_fetch
from teleport_okta.sandbox.teleport.saml.metadata import parse_metadata
from teleport_okta.sandbox.web_certificate import WebCertificate

URL = "https://idp.example/metadata"


async def created(client, message):
    return await client.auth.CreateSAMLConnector(CreateSAMLConnectorRequest(Connector=message))


async def got(client, name="okta", *, follow=True):
    request = ResourceWithSecretsRequest(Name=name, WithSecrets=True, SAMLValidationNoFollowURLs=not follow)
    return await client.auth.GetSAMLConnector(request)


async def listed(client, *, follow=True):
    request = ResourcesWithSecretsRequest(SAMLValidationNoFollowURLs=not follow)
    return [found.Metadata.Name for found in (await client.auth.GetSAMLConnectors(request)).SAMLConnectors]


@pytest.fixture
async def sandbox(start, web, metadata):
    web.pages[URL] = (200, metadata())
    async with start(fetch_metadata=web) as running:
        yield running


# How it is read

BAD = {
    "nothing": " ",
    "not closed": '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">',
    "no XML": "entity",
    "another element": "<html/>",
    "another name space": "<EntityDescriptor/>",
    "several entities": '<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>',
    "another encoding": '<?xml version="1.0" encoding="ISO-8859-1"?><EntityDescriptor/>',
    "an unknown entity": '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">&who;</EntityDescriptor>',
    "an entity of its own": (
        '<!DOCTYPE e [<!ENTITY who "me">]><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">'
        "&who;</EntityDescriptor>"
    ),
    "an entity elsewhere": (
        '<!DOCTYPE e [<!ENTITY who SYSTEM "file:///etc/passwd">]>'
        '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="&who;"/>'
    ),
    "a document type elsewhere": '<!DOCTYPE e SYSTEM "http://idp.example/e.dtd"><EntityDescriptor/>',
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
async def test_metadata_that_does_not_parse_is_an_unknown_failure(bot, connector, refusal, text):
    code, told = await refusal(created(bot, connector(EntityDescriptor=text)))
    assert code == "UNKNOWN"
    assert told.startswith("failed to parse entity_descriptor\n\t")


async def test_entities_that_expand_each_other_are_refused_before_any_is_expanded():
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
    bomb = f'<!DOCTYPE e [<!ENTITY e0 "lol">{entities}]><EntityDescriptor>&e9;</EntityDescriptor>'
    with pytest.raises(Refusal, match="a document type is not allowed"):
        parse_metadata(bomb)


async def test_the_first_sign_on_url_counts_with_any_binding(metadata):
    found = parse_metadata(metadata(sso="https://first.example"))
    assert (found.entity_id, found.sso_url) == ("http://www.okta.com/exk1", "https://first.example")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<EntityDescriptor {ns} entityID='idp'/>", "no SSO set either explicitly or via entity_descriptor spec"),
        ("<EntityDescriptor {ns}/>", "no issuer or entityID set, either set issuer as a parameter or via"),
    ],
)
async def test_metadata_without_a_required_part_is_refused(bot, connector, refusal, text, told):
    text = text.format(ns='xmlns="urn:oasis:names:tc:SAML:2.0:metadata"')
    code, found = await refusal(created(bot, connector(EntityDescriptor=text)))
    assert (code, found[: len(told)]) == ("INVALID_ARGUMENT", told)


async def test_metadata_without_a_sign_on_url_leaves_the_one_that_was_sent(bot, connector):
    text = "<EntityDescriptor xmlns='urn:oasis:names:tc:SAML:2.0:metadata' entityID='idp'/>"
    spec = (await created(bot, connector(EntityDescriptor=text, SSO="https://mine.example"))).Spec
    assert (spec.Issuer, spec.SSO) == ("idp", "https://mine.example")


async def test_a_sign_on_url_without_tls_is_refused(bot, connector, metadata, refusal):
    text = metadata(sso="http://idp.example/sso")
    code, told = await refusal(created(bot, connector(EntityDescriptor=text)))
    assert code == "INVALID_ARGUMENT"
    assert told == 'invalid scheme "http" in acs location endpoint "http://idp.example/sso" (must be \'https\')'


async def test_an_expired_certificate_is_accepted(bot, connector, metadata):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    expired = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=2))
        .not_valid_after(datetime.now(UTC) - timedelta(days=1))
        .sign(key, SHA256())
    )
    text = base64.b64encode(expired.public_bytes(Encoding.DER)).decode()
    signing = (
        '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
    whole = metadata().replace("<md:SingleSignOnService", f"{signing}<md:SingleSignOnService", 1)
    await created(bot, connector(EntityDescriptor=whole))


async def test_metadata_for_mfa_is_read_as_well(bot, connector, metadata, web):
    web.pages["https://mfa.example"] = (200, metadata("mfa", "https://mfa.example/sso"))
    message = connector(EntityDescriptorURL=URL)
    message.Spec.MFASettings.entity_descriptor_url = URL
    mfa = (await created(bot, message)).Spec.MFASettings
    assert (mfa.issuer, web.asked) == ("http://www.okta.com/exk1", [URL])
    message = connector("other")
    message.Spec.MFASettings.entity_descriptor_url = "https://mfa.example"
    mfa = (await created(bot, message)).Spec.MFASettings
    assert (mfa.issuer, mfa.sso) == ("mfa", "https://mfa.example/sso")


# When it is downloaded


async def test_a_url_is_downloaded_on_writes_and_on_every_read(bot, connector, metadata, web):
    message = await created(bot, connector(EntityDescriptorURL=URL))
    assert (message.Spec.EntityDescriptor, len(web.asked)) == (metadata(), 1)
    await got(bot)
    await listed(bot)
    await bot.auth.UpdateSAMLConnector(UpdateSAMLConnectorRequest(Connector=message))
    assert web.asked == [URL] * 4


async def test_a_read_shows_the_current_metadata_and_without_following_urls_the_stored_one(
    bot, connector, metadata, web
):
    await created(bot, connector(EntityDescriptorURL=URL))
    web.pages[URL] = (200, metadata("moved", "https://moved.example/sso"))
    assert (await got(bot)).Spec.Issuer == "moved"
    asked = len(web.asked)
    spec = (await got(bot, follow=False)).Spec
    assert (spec.Issuer, spec.EntityDescriptor) == ("http://www.okta.com/exk1", metadata())
    assert len(web.asked) == asked


UNREACHABLE = f'unable to fetch entity descriptor from {URL} for SAML connector okta\n\tGet "{URL}": '
WITHOUT_TLS = (
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="idp"><IDPSSODescriptor>'
    '<SingleSignOnService Location="http://idp.example"/></IDPSSODescriptor></EntityDescriptor>'
)
NO_TLS = 'invalid scheme "http" in acs location endpoint "http://idp.example" (must be \'https\')'
NO_METADATA = "failed to parse entity_descriptor\n\texpected element type <EntityDescriptor> but have <html>"

FAILURES = {
    "down": (OSError("connection refused"), "UNKNOWN", f"{UNREACHABLE}connection refused"),
    "slow": (TimeoutError(), "UNKNOWN", f"{UNREACHABLE}context deadline exceeded"),
    "gone": ((404, ""), "INVALID_ARGUMENT", f"status code 404 when fetching from {URL} for SAML connector okta"),
    "no metadata": ((200, "<html/>"), "UNKNOWN", NO_METADATA),
    "a sign-on URL without TLS": ((200, WITHOUT_TLS), "INVALID_ARGUMENT", NO_TLS),
    "endless": ((200, " " * (SIZE_LIMIT + 1)), "RESOURCE_EXHAUSTED", "the read limit is reached"),
}


@pytest.mark.parametrize(("page", "code", "text"), FAILURES.values(), ids=FAILURES)
async def test_a_failing_download_fails_writes_reads_and_listings(bot, connector, web, refusal, page, code, text):
    message = await created(bot, connector(EntityDescriptorURL=URL))
    await created(bot, connector("inline"))
    web.pages[URL] = page
    assert await refusal(got(bot)) == (code, text)
    assert await refusal(listed(bot)) == (code, text)
    assert await refusal(bot.auth.UpsertSAMLConnectorV2(UpsertSAMLConnectorRequest(Connector=message))) == (code, text)
    assert await listed(bot, follow=False) == ["inline", "okta"]
    await got(bot, follow=False)


async def test_a_listing_can_omit_connectors_whose_metadata_cannot_be_downloaded(
    start, connect, connector, web, metadata
):
    web.pages[URL] = (200, metadata())
    async with start(fetch_metadata=web, omits_broken_connectors=True) as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await created(bot, connector(EntityDescriptorURL=URL))
        await created(bot, connector("inline"))
        web.pages[URL] = (503, "")
        assert await listed(bot) == ["inline"]
        assert await listed(bot, follow=False) == ["inline", "okta"]


async def test_a_key_cannot_be_restored_while_the_stored_connector_cannot_be_read(bot, connector, web, refusal):
    await created(bot, connector(EntityDescriptorURL=URL))
    web.pages[URL] = (503, "")
    message = connector()
    message.Spec.SigningKeyPair.Cert = "cert"
    code, text = await refusal(bot.auth.UpdateSAMLConnector(UpdateSAMLConnectorRequest(Connector=message)))
    assert code == "INVALID_ARGUMENT"
    assert "looking up the existing connector failed with the error: status code 503" in text


# Over HTTP


async def served(app_pages, tls=None):
    async def answer(request):
        return http.Response(**app_pages[request.path])

    app = http.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = http.AppRunner(app)
    await runner.setup()
    await http.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    return runner, runner.addresses[0][1]


async def test_metadata_is_downloaded_over_http(metadata):
    runner, port = await served({"/m": {"text": metadata()}, "/none": {"status": 404}})
    try:
        assert await download(http_fetch(), f"http://127.0.0.1:{port}/m", "okta") == metadata()
        with pytest.raises(Refusal, match="status code 404"):
            await download(http_fetch(), f"http://127.0.0.1:{port}/none", "okta")
    finally:
        await runner.cleanup()
    with pytest.raises(Refusal, match="unable to fetch entity descriptor"):
        await download(http_fetch(), f"http://127.0.0.1:{port}/m", "okta")


async def test_a_download_over_tls_trusts_the_machine_s_cas_or_the_given_ones(metadata):
    issued = WebCertificate.issue("An IdP's CA", ["127.0.0.1"])
    runner, port = await served({"/m": {"text": metadata()}}, issued.context())
    try:
        url = f"https://127.0.0.1:{port}/m"
        assert await download(http_fetch(issued.ca_pem), url, "okta") == metadata()
        with pytest.raises(Refusal, match="unable to fetch entity descriptor"):
            await download(http_fetch(), url, "okta")
    finally:
        await runner.cleanup()


async def test_an_address_that_is_none_is_refused_as_unreachable():
    with pytest.raises(Refusal, match="unable to fetch entity descriptor"):
        await download(http_fetch(), "gopher://idp", "okta")
