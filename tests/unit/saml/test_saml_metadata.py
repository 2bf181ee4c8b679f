"""Reading documents as an identity provider may write them, and the errors for others."""

from __future__ import annotations

import hashlib
import traceback

import pytest
from teleport_okta.model.idp import METADATA, Binding, SsoUrl
from teleport_okta.saml.metadata import MAX_BYTES, MAX_TAGS, MetadataError, read_metadata
from unit.saml import documents
from unit.saml.documents import (
    CUSTOM,
    ENTITY_ID,
    HEADER,
    HOSTS,
    NOW,
    ORG,
    REDIRECT,
    SAML_2_0,
    SERVICES,
    SOAP,
    SSO,
    YEAR,
    certificate,
    entity,
    key,
    provider,
    service,
)

SAML_1_1 = "urn:oasis:names:tc:SAML:1.1:protocol"
LATIN = HEADER.replace("UTF-8", "ISO-8859-1")
BOTH = (SsoUrl(Binding.HTTP_POST, SSO), SsoUrl(Binding.HTTP_REDIRECT, SSO))
OLD = certificate("old", begins=NOW - 2 * YEAR, ends=NOW - YEAR)
NEW = certificate("new", begins=NOW + YEAR, ends=NOW + 2 * YEAR)
RSA = certificate("rsa", kind="rsa")
EC = certificate()
WIDE = "".join(f"<md:a{number}/>" for number in range(MAX_TAGS))
MANY_ATTRIBUTES = " ".join(f"b{number}=''" for number in range(100_000))
DEEP = "<md:a>" * 12 + "</md:a>" * 12
TOO_DEEP = "<md:a>" * 100 + "</md:a>" * 100
ABYSS = "<md:a>" * 900 + "</md:a>" * 900
P_256 = bytes.fromhex("06082a8648ce3d030107")
OF_NO_CURVE = EC.replace(P_256, P_256[:-1] + b"\x7f")
OFF_CURVE = EC.replace(P_256 + b"\x03\x42\x00\x04", P_256 + b"\x03\x42\x00\x09")
VERSION_6 = EC.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020105"))
CERTIFICATE_TEXT = documents.wrapped(EC)


def read(document: str | bytes, hosts=HOSTS):
    return read_metadata(document if isinstance(document, bytes) else document.encode(), org_hosts=hosts)


def fingerprints(*certificates: bytes) -> tuple[str, ...]:
    return tuple(hashlib.sha256(one).hexdigest() for one in certificates)


def refusal(document: str | bytes, hosts=HOSTS) -> MetadataError:
    with pytest.raises(MetadataError) as caught:
        read(document, hosts)
    return caught.value


