"""The gRPC services of the auth server, one small file each. A new kind is one more file, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .access_list_members import AccessListMembers
from .access_list_reviews import AccessListReviews
from .access_lists import AccessLists
from .app_servers import AppServers
from .audit_events import AuditEvents
from .auth import AuthFacts
from .empty_listings import EmptyListings
from .join import Joining
from .locks import Locks
from .okta import OktaRules
from .plugins import Plugins
from .resources import Resources
from .roles import Roles
from .saml import SamlConnectors
from .semaphores import Semaphores
from .trust import Trust
from .user_groups import UserGroups
from .users import Users
from .watch import Watches

if TYPE_CHECKING:
    from ..cluster import Cluster
    from ..identity_file import IdentityIssuer


def services_of(cluster: Cluster, issuer: IdentityIssuer) -> list[object]:
    """Return the services that a cluster of this edition registers (`docs/reference/teleport.md` 7.1)."""
    services: list[object] = [
        AuthFacts(cluster, issuer),
        Joining(cluster, issuer),
        Users(cluster),
        Roles(cluster),
        Locks(cluster),
        SamlConnectors(cluster),
        Semaphores(cluster),
        Trust(cluster, issuer),
        UserGroups(cluster),
        AppServers(cluster),
        Resources(cluster),
        AuditEvents(cluster),
        EmptyListings(),
        Watches(cluster),
    ]
    if cluster.edition.enterprise:
        return [
            *services,
            AccessLists(cluster),
            AccessListMembers(cluster),
            AccessListReviews(cluster),
            Plugins(cluster),
            OktaRules(cluster),
        ]
    return services
