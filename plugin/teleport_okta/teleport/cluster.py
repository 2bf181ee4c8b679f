"""The cluster: the interface of this package for the rest of the product."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from teleport.legacy.client.proto import authservice_pb2

from teleport_okta.model.teleport import IdentityState
from teleport_okta.teleport.access_lists import AccessLists
from teleport_okta.teleport.app_servers import AppServers
from teleport_okta.teleport.audit_log import AuditLog
from teleport_okta.teleport.connection import Connection
from teleport_okta.teleport.connectors import SamlConnectors
from teleport_okta.teleport.convert_watch import MEMBER
from teleport_okta.teleport.dial import CLIENT_VERSION
from teleport_okta.teleport.feature_history import FeatureHistory
from teleport_okta.teleport.features import read_cluster
from teleport_okta.teleport.identity_errors import ForeignClusterError, IdentityError, NotAHostIdentityError
from teleport_okta.teleport.identity_router import IdentityRouter
from teleport_okta.teleport.identity_states import NO_BOT, state_of
from teleport_okta.teleport.import_rules import ImportRules
from teleport_okta.teleport.lease import Holder, Lease
from teleport_okta.teleport.locks import Locks
from teleport_okta.teleport.own_locks import OwnLocks
from teleport_okta.teleport.plugins import Plugins
from teleport_okta.teleport.roles import Roles
from teleport_okta.teleport.teleport_errors import InvalidArgumentError, PermissionDeniedError, RpcError
from teleport_okta.teleport.user_groups import UserGroups
from teleport_okta.teleport.users import Users
from teleport_okta.teleport.watch import Watch, kinds_to_watch

if TYPE_CHECKING:
    import random
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.model.teleport import Cluster, Outage
    from teleport_okta.teleport.convert_watch import Seen
    from teleport_okta.teleport.identity import Identity
    from teleport_okta.teleport.retry import RetryPolicy
    from teleport_okta.teleport.route import Route

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opener:
    """How connections to a cluster are opened, for either identity."""

    route: Route
    directory: Path
    clock: Clock
    rng: random.Random
    policy: RetryPolicy | None = None
    client_version: str = CLIENT_VERSION

    async def open(self, identity: Identity) -> Connection:
        """Prepare a connection; raises IdentityExpiredError or IdentityNotYetValidError."""
        return await Connection.open(
            self.route,
            identity,
            directory=self.directory,
            clock=self.clock,
            rng=self.rng,
            policy=self.policy,
            client_version=self.client_version,
        )


class Teleport:
    """A Teleport cluster: its users, locks, roles, apps and lists, and its features.

    There are up to two identities (`docs/design.md` 5). The host identity writes objects of origin okta; the bot
    identity, if there is one, writes all others and reads what the host may not. Both can be replaced while calls are
    in flight. With a `lease`, only its holder writes.
    """

    def __init__(
        self,
        host: Connection,
        bot: Connection | None,
        *,
        clock: Clock,
        lease: Lease | None = None,
        opener: Opener | None = None,
    ) -> None:
        self.host = host
        self.lease = lease
        self._clock = clock
        self._opener = opener
        self._known_cluster: Cluster | None = None
        self._features = FeatureHistory(clock)
        self._identities = IdentityRouter(host, bot, lease)
        self._bot_source = ""
        self._problems: dict[str, str] = {}
        self._changing_bot = asyncio.Lock()
        host.own_locks = OwnLocks("host", self._locks_as_bot, clock)
        self.users = Users(self._identities, clock)
        self.locks = Locks(self._identities, clock)
        self.roles = Roles(self._identities, clock)
        self.user_groups = UserGroups(self._identities, clock)
        self.app_servers = AppServers(self._identities, clock)
        self.access_lists = AccessLists(self._identities, clock)
        self.import_rules = ImportRules(self._identities)
        self.connectors = SamlConnectors(self._identities)
        self.plugins = Plugins(self._identities, clock)
        self.audit_log = AuditLog(self._identities)

    @classmethod
    async def connect(
        cls,
        route: Route,
        *,
        host: Identity,
        bot: Identity | None = None,
        spare_host: Identity | None = None,
        directory: Path,
        clock: Clock,
        rng: random.Random,
        holder: Holder | None = None,
        policy: RetryPolicy | None = None,
        client_version: str = CLIENT_VERSION,
    ) -> Self:
        """Prepare the connections by this route; the first call dials.

        `spare_host` is the host's previous identity, to fall back on. `directory` is a private one, for sockets. With a
        `holder`, which names this process, writes need the lease of the owner. Raises IdentityExpiredError or
        IdentityNotYetValidError, NotAHostIdentityError, or ForeignClusterError when the two identities are of
        different clusters.
        """
        if not host.is_okta_host:
            raise NotAHostIdentityError(host.source, host.subject, host.roles)
        opener = Opener(route, directory, clock, rng, policy, client_version)
        if bot is not None and bot.cluster == host.cluster:
            # There may have been a rotation while we were down; tbot's file has the present CAs.
            host = host.trusting(bot.ca_pems)
        connection = await opener.open(host)
        connection.previous_identity = spare_host
        lease = Lease(connection, holder=holder, clock=clock) if holder else None
        teleport = cls(connection, None, clock=clock, lease=lease, opener=opener)
        if bot is not None:
            try:
                teleport._identities.bot = await teleport._open_bot(bot)
            except BaseException:
                await teleport.aclose()
                raise
        return teleport

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def cluster(self) -> Cluster:
        """Read the cluster's name, version and features; nothing is cached.

        A feature that comes and goes, or whose probe failed, is unknown (`teleport/feature_history.py`).

        Raises UnavailableError, ClientVersionRefusedError or IdentityExpiredError if the cluster cannot be asked, and
        ServerTooOldError.
        """
        self._known_cluster = self._features.settled(await read_cluster(self.host, self.bot))
        return self._known_cluster

    async def ping(self) -> None:
        """Ping the cluster. Raises UnavailableError, ClientVersionRefusedError or another TeleportError."""
        request = authservice_pb2.PingRequest()
        await self.host.call(self.host.auth.Ping, request, name="AuthService/Ping", subject="the cluster")

    async def watch(self) -> Watch:
        """Open a watch of every kind that the cluster has, and return it. The caller closes it.

        The bot watches, because the host may not watch members. The host watches if there is no bot, the bot's
        certificate has expired, or the bot is refused. Raises PermissionDeniedError, UnavailableError or another
        TeleportError.
        """
        kinds = kinds_to_watch(self._known_cluster)
        bot = self.bot
        if bot is not None and self._clock.now() < bot.identity.not_after:
            watch = Watch(bot, kinds)
            try:
                await watch.open()
            except (PermissionDeniedError, InvalidArgumentError) as error:
                _log.warning("the bot may not watch the cluster, so the host does, without members: %s", error)
            else:
                return watch
        watch = Watch(self.host, kinds)
        await watch.open()
        return watch

    async def bot_may_watch_members(self) -> bool:
        """Whether the bot could watch members of access lists now, which the host may not."""
        bot = self.bot
        if bot is None or self._clock.now() >= bot.identity.not_after:
            return False
        async with Watch(bot, [MEMBER]) as watch:
            try:
                return MEMBER in await watch.open()
            except RpcError as error:
                _log.debug("the bot may not watch members: %s", error)
                return False

    def overwritten(self, seen: Seen) -> None:
        """Note that another party wrote or deleted a watched object: our own recent write of it is forgotten."""
        match seen.kind:
            case "user":
                self.users.overwritten(seen.name)
            case "lock":
                self.locks.overwritten(seen.name)
            case "role":
                self.roles.overwritten(seen.name)
            case "user_group":
                self.user_groups.overwritten(seen.name)
            case "app_server":
                self.app_servers.overwritten(seen.name)
            case "access_list":
                self.access_lists.overwritten(seen.name)
            case "member":
                self.access_lists.member_overwritten(seen.list_name, seen.name)

    @property
    def bot(self) -> Connection | None:
        """The connection as the bot, if there is one."""
        return self._identities.bot

    @property
    def known_cluster(self) -> Cluster | None:
        """The answer to the last `look`; None before the first."""
        return self._known_cluster

    @property
    def outage(self) -> Outage | None:
        """The present outage for the host identity: since when, and the last error. None while calls are answered."""
        return self.host.answering.outage

    @property
    def is_writer(self) -> bool:
        """Whether this process may write now: it holds the lease, or needs none."""
        return self.lease is None or self.lease.is_held

    @property
    def write_trouble(self) -> str:
        """Why the lease of this process cannot be renewed or taken again; empty if it can."""
        return "" if self.lease is None else self.lease.trouble

    async def take_host(self, identity: Identity) -> None:
        """Switch to this host identity once it has carried a call; on RpcError or IdentityError nothing changes."""
        await self.host.renew(identity)

    async def share_cas(self) -> None:
        """Give the bot the CAs of the host as well, since a rotation reaches the bot's file later.

        If the bot cannot connect now, it stays as it is: it gets them the next time, or with its next file.
        """
        async with self._changing_bot:
            bot = self.bot
            if bot is None or (identity := bot.identity.trusting(self.host.identity.ca_pems)) is bot.identity:
                return
            try:
                await bot.renew(identity)
            except (RpcError, IdentityError) as error:
                _log.info("the bot does not have the present CAs of the cluster yet: %s", error)

    def is_bot_in_use(self, identity: Identity) -> bool:
        """Whether the bot's connection uses this certificate and trusts its CAs."""
        used = self.bot.identity if self.bot is not None else None
        return (
            used is not None
            and used.certificate_pem == identity.certificate_pem
            and used.trusting(identity.ca_pems) is used
        )

    async def take_bot(self, identity: Identity) -> None:
        """Switch to this bot identity once it has carried a call; on RpcError or IdentityError nothing changes."""
        async with self._changing_bot:
            bot = self.bot
            if bot is not None:
                self._check_bot(identity)
                await bot.renew(identity.trusting(self.host.identity.ca_pems))
                return
            bot = await self._open_bot(identity)
            try:
                await bot.probe()
            except BaseException:
                await bot.aclose()
                raise
            self._identities.bot = bot

    def note_problem(self, which: str, problem: str, *, source: str = "") -> bool:
        """Remember the problem of an identity (`which`: host or bot; empty: none); return whether it is a new one."""
        is_new = problem != self._problems.get(which, "")
        self._problems[which] = problem
        if which == "bot" and source:
            self._bot_source = source
        return is_new and bool(problem)

    def identities(self, now: datetime) -> tuple[IdentityState, ...]:
        """Return both identities, with their problems."""
        bot = self.bot
        if bot is None:
            second = IdentityState("bot", self._bot_source, problem=self._problems.get("bot") or NO_BOT)
        else:
            second = state_of("bot", bot.identity, now, self._problem("bot", bot))
        return state_of("host", self.host.identity, now, self._problem("host", self.host)), second

    async def aclose(self) -> None:
        """Close the connections. The caller has ended the calls in flight."""
        await self.host.aclose()
        if self.bot is not None:
            await self.bot.aclose()

    async def _open_bot(self, identity: Identity) -> Connection:
        self._check_bot(identity)
        assert self._opener is not None  # noqa: S101 - who has no opener replaces no identity
        bot = await self._opener.open(identity.trusting(self.host.identity.ca_pems))
        bot.own_locks = OwnLocks("bot", self.host.locks_of_other, self._clock)
        return bot

    async def _locks_as_bot(self, request: authservice_pb2.GetLocksRequest) -> authservice_pb2.GetLocksResponse | None:
        return None if self.bot is None else await self.bot.locks_of_other(request)

    def _problem(self, which: str, connection: Connection) -> str:
        """Return the problem of an identity: the lock on it if there is one, or the noted one."""
        locked = "" if connection.own_locks is None else connection.own_locks.problem
        return locked or self._problems.get(which, "")

    def _check_bot(self, identity: Identity) -> None:
        host = self.host.identity
        if identity.cluster != host.cluster:
            raise ForeignClusterError(
                identity.source, identity.cluster, other_source=host.source, other_cluster=host.cluster
            )
