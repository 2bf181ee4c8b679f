"""The two editions of a cluster, and what Ping says about each (`reference/teleport.md` 7)."""

from __future__ import annotations

from enum import Enum
from typing import Final

from teleport.legacy.client.proto.authservice_pb2 import (
    AccessListFeature,
    AccessRequestsFeature,
    EntitlementInfo,
    Features,
)

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


class Edition(Enum):
    """Enterprise, or Community as anybody can download it."""

    ENTERPRISE = "ent"
    COMMUNITY = "oss"

    @property
    def enterprise(self) -> bool:
        """Whether the Enterprise services and fields exist."""
        return self is Edition.ENTERPRISE

    def features(self, *, with_entitlements: bool = True) -> Features:
        """Return the feature flags of Ping: the entitlements, and the older booleans beside them.

        A server of a version before the entitlements has the booleans alone.
        """
        ent = self.enterprise
        enabled = frozenset(ENTITLEMENTS) - _NEVER_SOLD if ent else _COMMUNITY_ENTITLEMENTS
        return Features(
            Kubernetes=True,
            App=True,
            DB=True,
            Desktop=True,
            OIDC=ent,
            SAML=ent,
            AccessControls=ent,
            AdvancedAccessWorkflows=ent,
            Plugins=ent,
            IdentityGovernance=ent,
            AccessRequests=AccessRequestsFeature(),
            AccessList=AccessListFeature(),
            entitlements={name: EntitlementInfo(enabled=name in enabled) for name in ENTITLEMENTS if with_entitlements},
        )
