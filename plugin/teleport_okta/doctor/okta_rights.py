"""Our credential in Okta: what it is, what it may do, and what it sees."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING, Final

from yarl import URL

from teleport_okta.desired.trust import judge_absences
from teleport_okta.doctor.findings import Section, attempted, settled
from teleport_okta.doctor.okta_app import AppFacts, look_at_app
from teleport_okta.doctor.okta_credential import check_credential, check_extent
from teleport_okta.doctor.okta_network import of_clock, of_organization
from teleport_okta.doctor.okta_visibility import check_visibility
from teleport_okta.errors import ConfigError
from teleport_okta.model.harm import Limits
from teleport_okta.okta import needs
from teleport_okta.okta.examination import examined_client_of
from teleport_okta.okta.okta_errors import OktaError
from teleport_okta.okta.people_reader import APP_USERS_A_PAGE, USERS_A_PAGE, OktaReads
from teleport_okta.okta.probes import Outcome, probe
from teleport_okta.okta.whoami import whoami

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.okta.client import OktaClient
    from teleport_okta.okta.examination import ExaminedClient
    from teleport_okta.okta.probes import ProbeResult
    from teleport_okta.settings import OktaSettings, Settings

HERE: Final = Section.OKTA

MOST_PAGES: Final = 10
"""The most pages to read of the listing of people; the smallest organisations grant 10 calls a minute."""

_UNREAD: Final = "the app could not be read"


@dataclass(frozen=True, slots=True)
class Baseline:
    """How many people the last complete listing had, or why that is unknown (`missing`)."""

    people: int | None
    missing: str = ""


@dataclass(frozen=True, slots=True)
class OktaSide:
    """The findings. `addresses` are those of the organisation, empty if none answers.

    `facts` are those of the app, None if it was not checked.
    """

    findings: tuple[Finding, ...] = ()
    organization_id: str = ""
    addresses: tuple[str, ...] = ()
    facts: AppFacts | None = None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of these addresses."""
        return tuple(dict.fromkeys(host for one in self.addresses if (host := URL(one).host)))


async def check_rights(
    settings: Settings,
    *,
    baseline: Baseline,
    clock: Clock,
    rng: Random,
    environment: Mapping[str, str],
    app_id: str | None,
    unknown: str = "",
) -> OktaSide:
    """Check what our credential may do, and the app `app_id`.

    `unknown` is why the settings to sync by are unknown.
    """
    try:
        examined = examined_client_of(
            settings.okta,
            clock=clock,
            rng=rng,
            environment=environment,
            apps_and_groups=settings.sync.apps_and_groups,
        )
    except ConfigError as error:
        return OktaSide((HERE.failed("credential", error),))
    async with examined.client as client:
        try:
            found = await whoami(client)
        except OktaError as error:  # do not send our credential to a server that is not Okta
            closed = HERE.unchecked("credential, permissions, app", "no Okta organisation answers there")
            return OktaSide((HERE.failed("organisation", error), closed))
        side = OktaSide(
            tuple(of_organization(found, settings.okta.org_url)),
            found.organization_id,
            (settings.okta.org_url, found.url),
        )
        findings, facts = await _rights(
            examined, settings, baseline, app_id=app_id, unknown=unknown, org_hosts=side.hosts
        )
        return replace(side, findings=(*side.findings, *findings), facts=facts)


async def _rights(
    examined: ExaminedClient,
    settings: Settings,
    baseline: Baseline,
    *,
    app_id: str | None,
    unknown: str,
    org_hosts: tuple[str, ...],
) -> tuple[list[Finding], AppFacts | None]:
    client = examined.client
    accepted = await check_credential(examined, settings.okta)
    findings = list(accepted.findings)
    facts: AppFacts | None = None
    signs = settings.okta.client_id is not None
    if accepted.closed:
        everything = "scopes and permissions, app, listing, rate limits"
        findings.append(HERE.unchecked(everything, accepted.closed))
        return [*findings, of_clock(client.clock_skew, signs=signs)], None
    findings += await settled(HERE, "permissions", _permissions(client, settings))
    findings += await settled(HERE, "read-only", check_extent(client, settings.okta))
    if accepted.narrow or not settings.sync.apps_and_groups:
        why = accepted.narrow or "sync.apps_and_groups is off, and only groups have counts"
        findings.append(HERE.unchecked("resource set", why))
    else:
        findings += await settled(HERE, "resource set", check_visibility(client))
    if app_id is not None and not accepted.narrow:
        looking = look_at_app(
            client,
            app_id,
            org_hosts=org_hosts,
            is_configured=settings.okta.app_id is not None,
            is_signed_in_by=not settings.sync.local_users,
        )
        unread = AppFacts(app_id, problem=_UNREAD)
        (found, facts), failure = await attempted(HERE, "app", looking, otherwise=([], unread))
        findings += [*found, *failure]
    if accepted.narrow or unknown:
        what = "listing" if facts is not None else "app, listing"
        findings.append(HERE.unchecked(what, accepted.narrow or unknown))
    else:
        findings += await settled(HERE, "listing", _listing(client, settings, baseline))
    return [*findings, of_clock(client.clock_skew, signs=signs), _limits(client, settings.okta)], facts


