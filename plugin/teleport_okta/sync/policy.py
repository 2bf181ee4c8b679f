"""Settings, organisation and cluster made into the policy of a pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.desired.policy import Policy
from teleport_okta.errors import ConfigError
from teleport_okta.model.names import DEFAULT_ROLE

if TYPE_CHECKING:
    from teleport_okta.config import SyncSettings
    from teleport_okta.model.okta import OktaOrganization
    from teleport_okta.model.teleport import Cluster
    from teleport_okta.teleport.cluster import Teleport


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


async def _default_roles(settings: SyncSettings, cluster: Cluster, teleport: Teleport) -> tuple[str, ...]:
    if settings.default_roles is None:
        return (DEFAULT_ROLE,) if await teleport.roles.get(DEFAULT_ROLE) else ()
    for name in settings.default_roles:
        if await teleport.roles.get(name) is None:
            what = f"sync.default_roles names {name!r}, which is no role of {cluster.name}"
            raise ConfigError(what, remedy="create the role, or correct its name")
    return settings.default_roles
