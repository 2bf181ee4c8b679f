"""The gRPC listener of `[serve]`: its certificate, its key, its callers, and whether it listens."""

from __future__ import annotations

import asyncio
import stat
from typing import TYPE_CHECKING, Final

from cryptography import x509

from teleport_okta.doctor.certificates import of_life
from teleport_okta.doctor.findings import Section
from teleport_okta.serve.server_certificate import ServerCertificateError, read_server_certificate
from teleport_okta.teleport.proxy.certificates import certificate_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.settings import Settings
    from teleport_okta.settings_serve import ServeSettings

HERE: Final = Section.GRPC

_FILES: Final = "use PEM files of a certificate chain and its key, not encrypted"
_RENEW: Final = "renew it: the service uses new files within half a minute, without a restart"
_CONNECTED_WITHIN: Final = 3.0
"""Seconds; the connection is to this machine, which takes milliseconds."""

_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, not bound
_ROLE: Final = "role:"


def check_listener(settings: Settings, now: datetime) -> list[Finding]:
    """Check the configuration of the listener; no findings if none is configured. Blocks."""
    serve = settings.serve
    if serve.listen is None or serve.certificate is None or serve.key is None:
        return []
    return [*_certificate(serve.certificate, serve.key, now), *of_callers(serve, has_scim=settings.is_provisioned)]


def _certificate(certificate: Path, key: Path, now: datetime) -> Iterator[Finding]:
    check = "certificate"
    try:
        pair = read_server_certificate(certificate, key)
    except ServerCertificateError as error:
        yield HERE.error(check, f"the listener cannot start: {error}", _FILES)
        return
    leaf = x509.load_pem_x509_certificates(pair.chain_pem)[0]
    yield of_life(HERE, check, str(certificate), leaf, now=now, remedy=_RENEW)
    names = certificate_names(leaf)
    if names:
        yield HERE.ok("names", f"{', '.join(names)}: clients must call one of these names")
    else:
        what = "the certificate names no host, so every client refuses it"
        yield HERE.error(
            "names", what, "use a certificate whose subject alternative names include the name that clients call"
        )
    mode = stat.S_IMODE(key.stat().st_mode)
    if mode & stat.S_IRWXO:
        what = f"everybody on this machine can access {key} (mode {mode:04o})"
        yield HERE.warning("key", what, f"chmod 0600 {key}, for the service's user")
    else:
        yield HERE.ok("key", f"{key} (mode {mode:04o}) belongs to the certificate")


def of_callers(serve: ServeSettings, *, has_scim: bool) -> Iterator[Finding]:
    """Check the lists of callers; an empty list allows no caller."""
    check = "callers"
    lists = {"readers": serve.readers, "writers": serve.writers, "scim_callers": serve.scim_callers}
    if not any(lists.values()):
        what = "readers, writers and scim_callers are empty: every call is refused"
        yield HERE.note(check, what, "add users or roles there, or remove serve.listen")
        return
    yield HERE.ok(check, "; ".join(f"{name}: {', '.join(entries)}" for name, entries in lists.items() if entries))
    if serve.scim_callers and not has_scim:
        what = "scim_callers is set, and SCIM is off: their calls are refused"
        yield HERE.note("SCIM callers", what, "set scim.listen, and make a token")


def of_named_roles(serve: ServeSettings, roles: Collection[str] | None) -> Iterator[Finding]:
    """Check that each named role exists; `roles` are the names of all roles, None if they could not be read."""
    if roles is None or serve.listen is None:
        return
    entries = dict.fromkeys((*serve.readers, *serve.writers, *serve.scim_callers))
    for entry in entries:
        name = entry.removeprefix(_ROLE)
        if entry.startswith(_ROLE) and name not in roles:
            what = f"{entry} allows no caller: there is no such role"
            yield HERE.warning("callers", what, f"create the role {name!r}, or correct the entry in [serve]")


async def check_listening(listen: str | None, *, is_running: bool) -> list[Finding]:
    """Connect to the listener, if a service runs here that should have one. Nothing is sent."""
    if listen is None or not is_running:
        return []
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    try:
        async with asyncio.timeout(_CONNECTED_WITHIN):
            _, writer = await asyncio.open_connection(_EVERYWHERE.get(host, host), int(port))
    except (OSError, TimeoutError) as error:
        what = f"the service runs, and nothing answers at {listen}: {error or type(error).__name__}"
        return [HERE.error("listening", what, "restart the service: it reads [serve] at its start; else see its log")]
    writer.transport.abort()
    return [HERE.ok("listening", f"something answers at {listen}")]
