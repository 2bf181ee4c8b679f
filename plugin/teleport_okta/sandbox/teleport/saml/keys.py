"""The key pair with which the server signs its SAML requests (`docs/reference/teleport.md` 4.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from teleport.legacy.types.types_pb2 import AsymmetricKeyPair, SAMLConnectorV2

from ... import rsa_keys
from ..refusal import bad_parameter

if TYPE_CHECKING:
    from ..refusal import Refusal

LIFETIME: Final = timedelta(days=3650)
_BACKDATED: Final = timedelta(minutes=2)
_REMEDY: Final = (
    "You must either specify the signing key pair (obtain the existing one with `tctl get saml --with-secrets`) or let "
    "Teleport generate a new one (remove signing_key_pair in the resource you're trying to create)."
)


def generate_key_pair() -> AsymmetricKeyPair:
    """Return a new RSA key and its self-signed certificate, valid on the machine's clock."""
    key = rsa_keys.new_rsa_key()
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Teleport OSS"),
            x509.NameAttribute(NameOID.COMMON_NAME, "teleport.localhost.localdomain"),
        ]
    )
    since = datetime.now(UTC) - _BACKDATED
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .serial_number(x509.random_serial_number())
        .public_key(key.public_key())
        .not_valid_before(since)
        .not_valid_after(since + LIFETIME)
        .sign(key, SHA256())
    )
    return AsymmetricKeyPair(
        PrivateKey=key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
        Cert=certificate.public_bytes(Encoding.PEM).decode(),
    )


def without_secrets(connector: SAMLConnectorV2) -> SAMLConnectorV2:
    """Return a copy whose private keys are blank; the certificates stay."""
    shown = SAMLConnectorV2()
    shown.CopyFrom(connector)
    if shown.Spec.HasField("SigningKeyPair"):
        shown.Spec.SigningKeyPair.PrivateKey = ""
    if shown.Spec.HasField("EncryptionKeyPair"):
        shown.Spec.EncryptionKeyPair.PrivateKey = ""
    return shown


def lacks_private_key(connector: SAMLConnectorV2) -> bool:
    """Return whether the signing key is missing, as in a connector that was read without secrets."""
    return not connector.Spec.SigningKeyPair.PrivateKey


def demand_private_key(connector: SAMLConnectorV2) -> None:
    """Refuse a new connector with a signing certificate but without its key."""
    if lacks_private_key(connector):
        raise bad_parameter(f"Missing private key for signing connector. {_REMEDY}")


def restore_private_key(connector: SAMLConnectorV2, stored: SAMLConnectorV2 | None) -> None:
    """Copy the key of the stored connector, if both have the same certificate. Refuse the write otherwise."""
    if stored is None:
        raise bad_parameter(f"failed to create SAML connector, the SAML connector has no signing key set. {_REMEDY}")
    pair = stored.Spec.SigningKeyPair
    if not stored.Spec.HasField("SigningKeyPair") or pair.Cert != connector.Spec.SigningKeyPair.Cert:
        raise bad_parameter(
            "failed to update the SAML connector, the SAML connector has no signing key and its signing certificate "
            f"does not match the existing one. {_REMEDY}"
        )
    connector.Spec.SigningKeyPair.CopyFrom(pair)


def unreadable(failure: Refusal) -> Refusal:
    """Return the refusal of a write that needs the key of a stored connector which cannot be read."""
    what = "the SAML connector has no signing key set and looking up the existing connector failed with the error"
    return bad_parameter(f"failed to update SAML connector, {what}: {failure.text}. {_REMEDY}")
