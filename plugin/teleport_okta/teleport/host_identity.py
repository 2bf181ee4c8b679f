"""The host identity: one join, then it is stored in the data directory and loaded from there.

`<data_dir>/host/uuid` is the host's id, made once and kept through every re-join. `<data_dir>/host/identity` is its
key, certificate and CAs, in one file in the form of an identity file, so that no crash can leave a key without its
certificate. `identity.previous` is the one before it, while a CA rotation lasts. All are readable by their owner only
and are replaced by rename.

A missing file is made again: without an identity the host joins under its old id; a missing id is read from the
certificate. A damaged, expired or foreign file is an error that names the file. Such a file is never overwritten
automatically: our own writes are atomic, so damage has another cause, which an operator should look at.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from typing import TYPE_CHECKING

from teleport_okta.teleport.files import private_directory, write_private
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.identity_errors import (
    ForeignClusterError,
    HostStoreError,
    IdentityDamagedError,
    IdentityError,
    IdentityExpiredError,
    IdentityKeyMismatchError,
    IdentityMissingError,
    IdentityWithoutCAError,
    NotAHostIdentityError,
)
from teleport_okta.teleport.join import Applicant, join
from teleport_okta.teleport.join_errors import JoinTokenMissingError

if TYPE_CHECKING:
    import random
    from collections.abc import Collection
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.join import JoinMethod
    from teleport_okta.teleport.route import Route


class HostStore:
    """The host's id and identity on disk."""

    def __init__(self, data_dir: Path) -> None:
        self.directory = data_dir / "host"
        self.identity_path = self.directory / "identity"
        self.previous_path = self.directory / "identity.previous"
        self.uuid_path = self.directory / "uuid"

    def load(self) -> Identity | None:
        """Return the stored identity, or None if this host has not joined yet; a missing id is written again.

        Raises what `read` raises.
        """
        identity = self.read()
        if identity is not None and not self.uuid_path.exists():
            write_private(self.uuid_path, f"{identity.host_id}\n".encode())
        return identity

    def read(self) -> Identity | None:
        """The same, without writing.

        Raises HostStoreError if a file is damaged, and NotAHostIdentityError if the identity is not that of a host of
        role Okta. Its expiry is not checked.
        """
        try:
            identity = load_identity(self.identity_path)
        except IdentityMissingError:
            return None
        except (IdentityDamagedError, IdentityKeyMismatchError, IdentityWithoutCAError) as error:
            raise HostStoreError(str(self.identity_path), error.what) from error
        if not identity.is_okta_host:
            raise NotAHostIdentityError(str(self.identity_path), identity.subject, identity.roles)
        stored_id = self._stored_id()
        if stored_id not in {None, identity.host_id}:
            raise HostStoreError(
                str(self.identity_path), f"it is of host {identity.host_id}, but {self.uuid_path} names {stored_id}"
            )
        return identity

    def is_there(self) -> bool:
        """Whether an identity is stored, readable or not."""
        try:
            return self.identity_path.exists()
        except OSError:
            return False

    def host_id(self, rng: random.Random) -> str:
        """Return the host's id; the first time, make one and store it."""
        stored = self._stored_id()
        if stored is not None:
            return stored
        made = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        private_directory(self.directory)
        write_private(self.uuid_path, f"{made}\n".encode())
        return made

    def save(self, content: bytes) -> None:
        """Store an identity, in the form of an identity file."""
        private_directory(self.directory)
        write_private(self.identity_path, content)

    def succeed(self, content: bytes) -> None:
        """Store a new identity; the present one is kept beside it as the previous one until `forget_previous`."""
        write_private(self.previous_path, self.identity_path.read_bytes())
        self.save(content)

    def load_previous(self) -> Identity | None:
        """Return the previous identity, or None if there is none that can be used."""
        try:
            identity = load_identity(self.previous_path)
        except IdentityError:
            return None
        return identity if identity.is_okta_host else None

    def forget_previous(self) -> None:
        """Remove the previous identity."""
        self.previous_path.unlink(missing_ok=True)

    def _stored_id(self) -> str | None:
        try:
            text = self.uuid_path.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return None
        try:
            return str(uuid.UUID(text))
        except ValueError as error:
            raise HostStoreError(str(self.uuid_path), "it does not hold a UUID") from error


async def obtain_host_identity(
    data_dir: Path,
    *,
    route: Route,
    token: str | None,
    method: JoinMethod = "token",
    bot: Identity | None,
    ca_pins: Collection[str] = (),
    clock: Clock,
    rng: random.Random,
    is_kept: bool = True,
) -> Identity:
    """Return this host's identity: the stored one, or a new one by a join with `token`, which is then stored.

    The first join trusts the CA of the bot's identity, or else the pinned one. Unless `is_kept`, a stored identity is
    only read: a missing file is not written again. Raises a subclass of JoinError, PodTokenError, ProxyError or
    IdentityError.
    """
    store = HostStore(data_dir)
    stored = await asyncio.to_thread(store.load if is_kept else store.read)
    if stored is None:
        if not token:
            raise JoinTokenMissingError(route.address)
        host_id = await asyncio.to_thread(store.host_id, rng)
        applicant = Applicant(host_id, socket.gethostname() or "teleport-okta", token, method)
        content = await join(
            route, applicant, bot=bot, ca_pins=ca_pins, directory=store.directory, clock=clock, rng=rng
        )
        stored = await asyncio.to_thread(_kept, store, content)
    elif clock.now() >= stored.not_after:
        raise IdentityExpiredError(
            stored.source,
            stored.not_after,
            clock.now(),
            remedy="remove the file and start with teleport.join_token set: the host joins again under the same id",
        )
    if bot is not None and bot.cluster != stored.cluster:
        raise ForeignClusterError(stored.source, stored.cluster, other_source=bot.source, other_cluster=bot.cluster)
    return stored


def _kept(store: HostStore, content: bytes) -> Identity:
    """Store an identity, and return what can be read back."""
    store.save(content)
    joined = store.load()
    if joined is None:
        raise HostStoreError(str(store.identity_path), "it is missing right after it was written")
    return joined
