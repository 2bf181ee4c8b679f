"""``teleport-okta sandbox okta``: runs an organisation in the foreground, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import random
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from teleport_okta.sandbox.okta.control import OktaControl
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.seed import seed_organization
from teleport_okta.sandbox.okta.server import OktaSandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from teleport_okta.sandbox.okta.settings import Settings

KEY_FILE = "okta-key.pem"
CA_FILE = "okta-ca.pem"
KID = "teleport-okta-sandbox"


async def serve(
    directory: Path,
    *,
    announce: Callable[[dict[str, object]], None],
    listen: tuple[str, int] = ("127.0.0.1", 0),
    users: int = 25,
    groups: int = 5,
    apps: int = 3,
    seed: int = 1,
    settings: Settings | None = None,
    dpop: bool = False,
    tls: bool = False,
) -> None:
    """Serve a seeded organisation until cancelled.

    Calls `announce` once, when everything listens, with the addresses and credentials that a client needs. The key of
    the OAuth client is written to `directory`, readable only by its owner. With `dpop` that client must prove
    possession of a key. With `tls` the organisation is served over HTTPS too, and its CA certificate is written beside
    the key. Raises ``OSError`` if the directory cannot be written or the address cannot be used.
    """
    key = await asyncio.to_thread(rsa.generate_private_key, 65537, 2048)
    key_file = directory / KEY_FILE
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    await asyncio.to_thread(_write_private, key_file, pem)
    org = OktaOrganization(settings)
    client = org.add_client(key.public_key(), KID, require_dpop=dpop)
    teleport = seed_organization(org, users=users, groups=groups, apps=apps, rng=random.Random(seed))  # noqa: S311
    async with OktaSandbox(org, *listen, tls=tls) as okta, OktaControl(okta) as control:
        line: dict[str, object] = {
            "kind": "okta",
            "url": okta.url,
            "ssws_token": org.ssws_token,
            "oauth": {"client_id": client.id, "private_key": str(key_file), "kid": KID},
            "app_id": teleport.id,
            "control": control.url,
        }
        if tls:
            ca_file = directory / CA_FILE
            await asyncio.to_thread(ca_file.write_bytes, okta.ca_pem)
            line |= {"https_url": okta.https_url, "ca": str(ca_file)}
        announce(line)
        await asyncio.Event().wait()


def _write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
