"""Both identities in their files: name, validity and problems (`docs/design.md` 5).

`teleport_route` finds out whether the cluster accepts them.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teleport_okta.config import read_secret
from teleport_okta.doctor.findings import Section
from teleport_okta.errors import ConfigError
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.identity_errors import ForeignClusterError, IdentityError, IdentityExpiredError
from teleport_okta.teleport.pod_token import PodTokenError, read_pod_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.settings import TeleportSettings
    from teleport_okta.teleport.identity import Identity

HERE: Final = Section.IDENTITIES

WITHOUT_HOST: Final = "without it no users, locks or roles are written"
WITHOUT_BOT: Final = (
    "without it no existing user is adopted, no plugin resource is followed, and the SAML connector is not kept up to "
    "date"
)

_AGAIN: Final = "remove the file and start with teleport.join_token set: the host joins again under the same id"


@dataclass(frozen=True, slots=True)
class Identities:
    """The content of the files.

    `host` and `bot` are valid now; `trust` are those whose CAs are trusted, including expired ones. `joined`: there is
    a host identity. `bot_roles` are the roles in the bot's file.
    """

    findings: tuple[Finding, ...] = ()
    host: Identity | None = None
    bot: Identity | None = None
    trust: tuple[Identity, ...] = field(default=(), repr=False)
    joined: bool = False
    bot_roles: frozenset[str] = frozenset()


def check_identities(
    settings: TeleportSettings, data_dir: Path, *, now: datetime, environment: Mapping[str, str]
) -> Identities:
    """Read both files. Blocks; every problem is a finding."""
    store = HostStore(data_dir)
    bot, bot_findings = _bot(settings, now)
    host, host_findings, joined = _host(store, now)
    findings = [*host_findings, *bot_findings]
    if not joined:
        findings += _joining(settings, _valid(bot, now), environment)
    if host is not None and bot is not None and bot.cluster != host.cluster:
        error = ForeignClusterError(bot.source, bot.cluster, other_source=host.source, other_cluster=host.cluster)
        findings.append(HERE.failed("cluster", error))
        bot = None
    if host is not None and bot is not None:
        # A CA rotation updates one file before the other.
        host, bot = host.trusting(bot.ca_pems), bot.trusting(host.ca_pems)
    return Identities(
        findings=tuple(findings),
        host=_valid(host, now),
        bot=_valid(bot, now),
        trust=tuple(identity for identity in (host, bot) if identity is not None),
        joined=joined,
        bot_roles=frozenset(bot.roles) if bot is not None else frozenset(),
    )


def _host(store: HostStore, now: datetime) -> tuple[Identity | None, list[Finding], bool]:
    """Return the stored identity, its findings, and whether one is stored."""
    check = "host"
    try:
        identity = store.read()
    except IdentityError as error:
        return None, [_unusable(check, error, WITHOUT_HOST)], True
    if identity is None:
        return None, [HERE.note(check, f"not joined yet: the first start joins; {WITHOUT_HOST}")], False
    late = "start the service: it renews the identity by itself"
    findings = [
        _validity(check, identity, now, late=late, lost=WITHOUT_HOST, remedy=_AGAIN),
        *_closed("host file", store.identity_path),
    ]
    return identity, findings, True


def _bot(settings: TeleportSettings, now: datetime) -> tuple[Identity | None, list[Finding]]:
    check = "bot"
    path = settings.identity
    if path is None:
        return None, [HERE.warning(check, f"there is none: {WITHOUT_BOT}", "set teleport.identity to the bot's file")]
    try:
        identity = load_identity(path)
    except IdentityError as error:
        return None, [_unusable(check, error, WITHOUT_BOT)]
    findings = list(_closed("bot file", path))
    if identity.is_host:
        what = f"{path} is the identity of the host {identity.subject}, and a bot's or user's is needed here"
        remedy = "use the file that tbot or `tctl auth sign --format=file --user=…` writes"
        return None, [HERE.error(check, what, remedy), *findings]
    late = "check that tbot runs: it should have renewed the file by now"
    if not settings.refresh_identity:
        late = "write a new file and restart, or set teleport.refresh_identity = true"
    return identity, [_validity(check, identity, now, late=late, lost=WITHOUT_BOT), *findings]


def _unusable(check: str, error: IdentityError, lost: str) -> Finding:
    return replace(HERE.failed(check, error), what=f"{error.what}; {lost}")


def _validity(check: str, identity: Identity, now: datetime, *, late: str, lost: str, remedy: str = "") -> Finding:
    """Check that an identity is valid now; `remedy` replaces the usual one for an expired identity."""
    try:
        identity.check(now)
    except IdentityExpiredError as error:
        return HERE.error(check, f"{error.what}; {lost}", remedy or error.remedy)
    except IdentityError as error:
        return _unusable(check, error, lost)
    until = f"{identity.not_after:%Y-%m-%dT%H:%M:%SZ}"
    who = f"{identity.subject} (role {', '.join(identity.roles)}) of {identity.cluster}"
    if identity.expires_soon(now):
        return HERE.warning(check, f"{who} expires soon, at {until}, and has not been renewed", late)
    return HERE.ok(check, f"{who}, valid until {until}")


def _valid(identity: Identity | None, now: datetime) -> Identity | None:
    if identity is not None:
        try:
            identity.check(now)
        except IdentityError:
            return None
    return identity


def _closed(check: str, path: Path) -> Iterator[Finding]:
    """Check that other users cannot read a file with a private key."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & stat.S_IRWXO:
        what = f"everybody on this machine can access {path}, which contains a private key (mode {mode:04o})"
        yield HERE.warning(check, what, f"chmod 0600 {path}; in Kubernetes, defaultMode: 0400 of the secret's volume")
    else:
        yield HERE.ok(check, f"{path} (mode {mode:04o})")


def _joining(settings: TeleportSettings, bot: Identity | None, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check what the first start needs to join."""
    yield _join_token(settings)
    if settings.join_method == "kubernetes":
        try:
            read_pod_token(environment)
        except PodTokenError as error:
            yield HERE.failed("pod token", error)
        else:
            yield HERE.ok("pod token", "the pod's service-account token can be read")
    if settings.ca_pins:
        yield HERE.ok("trust of the first join", f"{len(settings.ca_pins)} pinned CA(s)")
    elif bot is not None:
        yield HERE.ok("trust of the first join", "the CA in the bot's identity file")
    elif settings.identity is not None:
        yield HERE.error(
            "trust of the first join",
            f"no CA is given to trust: {settings.identity} cannot be used, and teleport.ca_pins is not set",
            "do what the line about the bot says, or set teleport.ca_pins to the pins that `tctl status` prints",
        )
    else:
        yield HERE.error(
            "trust of the first join",
            "no CA is given to trust",
            "set teleport.identity to the bot's file, or teleport.ca_pins to the pins that `tctl status` prints",
        )


def _join_token(settings: TeleportSettings) -> Finding:
    check = "join token"
    token = settings.join_token
    if token is None:
        return HERE.error(
            check,
            "not joined yet, and there is no join token",
            "make one with `tctl tokens add --type=okta` and set teleport.join_token",
        )
    try:
        read_secret(token, key="teleport.join_token")
    except ConfigError as error:
        return HERE.failed(check, error)
    text = token.get_secret_value()
    if settings.join_method == "token" and text.startswith("/") and (Path(text).stat().st_mode & stat.S_IRWXO):
        what = f"everybody on this machine can read {text}"
        return HERE.warning(check, what, f"chmod 0600 {text}")
    return HERE.ok(check, f"it can be read, and is used by the first start (method {settings.join_method})")
