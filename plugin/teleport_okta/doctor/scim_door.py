"""The SCIM endpoint: its tokens, its certificate, and whether the service listens."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from cryptography import x509
from yarl import URL

from teleport_okta.doctor.certificates import of_life
from teleport_okta.doctor.findings import Section
from teleport_okta.errors import ConfigError
from teleport_okta.scim.tls import ServerCertificate
from teleport_okta.scim.tokens import read_token_hash
from teleport_okta.teleport.proxy.certificates import certificate_names, is_good_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.model.scim_door import ScimDoor
    from teleport_okta.settings_scim import ScimSettings

HERE: Final = Section.SCIM

_MAKE: Final = "make one with `teleport-okta scim-token new`, and give it to Okta"
_RESTART: Final = "restart the service: it reads this section only when it starts"
_LISTENS: Final = "correct that; the service then listens within seconds, without a restart"
_RENEW: Final = "put a chain and its key there: the service uses new files within half a minute, without a restart"
_RENEW_FILES: Final = "renew it: the service uses new files within half a minute, without a restart"


def check_door(settings: ScimSettings, *, tokens: int | None, clock: Clock) -> list[Finding]:
    """Check the configuration of an endpoint; `tokens` is how many there are, None if unknown. Blocks.

    No findings if none is configured.
    """
    if settings.listen is None:
        return []
    return [*_tokens(settings, tokens), *_transport(settings, settings.listen, clock)]


def of_service(settings: ScimSettings, door: ScimDoor | None, *, is_running: bool) -> list[Finding]:
    """Check that a running service listens; `door` is its endpoint, as the service describes it."""
    if settings.listen is None or settings.public_url is None:
        return []
    if not is_running:
        return [HERE.unchecked("public_url", "no service runs")]
    if door is None:
        return [HERE.error("answers", "the service runs without a SCIM endpoint", _RESTART)]
    if not door.address:
        return [HERE.error("answers", f"the service does not listen: {door.reason}", _LISTENS)]
    answers = HERE.ok("answers", f"the service answers at {door.address}")
    if door.problem:
        answers = HERE.warning(
            "answers", f"the service still uses its old certificate, the new one cannot be used: {door.problem}", _RENEW
        )
    return [answers]


def _tokens(settings: ScimSettings, tokens: int | None) -> Iterator[Finding]:
    has_hash = False
    try:
        has_hash = read_token_hash(settings.token_hash) is not None
    except ConfigError as error:
        yield HERE.failed("token_hash", error)
    else:
        if has_hash:
            yield HERE.ok("token_hash", "a valid bcrypt hash")
    if tokens is None:
        yield HERE.unchecked("tokens", "the database was not read; `teleport-okta scim-token list` shows them")
    elif tokens:
        yield HERE.ok("tokens", f"there {'is 1' if tokens == 1 else f'are {tokens}'}")
    elif not has_hash:
        yield HERE.error("tokens", "there is none, so the service does not listen", _MAKE)


def _transport(settings: ScimSettings, listen: str, clock: Clock) -> Iterator[Finding]:
    if settings.certificate is not None and settings.key is not None:
        yield from _certificate(settings.certificate, settings.key, settings.public_url or "", clock)
    elif settings.behind_proxy:
        what = f"none: the service listens at {listen} with plain HTTP, as behind_proxy says"
        yield HERE.note("TLS", what, "make sure that only the proxy can reach that address")
    else:
        what = f"none: the service listens at {listen} with plain HTTP, which only this machine can reach"
        yield HERE.note("TLS", what, "let a proxy on this machine terminate TLS")
    if settings.certificate is None and not settings.trusted_proxies:
        what = "not set: all failures of authentication count as the proxy's"
        yield HERE.note("trusted_proxies", what, "set it to the addresses of the proxy")


def _certificate(path: Path, key: Path, public_url: str, clock: Clock) -> Iterator[Finding]:
    check = "certificate"
    try:
        ServerCertificate(path, key, clock=clock)
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except ConfigError as error:
        yield HERE.failed(check, error)
        return
    except (OSError, ValueError) as error:
        yield HERE.error(check, f"{path} cannot be read: {error}", "use a PEM file of a certificate chain")
        return
    leaf = chain[0]
    yield of_life(HERE, check, str(path), leaf, now=clock.now(), remedy=_RENEW_FILES)
    yield _names(leaf, public_url)
    if len(chain) == 1:
        what = f"{path} has one certificate"
        remedy = "append the intermediate certificates, unless a root CA issued it: Okta does not download them"
        yield HERE.note("chain", what, remedy)
    mode = stat.S_IMODE(key.stat().st_mode)
    if mode & stat.S_IRWXO:
        what = f"everybody on this machine can access {key} (mode {mode:04o})"
        yield HERE.warning("key", what, f"chmod 0600 {key}, for the service's user")
    else:
        yield HERE.ok("key", f"{key} (mode {mode:04o}) belongs to the certificate")


def _names(leaf: x509.Certificate, public_url: str) -> Finding:
    host = URL(public_url).host or ""
    listed = ", ".join(certificate_names(leaf)) or "no name"
    if is_good_for(leaf, host):
        return HERE.ok("names", f"{listed}: {host} of public_url is among them")
    what = f"the certificate is for {listed}, and clients call {host} (public_url)"
    return HERE.warning("names", what, "get a certificate for that name, unless a proxy in front of us has one")
