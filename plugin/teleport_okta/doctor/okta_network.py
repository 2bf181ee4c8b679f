"""The connection to the organisation: HTTP proxy, TLS, and which organisation answers."""

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
"""Days. Okta renews its own certificates earlier; a company's proxy or a custom domain may be forgotten."""

_SET_CLOCK: Final = "correct this machine's clock (NTP)"


@dataclass(frozen=True, slots=True)
class Network:
    """The result; `closed` is why no further call is possible, else empty."""

    findings: tuple[Finding, ...]
    closed: str = ""


async def check_network(settings: OktaSettings, *, now: datetime, environment: Mapping[str, str]) -> Network:
    """Connect to the organisation's server, and check its certificate; no secret is sent."""
    try:
        address = OrganizationAddress(settings.org_url)
        proxies = HttpProxies.of(environment)
    except ConfigError as error:
        return Network((HERE.failed("address", error),), "the address of Okta or of the HTTP proxy cannot be used")
    findings = [_proxy(proxies, address)]
    try:
        certificate = await shake_hands(address, proxies=proxies, ca=settings.ca)
    except OktaTlsError as error:
        return Network((*findings, HERE.failed("TLS", error)), "the certificate of its server is not trusted")
    except (OktaError, ConfigError) as error:
        return Network((*findings, HERE.failed("reachability", error)), "it cannot be reached")
    findings += [HERE.ok("reachability", f"{address} answers"), _tls(certificate, settings, now)]
    return Network(tuple(findings))


def _proxy(proxies: HttpProxies, address: OrganizationAddress) -> Finding:
    proxy = proxies.for_url(address.at("/"))
    if proxy is None:
        return HERE.ok("HTTP proxy", "none")
    return HERE.ok("HTTP proxy", f"{proxy}, from {proxy.variable}")


def _tls(certificate: ServerCertificate | None, settings: OktaSettings, now: datetime) -> Finding:
    if certificate is None:
        return HERE.note("TLS", f"none: {settings.org_url} is plain HTTP, which is allowed only on this machine")
    until = f"valid until {certificate.not_after:%Y-%m-%d}"
    what = f"verified, issued by {certificate.issuer}, {until}"
    left: timedelta = certificate.not_after - now
    if left.days < _EXPIRES_SOON:
        remedy = "Okta renews its own; if a proxy terminates TLS, or a custom domain has its own certificate, "
        return HERE.warning("TLS", f"{what}: it expires soon", f"{remedy}renew that one")
    if settings.ca is None:
        return HERE.ok("TLS", f"{what}, trusted by the system's CAs")
    if certificate.by_own_ca:
        return HERE.ok("TLS", f"{what}, trusted by okta.ca ({settings.ca})")
    return HERE.note("TLS", f"{what}, trusted by the system's CAs: okta.ca is not needed", "remove okta.ca")


def of_organization(found: Whoami, configured: str) -> Iterator[Finding]:
    """Report which organisation answers, and whether the configured domain is its canonical one."""
    name = f"{found.name}, " if found.name else ""
    yield HERE.ok("organisation", f"{name}{found.organization_id}")
    ours, canonical = URL(configured).host, URL(found.url).host
    if ours == canonical:
        yield HERE.ok("domain", f"{ours} is the canonical domain")
    else:
        yield HERE.ok("domain", f"{ours} is a custom domain; the canonical one is {canonical}")


def of_clock(skew: float | None, *, signs: bool) -> Finding:
    """Check the difference of the clocks (seconds, Okta's minus ours); `signs`: with a service app."""
    check = "clock"
    if skew is None:
        return HERE.unchecked(check, "no answer had Okta's time")
    off = abs(skew)
    if off <= NOTABLE_SKEW:
        return HERE.ok(check, f"within {NOTABLE_SKEW:.0f} s of Okta's")
    what = f"this machine's clock is {off:.0f} s {'behind' if skew > 0 else 'ahead of'} Okta's"
    if signs and off >= ASSERTION_LIFE.total_seconds():
        return HERE.error(
            check, f"{what}: Okta would refuse our requests for tokens, if we did not use its time", _SET_CLOCK
        )
    return HERE.warning(check, what, _SET_CLOCK)
