"""The wanted content of a user: a new one, and one that was found, with the fields that are ours set right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.desired.traits import okta_traits, ordered_as
from teleport_okta.model import labels
from teleport_okta.model.teleport import ConnectorRef, TeleportUser

if TYPE_CHECKING:
    from teleport_okta.desired.people import WantedUser
    from teleport_okta.desired.policy import Policy


def new_user(wanted: WantedUser, policy: Policy) -> TeleportUser:
    """Return the user to create for a person."""
    connector = policy.connector and ConnectorRef("saml", policy.connector, wanted.name)
    return TeleportUser(
        name=wanted.name,
        labels=_labels(wanted, policy) | {labels.OKTA_ORG: policy.organization_url},
        roles=policy.default_roles,
        traits=wanted.traits(),
        connector=connector or None,
    )


def repaired_user(found: TeleportUser, wanted: WantedUser, policy: Policy) -> TeleportUser:
    """Return the user with our fields set right, and everything else as it was found.

    The origin label and the label of the organisation's address are set at creation and stay as they are: Teleport does
    not let the origin change, and a new custom domain is no reason to write every user.
    """
    ours = _who(wanted, policy)
    if labels.OKTA_ORG not in found.labels:
        ours[labels.OKTA_ORG] = policy.organization_url
    wanted_traits = ordered_as(found.traits, wanted.traits())
    traits = found.traits
    if okta_traits(found.traits) != wanted_traits:
        theirs = {name: values for name, values in found.traits.items() if name not in okta_traits(found.traits)}
        traits = theirs | wanted_traits
    missing = tuple(role for role in policy.default_roles if role not in found.roles)
    return replace(
        found,
        labels={**found.labels, **ours},
        roles=(*found.roles, *missing),
        traits=traits,
        expires=None,
    )


def _labels(wanted: WantedUser, policy: Policy) -> dict[str, str]:
    return {**_who(wanted, policy), labels.ORIGIN: labels.ORIGIN_OKTA}


def _who(wanted: WantedUser, policy: Policy) -> dict[str, str]:
    """Return the labels for the owner of a user and the person it stands for."""
    who = {labels.OWNER: policy.owner, labels.OKTA_ID: wanted.okta_id}
    return {**who, labels.SCIM_ID: wanted.person.scim_id} if wanted.person.scim_id else who
