"""Labels that we write and read (`docs/reference/teleport.md` 5.1, `docs/ownership.md`).

Our own ones name the owner of an object and its Okta object; Teleport's own tools read those of the vendor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNER: Final = "teleport-okta/owner"
"""The id of the Okta organisation (`00o…`) that owns the object. Only with it we may change the object."""

OKTA_ID: Final = "teleport-okta/id"
"""The id of the Okta object that this one stands for: `00u…` for a user and the lock of a user, `00g…` or `0oa…` for
what is made of a group or an app."""

GROUP_ID: Final = "teleport-okta/group-id"
"""On a user group: the id of its Okta group, by which the member role of the group's list grants it."""

GRANT: Final = "teleport-okta/grant"
"""On a member of a list: the origin of the membership (`docs/design.md` 4.6). One without it was added by people."""

GRANT_IMPORTED: Final = "imported"
"""The membership comes from Okta."""

DIRECT_ROLES: Final = "teleport-okta/direct-roles"
"""On a user: the ids of the groups and apps whose member role we gave to the user, joined by commas. We may remove such
a role; one that is not named here was given by others."""

ADDED_LABELS: Final = "teleport-okta/added-labels"
"""The keys of the labels that import rules added, joined by commas: they are removed with the rule, others stay."""

LEFT_AT: Final = "teleport-okta/left-at"
"""On a leaver's lock: when the person was first locked for leaving, RFC 3339."""

EVIDENCE: Final = "teleport-okta/evidence"
"""On a leaver's lock: the evidence, `stated` or `absent`."""

APPROVAL: Final = "teleport-okta/approval"
"""On a leaver's lock: the digest under which it was approved; approved harm is not counted."""

SCIM_ID: Final = "teleport-okta/scim-id"
"""On a user and its locks: the SCIM id of a provisioned person, so that it survives a lost state."""

ORIGIN: Final = "teleport.dev/origin"
"""The vendor's provenance label; ORIGIN_OKTA binds users, locks and app servers to the host role Okta."""

ORIGIN_OKTA: Final = "okta"

OKTA_ORG: Final = "okta/org"
"""The vendor's label with the URL of the organisation that the object came from."""

APP_ID: Final = "teleport.internal/okta-app-id"
"""On apps and app servers: the id of the Okta app, by which roles grant it."""

APP_NAME: Final = "teleport.internal/okta-app-name"
APP_DESCRIPTION: Final = "teleport.internal/okta-app-description"
GROUP_NAME: Final = "teleport.internal/okta-group-name"
GROUP_DESCRIPTION: Final = "teleport.internal/okta-group-description"
ROLE_NAME: Final = "teleport.internal/okta-role-name"
"""Teleport's tools show these instead of a name that contains an Okta id."""

RESOURCE_TYPE: Final = "teleport.internal/resource-type"
"""Marks the preset roles of a server, including `okta-requester`, which has the vendor's origin."""


def owner_of(labels: Mapping[str, str]) -> str | None:
    """Return the Okta organisation id of the owner label, or None for an object that is not ours."""
    return labels.get(OWNER) or None


def okta_id_of(labels: Mapping[str, str]) -> str | None:
    """Return the id of the Okta object behind one of ours."""
    return labels.get(OKTA_ID) or None


def is_of_okta(labels: Mapping[str, str]) -> bool:
    """Whether the origin is okta: then only the host identity may change the object."""
    return labels.get(ORIGIN) == ORIGIN_OKTA


def is_leftover(labels: Mapping[str, str]) -> bool:
    """Whether an object has the vendor's labels and no owner: another or an earlier integration created it."""
    return owner_of(labels) is None and (is_of_okta(labels) or OKTA_ORG in labels)
