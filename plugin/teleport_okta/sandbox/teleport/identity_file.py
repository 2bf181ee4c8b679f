"""Identity files in the form in which tbot and tctl write them (`reference/teleport.md` 2.5)."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import SSHCertificateBuilder, SSHCertificateType

if TYPE_CHECKING:
    from pathlib import Path

    from .authority import CertificateAuthority, Host, PrivateKey, PublicKey, Subject


@dataclass(frozen=True, slots=True)
class SshAuthority:
    """The Ed25519 keys with which a cluster signs SSH certificates."""

    user: ed25519.Ed25519PrivateKey
    host: ed25519.Ed25519PrivateKey

    @classmethod
    def generate(cls) -> SshAuthority:
        """Make a fresh pair."""
        return cls(ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate())

    def host_public_line(self) -> bytes:
        """Return the key that signs host certificates, as an authorized_keys line."""
        return _openssh(self.host.public_key()).encode() + b"\n"

    def host_line(self, cluster: str) -> str:
        """Return the known_hosts line that vouches for every host of the cluster."""
        return f"@cert-authority {cluster},*.{cluster} {_openssh(self.host.public_key())} type=host\n"

    def issue_host(self, key: PublicKey, host: Host, cluster: str) -> bytes:
        """Return a host certificate as one authorized_keys line."""
        own = [name for name in (host.host_id, host.node_name) if name]
        principals = [part for name in own for part in (f"{name}.{cluster}", name)]
        principals += [*host.principals, "localhost", "127.0.0.1", "::1"]
        builder = (
            SSHCertificateBuilder()
            .public_key(key)
            .type(SSHCertificateType.HOST)
            .serial(0)
            .key_id(b"")
            .valid_principals([principal.encode() for principal in dict.fromkeys(principals)])
            .valid_after(0)
            .valid_before(2**64 - 1)
            .add_extension(b"x-teleport-authority", cluster.encode())
            .add_extension(b"x-teleport-role", host.role.encode())
        )
        return builder.sign(self.host).public_bytes() + b"\n"

    def issue_user(self, key: PublicKey, subject: Subject, cluster: str, lifetime: timedelta) -> str:
        """Return a user certificate as one authorized_keys line."""
        now = datetime.now(UTC)
        expiry = now + lifetime
        extensions = {
            "login-ip": "127.0.0.1",
            "permit-port-forwarding": "",
            "permit-pty": "",
            "private-key-policy": "none",
            "teleport-roles": json.dumps({"roles": list(subject.roles)}, separators=(",", ":")),
            "teleport-route-to-cluster": cluster,
            "teleport-traits": "null",
        }
        if subject.bot:
            extensions |= {
                "bot-instance-id@goteleport.com": subject.bot_instance,
                "bot-name@goteleport.com": subject.bot,
                "disallow-reissue": "",
                "impersonator": subject.name,
            }
        builder = (
            SSHCertificateBuilder()
            .public_key(key)
            .type(SSHCertificateType.USER)
            .serial(0)
            .key_id(subject.name.encode())
            .valid_principals([principal.encode() for principal in subject.principals])
            .valid_after(int((min(now, expiry) - timedelta(minutes=1)).timestamp()))
            .valid_before(int(expiry.timestamp()))
        )
        for name, value in sorted(extensions.items()):
            builder = builder.add_extension(name.encode(), value.encode())
        return builder.sign(self.user).public_bytes().decode() + "\n"


@dataclass(frozen=True, slots=True)
class Identity:
    """A key with its certificates, and the CA to trust: what an identity file holds."""

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
        """Write the file, readable by its owner alone, whole or not at all."""
        temporary = path.with_name(f".{path.name}.tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self.text())
        temporary.replace(path)
        return path


@dataclass(frozen=True, slots=True)
class IdentityIssuer:
    """Makes identities of a cluster for whoever is asked for."""

    host_ca: CertificateAuthority
    user_ca: CertificateAuthority
    ssh: SshAuthority

    def issue(self, subject: Subject, lifetime: timedelta, key: PrivateKey | None = None) -> Identity:
        """Issue to a user, with a fresh ECDSA P-256 key unless one is given. Zero or less has expired already."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        cluster = self.user_ca.cluster
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
            ssh_line=self.ssh.issue_user(key.public_key(), subject, cluster, lifetime),
            known_hosts=self.ssh.host_line(cluster),
            ca_pem=self.host_ca.pem,
        )


def private_key_pem(key: PrivateKey) -> bytes:
    """Return the key as Teleport writes it: PKCS#1 for RSA, PKCS#8 for everything else."""
    form = (
        serialization.PrivateFormat.TraditionalOpenSSL
        if isinstance(key, rsa.RSAPrivateKey)
        else serialization.PrivateFormat.PKCS8
    )
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _openssh(key: ed25519.Ed25519PublicKey) -> str:
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()
