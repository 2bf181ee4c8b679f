"""The cluster, as the rest of the product sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from teleport_okta.teleport.by_origin import ByOrigin
from teleport_okta.teleport.connection import Connection
from teleport_okta.teleport.dial import CLIENT_VERSION
from teleport_okta.teleport.features import read_cluster
from teleport_okta.teleport.identity_errors import ForeignClusterError, NotAHostIdentityError
from teleport_okta.teleport.locks import Locks
from teleport_okta.teleport.roles import Roles
from teleport_okta.teleport.users import Users

if TYPE_CHECKING:
    import random

    from teleport_okta.clock import Clock
    from teleport_okta.model.teleport import Cluster
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.retry import RetryPolicy


class Teleport:
    """A Teleport cluster: its users, locks and roles, and what it can do.

    Two identities may be at work (`design.md` 5). The host identity writes what is of origin okta; the bot identity,
    where there is one, writes everything else and is asked for what only it may see.
    """

    def __init__(self, host: Connection, bot: Connection | None, *, clock: Clock) -> None:
        self._host = host
        self._bot = bot
        self._known_cluster: Cluster | None = None
        identities = ByOrigin(host, bot)
        self.users = Users(identities, clock)
        self.locks = Locks(identities, clock)
        self.roles = Roles(host, clock)

    @classmethod
    async def connect(
        cls,
        address: str,
        *,
        host: Identity,
        bot: Identity | None = None,
        clock: Clock,
        rng: random.Random,
        policy: RetryPolicy | None = None,
        client_version: str = CLIENT_VERSION,
    ) -> Self:
        """Prepare the connections to the auth server at `address` (host:port); the first call dials.

        Raises IdentityExpiredError or IdentityNotYetValidError, NotAHostIdentityError, or ForeignClusterError when
        the two identities are of different clusters.
        """
        if not host.is_okta_host:
            raise NotAHostIdentityError(host.source, host.subject, host.roles)
        if bot is not None and bot.cluster != host.cluster:
            raise ForeignClusterError(bot.source, bot.cluster, other_source=host.source, other_cluster=host.cluster)
        connections = [
            Connection(address, identity, clock=clock, rng=rng, policy=policy, client_version=client_version)
            for identity in (host, bot)
            if identity is not None
        ]
        return cls(connections[0], connections[1] if bot is not None else None, clock=clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def cluster(self) -> Cluster:
        """Ask the cluster for its name, version and features, anew each time.

        Raises UnavailableError, ClientVersionRefusedError or IdentityExpiredError when it cannot be asked.
        """
        self._known_cluster = await read_cluster(self._host, self._bot)
        return self._known_cluster

    @property
    def known_cluster(self) -> Cluster | None:
        """What the cluster last said of itself, or None before it was asked."""
        return self._known_cluster

    async def aclose(self) -> None:
        """Close the connections. Whoever has calls in flight ends them first."""
        await self._host.aclose()
        if self._bot is not None:
            await self._bot.aclose()
