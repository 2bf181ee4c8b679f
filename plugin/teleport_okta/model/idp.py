"""What the metadata of an identity provider says: its name, its sign-in addresses, its signing certificates.

`saml/metadata.py` reads it from the document that Okta serves for a SAML app (`docs/reference/okta.md` 4.3).
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

METADATA: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
"""The XML namespace of SAML metadata."""

SIGNATURE: Final = "http://www.w3.org/2000/09/xmldsig#"
"""The XML namespace of keys and certificates."""

SAML_2_0: Final = "urn:oasis:names:tc:SAML:2.0:protocol"
"""How metadata names SAML 2.0 among the protocols that it supports."""

SOON: Final = timedelta(days=30)
"""How long before its end a certificate is worth a warning."""


class Binding(StrEnum):
    """How a browser carries a sign-in request to the identity provider. Teleport uses these two."""

    HTTP_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
    HTTP_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


@dataclass(frozen=True, slots=True)
class SsoUrl:
    """An address where people sign in, and how the request gets there."""

    binding: Binding
    url: str


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """A certificate that the identity provider signs with. Valid from `not_before` to `not_after` inclusive, both UTC.

    `fingerprint` is the SHA-256 of `der`, hexadecimal; `subject` is for people, and safe to print.
    """

    fingerprint: str
    not_before: datetime
    not_after: datetime
    subject: str
    der: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """An identity provider. Addresses and certificates are in the order of the document, each once.

    `document` is the text that was read. For Teleport, use `descriptor`.
    """

    entity_id: str
    sso_urls: tuple[SsoUrl, ...]
    certificates: tuple[SigningCertificate, ...]
    document: str = field(repr=False)

    def sso_url(self, binding: Binding) -> str | None:
        """Return the first address of a binding."""
        return next((one.url for one in self.sso_urls if one.binding is binding), None)

    def expired(self, at: datetime) -> tuple[SigningCertificate, ...]:
        """Return the expired certificates. Teleport accepts them in a connector, but refuses what they sign."""
        return tuple(one for one in self.certificates if one.not_after < at)

    def expiring(self, at: datetime, within: timedelta = SOON) -> tuple[SigningCertificate, ...]:
        """Return the certificates that are not expired yet, but will be within a time."""
        return tuple(one for one in self.certificates if at <= one.not_after <= at + within)

    def not_yet_valid(self, at: datetime) -> tuple[SigningCertificate, ...]:
        """Return the certificates that are valid later only."""
        return tuple(one for one in self.certificates if at < one.not_before)

    @property
    def digest(self) -> str:
        """SHA-256, hexadecimal, of the content: the same for two documents that differ in form only.

        The order of certificates does not count. The order of addresses does, because Teleport uses the first one.
        """
        said = [
            self.entity_id,
            [[one.binding.value, one.url] for one in self.sso_urls],
            sorted(one.fingerprint for one in self.certificates),
        ]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()

    @property
    def descriptor(self) -> str:
        """A new document that holds the checked values only. Give Teleport this one, not `document`.

        Teleport reads documents less strictly (`lib/services/saml.go`): it sends people to the first
        SingleSignOnService of any binding, and trusts the certificates of encryption keys too. Where it cannot decode a
        certificate, for which a space in the base64 was enough in older versions, every login fails.
        """
        keys = "".join(
            f'<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="{SIGNATURE}"><ds:X509Data><ds:X509Certificate>'
            f"{base64.b64encode(one.der).decode()}"
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            for one in self.certificates
        )
        services = "".join(
            f'<md:SingleSignOnService Binding="{one.binding}" Location="{html.escape(one.url)}"/>'
            for one in self.sso_urls
        )
        return (
            f'<md:EntityDescriptor xmlns:md="{METADATA}" entityID="{html.escape(self.entity_id)}">'
            f'<md:IDPSSODescriptor protocolSupportEnumeration="{SAML_2_0}">{keys}{services}</md:IDPSSODescriptor>'
            "</md:EntityDescriptor>"
        )
