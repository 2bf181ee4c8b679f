"""The route to the cluster: what answers at the address, whether we trust it, and whether it accepts our identities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.findings import Section, Severity, settled
from teleport_okta.doctor.identities import WITHOUT_BOT, WITHOUT_HOST
from teleport_okta.teleport.greeting import greet
from teleport_okta.teleport.join_errors import JoinTrustMissingError
from teleport_okta.teleport.lease import CLOCK_TOLERANCE
from teleport_okta.teleport.own_locks import explained_apart
from teleport_okta.teleport.proxy.clock import proxy_skew
from teleport_okta.teleport.proxy.discovery import find
from teleport_okta.teleport.proxy.peek import peek
from teleport_okta.teleport.proxy.proxy_errors import TlsRoutingOffError
from teleport_okta.teleport.route import ThroughProxy, find_route
from teleport_okta.teleport.teleport_errors import LockedError, PermissionDeniedError, TeleportError
from teleport_okta.teleport.trust import trusted_cas

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.doctor.identities import Identities
    from teleport_okta.settings import TeleportSettings
    from teleport_okta.teleport.greeting import Greeting
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.route import Route

HERE: Final = Section.TELEPORT

_EXPIRES_SOON: Final = 14
"""Days; a proxy's web certificate is usually renewed by ACME a month before its end."""

_NOTABLE_SKEW: Final = 30.0


@dataclass(frozen=True, slots=True)
class RouteCheck:
    """The result. `greeting` is None if the cluster could not be asked.

    `host` and `bot` are the identities that the cluster accepts.
    """

    findings: tuple[Finding, ...]
    route: Route | None = None
    greeting: Greeting | None = None
    host: Identity | None = None
    bot: Identity | None = None


async def check_way(settings: TeleportSettings, identities: Identities, *, directory: Path, clock: Clock) -> RouteCheck:
    """Find the route, and ask the cluster with each identity. `directory` is a private one, for sockets."""
    try:
        route = await find_route(settings.addr, extra_ca=settings.proxy_ca, clock=clock)
    except TeleportError as error:
        findings = [HERE.failed("reachability", error)]
        if isinstance(error, TlsRoutingOffError):
            findings += await settled(HERE, "proxy", _proxy(settings, clock))
        return RouteCheck(tuple(findings))
    findings = [_reachability(route)]
    if isinstance(route, ThroughProxy):
        findings += await settled(HERE, "web certificate", _web_certificate(route, clock.now()))
        findings += await settled(HERE, "proxy", _proxy(settings, clock))
    else:
        findings.append(HERE.unchecked("clock", "the auth server does not report its time; a proxy does"))
    return await _asked(settings, identities, route, findings, directory)


def _reachability(route: Route) -> Finding:
    check = "reachability"
    if not isinstance(route, ThroughProxy):
        return HERE.ok(check, f"{route.address} is the auth server itself")
    if route.upgraded:
        what = "behind a load balancer that terminates TLS: an ALPN connection upgrade is needed, and used"
        return HERE.ok(check, f"{route.address} is a proxy of {route.cluster}, {what}")
    return HERE.ok(check, f"{route.address} is a proxy of {route.cluster}, with TLS routing")


async def _web_certificate(route: ThroughProxy, now: datetime) -> list[Finding]:
    """Check when the proxy's certificate expires. It is trusted, because the route was found."""
    certificate = (await peek(route.address, protocols=("http/1.1",))).certificate
    until = certificate.not_valid_after_utc
    verifier = "teleport.proxy_ca" if route.extra_ca else "by the system"
    what = f"the proxy's is verified ({verifier}), until {until:%Y-%m-%d}"
    if (until - now).days < _EXPIRES_SOON:
        return [HERE.warning("web certificate", f"{what}: it expires soon", "renew the proxy's web certificate")]
    return [HERE.ok("web certificate", what)]


