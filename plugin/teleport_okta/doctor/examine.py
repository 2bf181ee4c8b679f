"""The whole examination. Later checks use the results of earlier ones; if a result is missing, they say so."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.access_lists import of_settings
from teleport_okta.doctor.configuration import check_configuration
from teleport_okta.doctor.findings import Section, attempted, compared, settled, without_secrets
from teleport_okta.doctor.grpc_listener import check_listener, check_listening, of_named_roles
from teleport_okta.doctor.identities import Identities, check_identities
from teleport_okta.doctor.leftovers import of_leftovers, read_holdings
from teleport_okta.doctor.management import of_management, of_the_file, read_management
from teleport_okta.doctor.okta_network import check_network
from teleport_okta.doctor.okta_rights import Baseline, OktaSide, check_rights
from teleport_okta.doctor.scim_door import check_door, of_service
from teleport_okta.doctor.scim_reach import check_reach
from teleport_okta.doctor.secrets import secrets_of
from teleport_okta.doctor.service import Instance, check_service, scim_failures
from teleport_okta.doctor.sign_in import ConnectorUpdates, SignIn, of_sign_in, read_connector
from teleport_okta.doctor.state_dir import check_database, check_state_dir
from teleport_okta.doctor.teleport_side import cluster_access, look_at_teleport
from teleport_okta.model.labels import APP_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.doctor.management import Management
    from teleport_okta.doctor.teleport_side import Access, TeleportSide
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.settings import Settings
    from teleport_okta.state.inspection import Inspection

_ORDER: Final = list(Section)


async def examine(
    path: Path, *, clock: Clock, rng: Random, environment: Mapping[str, str] = os.environ
) -> tuple[Finding, ...]:
    """Examine the installation that a configuration file describes, section by section; raises nothing of ours."""
    findings, settings = check_configuration(path, environment)
    if settings is None:
        rest = [section.unchecked("everything", "the configuration cannot be read") for section in _ORDER[1:]]
        return (*findings, *rest)
    findings += await _Examination(settings, clock, rng, environment).findings()
    by_section = sorted(findings, key=lambda finding: _ORDER.index(finding.section))
    return without_secrets(by_section, secrets_of(settings, environment))


@dataclass(frozen=True, slots=True)
class _Examination:
    """One examination of the installation that `local`, the settings of the file, describes."""

    local: Settings
    clock: Clock
    rng: Random
    environment: Mapping[str, str]

    async def findings(self) -> list[Finding]:
        data_dir = self.local.storage.data_dir
        findings = await settled(Section.STATE_DIRECTORY, "directory", asyncio.to_thread(check_state_dir, data_dir))
        instance, failure = await attempted(Section.SERVICE, "running", check_service(data_dir), otherwise=Instance())
        findings += [*instance.findings, *failure]
        looking = asyncio.to_thread(check_database, data_dir, instance.holder)
        (of_database, inspection), failure = await attempted(
            Section.STATE_DIRECTORY, "database", looking, otherwise=([], None)
        )
        findings += [*of_database, *failure]
        identities, failure = await attempted(Section.IDENTITIES, "files", self._identities(), otherwise=Identities())
        findings += [*identities.findings, *failure]
        async with cluster_access(self.local.teleport, identities, clock=self.clock, rng=self.rng) as access:
            findings += access.findings
            findings += await self._of_both_sides(access, identities, instance, inspection)
        return findings

    async def _identities(self) -> Identities:
        teleport, data_dir, now = self.local.teleport, self.local.storage.data_dir, self.clock.now()
        return await asyncio.to_thread(check_identities, teleport, data_dir, now=now, environment=self.environment)

    async def _of_both_sides(
        self, access: Access, identities: Identities, instance: Instance, inspection: Inspection | None
    ) -> list[Finding]:
        """Decide which settings apply, check each side with them, and compare both."""
        reading = read_management(self.local, access.host, access.bot, self.clock)
        management, findings = await attempted(Section.TELEPORT, "plugin", reading, otherwise=of_the_file(self.local))
        if not management.unknown:
            findings += of_settings(management.settings, self.local.plugin.name)
        connector, failure, is_compared = await self._connector(management, access)
        findings += failure
        app_id = management.settings.okta.app_id or (None if connector is None else connector.labels.get(APP_ID))
        baseline = Baseline(
            inspection.baseline if inspection is not None else None,
            f"{instance.holder} compares every listing itself"
            if instance.holder
            else "no complete listing was read yet",
        )
        async with asyncio.TaskGroup() as group:
            of_scim = group.create_task(settled(Section.SCIM, "endpoint", self._scim(instance, inspection)))
            of_grpc = group.create_task(settled(Section.GRPC, "listener", self._grpc(instance)))
            okta = group.create_task(self._okta(management, baseline, app_id))
            teleport = group.create_task(look_at_teleport(management, access, identities, self.clock))
        side, cluster = okta.result(), teleport.result()
        findings += [*side.findings, *cluster.findings, *of_scim.result(), *of_grpc.result()]
        findings += of_named_roles(self.local.serve, cluster.roles)
        addresses = side.addresses or (self.local.okta.org_url,)
        if access.reader is not None:
            goes_on = instance.follows_plugin
            findings += await compared(
                Section.TELEPORT, "plugin", lambda: of_management(management, addresses, goes_on=goes_on)
            )
            has_passed = baseline.people is not None or instance.has_passed
            findings += await self._leftovers(management, access, addresses, has_passed=has_passed)
        if is_compared:
            is_running = instance.syncs or side.organization_id in cluster.written_for
            found = self._sign_in(
                management, connector, side, cluster, is_running=is_running, has_bot=access.bot is not None
            )
            findings += await compared(Section.SIGN_IN, "sign-in", lambda: of_sign_in(found, self.clock.now()))
        return findings

    async def _connector(
        self, management: Management, access: Access
    ) -> tuple[SamlConnector | None, list[Finding], bool]:
        """Read the connector by which people sign in. Returns whether it is to be compared with its app as well."""
        sync = management.settings.sync
        if access.reader is None or not access.has_saml or sync.local_users or management.unknown:
            return None, [], False
        reading = read_connector(access.reader, sync.connector)
        connector, failure = await attempted(Section.SIGN_IN, "connector", reading, otherwise=None)
        return connector, failure, not failure

    def _sign_in(
        self,
        management: Management,
        connector: SamlConnector | None,
        side: OktaSide,
        cluster: TeleportSide,
        *,
        is_running: bool,
        has_bot: bool,
    ) -> SignIn:
        settings = management.settings
        return SignIn(
            settings=settings,
            connector=connector,
            facts=side.facts,
            org_hosts=side.hosts,
            proxies=cluster.proxies,
            roles=cluster.roles,
            updates=ConnectorUpdates.of(settings, is_running=is_running, has_bot=has_bot),
            is_chosen=self.local.plugin.name is not None or "connector" in self.local.sync.model_fields_set,
        )

    async def _leftovers(
        self, management: Management, access: Access, addresses: tuple[str, ...], *, has_passed: bool
    ) -> list[Finding]:
        if access.reader is None or access.greeting is None:
            return []
        if management.hosted_for(addresses):
            return [
                Section.TELEPORT.unchecked(
                    "leftovers", "Teleport's own integration runs, and keeps its objects up to date"
                )
            ]
        reading = read_holdings(access.reader, access.greeting.version, self.clock)
        holdings, failure = await attempted(Section.TELEPORT, "leftovers", reading, otherwise=None)
        if holdings is None:
            return failure
        found = of_leftovers(holdings, addresses=addresses, has_passed=has_passed)
        return await compared(Section.TELEPORT, "leftovers", lambda: found)

    async def _scim(self, instance: Instance, inspection: Inspection | None) -> list[Finding]:
        """Check the SCIM endpoint. The tokens are those of the running service, or those in the database."""
        settings, status = self.local.scim, instance.status
        tokens = instance.scim_tokens if instance.holder else inspection.scim_tokens if inspection is not None else 0
        findings = await asyncio.to_thread(check_door, settings, tokens=tokens, clock=self.clock)
        door = status.door if status is not None else None
        findings += of_service(settings, door, is_running=status is not None)
        if door is not None and door.address and settings.public_url is not None:
            counting = partial(scim_failures, self.local.storage.data_dir)
            findings += await check_reach(settings, now=self.clock.now(), failures=counting)
        return findings

    async def _grpc(self, instance: Instance) -> list[Finding]:
        findings = await asyncio.to_thread(check_listener, self.local, self.clock.now())
        listen = self.local.serve.listen
        return [*findings, *await check_listening(listen, is_running=instance.status is not None)]

    async def _okta(self, management: Management, baseline: Baseline, app_id: str | None) -> OktaSide:
        looking = self._look_at_okta(management, baseline, app_id)
        side, failure = await attempted(Section.OKTA, "Okta", looking, otherwise=OktaSide())
        return replace(side, findings=(*side.findings, *failure))

    async def _look_at_okta(self, management: Management, baseline: Baseline, app_id: str | None) -> OktaSide:
        settings = management.settings
        network = await check_network(settings.okta, now=self.clock.now(), environment=self.environment)
        findings = network.findings
        if network.closed:
            everything = "the credential, its permissions, the app and the clock"
            return OktaSide((*findings, Section.OKTA.unchecked(everything, network.closed)))
        if settings.sync.source == "scim" and settings.okta.api_token is None and settings.okta.client_id is None:
            unchecked = Section.OKTA.unchecked("permissions", "sync.source is scim, and there is no credential")
            return OktaSide((*findings, unchecked))
        side = await check_rights(
            settings,
            baseline=baseline,
            clock=self.clock,
            rng=self.rng,
            environment=self.environment,
            app_id=app_id,
            unknown=management.unknown,
        )
        return replace(side, findings=(*findings, *side.findings))