def test_a_document_as_okta_writes_it():
    metadata = read(entity())
    assert metadata.entity_id == ENTITY_ID
    assert metadata.sso_urls == BOTH
    (one,) = metadata.certificates
    assert (one.fingerprint,) == fingerprints(EC)
    assert (one.not_before, one.not_after, one.subject) == (NOW - YEAR, NOW + YEAR, "CN=acme,O=Okta")
    assert metadata.document == entity()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        pytest.param(key(RSA), [RSA], id="RSA"),
        pytest.param(key(OLD), [OLD], id="expired"),
        pytest.param(key(NEW), [NEW], id="not yet valid"),
        pytest.param(key(NEW) + key(EC) + key(OLD), [NEW, EC, OLD], id="several"),
        pytest.param(key(EC) + key(OLD) + key(EC), [EC, OLD], id="one twice"),
        pytest.param(key(EC, use=None), [EC], id="a key that says no use"),
        pytest.param(key(EC) + key(OLD, use="encryption"), [EC], id="a key that encrypts"),
        pytest.param(key(EC) + key("?", use="encryption"), [EC], id="a key that encrypts, and is broken"),
        pytest.param(key(f"\n\t {CERTIFICATE_TEXT}\r\n "), [EC], id="white space around"),
        pytest.param(key(" ".join(CERTIFICATE_TEXT)), [EC], id="white space everywhere"),
        pytest.param(key(f"<![CDATA[{CERTIFICATE_TEXT}]]>"), [EC], id="CDATA"),
        pytest.param(
            key(f"{CERTIFICATE_TEXT[:40]}<![CDATA[{CERTIFICATE_TEXT[40:80]}]]>{CERTIFICATE_TEXT[80:]}"),
            [EC],
            id="CDATA for a part",
        ),
        pytest.param(
            key(f"{CERTIFICATE_TEXT[:40]}<!-- x -->{CERTIFICATE_TEXT[40:80]}<?x y?>{CERTIFICATE_TEXT[80:]}"),
            [EC],
            id="a comment and an instruction in the text",
        ),
        pytest.param(key(CERTIFICATE_TEXT.replace("M", "&#77;", 1)), [EC], id="a character reference"),
        pytest.param(
            key(EC).replace(
                "</ds:X509Data>", f"<ds:X509Certificate>{documents.wrapped(OLD)}</ds:X509Certificate></ds:X509Data>"
            ),
            [EC, OLD],
            id="two certificates of one key",
        ),
    ],
)
def test_signing_certificates(keys, expected):
    metadata = read(entity(provider(keys)))
    assert tuple(one.fingerprint for one in metadata.certificates) == fingerprints(*expected)
    assert tuple(one.der for one in metadata.certificates) == tuple(expected)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        pytest.param(service() + service(binding=SOAP), BOTH[:1], id="another binding as well"),
        pytest.param(service("http://evil.example", SOAP) + service(), BOTH[:1], id="another binding, at a wrong host"),
        pytest.param(service(binding=REDIRECT) + service(), BOTH[::-1], id="in the order of the document"),
        pytest.param(SERVICES + SERVICES, BOTH, id="twice"),
        pytest.param(
            service(f"https://{CUSTOM}/sso"), [SsoUrl(Binding.HTTP_POST, f"https://{CUSTOM}/sso")], id="custom domain"
        ),
        pytest.param(
            service(f"HTTPS://{ORG.upper()}:443/a?b=c&amp;d=%20"),
            [SsoUrl(Binding.HTTP_POST, f"HTTPS://{ORG.upper()}:443/a?b=c&d=%20")],
            id="capitals, a port and a query",
        ),
    ],
)
def test_sign_in_addresses(services, expected):
    assert read(entity(provider(services=services))).sso_urls == tuple(expected)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_loopback_organisation_may_be_without_tls(host):
    url = f"http://[{host}]:8080/sso" if ":" in host else f"http://{host}:8080/sso"
    assert read(entity(provider(services=service(url))), [host]).sso_urls == (SsoUrl(Binding.HTTP_POST, url),)
    assert "is not at a host of the organisation" in str(refusal(entity(provider(services=service(url)))))


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(entity(header="").encode(), id="no declaration"),
        pytest.param(b"\xef\xbb\xbf" + entity().encode(), id="byte order mark"),
        pytest.param(entity(header='<?xml version="1.0"?>').encode(), id="no encoding declared"),
        pytest.param(entity(header="<?xml version='1.0' encoding = 'utf-8' standalone='yes'?>\n").encode(), id="UTF-8"),
        pytest.param(entity(header='<?xml version="1.0" encoding="US-ASCII"?>').encode(), id="US-ASCII"),
        pytest.param(entity(f"<!-- é -->{provider()}", header=LATIN).encode("latin-1"), id="ISO-8859-1"),
        pytest.param(entity(f"<!-- Ω --><?pi?>{provider()}<md:Organization/>{DEEP}").encode(), id="more around it"),
        pytest.param(entity(provider() + provider(protocols=SAML_1_1)).encode(), id="another one for SAML 1.1"),
        pytest.param(entity(provider(protocols=f"urn:x \n{SAML_2_0}")).encode(), id="several protocols"),
        pytest.param(entity().replace("md:", "").replace(":md=", "=").encode(), id="without prefixes"),
    ],
)
def test_forms_that_make_no_difference(document):
    metadata = read(document)
    assert (metadata.entity_id, metadata.sso_urls) == (ENTITY_ID, BOTH)
    assert metadata.digest == read(entity()).digest


