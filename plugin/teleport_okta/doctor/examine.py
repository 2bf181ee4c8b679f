"""The whole examination, part by part. What one part learns, the next may use; what one lacks, the next says."""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.access_lists import settled_owners
from teleport_okta.doctor.configuration import check_configuration
from teleport_okta.doctor.findings import Section, attempted, settled, without_secrets
from teleport_okta.doctor.identities import Identities, check_identities
from teleport_okta.doctor.management import of_management, of_the_file, read_management
from teleport_okta.doctor.okta_network import check_network
from teleport_okta.doctor.okta_rights import Baseline, OktaSide, check_rights
from teleport_okta.doctor.scim_door import check_answers, check_door
from teleport_okta.doctor.secrets import secrets_of
from teleport_okta.doctor.service import Instance, check_service
from teleport_okta.doctor.state_dir import check_database, check_state_dir
from teleport_okta.doctor.teleport_rights import of_greeting, settled_rights
from teleport_okta.doctor.teleport_roles import settled_roles
from teleport_okta.doctor.teleport_way import check_way
from teleport_okta.teleport.cluster import Opener
from teleport_okta.teleport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from random import Random

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.doctor.management import Management
    from teleport_okta.settings import Settings, TeleportSettings
    from teleport_okta.state.inspection import Inspection
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.greeting import Greeting

_HASTY: Final = RetryPolicy(budget=10.0)
"""A person waits."""

_ORDER: Final = list(Section)


async def examine(
    path: Path, *, clock: Clock, rng: Random, environment: Mapping[str, str] = os.environ
) -> tuple[Finding, ...]:
    """Examine the installation that a configuration file describes, section by section; raises nothing of ours."""
    findings, settings = check_configuration(path, environment)
    if settings is None:
        rest = [section.unchecked("everything", "the configuration cannot be read") for section in _ORDER[1:]]
        return (*findings, *rest)
    findings += await _of_installation(settings, clock=clock, rng=rng, environment=environment)
    by_section = sorted(findings, key=lambda finding: _ORDER.index(finding.section))
    return without_secrets(by_section, secrets_of(settings, environment))


async def _of_installation(
    settings: Settings, *, clock: Clock, rng: Random, environment: Mapping[str, str]
) -> list[Finding]:
    data_dir = settings.storage.data_dir
    findings = await settled(Section.STATE_DIRECTORY, "directory", asyncio.to_thread(check_state_dir, data_dir))
    instance, failure = await attempted(Section.SERVICE, "running", check_service(data_dir), otherwise=Instance())
    findings += [*instance.findings, *failure]
    looking = asyncio.to_thread(check_database, data_dir, instance.holder)
    (of_database, inspection), failure = await attempted(
        Section.STATE_DIRECTORY, "database", looking, otherwise=([], None)
    )
    findings += [*of_database, *failure]
    reading = asyncio.to_thread(check_identities, settings.teleport, data_dir, now=clock.now(), environment=environment)
    identities, failure = await attempted(Section.IDENTITIES, "files", reading, otherwise=Identities())
    findings += [*identities.findings, *failure]
    baseline = Baseline(
        inspection.baseline if inspection is not None else None,
        missing=f"{instance.holder} compares every listing itself" if instance.holder else "none was read in full yet",
    )
    async with _cluster(settings.teleport, identities, clock=clock, rng=rng) as (cluster, failed):
        findings += [*cluster.findings, *failed]
        looking_at_plugins = read_management(settings, cluster.host, cluster.bot, clock)
        management, failure = await attempted(
            Section.TELEPORT, "plugin", looking_at_plugins, otherwise=of_the_file(settings)
        )
        findings += failure
        async with asyncio.TaskGroup() as group:
            scim = group.create_task(settled(Section.SCIM, "endpoint", _scim(settings, instance, inspection, clock)))
            okta = group.create_task(_okta(management, baseline, clock=clock, rng=rng, environment=environment))
            teleport = group.create_task(
                settled(Section.TELEPORT, "Teleport", _teleport(management.settings, cluster, identities, clock))
            )
    addresses = okta.result().addresses or (settings.okta.org_url,)
    if cluster.host is not None or cluster.bot is not None:
        findings += of_management(management, addresses)
    return [*findings, *okta.result().findings, *teleport.result(), *scim.result()]


