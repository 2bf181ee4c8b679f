"""Settings, organisation and cluster made into the policy of a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.desired.policy import Imports, Policy
from teleport_okta.errors import ConfigError
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import DEFAULT_ROLE

if TYPE_CHECKING:
    from teleport_okta.model.okta import OktaOrganization
    from teleport_okta.model.teleport import Cluster
    from teleport_okta.settings import AccessListsSettings, Settings, SyncSettings
    from teleport_okta.teleport.cluster import Teleport


NO_LISTS: Final = "access_lists.enabled is false"
NO_OWNERS: Final = "access_lists.default_owners names nobody"


async def resolve(
    settings: SyncSettings, organization: OktaOrganization, cluster: Cluster, teleport: Teleport
) -> Policy:
    """Return the policy of a pass.

    Raises ConfigError when the cluster cannot do what is configured: SAML users without SAML, or a default role that
    does not exist.
    """
    saml = cluster.feature("saml")
    if not settings.local_users and not saml.enabled:
        what = f"sync.local_users is false, but {cluster.name} has no SAML sign-in ({saml.reason})"
        raise ConfigError(what, remedy="set sync.local_users = true, and invite people with `tctl users reset NAME`")
    adoption = cluster.feature("adoption")
    return Policy(
        owner=organization.id,
        organization_url=organization.url,
        connector=None if settings.local_users else settings.connector,
        default_roles=await _default_roles(settings, cluster, teleport),
        create_unactivated=settings.create_unactivated,
        lock_suspended=settings.suspended == "lock",
        no_adoption=None if adoption.enabled else adoption.reason,
    )


def resolve_imports(settings: Settings, policy: Policy, cluster: Cluster, host_id: str) -> Imports:
    """Return what of groups and apps is imported: what is configured, and the cluster can do."""
    unwanted = _no_lists(settings.access_lists)
    return Imports(
        policy=policy,
        host_id=host_id,
        groups_off=_off(cluster, "user_groups"),
        apps_off=_off(cluster, "app_servers"),
        lists_off=unwanted or _off(cluster, "access_lists"),
        roles_off=unwanted or _off(cluster, "roles") or _denied(cluster, "access_lists"),
        reviews=cluster.has("review_requests"),
        default_owners=settings.access_lists.default_owners,
        group_filters=NameFilters.of(settings.access_lists.group_filters),
        app_filters=NameFilters.of(settings.access_lists.app_filters),
        left_out=frozenset(settings.apps.leave_out),
        list_limit=cluster.access_list_limit,
    )


def denied_import(cluster: Cluster) -> str:
    """Say which part of groups and apps the cluster has and does not let us see; empty when there is none.

    What is there is unknown then, so nothing may be planned by what seems not to be. Access lists are no such part: a
    licence may deny them for good, and they stand apart from the rest.
    """
    names = ("user_groups", "app_servers", "okta_service", "roles")
    return "; ".join(f"{name}: {cluster.feature(name).reason}" for name in names if cluster.feature(name).denied)


def _denied(cluster: Cluster, feature: str) -> str:
    found = cluster.feature(feature)
    return found.reason if found.denied else ""


def _off(cluster: Cluster, feature: str) -> str:
    found = cluster.feature(feature)
    return "" if found.enabled else found.reason


def _no_lists(settings: AccessListsSettings) -> str:
    if not settings.enabled:
        return NO_LISTS
    return "" if settings.default_owners else NO_OWNERS


async def _default_roles(settings: SyncSettings, cluster: Cluster, teleport: Teleport) -> tuple[str, ...]:
    if settings.default_roles is None:
        return (DEFAULT_ROLE,) if await teleport.roles.get(DEFAULT_ROLE) else ()
    for name in settings.default_roles:
        if await teleport.roles.get(name) is None:
            what = f"sync.default_roles names {name!r}, which is no role of {cluster.name}"
            raise ConfigError(what, remedy="create the role, or correct its name")
    return settings.default_roles
