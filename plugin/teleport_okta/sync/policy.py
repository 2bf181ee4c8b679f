"""Settings, organisation and cluster made into the policy of a pass.

A feature that the cluster lacks, or may lack, does not end a pass: the policy says what is left as it is. Settings that
have never worked are an error all the same, while no user in the cluster is ours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.import_labels import KIND as IMPORT_RULE
from teleport_okta.desired.policy import Imports, Policy
from teleport_okta.errors import ConfigError
from teleport_okta.model.harm import Limits
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import DEFAULT_ROLE
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, ROLE, USER_GROUP
from teleport_okta.plan.user_facts import owned_names
from teleport_okta.teleport.teleport_errors import RpcError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.model.okta import OktaOrganization
    from teleport_okta.model.teleport import Cluster
    from teleport_okta.settings import AccessListsSettings, BrakeSettings, Settings, SyncSettings
    from teleport_okta.teleport.cluster import Teleport


NO_LISTS: Final = "access_lists.enabled is false"
NO_OWNERS: Final = "access_lists.default_owners is empty"

_PUSHED_ALONE: Final = "no groups and apps are imported but the groups that a SCIM client pushes"

_FEATURES: Final = {
    USER_GROUP: "user_groups",
    APP_SERVER: "app_servers",
    ROLE: "roles",
    IMPORT_RULE: "okta_service",
    ACCESS_LIST: "access_lists",
}
"""The feature of a cluster on which each kind depends."""

_OF_ENTERPRISE: Final = ("saml", "review_requests", "okta_service", "plugin")
"""Other features that the Community edition does not have (`docs/reference/teleport.md` 7)."""


async def resolve(
    settings: SyncSettings, organization: OktaOrganization, cluster: Cluster, teleport: Teleport
) -> Policy:
    """Return the policy of a pass.

    If the settings need something that the cluster lacks (SAML, a default role), no new user is made, and roles are
    left as they are. While no user of the cluster is ours, raises ConfigError instead; or TeleportError if the users
    cannot be read to find that out.
    """
    roles, problem = await _default_roles(settings, cluster, teleport)
    problem = _without_saml(settings, cluster) or problem
    if isinstance(problem, ConfigError) and not owned_names(await teleport.users.list(), organization.id):
        raise problem
    adoption = cluster.feature("adoption")
    return Policy(
        owner=organization.id,
        organization_url=organization.url,
        connector=None if settings.local_users else settings.connector,
        default_roles=roles,
        create_unactivated=settings.create_unactivated,
        lock_suspended=settings.suspended == "lock",
        no_adoption=None if adoption.enabled or adoption.unknown else adoption.reason,
        no_arrivals=None if problem is None else f"no new user is made: {problem}",
    )


def resolve_imports(
    settings: Settings, policy: Policy, cluster: Cluster, host_id: str, *, had_lists: bool = False
) -> Imports:
    """Return what is imported of groups and apps: what the settings want and the cluster can have.

    `had_lists`: the state has access lists of ours, so a cluster that seems to have none is asked again before that is
    believed.
    """
    gives_roles = settings.access_lists.enabled and _has_no_lists(cluster)
    unwanted = "" if gives_roles else _no_lists(settings.access_lists)
    unread = dict(_unread(cluster, (USER_GROUP, APP_SERVER, ROLE, IMPORT_RULE)))
    if not unwanted:
        unread |= _unread(cluster, (ACCESS_LIST,), doubted=had_lists)
    reviews = cluster.feature("review_requests")
    return Imports(
        policy=policy,
        host_id=host_id,
        groups_off=_off(cluster, USER_GROUP),
        apps_off=_off(cluster, APP_SERVER),
        rules_off=_off(cluster, IMPORT_RULE),
        lists_off=unwanted or _off(cluster, ACCESS_LIST),
        roles_off=unwanted or _off(cluster, ROLE) or _denied(cluster, ACCESS_LIST),
        reviews=None if reviews.unknown or reviews.at_first_sight else reviews.enabled,
        default_owners=settings.access_lists.default_owners,
        group_filters=NameFilters.of(settings.access_lists.group_filters),
        app_filters=NameFilters.of(settings.access_lists.app_filters),
        left_out=frozenset(settings.apps.leave_out),
        list_limit=cluster.access_list_limit,
        unread=unread,
        off_at_first_sight=frozenset(
            kind for kind, feature in _FEATURES.items() if cluster.feature(feature).at_first_sight
        ),
        gives_roles=gives_roles,
    )


def limits_of(settings: BrakeSettings) -> Limits:
    """Return the limits of the brake that are configured."""
    return Limits(floor=settings.floor, absent=settings.absent_ratio, stated=settings.stated_ratio)


def pushed_alone(imports: Imports) -> Imports | None:
    """Return what is imported if only pushed groups are; None if no lists are kept."""
    if imports.lists_off:
        return None
    off = _PUSHED_ALONE
    return replace(imports, groups_off=off, apps_off=off, rules_off=off, roles_off="", pushed_alone=True)


def _unread(cluster: Cluster, kinds: Iterable[str], *, doubted: bool = False) -> dict[str, str]:
    """Return the kinds that cannot be read now, with the reason.

    Access lists that are denied are not among them: a licence may deny them for good, so they are off. `doubted`: a
    feature that is off at first sight may be on.
    """
    unread = {}
    for kind in kinds:
        found = cluster.feature(_FEATURES[kind])
        is_denied = found.denied and kind != ACCESS_LIST
        if found.unknown or is_denied or (doubted and found.at_first_sight):
            unread[kind] = f"{found.name}: {found.reason} (it is asked again in the next pass)"
    return unread


def _denied(cluster: Cluster, kind: str) -> str:
    found = cluster.feature(_FEATURES[kind])
    return found.reason if found.denied else ""


def _off(cluster: Cluster, kind: str) -> str:
    found = cluster.feature(_FEATURES[kind])
    return "" if found.enabled or found.unknown else found.reason


def _has_no_lists(cluster: Cluster) -> bool:
    """Whether the cluster certainly has no access lists, so that users get member roles directly.

    One answer is not enough, unless the cluster lacks everything else that the Community edition lacks.
    """
    lists = cluster.feature(_FEATURES[ACCESS_LIST])
    if lists.enabled or lists.unknown or lists.denied or lists.gated:
        return False
    return not (lists.at_first_sight and any(cluster.has(feature) for feature in _OF_ENTERPRISE))


def _no_lists(settings: AccessListsSettings) -> str:
    if not settings.enabled:
        return NO_LISTS
    return "" if settings.default_owners else NO_OWNERS


def _without_saml(settings: SyncSettings, cluster: Cluster) -> ConfigError | None:
    saml = cluster.feature("saml")
    if settings.local_users or saml.enabled:
        return None
    what = f"sync.local_users is false, but {cluster.name} has no SAML sign-in ({saml.reason})"
    return ConfigError(what, remedy="set sync.local_users = true, and invite people with `tctl users reset NAME`")


async def _default_roles(
    settings: SyncSettings, cluster: Cluster, teleport: Teleport
) -> tuple[tuple[str, ...], ConfigError | RpcError | None]:
    """Return the roles that every user gets; or none, and why they are not known."""
    wanted = (DEFAULT_ROLE,) if settings.default_roles is None else settings.default_roles
    found = []
    for name in wanted:
        try:
            role = await teleport.roles.get(name)
        except RpcError as error:
            # An outage ends the pass. A single role that cannot be read does not.
            if isinstance(error, UnavailableError) and not await teleport.host.answers():
                raise
            return (), error
        if role is not None:
            found.append(name)
        elif settings.default_roles is not None:
            what = f"sync.default_roles names {name!r}, which is not a role of {cluster.name}"
            return (), ConfigError(what, remedy="create the role, or correct its name")
    return tuple(found), None
