"""The signing keys of SAML apps, each with a certificate of its own (`docs/reference/okta.md` 4.3).

An app has one key from the start and may get more. ``credentials.signing.kid`` of the app names the key in use;
metadata can be read with each key.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from teleport_okta.sandbox import rsa_keys
from teleport_okta.sandbox.okta.error_bodies import not_found
from teleport_okta.sandbox.okta.timeline import iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from teleport_okta.sandbox.okta.app_defaults import Json
    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.timeline import Timeline

YEARS = 10
"""The validity of the certificate of a new app, in years (`docs/reference/okta.md` 4.1)."""

_HEAD_START = 60
"""Seconds between the start of a certificate and the creation of its key, as in recorded certificates."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key of one app. Its certificate is valid from `starts` to `expires`; all times are epoch seconds."""

    kid: str
    created: int
    last_updated: int
    starts: int
    expires: int


class SigningKeys:
    """The keys of all SAML apps. Private keys and certificates are made at their first use."""

    def __init__(
        self, timeline: Timeline, ids: IdFactory, subdomain: str, *, on_generated: Callable[[App], None]
    ) -> None:
        self._timeline = timeline
        self._ids = ids
        self._subdomain = subdomain
        self._on_generated = on_generated
        self._by_app: dict[str, dict[str, SigningKey]] = {}
        self._private_keys: dict[str, RSAPrivateKey] = {}
        self._certificates: dict[SigningKey, x509.Certificate] = {}

    def of(self, app: App) -> tuple[SigningKey, ...]:
        """Return an app's keys, the oldest first; other apps than SAML apps have none."""
        return tuple(self._keys(app).values())

    def require(self, app: App, kid: str) -> SigningKey:
        """Return a key of an app, or raise ``E0000007``."""
        key = self._keys(app).get(kid)
        if key is None:
            raise not_found(kid, "JsonWebKey")
        return key

    def generate(self, app: App, years: int = YEARS) -> SigningKey:
        """Add a key to an app. The key in use stays the same."""
        key = _new_key(self._ids.kid(), self._timeline.stamp(), years)
        self._keys(app)[key.kid] = key
        self._on_generated(app)
        return key

    def set_dates(self, app: App, kid: str, *, starts: int, expires: int) -> SigningKey:
        """Replace a key's certificate by one with other dates. Raises ``ValueError`` if it expires before it starts."""
        if starts >= expires:
            raise ValueError("a certificate must start before it expires")
        key = replace(self.require(app, kid), starts=starts, expires=expires)
        self._keys(app)[kid] = key
        return key

    def certificate(self, key: SigningKey) -> x509.Certificate:
        """Return a key's self-signed certificate, the same one each time."""
        if key not in self._certificates:
            self._certificates[key] = self._sign(key)
        return self._certificates[key]

    def _keys(self, app: App) -> dict[str, SigningKey]:
        keys = self._by_app.setdefault(app.id, {})
        if not keys and app.is_saml and app.kid is not None:
            keys[app.kid] = _new_key(app.kid, app.created, YEARS)
        return keys

    def _sign(self, key: SigningKey) -> x509.Certificate:
        if key.kid not in self._private_keys:
            self._private_keys[key.kid] = rsa_keys.new_rsa_key()
        private_key = self._private_keys[key.kid]
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
                x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "California"),
                x509.NameAttribute(NameOID.LOCALITY_NAME, "San Francisco"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Okta"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "SSOProvider"),
                x509.NameAttribute(NameOID.COMMON_NAME, self._subdomain),
                x509.NameAttribute(NameOID.EMAIL_ADDRESS, "info@okta.com"),
            ]
        )
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.fromtimestamp(key.starts, UTC))
            .not_valid_after(datetime.fromtimestamp(key.expires, UTC))
            .sign(private_key, SHA256())
        )


def key_json(key: SigningKey, certificate: x509.Certificate) -> Json:
    """Return a key as the API shows it: a JSON Web Key (RFC 7517) with its certificate."""
    public_key = certificate.public_key()
    if not isinstance(public_key, RSAPublicKey):
        raise TypeError("a signing key is an RSA key")
    numbers = public_key.public_numbers()
    return {
        "kty": "RSA",
        "created": iso(key.created),
        "lastUpdated": iso(key.last_updated),
        "expiresAt": iso(key.expires),
        "kid": key.kid,
        "use": "sig",
        "x5c": [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()],
        "x5t#S256": _base64url(certificate.fingerprint(SHA256())),
        "e": _base64url_of_number(numbers.e),
        "n": _base64url_of_number(numbers.n),
    }


def _new_key(kid: str, created: int, years: int) -> SigningKey:
    return SigningKey(kid, created, created, created - _HEAD_START, _years_later(created, years))


def _years_later(stamp: int, years: int) -> int:
    moment = datetime.fromtimestamp(stamp, UTC)
    day = min(moment.day, 28) if moment.month == 2 else moment.day
    return int(moment.replace(year=moment.year + years, day=day).timestamp())


def _base64url_of_number(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
