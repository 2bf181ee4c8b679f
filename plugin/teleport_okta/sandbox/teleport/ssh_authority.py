"""The SSH side of a certificate authority: a key and its certificates (`docs/reference/teleport.md` 2.5)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import SSHCertificateBuilder, SSHCertificateType

if TYPE_CHECKING:
    from .authority import Host, PublicKey, Subject


@dataclass(frozen=True, slots=True)
class SshAuthority:
    """An Ed25519 key with which a cluster signs the SSH certificates of hosts, or those of users."""

    cluster: str
    key: ed25519.Ed25519PrivateKey = field(default_factory=ed25519.Ed25519PrivateKey.generate, repr=False)

    @property
    def public_line(self) -> bytes:
        """The key as an authorized_keys line."""
        return self._public_key().encode() + b"\n"

    @property
    def known_hosts_line(self) -> str:
        """The known_hosts line with which clients trust every host of the cluster."""
        return f"@cert-authority {self.cluster},*.{self.cluster} {self._public_key()} type=host\n"

    def issue_host(self, key: PublicKey, host: Host) -> bytes:
        """Return a host certificate as one authorized_keys line."""
        own = [name for name in (host.host_id, host.node_name) if name]
        principals = [part for name in own for part in (f"{name}.{self.cluster}", name)]
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
            .add_extension(b"x-teleport-authority", self.cluster.encode())
            .add_extension(b"x-teleport-role", host.role.encode())
        )
        return builder.sign(self.key).public_bytes() + b"\n"

    def issue_user(self, key: PublicKey, subject: Subject, lifetime: timedelta) -> str:
        """Return a user certificate as one authorized_keys line."""
        now = datetime.now(UTC)
        expiry = now + lifetime
        extensions = {
            "login-ip": "127.0.0.1",
            "permit-port-forwarding": "",
            "permit-pty": "",
            "private-key-policy": "none",
            "teleport-roles": json.dumps({"roles": list(subject.roles)}, separators=(",", ":")),
            "teleport-route-to-cluster": self.cluster,
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
        return builder.sign(self.key).public_bytes().decode() + "\n"

    def _public_key(self) -> str:
        return (
            self.key.public_key()
            .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
            .decode()
        )
