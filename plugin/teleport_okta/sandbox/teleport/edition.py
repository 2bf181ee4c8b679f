"""The two editions of a cluster, and the answers of Ping for each (`docs/reference/teleport.md` 7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from teleport.legacy.client.proto.authservice_pb2 import (
    AccessListFeature,
    AccessRequestsFeature,
    EntitlementInfo,
    Features,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ENTITLEMENTS: Final = (
    "AccessGraphDemoMode",
    "AccessLists",
    "AccessMonitoring",
    "AccessRequests",
    "App",
    "CloudAuditLogRetention",
    "DB",
    "Desktop",
    "DeviceTrust",
    "ExternalAuditStorage",
    "FeatureHiding",
    "HSM",
    "Identity",
    "JoinActiveSessions",
    "K8s",
    "LicenseAutoUpdate",
    "MobileDeviceManagement",
    "OIDC",
    "OktaSCIM",
    "OktaUserSync",
    "Policy",
    "SAML",
    "SessionLocks",
    "UnrestrictedManagedUpdates",
    "UpsellAlert",
    "UsageReporting",
)

_COMMUNITY_ENTITLEMENTS: Final = frozenset({"App", "DB", "Desktop", "JoinActiveSessions", "K8s"})
_NEVER_SOLD: Final = frozenset({"AccessGraphDemoMode", "FeatureHiding", "LicenseAutoUpdate", "UpsellAlert"})


@dataclass(frozen=True, slots=True)
class Entitlement:
    """An entitlement of the licence, and its limit (0: no limit)."""

    enabled: bool
    limit: int = 0

    def allows_another(self, count: int) -> bool:
        """Return whether one more may be created when there are `count`."""
        return self.enabled and (self.limit == 0 or count < self.limit)


class Edition(Enum):
    """Enterprise, or Community."""

    ENTERPRISE = "ent"
    COMMUNITY = "oss"

    @property
    def enterprise(self) -> bool:
        """Whether the Enterprise services and fields exist."""
        return self is Edition.ENTERPRISE

    def entitlements(self) -> dict[str, Entitlement]:
        """Return the entitlements of the edition."""
        enabled = frozenset(ENTITLEMENTS) - _NEVER_SOLD if self.enterprise else _COMMUNITY_ENTITLEMENTS
        return {name: Entitlement(name in enabled) for name in ENTITLEMENTS}

    def features(self, entitlements: Mapping[str, Entitlement], *, with_entitlements: bool = True) -> Features:
        """Return the feature flags of Ping: the entitlements, and the older booleans beside them.

        An older server has only the booleans.
        """
        ent = self.enterprise
        governance = entitlements["Identity"].enabled
        return Features(
            Kubernetes=True,
            App=True,
            DB=True,
            Desktop=True,
            OIDC=ent,
            SAML=entitlements["SAML"].enabled,
            AccessControls=ent,
            AdvancedAccessWorkflows=ent,
            Plugins=ent,
            IdentityGovernance=governance,
            AccessRequests=AccessRequestsFeature(),
            AccessList=AccessListFeature(create_limit=0 if governance else entitlements["AccessLists"].limit),
            entitlements={
                name: EntitlementInfo(enabled=entitlement.enabled, limit=entitlement.limit)
                for name, entitlement in entitlements.items()
                if with_entitlements
            },
        )
