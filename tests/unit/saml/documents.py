"""Metadata as Okta writes it, and certificates to put into it."""

from __future__ import annotations

import base64
import textwrap
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

ORG = "acme.okta.com"
CUSTOM = "login.acme.example"
HOSTS = (ORG, CUSTOM)
ENTITY_ID = "http://www.okta.com/exk1fcia6d6EMsf331d8"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
SOAP = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
SSO = f"https://{ORG}/app/acme_teleport_1/exk1fcia6d6EMsf331d8/sso/saml"
SAML_2_0 = "urn:oasis:names:tc:SAML:2.0:protocol"
NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
YEAR = timedelta(days=365)
HEADER = '<?xml version="1.0" encoding="UTF-8"?>'


@cache
def certificate(
    name: str = "acme",
    *,
    kind: str = "ec",
    begins: datetime = NOW - YEAR,
    ends: datetime = NOW + YEAR,
    units: tuple[str, ...] = (),
) -> bytes:
    """A self-signed certificate (DER)."""
    key = {
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Okta"),
            *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit) for unit in units),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    return builder.sign(key, None if kind == "ed25519" else SHA256()).public_bytes(Encoding.DER)


def wrapped(der: bytes) -> str:
    """Base64 in lines of 76, as Okta has it."""
    return "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 76))


def key(content: bytes | str, use: str | None = "signing") -> str:
    """A key with a certificate; a text stands where its base64 should."""
    text = wrapped(content) if isinstance(content, bytes) else content
    attribute = "" if use is None else f' use="{use}"'
    return (
        f'<md:KeyDescriptor{attribute}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )


def service(location: str = SSO, binding: str = POST) -> str:
    """An address where people sign in."""
    return f'<md:SingleSignOnService Binding="{binding}" Location="{location}"/>'


SERVICES = service(binding=POST) + service(binding=REDIRECT)


def provider(keys: str | None = None, services: str = SERVICES, protocols: str = SAML_2_0) -> str:
    """An identity provider."""
    keys = key(certificate()) if keys is None else keys
    return (
        f'<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="{protocols}">{keys}'
        "<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>"
        f"{services}</md:IDPSSODescriptor>"
    )


def entity(content: str | None = None, entity_id: str = ENTITY_ID, header: str = HEADER) -> str:
    """A document."""
    content = provider() if content is None else content
    return (
        f'{header}<md:EntityDescriptor entityID="{entity_id}" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">'
        f"{content}</md:EntityDescriptor>"
    )
