"""Whatever stands in a document, it is read or refused with a MetadataError, and what is read is safe to hand on.

The space: documents as Okta writes them, damaged at a few places by cutting, doubling, exchanging, and by inserting
what XML parsers have stumbled over; certificates with other bytes in them; names and addresses of any characters.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from html import escape
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st
from teleport_okta.observe.text import printable
from teleport_okta.saml.metadata import MetadataError, read_metadata
from unit.saml.documents import (
    HOSTS,
    NOW,
    ORG,
    SERVICES,
    SOAP,
    YEAR,
    certificate,
    entity,
    key,
    provider,
    service,
)
from yarl import URL

if TYPE_CHECKING:
    from teleport_okta.model.idp import IdpMetadata

KEYS = key(certificate()) + key(certificate("old", ends=NOW - YEAR / 2), use=None)
DOCUMENTS = [
    entity(),
    entity(provider(KEYS, SERVICES + service(binding=SOAP)), header=""),
    entity(f"<!-- x --><?y z?>{provider(KEYS)}<md:Organization><![CDATA[<]]>&lt;</md:Organization>"),
]
TOKENS = [
    b"<", b">", b"&", b'"', b"'", b"=", b"/", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\x1b",
    b"<!DOCTYPE x [", b"<!doctype html>", b'<!ENTITY e "x">', b"]>", b"&e;", b"&#0;", b"&#65;", b"&#x10FFFF;", b"&amp;",
    b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?x", b"?>", b'<?xml version="1.0" encoding="UTF-16"?>',
    b'<?xml version="1.1"?>', b"UTF-7", b"xmlns:md='urn:x'", b"xmlns=''", b"xml:base='http://x'",
    b"<md:IDPSSODescriptor>", b"</md:IDPSSODescriptor>", b"<x:y>", b"<md:a/>", b"use='encryption'",
    b"https://evil.example", b"@", b"\\", b"#",
    b"[::1]", b":99999", b"xn--", b"javascript:", "\u202e".encode(), "\u2028".encode(),
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, documents: list[bytes]) -> bytes:
    document = draw(st.sampled_from(documents))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(document)))
        end = draw(st.integers(start, min(len(document), start + draw(st.sampled_from([0, 1, 20, 2000])))))
        piece = document[start:end]
        inserted = draw(
            st.one_of(
                st.sampled_from(TOKENS), st.binary(max_size=4), st.just(b""), st.just(piece * 2), st.just(piece[::-1])
            )
        )
        document = document[:start] + inserted + document[end:]
    return document


def check(document: bytes) -> None:
    """Read a document, and see that the value is safe, or else the error."""
    try:
        metadata = read_metadata(document, org_hosts=HOSTS)
    except MetadataError as error:
        words = str(error)
    else:
        check_value(metadata)
        return
    assert words == printable(words)
    assert len(words) < 1500


def check_value(metadata: IdpMetadata) -> None:
    assert metadata.sso_urls
    assert metadata.certificates
    assert metadata.entity_id.isprintable()
    assert all(one.subject == printable(one.subject) for one in metadata.certificates)
    for one in metadata.sso_urls:
        url = URL(one.url)
        assert (url.scheme, url.host in HOSTS, url.user) == ("https", True, None)
    again = read_metadata(metadata.descriptor.encode(), org_hosts=HOSTS)
    assert again.digest == metadata.digest
    assert again.certificates == metadata.certificates
    assert again.descriptor == metadata.descriptor == again.document


@given(damaged([document.encode() for document in DOCUMENTS]))
def test_a_damaged_document(document):
    check(document)


@given(damaged([certificate(), certificate("rsa", kind="rsa")]))
@example(certificate("ed", kind="ed25519"))
def test_a_damaged_certificate(der):
    check(entity(provider(key(base64.b64encode(der).decode()))).encode())


@given(
    entity_id=st.text(max_size=20),
    path=st.text(max_size=20),
    host=st.one_of(st.just(ORG), st.text(max_size=20)),
    protocols=st.text(max_size=5),
)
@example(entity_id="<&>\"'é", path="?a=b&c='", host=ORG, protocols="")
def test_any_names_and_addresses(entity_id, path, host, protocols):
    services = service(escape(f"https://{host}/{path}"))
    content = provider(services=services) + provider(protocols=escape(protocols))
    with suppress(UnicodeEncodeError):
        check(entity(content, entity_id=escape(entity_id)).encode())


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace"))))
def test_anything_else(document):
    check(document)