async def _permissions(client: OktaClient, settings: Settings) -> list[Finding]:
    app_id = settings.okta.app_id if settings.sync.source == "saml_app" else None
    results = await probe(client, app_id=app_id, wanted=needs.ALL)
    sync = settings.sync
    return [of_probe(one, apps_and_groups=sync.apps_and_groups, follow_log=sync.follow_log) for one in results]


def of_probe(result: ProbeResult, *, apps_and_groups: bool = True, follow_log: bool = True) -> Finding:
    """Turn a probe into a finding: a needed permission that is refused is an error, one for later only a note.

    The System Log is not strictly needed: without it, full passes do the work.
    """
    need = result.need
    on_app = need not in needs.ALL
    check = f"{need.scope} on the app" if on_app else need.scope
    needed = on_app or need in needs.needed(apps_and_groups=apps_and_groups)
    match result.outcome:
        case Outcome.ALLOWED:
            return HERE.ok(check, f"allowed, {need.purpose}")
        case Outcome.EMPTY if on_app:  # the check of the assignments says why that may be
            return HERE.ok(check, f"allowed, {need.purpose}; the answer is empty")
        case Outcome.EMPTY if needed:
            return HERE.warning(check, f"needed {need.purpose}: {result.detail}", result.remedy)
        case _ if needed:
            return HERE.error(check, f"needed {need.purpose}: {result.detail}", result.remedy or _grant(result))
        case _ if need is needs.LOGS and follow_log:
            what = f"needed {need.purpose}, without which changes arrive by full passes alone: {result.detail}"
            return HERE.warning(check, what, result.remedy or _grant(result))
        case _:
            detail = "not granted" if result.outcome is Outcome.REFUSED else result.detail
            return HERE.note(check, f"not needed yet (later, {need.purpose}): {detail}")


def _grant(result: ProbeResult) -> str:
    return f"grant {result.need.scope} {needs.WHERE_SCOPES_ARE_GRANTED}"


async def _listing(client: OktaClient, settings: Settings, baseline: Baseline) -> list[Finding]:
    """Compare the listing of people with the last complete one: a narrowed role hides people silently."""
    check = "listing"
    if baseline.people is None:
        return [HERE.unchecked(check, baseline.missing)]
    of_app = settings.sync.source == "saml_app"
    pages = ceil(baseline.people / (APP_USERS_A_PAGE if of_app else USERS_A_PAGE))
    if pages > MOST_PAGES:
        because = f"reading {baseline.people} people would take {pages} calls; `teleport-okta plan` compares them"
        return [HERE.unchecked(check, because)]
    reads = OktaReads(client)
    people = await (reads.people_of_app(settings.okta.app_id or "") if of_app else reads.people_of_organization())
    limits = Limits(floor=settings.brake.floor, absent=settings.brake.absent_ratio, stated=settings.brake.stated_ratio)
    absences = judge_absences(people, app=None, baseline=baseline.people, owned_count=0, limits=limits)
    if absences.believed:
        return [HERE.ok(check, f"{len(people.people)} people; the last complete listing had {baseline.people}")]
    remedy = "check the resource set of our admin role; if the people have left, use `teleport-okta approve`"
    return [HERE.warning(check, absences.doubt, remedy)]


def _limits(client: OktaClient, settings: OktaSettings) -> Finding:
    granted = ", ".join(f"{bucket} {limit}" for bucket, limit in sorted(client.limits.items()))
    share = f"{settings.rate_limit_share:.0%} of each are used (okta.rate_limit_share)"
    if not granted:
        return HERE.unchecked("rate limits", "no answer had any")
    return HERE.ok("rate limits", f"calls a minute that Okta grants: {granted}; at most {share}")
