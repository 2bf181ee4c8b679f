"""Identity files in the form in which tbot and tctl write them (`docs/reference/teleport.md` 2.5)."""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .authority import TEN_YEARS

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from .authority import CertificateAuthority, PrivateKey, Subject
    from .rotation import HostAuthority
    from .ssh_authority import SshAuthority


class Torn(Enum):
    """The part of a rewritten file that exists (`docs/reference/teleport.md` 2.6)."""

    EMPTY = "empty"
    HALF = "half"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Identity:
    """The content of an identity file: a key with its certificates, and the host CAs to trust."""

    key_pem: bytes
    certificate_pem: bytes
    ssh_line: str
    known_hosts: str
    ca_pem: bytes

    def text(self) -> bytes:
        """Return the file's content in the order in which Teleport's tools write it."""
        return b"".join(
            [self.key_pem, self.ssh_line.encode(), self.certificate_pem, self.known_hosts.encode(), self.ca_pem]
        )

    def write(self, path: Path) -> Path:
        """Write the file atomically, readable only by its owner."""
        temporary = path.with_name(f".{path.name}.tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self.text())
        temporary.replace(path)
        return path

    def rewrite(self, path: Path, torn: Torn = Torn.WHOLE) -> Path:
        """Write the file in place, as tbot does: truncated first, so that a reader may see a part of it."""
        text = self.text()
        length = {Torn.EMPTY: 0, Torn.HALF: len(text) // 2, Torn.WHOLE: len(text)}[torn]
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text[:length])
        return path


@dataclass(frozen=True, slots=True)
class IdentityIssuer:
    """Makes identities of a cluster. Host certificates are valid for `host_lifetime`.

    Old clusters make RSA keys, newer ones ECDSA P-256 (`modern_keys`).
    """

    host: HostAuthority
    user_ca: CertificateAuthority
    user_ssh: SshAuthority
    host_lifetime: timedelta = TEN_YEARS
    modern_keys: bool = True

    @property
    def host_ca(self) -> CertificateAuthority:
        """The authority that signs host certificates now."""
        return self.host.active.tls

    def issue(self, subject: Subject, lifetime: timedelta, key: PrivateKey | None = None) -> Identity:
        """Issue an identity to a user, with a new key unless one is given. A lifetime up to zero: it has expired."""
        key = key or self._new_key()
        nobody = (f"-teleport-nologin-{uuid.uuid4()}", "-teleport-internal-join")
        subject = replace(
            subject,
            principals=subject.principals or nobody,
            bot_instance=subject.bot_instance or str(uuid.uuid4()),
        )
        certificate = self.user_ca.issue_user(key.public_key(), subject, lifetime)
        return Identity(
            key_pem=private_key_pem(key),
            certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
            ssh_line=self.user_ssh.issue_user(key.public_key(), subject, lifetime),
            known_hosts="".join(keys.ssh.known_hosts_line for keys in self.host.trusted),
            ca_pem=self.host.pem,
        )

    def _new_key(self) -> PrivateKey:
        return ec.generate_private_key(ec.SECP256R1()) if self.modern_keys else rsa.generate_private_key(65537, 2048)


def private_key_pem(key: PrivateKey) -> bytes:
    """Return the key as Teleport writes it: PKCS#1 for RSA, PKCS#8 for everything else."""
    form = (
        serialization.PrivateFormat.TraditionalOpenSSL
        if isinstance(key, rsa.RSAPrivateKey)
        else serialization.PrivateFormat.PKCS8
    )
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
