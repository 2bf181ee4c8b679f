"""IdP metadata of a SAML app (`docs/reference/okta.md` 4.3)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from teleport_okta.sandbox.okta.app_defaults import as_object

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from teleport_okta.sandbox.okta.apps import App

MEDIA_TYPE = "application/xml"
CONTENT_TYPE = "application/xml;charset=ISO-8859-1"

_BINDINGS = "urn:oasis:names:tc:SAML:2.0:bindings"


def idp_metadata(app: App, base: str, certificate: Certificate) -> str:
    """Return the EntityDescriptor of an app with one of its certificates."""
    text = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    wrapped = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    sign_on = as_object(app.settings.get("signOn"))
    address = f"{base}/app/{app.name}/{app.external_key}"
    logout = ""
    if as_object(sign_on.get("slo")).get("enabled") is True:
        logout = _services("SingleLogoutService", f"{address}/slo/saml")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<md:EntityDescriptor entityID="http://www.okta.com/{app.external_key}"'
        ' xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">'
        '<md:IDPSSODescriptor WantAuthnRequestsSigned="false"'
        ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        '<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{wrapped}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        f"{logout}<md:NameIDFormat>{sign_on['subjectNameIdFormat']}</md:NameIDFormat>"
        f"{_services('SingleSignOnService', f'{address}/sso/saml')}</md:IDPSSODescriptor></md:EntityDescriptor>"
    )


def _services(element: str, location: str) -> str:
    return "".join(
        f'<md:{element} Binding="{_BINDINGS}:{binding}" Location="{location}"/>'
        for binding in ("HTTP-POST", "HTTP-Redirect")
    )