FILE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 10))
    + "]>"
)
DTD = "has a DTD, which could make it read files or grow without end"
ENCODINGS = "; UTF-8, US-ASCII and ISO-8859-1 are read"
JSON_ERROR = '{"errorCode":"E0000019","errorSummary":"Bad request. Accept and/or Content-Type headers"}'


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param(" \n", "is empty", id="white space"),
        pytest.param(" " * (MAX_BYTES + 1), "has 1048577 bytes; at most 1048576 are read", id="too large"),
        pytest.param(entity() + " " * 10_000_000, "at most 1048576 are read", id="10 MB"),
        pytest.param(JSON_ERROR, "is JSON, not XML: an error of Okta's API, or", id="JSON"),
        pytest.param("<!DOCTYPE html>\n<html lang=en>", "is a page for a browser, not metadata: a sign-in", id="HTML"),
        pytest.param("\n<HTML><body><p>Sign in", "is a page for a browser, not metadata", id="HTML without a doctype"),
        pytest.param(entity(header=f"{HEADER}{FILE}", entity_id="&e;"), DTD, id="XXE of a file"),
        pytest.param(entity(header=FILE.replace("file:///etc/hostname", "http://127.0.0.1/")), DTD, id="XXE by HTTP"),
        pytest.param(entity(header='<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">'), DTD, id="external DTD"),
        pytest.param(entity(header='<!DOCTYPE x [<!ENTITY % e SYSTEM "file:///x"> %e;]>'), DTD, id="parameter entity"),
        pytest.param(entity(header=LAUGHS, entity_id="&a9;"), DTD, id="billion laughs"),
        pytest.param(
            entity(header=f'<!DOCTYPE x [<!ENTITY e "{"x" * 50_000}">]>', entity_id="&e;" * 50_000),
            DTD,
            id="quadratic blow-up",
        ),
        pytest.param(entity(header="<!DOCTYPE x>"), DTD, id="a harmless DTD"),
        pytest.param(entity(f"<!-- <!DOCTYPE x> -->{provider()}"), DTD, id="a DTD in a comment"),
        pytest.param(entity(entity_id="&e;"), "is not well-formed XML: 'Entity 'e' not defined, line 1", id="entity"),
        pytest.param(entity(provider() + WIDE), f"has more than {MAX_TAGS} tags", id="too many elements"),
        pytest.param(
            entity(f"<md:a {MANY_ATTRIBUTES}/>"),
            f"has more than {MAX_TAGS} attributes",
            id="100,000 attributes",
        ),
        pytest.param(entity(provider() + TOO_DEEP), "has elements nested deeper than 16", id="nested deeply"),
        pytest.param(entity(provider() + ABYSS), "has elements nested deeper than 16", id="nested very deeply"),
        pytest.param(entity().encode("utf-16"), "is encoded in UTF-16" + ENCODINGS, id="UTF-16"),
        pytest.param(
            entity().encode("utf-16-be"), "has the character U+0000 at offset 0, which XML", id="UTF-16, no mark"
        ),
        pytest.param(
            entity(header=HEADER.replace("UTF-8", "UTF-16")), "declares the encoding 'UTF-16'", id="no UTF-16 at all"
        ),
        pytest.param(entity(header=HEADER.replace("8", "7")), "declares the encoding 'UTF-7'" + ENCODINGS, id="UTF-7"),
        pytest.param(
            entity(header=HEADER.replace("UTF-8", "\x1b[2J" + "x" * 500)).encode(),
            r"declares the encoding '\x1b[2J" + "x" * 75 + "…'",
            id="an unknown encoding",
        ),
        pytest.param(
            b"\xef\xbb\xbf" + entity(header=LATIN).encode(),
            "declares the encoding ISO-8859-1, but begins with the byte order mark of UTF-8",
            id="declared otherwise than marked",
        ),
        pytest.param(
            entity("<!-- é -->").encode("latin-1"),
            "is not encoded in UTF-8: it has the byte 0xe9 at offset ",
            id="bytes",
        ),
        pytest.param(
            entity("<!-- é -->", header=HEADER.replace("UTF-8", "us-ascii")),
            "is not encoded in us-ascii: it has the byte 0xc3 at offset ",
            id="not ASCII",
        ),
        pytest.param(entity("\0"), "has the character U+0000 at offset ", id="NUL"),
        pytest.param(entity("\ufffe"), "has the character U+FFFE at offset ", id="no character"),
        pytest.param(entity("&#0;"), "is not well-formed XML: 'xmlParseCharRef: invalid", id="reference to NUL"),
        pytest.param(entity()[:-60], "is not well-formed XML", id="truncated"),
        pytest.param(entity()[:100], "is not well-formed XML", id="truncated in a tag"),
        pytest.param(entity() + entity(header=""), "is not well-formed XML: 'Extra content at the end", id="two roots"),
        pytest.param(entity(header=f" {HEADER}"), "is not well-formed XML", id="a space before the declaration"),
        pytest.param(entity("<x:y/>"), "is not well-formed XML: 'Namespace prefix x on y is not", id="unknown prefix"),
        pytest.param(
            entity().replace(" entityID=", ' entityID="http://evil.example" entityID='),
            "is not well-formed XML: 'Attribute entityID redefined",
            id="entityID twice",
        ),
        pytest.param("EntityDescriptor", "is not well-formed XML: 'Start tag expected", id="no XML"),
        pytest.param(
            f'<EntitiesDescriptor xmlns="{METADATA}">{entity(header="")}</EntitiesDescriptor>',
            "describes several entities (EntitiesDescriptor), and not one app",
            id="several entities",
        ),
        pytest.param("<a/>", "is no SAML metadata: its root is 'a', not EntityDescriptor of urn:oasis", id="root"),
        pytest.param(
            entity().replace("2.0:metadata", "1.0:metadata"),
            "its root is '{urn:oasis:names:tc:SAML:1.0:metadata}EntityDescriptor', not",
            id="namespace",
        ),
        pytest.param(entity().replace(f' entityID="{ENTITY_ID}"', ""), "has no entityID", id="no entityID"),
        pytest.param(
            entity().replace("<md:EntityDescriptor entityID=", '<md:EntityDescriptor xmlns:x="urn:x" x:entityID='),
            "has no entityID",
            id="entityID of another namespace",
        ),
        pytest.param(entity(entity_id=""), "has no entityID", id="empty entityID"),
        pytest.param(entity(entity_id="x" * 1025), "has an entityID of 1025 characters; SAML allows 1024", id="long"),
        pytest.param(entity(entity_id="http://a b"), "an entityID with white space or control", id="space in entityID"),
        pytest.param(
            entity(entity_id="x&#10;[2J\u202e"), r"in it: 'x\n[2J\u202e'", id="control characters in entityID"
        ),
        pytest.param(
            entity(entity_id="http://good<!-- -->.evil"), "is not well-formed XML", id="a comment in entityID"
        ),
        pytest.param(entity(""), "describes no identity provider (IDPSSODescriptor)", id="no identity provider"),
        pytest.param(
            entity(provider().replace("IDPSSODescriptor", "SPSSODescriptor")), "describes no identity", id="an SP"
        ),
        pytest.param(entity(f"<md:x>{provider()}</md:x>"), "describes no identity provider", id="not where it belongs"),
        pytest.param(entity(provider() * 2), "describes 2 identity providers for SAML 2.0, and not one", id="two"),
        pytest.param(
            entity(provider(protocols=SAML_1_1)),
            "describes an identity provider that does not support SAML 2.0",
            id="SAML 1.1",
        ),
    ],
)
def test_documents_that_are_refused(document, problem):
    assert problem in refusal(document).what


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param("https://evil.example/sso", f"is not at a host of the organisation ({ORG}, {CUSTOM})", id="host"),
        pytest.param(f"https://{ORG}.evil.example/", "is not at a host of the organisation", id="host as a prefix"),
        pytest.param(f"https://x.{ORG}/", "is not at a host of the organisation", id="host below"),
        pytest.param(f"https://{ORG}./", "is not at a host of the organisation", id="final dot"),
        pytest.param("https://xn--a/", "is not a", id="no name of IDNA"),
        pytest.param(f"http://{ORG}/sso", "is not encrypted", id="http"),
        pytest.param("javascript:alert(1)", "does not start with https://", id="javascript"),
        pytest.param(f"javascript://{ORG}/%0aalert(1)", "does not start with https://", id="javascript with a host"),
        pytest.param("/app/sso", "does not start with https://", id="a path"),
        pytest.param(f"//{ORG}/sso", "does not start with https://", id="no scheme"),
        pytest.param(f"https:{ORG}/sso", "does not start with https://", id="no slashes"),
        pytest.param(f"https:///{ORG}/sso", "does not start with https://", id="three slashes"),
        pytest.param(f"https://ada:secret@{ORG}/sso", f"'https://…@{ORG}/sso', which holds a user name", id="user"),
        pytest.param(f"https://@{ORG}/sso", "holds a user name or password", id="empty user"),
        pytest.param(f"https://evil.example\\@{ORG}/", "is not a URL of at most 2048 characters", id="backslash"),
        pytest.param(f"https://{ORG}\u2044evil/", "is not a URL", id="a slash that is none"),
        pytest.param(f"https://{ORG}/a b", "is not a URL", id="space"),
        pytest.param(f" https://{ORG}/", "is not a URL", id="space before"),
        pytest.param(f"https://{ORG}/&#10;&#155;", r"\n\x9b', which is not a URL", id="control characters"),
        pytest.param(f"https://{ORG}:99999/", "is not a URL", id="port"),
        pytest.param("https://[::1/", "is not a URL", id="half an IPv6 address"),
        pytest.param(f"https://{ORG}/{'x' * 2048}", "xxxx…', which is not a URL of at most 2048", id="long"),
        pytest.param("", "has the sign-in address '', which is not a URL", id="empty"),
    ],
)
def test_sign_in_addresses_that_are_refused_even_beside_a_right_one(url, problem):
    assert problem in refusal(entity(provider(services=service() + service(url, REDIRECT)))).what


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(provider(keys=""), "has no signing certificate", id="no key"),
        pytest.param(provider(key(EC, use="encryption")), "has no signing certificate", id="only one that encrypts"),
        pytest.param(provider(key(EC, use="")), "has no signing certificate", id="a use that SAML does not know"),
        pytest.param(provider(key(EC).replace("xmldsig#", "xmldsig")), "has no signing certificate", id="namespace"),
        pytest.param(provider(key("")), "has a signing certificate that is not X.509, or of an", id="nothing in it"),
        pytest.param(provider(key("%")), "has a signing certificate that is not base64: number 1", id="not base64"),
        pytest.param(provider(key("Ω")), "has a signing certificate that is not base64: number 1", id="not ASCII"),
        pytest.param(provider(key("QUJD")), "that is not X.509, or of an unknown kind: number 1", id="no certificate"),
        pytest.param(provider(key(EC + b"x")), "that is not X.509", id="something after the certificate"),
        pytest.param(provider(key(EC[:-1])), "that is not X.509", id="cut off"),
        pytest.param(provider(key(EC) + key(EC[:-1])), "unknown kind: number 2", id="a broken one beside a good one"),
        pytest.param(provider(key(OF_NO_CURVE)), "that is not X.509, or of an unknown kind", id="an unknown key"),
        pytest.param(provider(key(OFF_CURVE)), "that is not X.509, or of an unknown kind", id="an impossible key"),
        pytest.param(provider(key(VERSION_6)), "that is not X.509, or of an unknown kind", id="an unknown version"),
        pytest.param(
            provider(key(f"{CERTIFICATE_TEXT[:40]}<x/>{CERTIFICATE_TEXT[40:]}")),
            "has elements within signing certificate 1",
            id="an element in it",
        ),
        pytest.param(provider(services=""), "has no sign-in address for HTTP-POST or HTTP-Redirect", id="no address"),
        pytest.param(
            provider(services=service(binding=SOAP)), f"HTTP-Redirect, but for '{SOAP}'", id="only another binding"
        ),
        pytest.param(
            provider(services=service().replace(f' Location="{SSO}"', "")), "sign-in address ''", id="no Location"
        ),
        pytest.param(
            provider(services=service().replace(" Location=", ' xmlns:x="urn:x" x:Location=')),
            "sign-in address ''",
            id="Location of another namespace",
        ),
    ],
)
def test_identity_providers_that_are_refused(content, problem):
    assert problem in refusal(entity(content)).what


