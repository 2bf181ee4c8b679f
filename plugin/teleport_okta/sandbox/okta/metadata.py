"""IdP metadata of a SAML app, with a certificate of its own (reference/okta.md 4.3)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from teleport_okta.sandbox.okta.app_defaults import as_object

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App

MEDIA_TYPE = "application/xml"
CONTENT_TYPE = "application/xml;charset=ISO-8859-1"

_VALIDITY = timedelta(days=3652)
_BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings"


class SigningCertificates:
    """The certificates of SAML apps, each made when it is first asked for."""

    def __init__(self, subdomain: str) -> None:
        self._subdomain = subdomain
        self._by_app: dict[str, bytes] = {}

    def of(self, app: App) -> bytes:
        """Return an app's self-signed certificate (DER), valid for ten years from the app's creation."""
        if app.id not in self._by_app:
            self._by_app[app.id] = self._make(datetime.fromtimestamp(app.created, UTC))
        return self._by_app[app.id]

    def _make(self, since: datetime) -> bytes:
        key = rsa.generate_private_key(65537, 2048)
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
                x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "California"),
                x509.NameAttribute(NameOID.LOCALITY_NAME, "San Francisco"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Okta"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "SSOProvider"),
                x509.NameAttribute(NameOID.COMMON_NAME, self._subdomain),
            ]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(since + _VALIDITY)
            .sign(key, SHA256())
        )
        return certificate.public_bytes(Encoding.DER)


def idp_metadata(app: App, base: str, certificate: bytes) -> str:
    """Return the EntityDescriptor of an app."""
    text = base64.encodebytes(certificate).decode().strip().replace("\n", "")
    wrapped = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    location = f"{base}/app/{app.name}/{app.external_key}/sso/saml"
    sign_on = as_object(app.settings.get("signOn"))
    services = "".join(
        f'<md:SingleSignOnService Binding="{_BINDINGS}:{binding}" Location="{location}"/>'
        for binding in ("HTTP-POST", "HTTP-Redirect")
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<md:EntityDescriptor entityID="http://www.okta.com/{app.external_key}"'
        ' xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">'
        '<md:IDPSSODescriptor WantAuthnRequestsSigned="false"'
        ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{wrapped}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f"<md:NameIDFormat>{sign_on['subjectNameIdFormat']}</md:NameIDFormat>"
        f"{services}</md:IDPSSODescriptor></md:EntityDescriptor>"
    )