async def _scim(settings: Settings, instance: Instance, inspection: Inspection | None, clock: Clock) -> list[Finding]:
    """Look at the SCIM endpoint. Tokens are those that the running service has, or the database of a stopped one."""
    tokens = instance.scim_tokens if instance.holder else inspection.scim_tokens if inspection is not None else 0
    status = instance.status
    findings = await asyncio.to_thread(check_door, settings.scim, tokens=tokens, clock=clock)
    door = status.door if status is not None else None
    return [*findings, *await check_answers(settings.scim, door, is_running=status is not None)]


async def _okta(
    management: Management, baseline: Baseline, *, clock: Clock, rng: Random, environment: Mapping[str, str]
) -> OktaSide:
    looking = _look_at_okta(management, baseline, clock=clock, rng=rng, environment=environment)
    side, failure = await attempted(Section.OKTA, "Okta", looking, otherwise=OktaSide())
    return replace(side, findings=(*side.findings, *failure))


async def _look_at_okta(
    management: Management, baseline: Baseline, *, clock: Clock, rng: Random, environment: Mapping[str, str]
) -> OktaSide:
    settings = management.settings
    network = await check_network(settings.okta, now=clock.now(), environment=environment)
    findings = network.findings
    if network.closed:
        everything = "the credential, its permissions, the app and the clock"
        return OktaSide((*findings, Section.OKTA.unchecked(everything, network.closed)))
    if settings.sync.source == "scim" and settings.okta.api_token is None and settings.okta.client_id is None:
        unchecked = Section.OKTA.unchecked("permissions", "sync.source is scim, and there is no credential")
        return OktaSide((*findings, unchecked))
    side = await check_rights(
        settings, baseline=baseline, clock=clock, rng=rng, environment=environment, unknown=management.unknown
    )
    return replace(side, findings=(*findings, *side.findings))


@contextmanager
def _private_directory() -> Iterator[Path]:
    """A place for a forwarder's socket. On a machine without any, nothing but a way through a proxy is missed."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="teleport-okta-doctor-"))
        except OSError:
            made = "/no-directory-for-temporary-files"
        yield Path(made)


@dataclass(frozen=True, slots=True)
class _Cluster:
    """How far we came towards the cluster, with a connection for each identity that it takes."""

    findings: tuple[Finding, ...] = ()
    greeting: Greeting | None = None
    host: Connection | None = None
    bot: Connection | None = None


@asynccontextmanager
async def _cluster(
    settings: TeleportSettings, identities: Identities, *, clock: Clock, rng: Random
) -> AsyncIterator[tuple[_Cluster, list[Finding]]]:
    """Connect until the block ends; what fails unexpectedly is a finding."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(_private_directory())
        connecting = _connected(settings, identities, stack, directory, clock=clock, rng=rng)
        yield await attempted(Section.TELEPORT, "Teleport", connecting, otherwise=_Cluster())


async def _connected(
    settings: TeleportSettings,
    identities: Identities,
    stack: AsyncExitStack,
    directory: Path,
    *,
    clock: Clock,
    rng: Random,
) -> _Cluster:
    reached = await check_way(settings, identities, directory=directory, clock=clock)
    if reached.way is None or reached.greeting is None:
        everything = "version, features, permissions, plugins, roles, connector"
        unchecked = Section.TELEPORT.unchecked(everything, "the cluster could not be asked")
        return _Cluster((*reached.findings, unchecked))
    opener = Opener(reached.way, directory, clock, rng, _HASTY)
    host = await stack.enter_async_context(await opener.open(reached.host)) if reached.host else None
    bot = await stack.enter_async_context(await opener.open(reached.bot)) if reached.bot else None
    return _Cluster(reached.findings, reached.greeting, host, bot)


async def _teleport(settings: Settings, cluster: _Cluster, identities: Identities, clock: Clock) -> list[Finding]:
    greeting, host, bot = cluster.greeting, cluster.host, cluster.bot
    if greeting is None:
        return []
    findings = list(of_greeting(greeting, settings.sync))
    findings += await settled_rights(
        host,
        bot,
        joined=identities.joined,
        now=clock.now(),
        is_enterprise=greeting.is_enterprise,
        is_managed=settings.plugin.name is not None,
    )
    findings += await settled_roles(host, bot, settings.sync, clock, bot_roles=identities.bot_roles)
    if greeting.is_enterprise:
        findings += await settled_owners(host, bot, settings, clock)
    return findings
