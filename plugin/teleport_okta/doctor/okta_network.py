"""The way to the organisation: HTTP proxy, TLS, and who answers there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from yarl import URL

from teleport_okta.doctor.findings import Section
from teleport_okta.errors import ConfigError
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.handshake import shake_hands
from teleport_okta.okta.http_proxy import HttpProxies
from teleport_okta.okta.okta_clock import NOTABLE_SKEW
from teleport_okta.okta.okta_errors import OktaError, OktaTlsError
from teleport_okta.okta.service_app import ASSERTION_LIFE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime, timedelta

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.okta.handshake import ServerCertificate
    from teleport_okta.okta.whoami import Whoami
    from teleport_okta.settings import OktaSettings

HERE: Final = Section.OKTA

_EXPIRES_SOON: Final = 7
"""Days. Okta renews its own certificates long before; a company's proxy may be forgotten."""

_SET_CLOCK: Final = "set this machine's clock right (NTP)"


@dataclass(frozen=True, slots=True)
class Network:
    """What was found on the way; `closed` says why nothing further can be asked, empty where it can."""

    findings: tuple[Finding, ...]
    closed: str = ""


async def check_network(settings: OktaSettings, *, now: datetime, environment: Mapping[str, str]) -> Network:
    """Find the way to the organisation's server, and look at its certificate; nothing secret is sent."""
    try:
        address = OrganizationAddress(settings.org_url)
        proxies = HttpProxies.of(environment)
    except ConfigError as error:
        return Network((HERE.failed("address", error),), "its address or the HTTP proxy's cannot be used")
    findings = [_proxy(proxies, address)]
    try:
        certificate = await shake_hands(address, proxies=proxies, ca=settings.ca)
    except OktaTlsError as error:
        return Network((*findings, HERE.failed("TLS", error)), "its server is not believed")
    except (OktaError, ConfigError) as error:
        return Network((*findings, HERE.failed("reachability", error)), "there is no way to it")
    findings += [HERE.ok("reachability", f"{address} answers"), _tls(certificate, settings, now)]
    return Network(tuple(findings))


def _proxy(proxies: HttpProxies, address: OrganizationAddress) -> Finding:
    proxy = proxies.for_url(address.at("/"))
    if proxy is None:
        return HERE.ok("HTTP proxy", "none on the way")
    return HERE.ok("HTTP proxy", f"{proxy}, of {proxy.variable}")


def _tls(certificate: ServerCertificate | None, settings: OktaSettings, now: datetime) -> Finding:
    if certificate is None:
        return HERE.note("TLS", f"none: {settings.org_url} is plain HTTP, which is allowed for this machine alone")
    until = f"valid until {certificate.not_after:%Y-%m-%d}"
    what = f"verified, issued by {certificate.issuer}, {until}"
    left: timedelta = certificate.not_after - now
    if left.days < _EXPIRES_SOON:
        remedy = "Okta renews its own; where a proxy on the way opens TLS, or a custom domain has its own certificate, "
        return HERE.warning("TLS", f"{what}: that is soon", f"{remedy}renew that one")
    if settings.ca is None:
        return HERE.ok("TLS", f"{what}, believed by the system's CAs")
    if certificate.by_own_ca:
        return HERE.ok("TLS", f"{what}, believed by okta.ca ({settings.ca})")
    return HERE.note("TLS", f"{what}, believed by the system's CAs: okta.ca is not needed", "leave out okta.ca")


def of_organization(found: Whoami, configured: str) -> Iterator[Finding]:
    """Say which organisation answers, and whether it goes by the name that is configured."""
    name = f"{found.name}, " if found.name else ""
    yield HERE.ok("organisation", f"{name}{found.organization_id}")
    ours, canonical = URL(configured).host, URL(found.url).host
    if ours == canonical:
        yield HERE.ok("domain", f"{ours} is its canonical one")
    else:
        yield HERE.ok("domain", f"{ours} is a custom one; the canonical one is {canonical}")


def of_clock(skew: float | None, *, signs: bool) -> Finding:
    """Say how far this machine's clock is from Okta's (seconds, Okta's minus ours); `signs`: with a service app."""
    check = "clock"
    if skew is None:
        return HERE.unchecked(check, "no answer told Okta's time")
    off = abs(skew)
    if off <= NOTABLE_SKEW:
        return HERE.ok(check, f"within {NOTABLE_SKEW:.0f} s of Okta's")
    what = f"this machine's clock is {off:.0f} s {'behind' if skew > 0 else 'ahead of'} Okta's"
    if signs and off >= ASSERTION_LIFE.total_seconds():
        return HERE.error(
            check, f"{what}: tokens are asked for with what would be refused, if Okta's time were not used", _SET_CLOCK
        )
    return HERE.warning(check, what, _SET_CLOCK)
