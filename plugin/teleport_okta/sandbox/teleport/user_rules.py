"""Checks and defaults of a user before it is stored (`docs/reference/teleport.md` 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.types.types_pb2 import MFA_DEVICE_KIND_TOTP, MFA_DEVICE_KIND_UNSET

from .metadata import YEAR_ONE, check_metadata
from .refusal import bad_parameter, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from teleport.legacy.types.types_pb2 import MFADevice, RoleV6, UserV2

    from .store import Store


def check_user(user: UserV2, roles: Store[RoleV6]) -> None:
    """Refuse a user with bad metadata, a nameless OIDC identity or a role that does not exist."""
    user.Kind, user.Version = "user", "v2"
    check_metadata(user.Metadata)
    for identity in user.Spec.OIDCIdentities:
        if not identity.ConnectorID:
            raise bad_parameter("ConnectorID: missing value")
        if not identity.Username:
            raise bad_parameter("Username: missing username")
    for role in user.Spec.Roles:
        if roles.get(role) is None:
            raise not_found(f"role {role} is not found")


def complete_user(user: UserV2, devices: Mapping[str, Sequence[MFADevice]]) -> None:
    """Remove secrets, set the weakest MFA device, and set the fields that the server always sends.

    Times that it cannot omit are sent as the year 1.
    """
    has_device = bool(devices.get(user.Metadata.Name))
    user.Status.mfa_weakest_device = MFA_DEVICE_KIND_TOTP if has_device else MFA_DEVICE_KIND_UNSET
    spec = user.Spec
    spec.ClearField("LocalAuth")
    spec.Traits.SetInParent()
    if not spec.HasField("Expires"):
        spec.Expires.seconds = YEAR_ONE
    if not spec.CreatedBy.HasField("Time"):
        spec.CreatedBy.Time.seconds = YEAR_ONE
    if not spec.Status.HasField("LockedTime"):
        spec.Status.LockedTime.seconds = YEAR_ONE
    if not spec.Status.HasField("LockExpires"):
        spec.Status.LockExpires.seconds = YEAR_ONE
