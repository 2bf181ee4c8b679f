"""The validity of certificates, documents with the same content, and the document for Teleport."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest
from teleport_okta.model.idp import Binding, IdpMetadata, SigningCertificate, SsoUrl
from unit.saml.documents import ENTITY_ID, NOW, SSO, YEAR

DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)
MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


def certificate(fingerprint="f1", begins=NOW - YEAR, ends=NOW + YEAR) -> SigningCertificate:
    return SigningCertificate(fingerprint, begins, ends, f"CN={fingerprint}", fingerprint.encode())


def metadata(*certificates: SigningCertificate) -> IdpMetadata:
    urls = (SsoUrl(Binding.HTTP_POST, SSO), SsoUrl(Binding.HTTP_REDIRECT, f"{SSO}?a=b&c='\""))
    return IdpMetadata(ENTITY_ID, urls, certificates or (certificate(),), "<x/>")


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        (NOW - INSTANT, "expired"),
        (NOW, "expiring"),
        (NOW + 30 * DAY, "expiring"),
        (NOW + 30 * DAY + INSTANT, "fine"),
    ],
)
def test_a_certificate_is_expiring_for_its_last_30_days_and_expired_after_its_last_instant(ends, state):
    one, other = certificate(ends=ends), certificate("f2")
    both = metadata(other, one)
    assert both.expired(NOW) == ((one,) if state == "expired" else ())
    assert both.expiring(NOW) == ((one,) if state == "expiring" else ())
    assert both.expiring(NOW, within=400 * DAY) == ((other,) if state == "expired" else (other, one))


def test_a_certificate_is_not_yet_valid_before_its_first_instant():
    one, other = certificate(begins=NOW), certificate("f2")
    assert metadata(one, other).not_yet_valid(NOW) == ()
    assert metadata(one, other).not_yet_valid(NOW - INSTANT) == (one,)


def test_the_order_of_certificates_and_the_form_of_the_document_say_nothing():
    one, other = certificate(), certificate("f2")
    said = metadata(one, other)
    assert metadata(other, one).digest == said.digest
    assert replace(said, document="<y/>").digest == said.digest


@pytest.mark.parametrize(
    "changed",
    [
        replace(metadata(), entity_id="other"),
        replace(metadata(), sso_urls=metadata().sso_urls[::-1]),
        replace(metadata(), sso_urls=metadata().sso_urls[:1]),
        replace(metadata(), sso_urls=(SsoUrl(Binding.HTTP_REDIRECT, SSO), metadata().sso_urls[1])),
        metadata(certificate("f2")),
        metadata(certificate(), certificate("f2")),
    ],
)
def test_another_name_address_binding_or_certificate_says_something_else(changed):
    assert changed.digest != metadata().digest


def test_the_address_of_a_binding_is_its_first():
    several = replace(metadata(), sso_urls=(SsoUrl(Binding.HTTP_POST, "a"), SsoUrl(Binding.HTTP_POST, "b")))
    assert several.sso_url(Binding.HTTP_POST) == "a"
    assert several.sso_url(Binding.HTTP_REDIRECT) is None


def test_the_document_for_teleport_holds_what_was_read_in_its_order_and_nothing_else():
    said = metadata(certificate(), certificate("f2"))
    root = ET.fromstring(said.descriptor)
    assert [(one.tag.removeprefix(MD).removeprefix(DS), dict(one.attrib), one.text) for one in root.iter()] == [
        ("EntityDescriptor", {"entityID": ENTITY_ID}, None),
        ("IDPSSODescriptor", {"protocolSupportEnumeration": "urn:oasis:names:tc:SAML:2.0:protocol"}, None),
        *[
            ("KeyDescriptor", {"use": "signing"}, None),
            ("KeyInfo", {}, None),
            ("X509Data", {}, None),
            ("X509Certificate", {}, "ZjE="),
        ],
        *[
            ("KeyDescriptor", {"use": "signing"}, None),
            ("KeyInfo", {}, None),
            ("X509Data", {}, None),
            ("X509Certificate", {}, "ZjI="),
        ],
        *[("SingleSignOnService", {"Binding": one.binding.value, "Location": one.url}, None) for one in said.sso_urls],
    ]


def test_neither_the_document_nor_the_certificates_fill_a_log_line():
    assert repr(metadata()).count("b'") == 0
    assert "<x/>" not in repr(metadata())
