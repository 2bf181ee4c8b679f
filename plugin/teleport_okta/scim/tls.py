"""The certificate of the SCIM endpoint, read again when its files change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING, Final, TypeAlias

from cryptography import x509

from teleport_okta.errors import ConfigError

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.clock import Clock

_LOOKED_AT_AFTER: Final = 30.0
"""Seconds between two checks of the files."""

_Stamp: TypeAlias = tuple[tuple[int, int, int], ...]
"""The time of change, size and inode of each file; empty if a file is missing."""

_log = logging.getLogger(__name__)


class ServerCertificate:
    """A certificate and its key, in files that another program may replace.

    They are checked when a connection arrives. A pair that is incomplete or does not match is logged once, and the
    previous pair stays in use.
    """

    def __init__(self, certificate: Path, key: Path, *, clock: Clock) -> None:
        self._certificate = certificate
        self._key = key
        self._clock = clock
        self._looked_at = clock.monotonic()
        self._stamp = self._present_stamp()
        self._refused: _Stamp | None = None
        self.problem = ""
        """Why the present files cannot be used, so that the previous pair is in use; empty if they can."""

        try:
            self._context, self.expires = self._loaded()
        except (OSError, ValueError) as error:
            what = f"scim.certificate, scim.key: {self._problem(error)}"
            raise ConfigError(what, remedy="use PEM files of a certificate chain and its key, not encrypted") from error

    async def context(self) -> ssl.SSLContext:
        """Return the TLS settings for a new connection."""
        now = self._clock.monotonic()
        if now - self._looked_at >= _LOOKED_AT_AFTER:
            self._looked_at = now
            await asyncio.to_thread(self._look)
        return self._context

    def _look(self) -> None:
        stamp = self._present_stamp()
        if stamp == self._stamp:
            self._refused, self.problem = None, ""
        if stamp in {self._stamp, self._refused}:
            return
        try:
            self._context, self.expires = self._loaded()
        except (OSError, ValueError) as error:
            self._refused, self.problem = stamp, self._problem(error)
            _log.warning(
                "the SCIM endpoint still uses its old certificate, the new one cannot be used: %s", self.problem
            )
            return
        self._stamp, self._refused, self.problem = stamp, None, ""
        _log.info("the SCIM endpoint has a new certificate, from %s", self._certificate)

    def _loaded(self) -> tuple[ssl.SSLContext, datetime]:
        """Return TLS settings with the certificate, and when it expires."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # Without `password`, OpenSSL would ask for that of an encrypted key at the terminal.
        context.load_cert_chain(self._certificate, self._key, password="")
        leaf = x509.load_pem_x509_certificates(self._certificate.read_bytes())[0]
        return context, leaf.not_valid_after_utc

    def _present_stamp(self) -> _Stamp:
        try:
            found = [path.stat() for path in (self._certificate, self._key)]
        except OSError:
            return ()
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)

    def _problem(self, error: Exception) -> str:
        for path in (self._certificate, self._key):
            try:
                with path.open("rb"):
                    pass
            except OSError as failure:
                return f"{path} cannot be read: {failure.strerror}"
        match error:
            case ssl.SSLError(reason="KEY_VALUES_MISMATCH"):
                return f"the key in {self._key} does not match the certificate in {self._certificate}"
            case _:
                return f"{self._certificate} and {self._key} are not a certificate and its key: {error}"
