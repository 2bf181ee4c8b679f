"""Labels that we write and read (`docs/reference/teleport.md` 5.1, `docs/ownership.md`).

Ours say who owns an object and which Okta object it stands for; the vendor's are what Teleport's own tools read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OWNER: Final = "teleport-okta/owner"
"""The Okta organisation id (`00o…`) on whose behalf we hold the object. Present means: ours to change."""

OKTA_ID: Final = "teleport-okta/id"
"""The id of the Okta object that this one stands for: `00u…` for a user and the lock of a user, `00g…` or `0oa…` for
what is made of a group or an app."""

GROUP_ID: Final = "teleport-okta/group-id"
"""On a user group: the id of its Okta group, by which the member role of the group's list grants it."""

GRANT: Final = "teleport-okta/grant"
"""On a member of a list: where the membership comes from (`docs/design.md` 4.6). One without it was added by people."""

GRANT_IMPORTED: Final = "imported"
"""Okta says so."""

DIRECT_ROLES: Final = "teleport-okta/direct-roles"
"""On a user: the ids of the groups and apps whose member role we put on the user, joined by commas. Such a role is ours
to take off; one that is not named here was given by others."""

ADDED_LABELS: Final = "teleport-okta/added-labels"
"""The keys of the labels that import rules added, joined by commas: they go when the rule does, others stay."""

LEFT_AT: Final = "teleport-okta/left-at"
"""On a leaver's lock: when the person was first locked for leaving, RFC 3339."""

EVIDENCE: Final = "teleport-okta/evidence"
"""On a leaver's lock: on which evidence the person left, `stated` or `absent`."""

APPROVAL: Final = "teleport-okta/approval"
"""On a leaver's lock: the digest by which an operator approved it; such a harm is not counted."""

SCIM_ID: Final = "teleport-okta/scim-id"
"""On a user and its locks: the SCIM id of a person who was provisioned, which so outlives a lost state."""

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
"""What Teleport's tools show instead of a name that is made of an Okta id."""

RESOURCE_TYPE: Final = "teleport.internal/resource-type"
"""Marks the roles that a server brings along (`okta-requester` with the vendor's origin among them)."""


def owner_of(labels: Mapping[str, str]) -> str | None:
    """Return the Okta organisation id of the owner label, or None for an object that is not ours."""
    return labels.get(OWNER) or None


def okta_id_of(labels: Mapping[str, str]) -> str | None:
    """Return the id of the Okta object behind one of ours."""
    return labels.get(OKTA_ID) or None


def is_of_okta(labels: Mapping[str, str]) -> bool:
    """Whether the origin is okta: only the host identity may then change the object, and nobody else."""
    return labels.get(ORIGIN) == ORIGIN_OKTA


def is_leftover(labels: Mapping[str, str]) -> bool:
    """Whether an object carries the vendor's labels and no owner's: another or an earlier integration made it."""
    return owner_of(labels) is None and (is_of_okta(labels) or OKTA_ORG in labels)
