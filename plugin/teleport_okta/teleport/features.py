"""What a cluster can do for us: one harmless call for each feature, and why one is off.

See `docs/reference/teleport.md` 7.

A probe that fails without a clear answer says nothing: the feature is unknown. An outage of everything raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from teleport.accesslist.v1 import accesslist_service_pb2
from teleport.legacy.client.proto import authservice_pb2
from teleport.legacy.client.proto.authservice_pb2 import EntitlementInfo
from teleport.okta.v1 import okta_service_pb2
from teleport.plugins.v1 import plugin_service_pb2
from teleport.users.v1 import users_service_pb2

from teleport_okta.model.teleport import Cluster, Feature
from teleport_okta.teleport.gates import gate_for, version_warnings
from teleport_okta.teleport.identity_errors import IdentityError
from teleport_okta.teleport.teleport_errors import (
    FeatureUnavailableError,
    NotFoundError,
    PermissionDeniedError,
    RpcError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport.legacy.client.proto.authservice_pb2 import Features, PingResponse

    from teleport_okta.teleport.connection import Connection

_NOBODY: Final = "teleport-okta-probe"
"""A name that nothing has: reading it costs nothing, and NOT_FOUND proves the permission."""


@dataclass(frozen=True, slots=True)
class _Probe:
    feature: str
    identity: Literal["host", "bot"]
    call: Callable[[Connection], Awaitable[object]]


async def read_cluster(host: Connection, bot: Connection | None) -> Cluster:
    """Return the cluster's name, version and features.

    Raises ServerTooOldError, and UnavailableError and its like during an outage.
    """
    ping = await _ping(host)
    warnings = version_warnings(ping.ServerVersion)
    features = [_saml(ping.ServerFeatures), _review_requests(ping.ServerFeatures)]
    probing = _Probing(host, bot, ping.ServerVersion)
    features += [await probing.feature(probe) for probe in _PROBES]
    return Cluster(
        name=ping.ClusterName,
        version=ping.ServerVersion,
        features=tuple(sorted(features, key=lambda feature: feature.name)),
        warnings=warnings,
        access_list_limit=_access_list_limit(ping.ServerFeatures),
        proxy_address=ping.ProxyPublicAddr,
    )


async def _ping(connection: Connection) -> PingResponse:
    """Ask until there is an answer: a server that cannot read its own settings sends an empty one."""
    attempts = connection.attempts()
    while True:
        reply = await connection.call(
            connection.auth.Ping, authservice_pb2.PingRequest(), name="AuthService/Ping", subject="the cluster"
        )
        if reply.ClusterName and reply.ServerVersion:
            return reply
        await attempts.pause(UnavailableError("AuthService/Ping", "the cluster", "the answer is empty"))


def _saml(features: Features) -> Feature:
    """SAML is an entitlement: without it every write of a connector is refused, and nobody can sign in through one."""
    entitled = features.entitlements["SAML"].enabled if "SAML" in features.entitlements else features.SAML
    return Feature(
        "saml",
        enabled=entitled,
        reason="" if entitled else "the cluster has no SAML entitlement (Teleport Enterprise has)",
    )


def _review_requests(features: Features) -> Feature:
    """A role that reviews requests is refused where the workflows are not licensed.

    See `docs/reference/teleport.md` 4.3.
    """
    return Feature(
        "review_requests",
        enabled=features.AdvancedAccessWorkflows,
        reason=""
        if features.AdvancedAccessWorkflows
        else "the cluster's licence has no access requests with reviews (Teleport Enterprise has)",
    )


def _access_list_limit(features: Features) -> int | None:
    """Return how many access lists there may be (`docs/reference/teleport.md` 4.9, 7.3); None: any number.

    Identity Governance lifts the limit. Without it the first list is always allowed, and further ones up to the number
    that the licence names; one that is enabled and names none sets no limit. Servers that name no entitlements say
    both with older fields.
    """
    if features.entitlements:
        lists = features.entitlements.get("AccessLists") or EntitlementInfo()
        governance = features.entitlements.get("Identity") or EntitlementInfo()
        governed, enabled, limit = governance.enabled, lists.enabled, lists.limit
    else:
        governed, enabled, limit = features.IdentityGovernance, True, features.AccessList.create_limit
    if governed or (enabled and limit == 0):
        return None
    return max(1, limit) if enabled else 1


class _Probing:
    """Makes the probes of one moment. What is not answered at all for one identity is not asked again for it."""

    def __init__(self, host: Connection, bot: Connection | None, server_version: str) -> None:
        self._connections = {"host": host, "bot": bot}
        self._server_version = server_version
        self._without_bot = ""

    async def feature(self, probe: _Probe) -> Feature:
        """Return what a probe says. Raises UnavailableError in an outage, and IdentityError of the host."""
        gate = gate_for(probe.feature, self._server_version)
        if gate is not None:
            reason = f"not used on {self._server_version}: {gate.why}; {gate.remedy}"
            return Feature(probe.feature, enabled=False, reason=reason, gated=True)
        connection = self._connections[probe.identity]
        if connection is None:
            return Feature(
                probe.feature, enabled=False, reason="needs the bot's identity: set teleport.identity to its file"
            )
        if probe.identity == "bot" and self._without_bot:
            return _unknown(probe, self._without_bot)
        return await self._asked(probe, connection)

    async def _asked(self, probe: _Probe, connection: Connection) -> Feature:
        """Make a probe's call; an object that does not exist proves that we may look for it."""
        try:
            await probe.call(connection)
        except NotFoundError:
            return Feature(probe.feature, enabled=True)
        except RpcError as error:
            return await self._without(probe, connection, error)
        except IdentityError as error:
            if probe.identity == "host":
                raise
            return Feature(probe.feature, enabled=False, reason=str(error))
        return Feature(probe.feature, enabled=True)

    async def _without(self, probe: _Probe, connection: Connection, error: RpcError) -> Feature:
        """Return what a probe that failed says; raises its error in an outage."""
        if isinstance(error, FeatureUnavailableError):
            reason = f"this cluster does not offer it (Community edition, or too old): {error.details}"
            return Feature(probe.feature, enabled=False, reason=reason)
        if isinstance(error, PermissionDeniedError):
            reason = f"the {probe.identity} identity may not use it: {error.details}"
            return Feature(probe.feature, enabled=False, reason=reason, denied=True)
        if isinstance(error, UnavailableError):
            await self._outlive(probe, connection, error)
        return _unknown(probe, str(error))

    async def _outlive(self, probe: _Probe, connection: Connection, error: UnavailableError) -> None:
        """Raise the error of a call without an answer when the host gets none at all; note when the bot gets none."""
        if await connection.answers():
            return
        if probe.identity == "host":
            raise error
        self._without_bot = str(error)