async def _proxy(settings: TeleportSettings, clock: Clock) -> list[Finding]:
    """Report what the proxy tells without credentials."""
    facts = await find(settings.addr, settings.proxy_ca)
    edition = f"edition {facts.edition}" if facts.edition else "edition unknown"
    oldest = f", accepts clients from {facts.min_client_version} on" if facts.min_client_version else ""
    found = HERE.ok("proxy", f"of {facts.cluster}, version {facts.server_version or 'unknown'}, {edition}{oldest}")
    return [found, of_clock(await proxy_skew(settings.addr, settings.proxy_ca, clock))]


def of_clock(skew: float | None) -> Finding:
    """Check the difference of the clocks (seconds, the proxy's minus ours)."""
    check = "clock"
    if skew is None:
        return HERE.unchecked(check, "the proxy does not report its time")
    off = abs(skew)
    what = f"this machine's clock is {off:.0f} s {'behind' if skew > 0 else 'ahead of'} the proxy's"
    remedy = "synchronise the clocks of this machine, the proxy and the auth server (NTP)"
    if skew > CLOCK_TOLERANCE:
        lost = "if the auth server's clock is the same, the lease is not safe, and nothing is written"
        return HERE.error(check, f"{what}: {lost}", remedy)
    if off > _NOTABLE_SKEW:
        return HERE.warning(check, what, remedy)
    return HERE.ok(check, f"within {max(off, 1):.0f} s of the proxy's")


async def _asked(
    settings: TeleportSettings, identities: Identities, route: Route, findings: list[Finding], directory: Path
) -> RouteCheck:
    taken: dict[str, Identity] = {}
    refused: dict[str, TeleportError] = {}
    greeting: Greeting | None = None
    known = {"host": identities.host, "bot": identities.bot}
    present = {which: identity for which, identity in known.items() if identity is not None}
    for which, identity in present.items():
        try:
            greeting = await greet(route, directory, identity=identity)
        except TeleportError as error:
            refused[which] = error
        else:
            taken[which] = identity
    for which, identity in present.items():
        if which in taken:
            findings.append(HERE.ok(f"{which} identity", "the cluster accepts it, and its own CA verified the cluster"))
            continue
        refusal, asker = refused[which], next(iter(taken.values()), None)
        if asker is not None and isinstance(refusal, PermissionDeniedError):
            refusal = await explained_apart(refusal, which, identity, asker=asker, route=route, directory=directory)
        findings.append(_refused(which, refusal))
    if greeting is None:
        greeting, finding = await _anonymously(settings, identities, route, directory)
        findings.append(finding)
    return RouteCheck(tuple(findings), route, greeting, taken.get("host"), taken.get("bot"))


def _refused(which: str, error: TeleportError) -> Finding:
    lost = WITHOUT_HOST if which == "host" else WITHOUT_BOT
    remedy = error.remedy
    if isinstance(error, PermissionDeniedError) and not isinstance(error, LockedError):
        remedy = "check with `tctl get locks` that it is not locked" + (
            ", and that its user and roles exist" if which == "bot" else ""
        )
    return HERE.error(
        f"{which} identity", f"it is not accepted: {error.what}; {lost}", remedy or "see the auth server's log"
    )


async def _anonymously(
    settings: TeleportSettings, identities: Identities, route: Route, directory: Path
) -> tuple[Greeting | None, Finding]:
    """Ask without an identity, as before the first join, if there is a CA to trust."""
    check = "auth server"
    try:
        if identities.trust:
            trust = b"".join(pem for identity in identities.trust for pem in identity.ca_pems)
        else:
            trust = await trusted_cas(route, bot=None, ca_pins=settings.ca_pins, directory=directory)
        greeting = await greet(route, directory, identity=None, trust=trust)
    except JoinTrustMissingError as error:
        if settings.identity is None:
            return None, HERE.failed(check, error, Severity.ERROR)
        return None, HERE.unchecked(check, "no identity file can be used, and without a CA of one no server is trusted")
    except TeleportError as error:
        return None, HERE.failed(check, error, Severity.ERROR)
    believed = "the CA of an identity file" if identities.trust else "the pinned CA"
    return greeting, HERE.ok(check, f"verified with {believed}; asked without an identity")
