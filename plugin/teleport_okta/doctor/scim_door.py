"""The SCIM endpoint: whether anybody has a token, its certificate, and whether clients get there."""

from __future__ import annotations

import stat
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
from cryptography import x509
from yarl import URL

from teleport_okta.doctor.findings import Section
from teleport_okta.errors import ConfigError
from teleport_okta.scim.tls import ServerCertificate
from teleport_okta.scim.tokens import read_token_hash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.model.scim_door import ScimDoor
    from teleport_okta.settings_scim import ScimSettings

HERE: Final = Section.SCIM

EXPIRES_SOON: Final = 14
"""Days; with less left, a certificate that is renewed by itself should have been."""

_MAKE: Final = "make one with `teleport-okta scim-token new`, and give it to Okta"
_RESTART: Final = "restart the service: it reads its configuration at its start"
_LISTENS: Final = "once that is set right the service listens within seconds, without a restart"
_RENEW: Final = "put a chain and its key there: new files are taken within half a minute, without a restart"
_TIMEOUT: Final = aiohttp.ClientTimeout(total=10, connect=5)
_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


def check_door(settings: ScimSettings, *, tokens: int | None, clock: Clock) -> list[Finding]:
    """Look at the configuration of an endpoint; `tokens` is how many there are, None where that is not known. Blocks.

    Says nothing where none is configured.
    """
    if settings.listen is None:
        return []
    return [*_tokens(settings, tokens), *_transport(settings, settings.listen, clock)]


async def check_answers(settings: ScimSettings, door: ScimDoor | None, *, is_running: bool) -> list[Finding]:
    """Say whether the running service answers, and ask at the public URL, without a token.

    The endpoint counts that as one failure of authentication.
    """
    if settings.listen is None or settings.public_url is None:
        return []
    if not is_running:
        return [HERE.unchecked("public_url", "no service runs that could answer there")]
    if door is None:
        return [HERE.error("answers", "the service runs without a SCIM endpoint", _RESTART)]
    if not door.address:
        return [HERE.error("answers", f"the service does not listen: {door.reason}", _LISTENS)]
    answers = HERE.ok("answers", f"the service answers at {door.address}")
    if door.problem:
        answers = HERE.warning(
            "answers", f"the service keeps its certificate, the new one cannot be used: {door.problem}", _RENEW
        )
    return [answers, await _public_url(settings.public_url)]


def _tokens(settings: ScimSettings, tokens: int | None) -> Iterator[Finding]:
    has_hash = False
    try:
        has_hash = read_token_hash(settings.token_hash) is not None
    except ConfigError as error:
        yield HERE.failed("token_hash", error)
    else:
        if has_hash:
            yield HERE.ok("token_hash", "a bcrypt hash that can be used")
    if tokens is None:
        yield HERE.unchecked("tokens", "the database was not looked at; `teleport-okta scim-token list` shows them")
    elif tokens:
        yield HERE.ok("tokens", f"there {'is 1' if tokens == 1 else f'are {tokens}'}")
    elif not has_hash:
        yield HERE.error("tokens", "there is none, so nothing is listened on", _MAKE)


def _transport(settings: ScimSettings, listen: str, clock: Clock) -> Iterator[Finding]:
    if settings.certificate is not None and settings.key is not None:
        yield from _certificate(settings.certificate, settings.key, settings.public_url or "", clock)
    elif settings.behind_proxy:
        what = f"none: plain HTTP is answered at {listen}, as behind_proxy says"
        yield HERE.note("TLS", what, "let nobody but the proxy reach that address")
    else:
        what = f"none: plain HTTP is answered at {listen}, which this machine alone reaches"
        yield HERE.note("TLS", what, "let a proxy on this machine do the TLS")
    if settings.certificate is None and not settings.trusted_proxies:
        what = "unset: failures of authentication are all counted as the proxy's"
        yield HERE.note("trusted_proxies", what, "name the addresses of the proxy")


def _certificate(path: Path, key: Path, public_url: str, clock: Clock) -> Iterator[Finding]:
    check = "certificate"
    try:
        ServerCertificate(path, key, clock=clock)
        chain = x509.load_pem_x509_certificates(path.read_bytes())
    except ConfigError as error:
        yield HERE.failed(check, error)
        return
    except (OSError, ValueError) as error:
        yield HERE.error(check, f"{path} cannot be read: {error}", "give a PEM file of a certificate chain")
        return
    leaf = chain[0]
    yield _life(path, leaf, clock.now())
    yield _names(leaf, public_url)
    if len(chain) == 1:
        what = f"{path} has one certificate"
        remedy = "unless a root issued it, put the ones between behind it: Okta does not fetch them"
        yield HERE.note("chain", what, remedy)
    mode = stat.S_IMODE(key.stat().st_mode)
    if mode & stat.S_IRWXO:
        what = f"everybody on this machine can get at {key} (mode {mode:04o})"
        yield HERE.warning("key", what, f"chmod 0600 {key}, for the service's user")
    else:
        yield HERE.ok("key", f"{key} (mode {mode:04o}) is that of the certificate")


def _life(path: Path, leaf: x509.Certificate, now: datetime) -> Finding:
    end = leaf.not_valid_after_utc
    until = f"{path}, valid until {end:%Y-%m-%dT%H:%MZ}"
    remedy = "renew it: new files are taken within half a minute, without a restart"
    if end <= now:
        return HERE.error("certificate", f"{until}: that is over", remedy)
    if leaf.not_valid_before_utc > now:
        what = f"{path}, valid from {leaf.not_valid_before_utc:%Y-%m-%dT%H:%MZ}: that is to come"
        return HERE.error("certificate", what, "set this machine's clock right, or wait")
    if (end - now).days < EXPIRES_SOON:
        return HERE.warning("certificate", f"{until}: that is soon", remedy)
    return HERE.ok("certificate", until)


def _names(leaf: x509.Certificate, public_url: str) -> Finding:
    host = URL(public_url).host or ""
    names = names_of(leaf)
    listed = ", ".join(names) or "no name"
    if any(covers(name, host) for name in names):
        return HERE.ok("names", f"{listed}: {host} of public_url is among them")
    what = f"the certificate is for {listed}, and clients call {host} (public_url)"
    return HERE.warning("names", what, "get a certificate for that name, unless a proxy in front of us has one")


def names_of(leaf: x509.Certificate) -> tuple[str, ...]:
    """Return the hosts and addresses that a certificate is for."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def covers(name: str, host: str) -> bool:
    """Whether a name of a certificate is good for a host; a wildcard stands for one label (RFC 6125 §6.4.3)."""
    name, host = name.lower(), host.lower()
    if name.startswith("*."):
        first, _, rest = host.partition(".")
        return bool(first) and rest == name[2:]
    return name == host


async def _public_url(url: str) -> Finding:
    check = "public_url"
    remedy = "look at the name, the proxy and the firewall on the way; this machine may see another way than Okta does"
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(f"{url}/ServiceProviderConfig", allow_redirects=False) as response,
        ):
            text = await response.text(errors="replace")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        said = str(error) or type(error).__name__
        return HERE.warning(check, f"{url} cannot be reached from here: {said}", remedy)
    if response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS} and _ERROR in text:
        return HERE.ok(check, f"{url} leads to a SCIM endpoint, which asks for a token")
    return HERE.warning(check, f"{url} leads to something else, which answers {response.status}", remedy)
