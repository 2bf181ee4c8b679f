"""The valid tokens of SCIM clients: those of the state, and one configured bcrypt hash.

Teleport stores a bcrypt hash of the token for its own SCIM endpoint. If we use that hash, clients keep their token.
Verifying it takes a quarter of a second, so we remember the SHA-256 of a verified token.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

import bcrypt

from teleport_okta.config import read_secret
from teleport_okta.errors import ConfigError
from teleport_okta.scim.scim_errors import ScimError
from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import SecretStr

    from teleport_okta.clock import Clock
    from teleport_okta.state.scim_tokens import ScimTokenStore

TOKEN_BYTES: Final = 32

_CREDENTIAL: Final = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
"""A scheme, in any case, and one token (RFC 6750 §2.1)."""

_BCRYPT: Final = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_BCRYPT_LENGTH: Final = 72
"""Bytes that bcrypt reads; it would compare only a part of a longer token."""

_HIGHEST_COST: Final = 14
"""A cost of 14 takes a second on one core; each increment doubles that."""

_VERIFIED_TOGETHER: Final = 2
_MOST_WAITING: Final = 8
_HASH_READ_AFTER: Final = 5.0
"""Seconds between two checks of the file of the configured hash."""

_KEY: Final = "scim.token_hash"

_log = logging.getLogger(__name__)


def new_token(entropy: Callable[[int], bytes] = os.urandom) -> str:
    """Return a new token: 256 random bits as 64 hexadecimal digits, the form of Teleport's own."""
    return entropy(TOKEN_BYTES).hex()


def read_token_hash(setting: SecretStr | None) -> bytes | None:
    """Return the configured bcrypt hash; None without one. Raises ConfigError for one that cannot be used."""
    return None if setting is None else _checked_hash(read_secret(setting, key=_KEY))


def digest_of(token: bytes) -> str:
    """Return a token's SHA-256, hexadecimal."""
    return hashlib.sha256(token).hexdigest()


def bearer_token(headers: Sequence[str]) -> bytes | None:
    """Return the token of the request's `Authorization` headers; None unless there is exactly one credential.

    aiohttp decodes header values as UTF-8 with `surrogateescape`; encoding them the same way returns the bytes sent.
    """
    if len(headers) != 1:
        return None
    match = _CREDENTIAL.fullmatch(headers[0].encode("utf-8", "surrogateescape"))
    return None if match is None else match.group(1)


@dataclass(frozen=True, slots=True)
class _Verified:
    """The SHA-256 of a token that matched a bcrypt hash."""

    bcrypt_hash: bytes
    digest: str


class ScimTokens:
    """Verifies tokens."""

    def __init__(self, stored: ScimTokenStore, token_hash: SecretStr | None, *, clock: Clock) -> None:
        self._stored = stored
        self._configured = _ConfiguredHash(token_hash, clock)
        self._verified: _Verified | None = None
        self._verifying = asyncio.Semaphore(_VERIFIED_TOGETHER)
        self._waiting = 0
        self._clock = clock

    @property
    def changed(self) -> asyncio.Event:
        """Set after a token was added or revoked."""
        return self._stored.changed

    def check(self) -> None:
        """Raise ConfigError for an unusable configured hash."""
        self._configured.load()

    async def exist(self) -> bool:
        """Whether any token can be valid. A configured hash counts, also while its file cannot be used.

        Raises StateError.
        """
        return self._configured.is_set or bool(await self._stored.digests())

    async def accept(self, token: bytes, *, slowly: bool = True) -> bool:
        """Whether a token is valid; without `slowly` no bcrypt hash is computed for it.

        Every stored hash is compared, so that the time does not reveal which of them matched. Raises StateError, and
        ScimError if too many tokens wait to be verified.
        """
        digest = digest_of(token)
        matches = [one for one in await self._stored.digests() if _same(one, digest)]
        bcrypt_hash = self._configured.current()
        verified = self._verified
        is_verified = verified is not None and _same(verified.digest, digest) and verified.bcrypt_hash == bcrypt_hash
        if matches:
            await self._note_use(matches[0])
            return True
        if is_verified or bcrypt_hash is None or not slowly or len(token) > _BCRYPT_LENGTH:
            return is_verified
        if not await self._verify(token, bcrypt_hash):
            return False
        self._verified = _Verified(bcrypt_hash, digest)
        return True

    async def _verify(self, token: bytes, bcrypt_hash: bytes) -> bool:
        if self._waiting >= _MOST_WAITING:
            detail = "Too many tokens wait to be verified. Send the request again later."
            raise ScimError(HTTPStatus.TOO_MANY_REQUESTS, detail, retry_after=5)
        self._waiting += 1
        try:
            async with self._verifying:
                return await asyncio.to_thread(bcrypt.checkpw, token, bcrypt_hash)
        except ValueError as error:
            _log.warning("%s: the bcrypt hash cannot be used: %s", _KEY, error)
            return False
        finally:
            self._waiting -= 1

    async def _note_use(self, digest: str) -> None:
        try:
            await self._stored.note_use(digest, at=self._clock.now())
        except StateError as error:
            _log.warning("the last use of a SCIM token could not be stored: %s", error)


class _ConfiguredHash:
    """The configured bcrypt hash, read again when its file changes."""

    def __init__(self, setting: SecretStr | None, clock: Clock) -> None:
        self._setting = setting
        self._clock = clock
        self._hash: bytes | None = None
        self._stamp: tuple[int, ...] | None = None
        self._looked_at: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether a hash is configured, or a file that should have one."""
        return self._setting is not None

    def load(self) -> bytes | None:
        """Read and return the hash; None without one. Raises ConfigError."""
        if self._setting is None:
            return None
        self._looked_at = self._clock.monotonic()
        self._stamp = self._present_stamp()
        self._hash = read_token_hash(self._setting)
        return self._hash

    def current(self) -> bytes | None:
        """Return the present hash. If it cannot be used any more, log that once, and refuse its tokens."""
        now = self._clock.monotonic()
        if self._looked_at is not None and now - self._looked_at < _HASH_READ_AFTER:
            return self._hash
        if self._looked_at is not None and self._stamp == self._present_stamp():
            self._looked_at = now
            return self._hash
        try:
            return self.load()
        except ConfigError as error:
            self._hash = None
            _log.warning("the tokens of %s are refused: %s", _KEY, error)
            return None

    def _present_stamp(self) -> tuple[int, ...] | None:
        text = "" if self._setting is None else self._setting.get_secret_value()
        if not text.startswith("/"):
            return None
        try:
            found = Path(text).stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_size, found.st_ino


def _checked_hash(text: str) -> bytes:
    match = _BCRYPT.fullmatch(text)
    if match is None:
        what = f"{_KEY}: this is not a bcrypt hash, which begins with $2a$, $2b$ or $2y$ and has 60 characters"
        raise ConfigError(what, remedy="use the hash of the token, not the token")
    if not 4 <= int(match.group(1)) <= _HIGHEST_COST:
        what = f"{_KEY}: the cost of the bcrypt hash is {match.group(1)}; 04 to {_HIGHEST_COST} are possible"
        raise ConfigError(what, remedy="hash the token again with a lower cost")
    return text.encode("ascii")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("ascii"), other.encode("ascii"))
