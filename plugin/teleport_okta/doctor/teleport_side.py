"""Teleport's side of an examination: the connections, and the checks that need only them."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.access_lists import settled_owners
from teleport_okta.doctor.findings import Section, attempted
from teleport_okta.doctor.teleport_rights import of_greeting, settled_rights
from teleport_okta.doctor.teleport_roles import settled_roles
from teleport_okta.doctor.teleport_route import check_way
from teleport_okta.teleport.cluster import Opener
from teleport_okta.teleport.retry import RetryPolicy
from teleport_okta.teleport.route import ThroughProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from random import Random

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.doctor.identities import Identities
    from teleport_okta.doctor.management import Management
    from teleport_okta.settings import TeleportSettings
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.greeting import Greeting

HERE: Final = Section.TELEPORT

_HASTY: Final = RetryPolicy(budget=10.0)
"""Seconds; a person is waiting for the result."""


@dataclass(frozen=True, slots=True)
class Access:
    """Access to the cluster, with a connection for each identity that it accepts.

    `proxy` is the address of the proxy on the route, empty without one.
    """

    findings: tuple[Finding, ...] = ()
    greeting: Greeting | None = None
    host: Connection | None = None
    bot: Connection | None = None
    proxy: str = ""

    @property
    def reader(self) -> Connection | None:
        """A connection for reads that either identity may do."""
        return self.host or self.bot

    @property
    def has_saml(self) -> bool:
        """Whether people can sign in through SAML connectors."""
        return self.greeting is not None and self.greeting.has_saml


@dataclass(frozen=True, slots=True)
class TeleportSide:
    """The findings, and facts for other checks; what could not be read is empty, or None.

    `proxies` are the known addresses of the cluster's proxy, `written_for` the organisations for which a process writes
    now, `roles` the names of all roles.
    """

    findings: tuple[Finding, ...] = ()
    proxies: tuple[str, ...] = ()
    written_for: frozenset[str] = frozenset()
    roles: frozenset[str] | None = None


@asynccontextmanager
async def cluster_access(
    settings: TeleportSettings, identities: Identities, *, clock: Clock, rng: Random
) -> AsyncIterator[Access]:
    """Connect until the block ends; a failure is a finding."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(_private_directory())
        connecting = _connected(settings, identities, stack, directory, clock=clock, rng=rng)
        access, failure = await attempted(HERE, "Teleport", connecting, otherwise=Access())
        yield replace(access, findings=(*access.findings, *failure))


@contextmanager
def _private_directory() -> Iterator[Path]:
    """Yield a directory for a forwarder's socket. If none can be made, only a route through a proxy fails."""
    with ExitStack() as stack:
        try:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="teleport-okta-doctor-"))
        except OSError:
            made = "/no-directory-for-temporary-files"
        yield Path(made)


async def _connected(
    settings: TeleportSettings,
    identities: Identities,
    stack: AsyncExitStack,
    directory: Path,
    *,
    clock: Clock,
    rng: Random,
) -> Access:
    reached = await check_way(settings, identities, directory=directory, clock=clock)
    if reached.route is None or reached.greeting is None:
        everything = "version, features, permissions, plugins, roles, connector"
        return Access((*reached.findings, HERE.unchecked(everything, "the cluster could not be asked")))
    opener = Opener(reached.route, directory, clock, rng, _HASTY)
    host = await stack.enter_async_context(await opener.open(reached.host)) if reached.host else None
    bot = await stack.enter_async_context(await opener.open(reached.bot)) if reached.bot else None
    proxy = reached.route.address if isinstance(reached.route, ThroughProxy) else ""
    return Access(reached.findings, reached.greeting, host, bot, proxy)


async def look_at_teleport(
    management: Management, access: Access, identities: Identities, clock: Clock
) -> TeleportSide:
    """Check everything but the plugins, the connector and leftovers. A failure is a finding."""
    looking = _look(management, access, identities, clock)
    side, failure = await attempted(HERE, "Teleport", looking, otherwise=TeleportSide())
    return replace(side, findings=(*side.findings, *failure))


async def _look(management: Management, access: Access, identities: Identities, clock: Clock) -> TeleportSide:
    greeting, host, bot, settings = access.greeting, access.host, access.bot, management.settings
    if greeting is None:
        return TeleportSide()
    findings = list(of_greeting(greeting, settings.sync, is_known=not management.unknown))
    rights = await settled_rights(
        host,
        bot,
        joined=identities.joined,
        now=clock.now(),
        is_enterprise=greeting.is_enterprise,
        is_managed=management.local.plugin.name is not None,
    )
    of_roles, roles = await settled_roles(host, bot, settings.sync, clock, bot_roles=identities.bot_roles)
    findings += [*rights.findings, *of_roles]
    if greeting.is_enterprise:
        findings += await settled_owners(host, bot, settings, clock)
    proxies = tuple(address for address in (rights.proxy_address, access.proxy) if address)
    return TeleportSide(tuple(findings), proxies, rights.written_for, roles)