def _unknown(probe: _Probe, reason: str) -> Feature:
    return Feature(probe.feature, enabled=False, unknown=True, reason=f"it is not known: {reason}")


async def _list_users(connection: Connection) -> None:
    await connection.call(
        connection.users.ListUsers,
        users_service_pb2.ListUsersRequest(page_size=1),
        name="UsersService/ListUsers",
        subject="users",
    )


async def _get_user(connection: Connection) -> None:
    await connection.call(
        connection.users.GetUser,
        users_service_pb2.GetUserRequest(name=_NOBODY),
        name="UsersService/GetUser",
        subject="users",
    )


async def _get_lock(connection: Connection) -> None:
    await connection.call(
        connection.auth.GetLock,
        authservice_pb2.GetLockRequest(Name=_NOBODY),
        name="AuthService/GetLock",
        subject="locks",
    )


async def _list_roles(connection: Connection) -> None:
    await connection.call(
        connection.auth.ListRoles,
        authservice_pb2.ListRolesRequest(Limit=1),
        name="AuthService/ListRoles",
        subject="roles",
    )


async def _list_app_servers(connection: Connection) -> None:
    await connection.call(
        connection.auth.ListResources,
        authservice_pb2.ListResourcesRequest(ResourceType="app_server", Namespace="default", Limit=1),
        name="AuthService/ListResources",
        subject="app servers",
    )


async def _list_user_groups(connection: Connection) -> None:
    await connection.call(
        connection.auth.ListUserGroups,
        authservice_pb2.ListUserGroupsRequest(Limit=1),
        name="AuthService/ListUserGroups",
        subject="user groups",
    )


async def _list_access_requests(connection: Connection) -> None:
    await connection.call(
        connection.auth.ListAccessRequests,
        authservice_pb2.ListAccessRequestsRequest(Limit=1),
        name="AuthService/ListAccessRequests",
        subject="access requests",
    )


async def _list_access_lists(connection: Connection) -> None:
    await connection.call(
        connection.access_lists.ListAccessLists,
        accesslist_service_pb2.ListAccessListsRequest(page_size=1),
        name="AccessListService/ListAccessLists",
        subject="access lists",
    )


async def _list_import_rules(connection: Connection) -> None:
    await connection.call(
        connection.okta.ListOktaImportRules,
        okta_service_pb2.ListOktaImportRulesRequest(page_size=1),
        name="OktaService/ListOktaImportRules",
        subject="import rules",
    )


async def _get_plugin(connection: Connection) -> None:
    await connection.call(
        connection.plugins.GetPlugin,
        plugin_service_pb2.GetPluginRequest(name="okta"),
        name="PluginService/GetPlugin",
        subject="plugin 'okta'",
    )


_PROBES: Final = (
    _Probe("users", "host", _list_users),
    _Probe("locks", "host", _get_lock),
    _Probe("roles", "host", _list_roles),
    _Probe("app_servers", "host", _list_app_servers),
    _Probe("user_groups", "host", _list_user_groups),
    _Probe("access_lists", "host", _list_access_lists),
    _Probe("okta_service", "host", _list_import_rules),
    _Probe("adoption", "bot", _get_user),
    _Probe("plugin", "bot", _get_plugin),
    _Probe("access_requests", "bot", _list_access_requests),
)