def test_the_declared_encoding_is_that_of_the_values():
    document = entity(entity_id="http://www.okta.com/é", header=LATIN)
    assert read(document.encode("latin-1")).entity_id == "http://www.okta.com/é"


def test_hosts_are_the_same_in_capitals_and_as_idna_writes_them():
    services = service("https://xn--bcher-kva.example/") + service(f"https://{ORG}/")
    for hosts in ([ORG.upper(), "bücher.example"], [ORG, "XN--bcher-kva.example"]):
        assert len(read(entity(provider(services=services)), hosts).sso_urls) == 2


def test_a_refusal_names_the_document_and_the_remedy():
    with pytest.raises(MetadataError) as caught:
        read_metadata(b"", org_hosts=HOSTS, source="the metadata of app 0oa1")
    assert str(caught.value).startswith("the metadata of app 0oa1: is empty (fetch it again; if it stays so, open")
    assert "check okta.org_url" in refusal(entity(provider(services=service("https://evil.example/")))).remedy
    assert "generate a signing certificate" in refusal(entity(provider(keys=""))).remedy


@pytest.mark.parametrize(
    "document",
    [
        entity(f"<md:{'é' * 400_000}"),
        f"<x>\n\x85\u202e{'y' * 50_000}</z>",
        f'<y{"y" * 40_000} xmlns="\u202e{"y" * 500_000}"/>',
        entity(provider(services=service("https://\x9b" + "y" * 500_000))),
        entity(provider(services=service(binding="\x9b" + "y" * 500_000))),
        entity(provider(key("\x9b" + "y" * 500_000))),
    ],
)
def test_a_refusal_repeats_foreign_words_shortened_and_escaped_with_its_traceback(document):
    error = refusal(document)
    assert len(str(error)) < 1000
    printed = "".join(traceback.format_exception(error))
    assert all(line.isprintable() and len(line) < 1500 for line in printed.split("\n"))


def test_a_subject_is_safe_to_print_and_not_long():
    named = documents.certificate("\x1b[2J\n", units=("é" * 30,) * 10)
    subject = read(entity(provider(key(named)))).certificates[0].subject
    assert subject.startswith("CN=\\x1b[2J\\n,OU=")
    assert subject.endswith("é…")
    assert len(subject) < 220
